"""The command palette: every screen, and key of the current screen; `shell.jump` adds the things to go to."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple

from textual import on
from textual.app import App
from textual.binding import ActiveBinding, Binding
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.fuzzy import Matcher
from textual.widgets import Input
from textual.worker import Worker, WorkerError

from pyhall_tui.screens.messages import OpenDemo
from pyhall_tui.shell.app_keys import APP_KEYS
from pyhall_tui.textual_internals import gathering_commands
from pyhall_tui.widgets.dialog import ClosedOnce
from pyhall_tui.widgets.header import SCREEN_TITLES
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.typed_ahead import keys_wait_for

_PLACEHOLDER: Final = "A command, or: worker … event … rule … profile … filter …"
_MOVES: Final = ("cursor(", "page(", "edge(", "move(", "step(", "list(", "focus_next", "focus_previous", "app.focus_")
"""How the actions begin that only move the cursor or the focus, or scroll."""


class Command(NamedTuple):
    """One line of the palette."""

    title: str
    run: Callable[[], object]
    help: str


class Palette(CommandPalette, ClosedOnce[None]):
    """Textual's palette, but a second Enter does not close another screen, and Enter waits for what was typed."""

    DEFAULT_CSS = "Palette SearchIcon { display: none; } /* two cells wide, or one: terminals differ */"

    def __init__(self) -> None:
        super().__init__(placeholder=_PLACEHOLDER, id="--command-palette")

    @on(Input.Submitted)
    def _wait_for_results(self, event: Input.Submitted) -> None:
        """Act only on what the typed text finds: until that is listed, the list is still that of an earlier text."""
        work = gathering_commands(self)
        if work is None:
            return
        event.prevent_default()
        event.stop()
        keys_wait_for(self, self.run_worker(self._act_after(work, event), exit_on_error=False, group="enter"))

    async def _act_after(self, work: Worker[Any], event: Input.Submitted) -> None:
        with suppress(WorkerError):
            await work.wait()
        self.post_message(Input.Submitted(event.input, event.value))


class PyHallCommands(Provider):
    """Finds commands; they are the same as those of the keys and the bar."""

    async def discover(self) -> Hits:
        for command in commands(self.app, self.screen.active_bindings.values()):
            yield DiscoveryHit(Content(command.title), command.run, text=command.title, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in commands(self.app, self.screen.active_bindings.values()):
            score = matcher.match(command.title)
            if score > 0:
                title = highlighted(matcher, command.title)
                yield Hit(score, title, command.run, text=command.title, help=command.help)


def commands(app: App[Any], bindings: Iterable[ActiveBinding]) -> Iterator[Command]:
    """Yield each command once, under its first title, with all of its keys."""
    for number, (mode, title) in enumerate(SCREEN_TITLES.items()):
        yield Command(
            f"Go to {title}", partial(app.run_action, f"mode('{mode}')"), _key(app, f"app.{mode}", str(number))
        )
    yield Command("Open the demo", partial(app.post_message, OpenDemo()), "The embedded hall; no account needed")
    yield from _of_keys(app, bindings)
    clicks = bool(app.check_action("mouse", (True,)))
    mouse = "app.take_mouse" if clicks else "app.give_mouse"
    title = "Take the mouse back from the terminal" if clicks else "Select text with the mouse"
    yield Command(title, partial(app.run_action, f"mouse({clicks})"), _key(app, mouse, "M"))
    yield Command("Quit", partial(app.run_action, "quit"), _key(app, "app.quit", "q"))


def _key(app: App[Any], id_: str, own: str) -> str:
    return f"Key {key_name(app, id_, own)}"


def _of_keys(app: App[Any], bindings: Iterable[ActiveBinding]) -> Iterator[Command]:
    """Yield what the keys of the screen and of the app do, the screen's first.

    The app's are all of its keys: a field takes some as text, and a screen has another use for some.
    """
    titles: dict[tuple[DOMNode, str], str] = {}
    keys: dict[tuple[DOMNode, str], list[str]] = {}
    active = sorted((each for each in bindings if each.enabled), key=lambda each: each.node is app)
    ids = {each.binding.id for each in active}
    own = [(each.node, each.binding) for each in active]
    others = [(app, binding) for binding in APP_KEYS if isinstance(binding, Binding) and binding.id not in ids]
    for owner, binding in [*own, *others]:
        is_the_apps = binding.action.startswith("app.")
        place: tuple[DOMNode, str] = (app if is_the_apps else owner, binding.action.removeprefix("app."))
        if not binding.tooltip or _is_left_out(place):
            continue
        titles.setdefault(place, binding.tooltip)
        shown = app.get_key_display(binding)
        if binding.id not in ids:
            shown = key_name(app, binding.id or "", shown)
        if shown not in keys.setdefault(place, []):
            keys[place].append(shown)
    for place, title in titles.items():
        owner, action = place
        shown_keys = " or ".join(keys[place])
        yield Command(title, partial(app.run_action, action, owner), f"Key {shown_keys}")


_ELSEWHERE: Final = ("mode(", "mouse(", "quit", "command_palette", "show_keys", "suspend_process", "help_quit")
"""How those of the app's actions begin that have a command of their own, or that are keys only."""


def _is_left_out(place: tuple[DOMNode, str]) -> bool:
    node, action = place
    return action.startswith(_MOVES) or (isinstance(node, App) and action.startswith(_ELSEWHERE))


def highlighted(matcher: Matcher, title: str) -> Content:
    """Return a title with the matches highlighted; Textual's own `highlight` reads a profile's name as markup."""
    content = Content(title)
    for offset in matcher.fuzzy_search.match(matcher.query, title)[1]:
        content = content.stylize(matcher.match_style, offset, offset + 1)
    return content
