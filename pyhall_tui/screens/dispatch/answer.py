"""The answer: its word in the largest letters on the screen, what is known of it, and the raw of both sides."""

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static, TabbedContent, TabPane

from pyhall_tui.dispatch.result import Result, Tried
from pyhall_tui.dispatch.snippets import snippets
from pyhall_tui.registry.models import DispatchRequest
from pyhall_tui.render.decision import LOOKS, big_letters, facts, headers_text, pretty, request_text
from pyhall_tui.render.text import Cell, Style, clean_lines, full_time
from pyhall_tui.widgets.cells import STYLES, as_content

_LABEL = 12
_RAW = {"request": "Request", "response": "Response", "headers": "Headers"}
_SNIPPETS = {"curl": "curl", "python": "Python", "typescript": "TypeScript", "go": "Go"}
_NOT_YET = "Nothing was sent yet."


class AnswerView(VerticalScroll, can_focus=False):
    """Shows one answer, and the request as other tools send it."""

    class UseAddress(Message):
        """The address that a redirect named is to go into the profile."""

        def __init__(self, url: str) -> None:
            super().__init__()
            self.url = url

    def __init__(self, above: Widget) -> None:
        """`above` is shown above the answer."""
        super().__init__(id="answer")
        self._above = above
        self._tried: Tried | None = None
        self._texts: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield self._above
        yield Static(id="big", markup=False)
        yield Static(id="facts", markup=False)
        yield Button("Put the new address into the profile", id="use-address", compact=True)
        with TabbedContent(id="raw"):
            for name, title in (_RAW | _SNIPPETS).items():
                with TabPane(title, id=f"raw-{name}"), VerticalScroll():
                    yield Static(_NOT_YET, id=f"text-{name}", markup=False)

    def on_mount(self) -> None:
        self.border_title = "Answer"
        self.query_one("#use-address").display = False
        self.query_one("#facts", Static).update(
            as_content([Cell("Fill in the request, then ctrl+s. ALLOW or DENY stands here.", Style.DIM)])
        )

    def on_resize(self) -> None:
        self._draw_word()

    @property
    def shown(self) -> Tried | None:
        """The dispatch that is shown."""
        return self._tried

    def copied(self) -> tuple[str, str] | None:
        """Return the text of the tab on show, and what it is; None where it holds nothing."""
        name = self.query_one("#raw", TabbedContent).active.removeprefix("raw-")
        text = self._texts.get(name)
        return (text, f"{(_RAW | _SNIPPETS)[name]} text") if text else None

    def show_waiting(self, seconds: float) -> None:
        """Say that the request is under way."""
        self._tried = None
        self._dress(None)
        self.border_title = "Answer  … waiting"
        self.query_one("#big", Static).update("")
        waited = f" {seconds:.0f} s" if seconds >= 1 else ""
        self.query_one("#facts", Static).update(f"Waiting for the registry's answer …{waited}")

    def show_answer(self, tried: Tried, *, from_history: bool = False) -> None:
        """Show one dispatch, of now or of the history."""
        self._tried = tried
        look = LOOKS[tried.result]
        self._dress(tried.result)
        self.border_title = f"Answer  {look.glyph} {look.word}"
        self.border_subtitle = f"of {full_time(tried.row.at)}" if from_history else ""
        self._draw_word()
        lines = [as_content([Cell(fact.label.ljust(_LABEL), Style.DIM), fact.value]) for fact in facts(tried)]
        self.query_one("#facts", Static).update(Content("\n").join(lines))
        self.query_one("#use-address").display = bool(_base_url(tried.location))
        self._show_raw(tried)
        self.scroll_home(animate=False)

    def show_snippets(self, registry_url: str, request: DispatchRequest | None) -> None:
        """Show the request of the form in each language; where the form cannot be sent, say so."""
        texts = snippets(registry_url, request) if request is not None else {}
        for name, title in _SNIPPETS.items():
            self._put(name, texts.get(title, ""), "Fill in the request first: what is missing is said at its field.")

    @on(Button.Pressed, "#use-address")
    def _use_address(self) -> None:
        if self._tried is not None:
            self.post_message(self.UseAddress(_base_url(self._tried.location)))

    def _show_raw(self, tried: Tried) -> None:
        exchange = tried.exchange
        if exchange is not None:
            self._put("request", request_text(exchange))
            self._put("response", pretty(exchange.response_body))
            self._put("headers", headers_text(exchange))
            return
        self._put("request", pretty(tried.row.request_raw))
        answer = pretty(tried.row.response_raw) if tried.row.response_raw else ""
        self._put("response", answer, "No answer is kept.")
        self._put("headers", "", "Headers are not kept in the journal.")

    def _put(self, name: str, text: str, otherwise: str = "") -> None:
        self._texts[name] = text
        self.query_one(f"#text-{name}", Static).update(Content(clean_lines(text) if text else otherwise))

    def _draw_word(self) -> None:
        tried = self._tried
        if tried is None or not self.is_mounted:
            return
        look = LOOKS[tried.result]
        width = self.content_size.width
        word = big_letters(look.word, width, 5 if self.size.height > 26 else 3)
        self.query_one("#big", Static).update(Content.styled(word, STYLES[look.style]))

    def _dress(self, result: Result | None) -> None:
        for one in Result:
            self.set_class(one is result, f"-{one.value}")
        self.border_subtitle = ""
        if result is None:
            self.query_one("#use-address").display = False


def _base_url(location: str) -> str:
    """Return the base URL that a redirected dispatch names, or nothing where it names none."""
    base, found, rest = location.partition("/api/v1/dispatch")
    return base if found and rest.strip("/") == "" else ""
