"""A question that you have to answer before something is sent."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Input, Static

from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.field import OneLineInput


class AskScreen(DialogScreen[bool]):
    """Returns whether the operator agrees. The safe answer has the focus."""

    KEEPS_TYPED = False
    AUTO_FOCUS = "#no"
    BINDING_GROUP_TITLE = "Question"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "No", id="ask.no", tooltip="No"),
        Binding("y", "answer(True)", "Yes", id="ask.yes", tooltip="Yes"),
        Binding("left,right", "app.focus_next", "Other", show=False, id="ask.other", tooltip="The other answer"),
    ]
    DEFAULT_CSS = """
    AskScreen {
        Dialog { border: round $warning; }
        #wanted { margin: 1 0; }
    }
    """

    def __init__(self, title: str, question: Content, *, yes: str, no: str, words: str = "") -> None:
        """Make the question. If `words` are given, only typing them means yes, and their input has the focus."""
        super().__init__()
        self._title, self._question, self._yes, self._no, self._words = title, question, yes, no, words

    def on_mount(self) -> None:
        if self._words:  # before the first key, so that typed characters are not an answer
            self.set_focus(self.query_one("#words"))

    def compose(self) -> ComposeResult:
        with Dialog(self._title):
            yield Static(self._question)
            if self._words:
                yield Static(f"To continue anyway, type: {self._words}", id="wanted", markup=False)
                yield OneLineInput(id="words", compact=True)
            with Buttons():
                yield Button(self._no, id="no", compact=True)
                yield Button(self._yes, id="yes", variant="warning", compact=True, disabled=bool(self._words))

    @on(Input.Changed, "#words")
    def _typed(self, message: Input.Changed) -> None:
        self.query_one("#yes", Button).disabled = message.value.strip().casefold() != self._words.casefold()

    @on(Input.Submitted, "#words")
    def _said(self) -> None:
        self.action_answer(True)

    @on(Button.Pressed)
    def _pressed(self, message: Button.Pressed) -> None:
        self.dismiss(message.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """Answer by a key; yes only if that is possible."""
        if not yes or not self.query_one("#yes", Button).disabled:
            self.dismiss(yes)
