"""What all dialogs share: a frame with a title, a body that scrolls if it is too long, visible buttons below.

class NameScreen(DialogScreen[str]):
    DEFAULT_CSS = "NameScreen Dialog { width: 60; }"

    def compose(self) -> ComposeResult:
        with Dialog("A name"):
            yield Field("name", "Name")
            with Buttons():
                yield Button("Cancel", id="leave", compact=True)
                yield Button("Take it", id="take", compact=True)
"""

from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, TypeVar, runtime_checkable

from textual import events, on
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Input

from pyhall_tui.textual_internals import bindings_for
from pyhall_tui.widgets.left_typed import LeftTyped

_MOST_ESCAPES: Final = 2
"""How often escape may have to be pressed: the first may only clear a search."""
_WAY_OUT: Final = "esc"
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
    """Take the focus from a field that would take the next key as text."""
    focused = screen.focused
    if focused is None or not focused.check_consume_key("a", "a"):
        return
    if isinstance(screen, LeavesField):
        screen.leave_field()
    elif screen.is_modal:  # without a focus, the dialog would give it to its first field again
        screen.set_focus(next((button for button in screen.query(Button) if button.focusable), None))
    else:
        screen.set_focus(None)


class ClosedOnce(ModalScreen[T]):
    """A dialog that closes only itself, and only once. The keys of the screens close it, and go there.

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

    async def on_key(self, event: events.Key) -> None:
        """Take the keys that go to a screen, unless they have another use here, such as a field's text."""
        goes = [each.action for each in bindings_for(self.app, event.key) if each.action.startswith("mode(")]
        if goes and event.key not in self.active_bindings:
            event.stop()
            await self.go_away(goes[0])

    async def go_away(self, action: str) -> None:
        """Close this and all dialogs below as escape does, then run the app's action; say so if one stays open."""
        for _ in range(_MOST_ESCAPES):
            escape = self.active_bindings.get("escape")
            if escape is not None and not self._is_closed:
                await self.app.run_action(escape.binding.action, escape.node)
        below = self.app.screen
        if not self._is_closed:
            self.notify("This stays open: press esc to leave it first.", severity="warning", markup=False)
        elif isinstance(below, ClosedOnce):
            await below.go_away(action)
        else:
            self.app.call_later(self.app.run_action, action)


class DialogScreen(ClosedOnce[T]):
    """Holds one `Dialog`. Escape and the button `leave` close it, with None.

    What had the focus below has it again, but not a field: a key pressed too often would end up in its text. What
    was typed here is kept when it is closed without being used.
    """

    GOES_ON_TYPING = False
    KEEPS_TYPED: ClassVar[bool] = True
    """Whether what is typed is kept by the dialog's title; not if the screen keeps it itself, or nothing is lost."""

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

    _left: LeftTyped | None = None

    def puts_back(self) -> bool:
        """Whether what was left here is put back; not over what the dialog was opened for."""
        return True

    def on_mount(self) -> None:
        dialog = self.query_one_optional(Dialog)
        if self.KEEPS_TYPED and dialog is not None:
            self._left = LeftTyped(self, dialog.title, puts_back=self.puts_back())

    def on_input_changed(self, message: Input.Changed) -> None:
        if self._left is not None:
            self._left.changed(message.input)

    def on_text_area_changed(self, message: Any) -> None:
        if self._left is not None:
            self._left.changed(message.text_area)

    def use_typed(self) -> None:
        """Note that what is typed has had its effect, as after a search, so that nothing is lost by closing."""
        if self._left is not None:
            self._left.was_used()

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close it; if it was cancelled, keep what was typed, and say so."""
        if self._left is not None and not self._is_closed and self.app.screen is self:
            title = self.query_one(Dialog).title
            if self._left.leave(was_used=result is not None and result is not False):
                self.app.notify(f"What you typed is kept: “{title}” has it when you open it again.", markup=False)
        return super().dismiss(result)

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        """Close it without doing anything."""
        self.dismiss(None)


class Dialog(VerticalScroll, can_focus=False):
    """The frame. Its title is text, never markup."""

    def __init__(self, title: str, subtitle: str = "", *, read: bool = False) -> None:
        """Make the frame. `read`: it contains only text to read, so the keys scroll it.

        The subtitle always says that escape closes the dialog: the screens' keys are typed into its fields.
        """
        super().__init__()
        if _WAY_OUT not in subtitle:
            subtitle = f"{subtitle} · {_WAY_OUT} closes" if subtitle else f"{_WAY_OUT} closes"
        self.title = title
        self.border_title, self.border_subtitle = Content(title), Content(subtitle)
        self.can_focus = read


class Buttons(Horizontal):
    """The row of buttons at the bottom of a dialog; the last one does the action."""
