"""The dialog that acknowledges alarms, with a note for those who read it later."""

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Input

from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.field import Field

_MOST = 500


class AcknowledgeScreen(DialogScreen[str]):
    """Returns the note, which may be empty; None if it was cancelled."""

    BINDING_GROUP_TITLE = "Acknowledge"
    DEFAULT_CSS = "AcknowledgeScreen Dialog { width: 64; }"

    def __init__(self, what: str, by: str) -> None:
        """Ask about `what`, described in words, to be acknowledged by `by`."""
        super().__init__()
        self._what, self._by = what, by

    def compose(self) -> ComposeResult:
        with Dialog(f"Acknowledge {self._what}", f"as {self._by}"):
            yield Field("note", "Note (optional)", placeholder="on it, ticket 4711")
            with Buttons():
                yield Button("Cancel", id="leave", compact=True)
                yield Button("Acknowledge", id="acknowledge", variant="primary", compact=True)

    @on(Input.Submitted)
    @on(Button.Pressed, "#acknowledge")
    def _done(self) -> None:
        field = self.query_one(Field)
        if len(field.value) > _MOST:
            field.say(f"The note must be at most {_MOST} characters.")
        else:
            self.dismiss(field.value)
