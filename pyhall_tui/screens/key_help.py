"""The keys of the current screen, from its bindings, searched by what you type."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from pyhall_tui.render.text import clean
from pyhall_tui.widgets.dialog import Dialog, DialogScreen
from pyhall_tui.widgets.field import OneLineInput
from pyhall_tui.widgets.hanging_lines import HangingLine, HangingLines
from pyhall_tui.widgets.key_bar import key_name


class _Line(NamedTuple):
    group: str
    keys: str
    what: str

    def has(self, words: list[str]) -> bool:
        text = f"{self.group} {self.keys} {self.what}".casefold()
        return all(word in text for word in words)


class KeysScreen(DialogScreen[None]):
    """Lists keys, grouped by where they work: the screen's own first, those that work everywhere last."""

    KEEPS_TYPED = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,q,enter", "close", "Close", id="keys.close", tooltip="Close this list"),
        Binding("slash", "search", "Search", key_display="/", id="keys.search", tooltip="Search the keys"),
        Binding("t", "topics", "Topics", id="keys.topics", tooltip="The manual: alarms, policy, security, …"),
    ]
    DEFAULT_CSS = "KeysScreen { Dialog { width: 64; } #keys-search { dock: top; } }"

    def __init__(self, bindings: Mapping[str, ActiveBinding]) -> None:
        super().__init__()
        self._active = bindings
        self._all: list[_Line] = []

    def compose(self) -> ComposeResult:
        self._all = self._lines()
        search = key_name(self, "keys.search", "/")
        with Dialog("Keys", self._hint(), read=True):
            yield OneLineInput(placeholder=f"{search} search by key or by what it does", id="keys-search", compact=True)
            yield Static(Content.from_markup("[@click=screen.topics]The manual's topics[/]\n"), id="keys-topics")
            yield HangingLines(self._listing(self._all), id="keys-list")

    def on_mount(self) -> None:
        self.query_one(Dialog).focus()

    @on(Input.Changed, "#keys-search")
    def _searched(self, message: Input.Changed) -> None:
        message.stop()
        found = [line for line in self._all if line.has(message.value.casefold().split())]
        dialog, typed = self.query_one(Dialog), message.value.strip()
        counted = f"{len(found)} of {len(self._all)} keys · esc clears" if typed else self._hint()
        dialog.border_subtitle = Content(counted)
        nothing = HangingLine(Content(""), Content(f"No key has “{clean(typed, 40)}” in it."))
        self.query_one("#keys-list", HangingLines).show(self._listing(found) if found else [nothing])
        dialog.scroll_home(animate=False)

    @on(Input.Submitted, "#keys-search")
    def _read_on(self) -> None:
        self.query_one(Dialog).focus()

    def action_search(self) -> None:
        self.set_focus(self.query_one("#keys-search", Input))

    def action_leave(self) -> None:
        """Clear the search, or close the list."""
        field = self.query_one("#keys-search", Input)
        if field.value or self.focused is field:
            field.value = ""
            self.set_focus(self.query_one(Dialog))  # at once: the next key may be on its way
        else:
            self.action_close()

    def action_close(self) -> None:
        self.dismiss(None)

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
