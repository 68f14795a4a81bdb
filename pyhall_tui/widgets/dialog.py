"""What all dialogs share: a frame with a title, a body that scrolls if it is too long, visible buttons below.

class NameScreen(DialogScreen[str]):
    DEFAULT_CSS = "NameScreen Dialog { width: 60; }"

    def compose(self) -> ComposeResult:
        with Dialog("A name", "esc closes"):
            yield Field("name", "Name")
            with Buttons():
                yield Button("Cancel", id="leave", compact=True)
                yield Button("Take it", id="take", compact=True)
"""

from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from textual import events, on
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Button

T = TypeVar("T")


def is_open(app: App[Any], kind: type[Screen[Any]]) -> bool:
    """Whether such a screen is open, on top or below another, so that a key that works anywhere opens it only once.

    Each dialog draws the screen below it, so a few dozen on top of each other would overflow Python's stack.
    """
    return any(isinstance(screen, kind) for screen in app.screen_stack)


@runtime_checkable
class LeavesField(Protocol):
    """A screen that knows where the focus goes from its fields."""

    def leave_field(self) -> None:
        """Put the focus where characters are the screen's keys."""


def leave_field(screen: Screen[Any]) -> None:
    """Take the focus from a field that would take the next key as text; not in a dialog, which has no other keys."""
    focused = screen.focused
    if focused is None or screen.is_modal or not focused.check_consume_key("a", "a"):
        return
    if isinstance(screen, LeavesField):
        screen.leave_field()
    else:
        screen.set_focus(None)


class ClosedOnce(ModalScreen[T]):
    """A dialog that closes only itself, and only once.

    Textual's `dismiss` removes whatever screen is on top: a second Enter, a click and a key, or an answer that comes
    while another dialog is above would close the wrong screen, or the last one.
    """

    CSS_PATH = Path(__file__).with_name("dialog.tcss")
    GOES_ON_TYPING: ClassVar[bool] = True
    """Whether a field that had the focus below has it again afterwards, because the dialog helps to fill it."""
    _is_closed = False
    _closes_with: tuple[T | None] | None = None
    """The result to close it with once nothing is above it any more."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close it, now or as soon as it is on top; further calls do nothing."""
        if self.app.screen is self and not self._is_closed:
            self._is_closed = True
            if not self.GOES_ON_TYPING:
                leave_field(self.app.screen_stack[-2])
            return super().dismiss(result)
        self._closes_with = self._closes_with or (result,)
        nothing: AwaitComplete = AwaitComplete.nothing()  # type: ignore[no-untyped-call]
        return nothing

    @on(events.ScreenResume)
    def _close_late(self) -> None:
        if self._closes_with is not None:
            self.dismiss(*self._closes_with)


class DialogScreen(ClosedOnce[T]):
    """Holds one `Dialog`. Escape and the button `leave` close it, with None.

    What had the focus below has it again, but not a field: a key pressed too often would end up in its text.
    """

    GOES_ON_TYPING = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", id="dialog.leave", tooltip="Close this"),
    ]
    DEFAULT_CSS = """
    DialogScreen {
        align: center middle;
        Dialog {
            width: 76; max-width: 96%; height: auto; max-height: 100%; margin: 1 0; padding: 1 2;
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
        """Close it without doing anything."""
        self.dismiss(None)


class Dialog(VerticalScroll, can_focus=False):
    """The frame. Its title is text, never markup."""

    def __init__(self, title: str, subtitle: str = "", *, read: bool = False) -> None:
        """Make the frame. `read`: it contains only text to read, so the keys scroll it."""
        super().__init__()
        self.border_title, self.border_subtitle = Content(title), Content(subtitle)
        self.can_focus = read


class Buttons(Horizontal):
    """The row of buttons at the bottom of a dialog; the last one does the action."""
