"""The keys of the current screen, from its bindings, searched by what you type."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from pyhall_tui.render.text import clean
from pyhall_tui.widgets.dialog import Dialog
from pyhall_tui.widgets.hanging_lines import HangingLine, HangingLines
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.searched_dialog import SearchedDialog


class _Line(NamedTuple):
    group: str
    keys: str
    what: str

    def has(self, words: list[str]) -> bool:
        text = f"{self.group} {self.keys} {self.what}".casefold()
        return all(word in text for word in words)


class KeysScreen(SearchedDialog):
    """Lists keys, grouped by where they work: the screen's own first, those that work everywhere last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,q,enter", "close", "Close", id="keys.close", tooltip="Close this list"),
        Binding("slash", "search", "Search", key_display="/", id="keys.search", tooltip="Search the keys"),
        Binding("t", "topics", "Topics", id="keys.topics", tooltip="The manual: alarms, policy, security, …"),
    ]
    DEFAULT_CSS = "KeysScreen Dialog { width: 64; }"

    def __init__(self, bindings: Mapping[str, ActiveBinding]) -> None:
        super().__init__()
        self._active = bindings
        self._all: list[_Line] = []

    def compose(self) -> ComposeResult:
        self._all = self._lines()
        search = key_name(self, "keys.search", "/")
        with Dialog("Keys", self._hint(), read=True):
            yield from self.search_line(f"{search} search by key or by what it does")
            yield Static(Content.from_markup("[@click=screen.topics]The manual's topics[/]\n"), id="keys-topics")
            yield HangingLines(self._listing(self._all), id="keys-list")

    def show_found(self, typed: str) -> str:
        """List the keys that have all of the typed words."""
        found = [line for line in self._all if line.has(typed.casefold().split())]
        nothing = HangingLine(Content(""), Content(f"No key has “{clean(typed, 40)}” in it."))
        self.query_one("#keys-list", HangingLines).show(self._listing(found) if found else [nothing])
        return f"{len(found)} of {len(self._all)} keys · esc clears" if typed else self._hint()

    def action_topics(self) -> None:
        """List the topics of the manual."""
        from pyhall_tui.screens.topics import TopicsScreen

        self.app.push_screen(TopicsScreen())

    def _hint(self) -> str:
        search, topics = key_name(self, "keys.search", "/"), key_name(self, "keys.topics", "t")
        return f"{search} searches · {topics} topics · esc closes"

    def _lines(self) -> list[_Line]:
        groups: dict[str, dict[str, list[str]]] = {}
        for active in sorted(self._active.values(), key=lambda active: not isinstance(active.node, Screen)):
            binding = active.binding
            if not binding.tooltip or binding.system:
                continue
            title = active.node.BINDING_GROUP_TITLE or "Here"
            keys = groups.setdefault(title, {}).setdefault(binding.tooltip, [])
            keys.append(self.app.get_key_display(binding))
        everywhere = self.app.BINDING_GROUP_TITLE
        in_order = sorted(groups.items(), key=lambda group: group[0] == everywhere)  # of this screen first
        return [_Line(title, " ".join(keys), what) for title, entries in in_order for what, keys in entries.items()]

    def _listing(self, lines: list[_Line]) -> list[HangingLine]:
        shown, group, nothing = list[HangingLine](), "", Content("")
        for line in lines:
            if line.group != group:
                group = line.group
                shown += [HangingLine(nothing, nothing)] if shown else []
                shown.append(HangingLine(nothing, Content.styled(group.upper(), "$secondary bold")))
            shown.append(HangingLine(Content.styled(line.keys.ljust(16), "$text-accent"), Content(line.what)))
        return shown
