"""A question with a few answers, each with a button and a key."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Static

from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen


class Choice(NamedTuple):
    """One answer: its value, and its label."""

    answer: str
    label: str
    danger: bool = False


class ChoiceScreen(DialogScreen[str]):
    """Returns the chosen answer, or None if it was cancelled."""

    BINDING_GROUP_TITLE = "Question"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "app.focus_previous", "Previous", show=False, id="choice.left", tooltip="Previous answer"),
        Binding("right,down", "app.focus_next", "Next", show=False, id="choice.right", tooltip="Next answer"),
    ]

    def __init__(self, title: str, text: Content, choices: Sequence[Choice]) -> None:
        """`text` is clean. The first answer has the focus: make it the harmless one."""
        super().__init__()
        self._title, self._text, self._choices = title, text, choices

    def compose(self) -> ComposeResult:
        with Dialog(self._title):
            yield Static(self._text)
            with Buttons():
                for choice in self._choices:
                    button = Button(Content(choice.label), id=f"choice-{choice.answer}", compact=True)
                    button.variant = "error" if choice.danger else "default"
                    yield button

    def on_mount(self) -> None:
        self.query(Button).first().focus()

    @on(Button.Pressed)
    def _choose(self, message: Button.Pressed) -> None:
        message.stop()
        self.dismiss((message.button.id or "").removeprefix("choice-"))

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)
