"""The keys of the current screen, in one line at the bottom; you can click each of them.

Textual's Footer makes a widget for each key, and makes them all again whenever the focus moves, which takes a third of
the time to open a screen. This is one widget that draws a line.
"""

from functools import partial
from typing import NamedTuple

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from pyhall_tui.render.text import KeyNames
from pyhall_tui.textual_internals import HookedApp
from pyhall_tui.widgets.header import SCREEN_TITLES


def key_name(node: DOMNode, id_: str, default: str) -> str:
    """Return the key of an action, for a text that names it.

    Args:
        node: anything in the app.
        id_: the id of the action's binding.
        default: the name of its own key, which it has unless `config.toml` gives it another one.
    """
    app = node.app
    own = app.own_keys.get(id_) if isinstance(app, HookedApp) else None
    if own is None:
        return default
    from pyhall_tui.config.key_names import character_of  # only if a key has been changed

    return next((character_of(key) or key for key in own), "(no key)")


def key_names(node: DOMNode) -> KeyNames:
    """Return what names the keys of actions, for texts that are made below the screens."""
    return partial(key_name, node)


class Hint(NamedTuple):
    """One key, what it does, and its position."""

    key: str
    shown: str
    description: str
    start: int = 0

    @property
    def width(self) -> int:
        """Its width in cells, including the gap after it."""
        return cell_len(self.shown) + cell_len(self.description) + 3


_WAYS_BACK = ("escape", "backspace")
"""Keys that go back from a screen; in a field they leave it, or delete."""


class KeyBar(Widget):
    """The screen's keys on the left; those that work everywhere on the right, where they are never cut off."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; background: $panel; pointer: pointer; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._hints: list[Hint] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def render(self) -> Content:
        here, everywhere = self._active()
        width = self.size.width
        right = width - sum(hint.width for hint in everywhere)
        self._hints = [*_placed(here, 1, right), *_placed(everywhere, right + 1, width + 1)]
        line, end = Content(""), 0
        for hint in self._hints:
            gap = " " * (hint.start - end)
            line += Content.assemble(gap, (hint.shown, "$accent bold"), (f" {hint.description}", "$secondary"))
            end = hint.start + hint.width - 2
        return line

    def on_click(self, event: events.Click) -> None:
        for hint in self._hints:
            if hint.start <= event.x < hint.start + hint.width - 2:
                self.app.simulate_key(hint.key)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self.refresh()

    def _is_typed(self, key: str, shown: str) -> bool:
        """Whether the focused field takes the key as text; Textual doesn't know this for keys such as `slash`."""
        focused = self.screen.focused
        return focused is not None and len(shown) == 1 and focused.check_consume_key(key, shown)

    def _way_out(self) -> dict[str, Hint]:
        """Return how to leave a field that takes the screen's keys as text; it comes first, so it is never cut off."""
        if self._is_typed("1", "1") and not self.screen.is_modal:
            return {"escape": Hint("escape", "esc", "Leave field")}
        return {}

    def _screens(self) -> dict[str, Hint]:
        """Return the keys that go to a screen from a field too, unless you have given the screens other keys."""
        own = self.app.own_keys if isinstance(self.app, HookedApp) else {}
        if any(f"app.{mode}" in own for mode in SCREEN_TITLES):
            return {}
        return {"screens": Hint("escape", f"alt+0…{len(SCREEN_TITLES) - 1}", "Screens")}

    def _active(self) -> tuple[list[Hint], list[Hint]]:
        here = self._way_out()
        everywhere = self._screens() if here else {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            shown = self.app.get_key_display(binding)
            leaves_field = "escape" in here and binding.key in _WAYS_BACK
            if binding.show and active.enabled and not leaves_field and not self._is_typed(binding.key, shown):
                group = everywhere if active.node is self.app else here
                group.setdefault(binding.action, Hint(binding.key, shown, binding.description))
        return list(here.values()), list(everywhere.values())


def _placed(hints: list[Hint], start: int, end: int) -> list[Hint]:
    """Return those that fit between `start` and `end`, each with its position."""
    placed = []
    for hint in hints:
        if start + hint.width - 2 > end:
            break
        placed.append(hint._replace(start=start))
        start += hint.width
    return placed
