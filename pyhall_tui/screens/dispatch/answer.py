"""The answer: its word in the largest letters on the screen, what is known about it, and the raw exchange."""

from textwrap import wrap

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static, Tab, Tabs

from pyhall_tui.dispatch.result import Result, Tried
from pyhall_tui.dispatch.snippets import snippets
from pyhall_tui.journal.rows import RAW_LIMIT
from pyhall_tui.registry.models import DispatchRequest
from pyhall_tui.render.decision import LOOKS, big_letters, facts, headers_text, pretty, request_text
from pyhall_tui.render.text import Cell, Style, clean_lines, full_time
from pyhall_tui.widgets.cells import STYLES, as_content
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.late import after_refresh

_LABEL = 12
_RAW = {"request": "Request", "response": "Response", "headers": "Headers"}
_SNIPPETS = {"curl": "curl", "python": "Python", "typescript": "TypeScript", "go": "Go"}
_TITLES = _RAW | _SNIPPETS
_NOT_YET = "Nothing has been sent yet."
_UNDER_WAY = "It is being sent."
_SHORT = {"request": "Req", "response": "Resp", "headers": "Hdrs", "python": "Py", "typescript": "TS", "go": "Go"}
_AROUND_TITLE = 2
"""Cells around each tab's title."""


class AnswerView(VerticalScroll, can_focus=False):
    """Shows one answer, and the request for use in other tools."""

    class UseAddress(Message):
        """Put the address that a redirect named into the profile."""

        def __init__(self, url: str) -> None:
            super().__init__()
            self.url = url

    def __init__(self, above: Widget) -> None:
        """`above` is shown above the answer."""
        super().__init__(id="answer")
        self._above = above
        self._tried: Tried | None = None
        self._texts: dict[str, str] = {}
        self._otherwise: dict[str, str] = {}
        """What is shown if there is no text."""

    def compose(self) -> ComposeResult:
        yield self._above
        yield Static(id="big", markup=False)
        yield Static(id="facts", markup=False)
        yield Button("Put the new address into the profile", id="use-address", compact=True)
        yield Tabs(*(Tab(title, id=name) for name, title in _TITLES.items()), id="raw")
        with VerticalScroll(id="raw-scroll"):
            yield Static(_NOT_YET, id="raw-text", markup=False)

    def on_mount(self) -> None:
        self.border_title = "Answer"
        self.query_one("#use-address").display = False
        self.show_hint()

    def show_hint(self, why_not: str = "") -> None:
        """Say how to get an answer, or why there will be none, unless one is shown."""
        if self._tried is None:
            send = key_name(self, "dispatch.send", "ctrl+s")
            how = f"Fill in the request, then press {send}. ALLOW or DENY appears here."
            hint = Cell(why_not, Style.WARNING) if why_not else Cell(how, Style.DIM)
            self.query_one("#facts", Static).update(as_content([hint]))

    def on_resize(self) -> None:
        self._draw_word()
        self._draw_facts()
        after_refresh(self, self._name_tabs)  # a layout that is asked for during one may be forgotten

    def _name_tabs(self) -> None:
        """Shorten the tabs' titles if not all of them fit, so that each can be clicked."""
        needed = sum(len(title) + _AROUND_TITLE for title in _TITLES.values())
        titles = _TITLES if needed <= self.content_size.width else _TITLES | _SHORT
        for tab in self.query(Tab):
            if str(tab.label) != (title := titles[tab.id or ""]):
                tab.label = Content(title)

    @property
    def shown(self) -> Tried | None:
        """The dispatch on screen."""
        return self._tried

    def copied(self) -> tuple[str, str] | None:
        """Return the text of the visible tab, and what it is; None if it is empty."""
        name = self.query_one("#raw", Tabs).active
        text = self._texts.get(name)
        return (text, f"{_TITLES[name]} text") if text else None

    def show_waiting(self, seconds: float) -> None:
        """Say that the request is under way."""
        self._tried = None
        self._dress(None)
        self.border_title = "Answer  … waiting"
        self.query_one("#big", Static).update("")
        waited = f" {seconds:.0f} s" if seconds >= 1 else ""
        self.query_one("#facts", Static).update(f"Waiting for the registry's answer …{waited}")
        if self._otherwise.get("response") != _UNDER_WAY:  # don't show the last one's texts
            for name in ("request", "response", "headers"):
                self._put(name, "", _UNDER_WAY)

    def show_answer(self, tried: Tried, *, from_history: bool = False) -> None:
        """Show one dispatch, a new one or one from the history."""
        self._tried = tried
        look = LOOKS[tried.result]
        self._dress(tried.result)
        self.border_title = f"Answer  {look.glyph} {look.word}"
        self.border_subtitle = f"of {full_time(tried.row.at)}" if from_history else ""
        self._draw_word()
        self._draw_facts()
        self.query_one("#use-address").display = tried.new_url is not None
        self._show_raw(tried)
        self.scroll_home(animate=False)

    def show_snippets(self, registry_url: str, request: DispatchRequest | None) -> None:
        """Show the form's request in each language; if the form can't be sent, say so."""
        texts = snippets(registry_url, request) if request is not None else {}
        for name, title in _SNIPPETS.items():
            self._put(name, texts.get(title, ""), "Fill in the request first: each field says what is missing.")

    @on(Button.Pressed, "#use-address")
    def _use_address(self) -> None:
        if self._tried is not None and self._tried.new_url is not None:
            self.post_message(self.UseAddress(self._tried.new_url))

    def _show_raw(self, tried: Tried) -> None:
        exchange = tried.exchange
        if exchange is not None:
            self._put("request", request_text(exchange))
            self._put("response", pretty(exchange.response_body, exchange.response_size))
            self._put("headers", headers_text(exchange))
            return
        self._put("request", pretty(tried.row.request_raw))
        kept = tried.row.response_raw
        answer = pretty(kept) if kept else ""
        if len(kept) >= RAW_LIMIT:
            answer += f"\n… possibly truncated: at most {RAW_LIMIT:,} bytes are kept."
        self._put("response", answer, "No answer is kept.")
        self._put("headers", "", "Headers are not kept in the journal.")

    def _put(self, name: str, text: str, otherwise: str = "") -> None:
        self._texts[name], self._otherwise[name] = text, otherwise
        if name == self.query_one("#raw", Tabs).active:
            self._draw_raw(name)

    @on(Tabs.TabActivated, "#raw")
    def _raw_chosen(self, message: Tabs.TabActivated) -> None:
        message.stop()
        self._draw_raw(message.tab.id or "")

    def _draw_raw(self, name: str) -> None:
        text = self._texts.get(name)
        shown = clean_lines(text) if text else self._otherwise.get(name, _NOT_YET)
        self.query_one("#raw-text", Static).update(Content(shown))

    def _draw_word(self) -> None:
        tried = self._tried
        if tried is None or not self.is_mounted:
            return
        look = LOOKS[tried.result]
        width = self.content_size.width
        word = big_letters(look.word, width, 5 if self.size.height > 26 else 3)
        self.query_one("#big", Static).update(Content.styled(word, STYLES[look.style]))

    def _draw_facts(self) -> None:
        """Draw one fact below the other; a long one wraps beside its label."""
        if self._tried is None or not self.is_mounted:
            return
        width = max(20, self.content_size.width - _LABEL - 1)
        lines = []
        for fact in facts(self._tried):
            for number, part in enumerate(wrap(fact.value.text, width) or [""]):
                label = "" if number else fact.label
                lines.append(as_content([Cell(label.ljust(_LABEL), Style.DIM), Cell(part, fact.value.style)]))
        self.query_one("#facts", Static).update(Content("\n").join(lines))

    def _dress(self, result: Result | None) -> None:
        for one in Result:
            self.set_class(one is result, f"-{one.value}")
        self.border_subtitle = ""
        if result is None:
            self.query_one("#use-address").display = False
