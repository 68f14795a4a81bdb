"""The manual in the app: the list of its topics, and one of them, searched by what you type."""

from collections.abc import Iterable
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from pyhall_tui.render.text import clean
from pyhall_tui.topics.blocks import Block, Kind, Look, Span, read
from pyhall_tui.topics.lines import as_lines
from pyhall_tui.topics.topics import TOPICS, text_of
from pyhall_tui.widgets.dialog import Dialog, DialogScreen
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.searched_dialog import SearchedDialog

_WIDTH: Final = 84
"""Cells of a text's lines in a wide terminal."""
_AROUND: Final = 12
"""Cells of a dialog's frame, padding and scrollbar, and of the screen beside it."""
_LOOKS: Final = {Look.STRONG: "bold", Look.CODE: "$text-accent"}


class TopicsScreen(DialogScreen[None]):
    """Lists the topics. Enter or a click opens one."""

    KEEPS_TYPED = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", "Close", id="topics.close", tooltip="Close this list"),
    ]
    DEFAULT_CSS = """
    TopicsScreen OptionList, TopicsScreen OptionList:focus {
        height: auto; border: none; padding: 0; background: $surface;
    }
    """

    def compose(self) -> ComposeResult:
        longest = max(map(len, TOPICS))
        with Dialog("Topics", "enter opens · esc closes"):
            yield OptionList(
                *(
                    Option(Content.assemble((f"{name.ljust(longest)}  ", "$text-accent"), line), id=name)
                    for name, line in TOPICS.items()
                ),
            )

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def _open(self, message: OptionList.OptionSelected) -> None:
        message.stop()
        if message.option_id is not None and self.app.screen is self:
            self.app.push_screen(TopicScreen(message.option_id))


class TopicScreen(SearchedDialog):
    """Shows one topic. A search leaves only the paragraphs that have all its words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,enter", "close", "Close", id="topic.close", tooltip="Back to the topics"),
        Binding("slash", "search", "Search", key_display="/", id="topic.search", tooltip="Search this topic"),
    ]
    DEFAULT_CSS = "TopicScreen Dialog { width: 96; }"

    def __init__(self, name: str) -> None:
        super().__init__()
        self._topic = name
        self._blocks: list[Block] = []

    def compose(self) -> ComposeResult:
        title, *self._blocks = read(text_of(self._topic))
        search = key_name(self, "topic.search", "/")
        with Dialog(title.spans[0].text, f"{search} searches · esc closes", read=True):
            yield from self.search_line(f"{search} search this topic")
            yield Static(self._shown(self._blocks), id="topic-text")

    def on_resize(self) -> None:
        """Wrap the text again."""
        self.search_again()

    def show_found(self, typed: str) -> str:
        """Show the paragraphs that have all of the typed words."""
        words = typed.casefold().split()
        found = [block for block in self._blocks if not words or _has(block, words)]
        nothing = Content(f"No paragraph has “{clean(typed, 40)}” in it.")
        self.query_one("#topic-text", Static).update(self._shown(found) if found else nothing)
        if typed:
            return f"{len(found)} of {len(self._blocks)} paragraphs · esc clears"
        return f"{key_name(self, 'topic.search', '/')} searches · esc closes"

    def _shown(self, blocks: Iterable[Block]) -> Content:
        own = (block._replace(spans=tuple(map(self._with_own_key, block.spans))) for block in blocks)
        lines = as_lines(own, min(_WIDTH, max(self.app.size.width - _AROUND, 20)))
        return Content("\n").join(
            Content.assemble(*((span.text, _LOOKS.get(span.look, "")) for span in line)) for line in lines
        )

    def _with_own_key(self, span: Span) -> Span:
        return span._replace(text=key_name(self, span.action, span.text)) if "." in span.action else span


def _has(block: Block, words: Iterable[str]) -> bool:
    text = "".join(span.text for span in block.spans).casefold()
    return block.kind is not Kind.HEADING and all(word in text for word in words)
