"""What all dialogs share: the frame with its title, a body that scrolls where it is too long, buttons in sight below.

class NameScreen(DialogScreen[str]):
    DEFAULT_CSS = "NameScreen Dialog { width: 60; }"

    def compose(self) -> ComposeResult:
        with Dialog("A name", "esc closes"):
            yield Field("name", "Name")
            with Buttons():
                yield Button("Cancel", id="leave", compact=True)
                yield Button("Take it", id="take", compact=True)
"""

from typing import ClassVar, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button

T = TypeVar("T")


class DialogScreen(ModalScreen[T]):
    """Holds one `Dialog`. Escape and the button `leave` close it, with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", id="dialog.leave", tooltip="Close this"),
    ]
    DEFAULT_CSS = """
    DialogScreen {
        align: center middle;
        Dialog {
            width: 76; max-width: 96%; height: auto; max-height: 100%; margin-top: 1; padding: 1 2;
            border: round $primary; background: $surface; scrollbar-size-vertical: 1;
            border-title-color: $text; border-subtitle-color: $text-muted;
        }
        Dialog > Static { width: 1fr; height: auto; }
        Dialog Input, Dialog TextArea { background: $background; }
        Buttons { dock: bottom; height: auto; padding-top: 1; align-horizontal: right; background: $surface; }
        Buttons > Button { margin-left: 2; }
    }
    """

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        """Close it, nothing done."""
        self.dismiss(None)


class Dialog(VerticalScroll, can_focus=False):
    """The frame. Its title is text, never markup."""

    def __init__(self, title: str, subtitle: str = "", *, read: bool = False) -> None:
        """Make the frame. `read`: it holds only what is read, so that the keys scroll it."""
        super().__init__()
        self.border_title, self.border_subtitle = Content(title), Content(subtitle)
        self.can_focus = read


class Buttons(Horizontal):
    """The row of buttons at a dialog's foot, the last one the one that does it."""
