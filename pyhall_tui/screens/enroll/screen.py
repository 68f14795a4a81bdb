"""The enroll screen: will this be accepted, and what exactly do I send?"""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, TabPane

from pyhall_tui.files.drafts import Drafts
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.enroll.batch import BatchPane
from pyhall_tui.screens.enroll.form import EnrollForm
from pyhall_tui.screens.enroll.single import EnrollOne
from pyhall_tui.screens.messages import Go
from pyhall_tui.widgets.exported import Exported
from pyhall_tui.widgets.tabbed import Tabbed
from pyhall_tui.workspace import Workspace

_ONE, _BATCH = "one", "batch"
_OF_ONE = frozenset({"files", "record", "write_record", "empty", "undo_empty", "copy", "verify"})


class EnrollScreen(ModeScreen):
    """Enrolls one worker with the form, or many from a batch."""

    MODE = "enroll"
    CSS_PATH = ["../../widgets/tabs.tcss", "enroll.tcss"]
    AUTO_FOCUS = ""
    BINDING_GROUP_TITLE = "Enroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Enroll", id="enroll.send", tooltip="Send the enrollment, or run the batch"),
        Binding("ctrl+o", "pick", "Pick", id="enroll.pick", tooltip="Pick what to hash, or the batch"),
        Binding("ctrl+r", "record", "From record", id="enroll.record", tooltip="Fill the form from a record"),
        Binding("ctrl+g", "files", "Files", show=False, id="enroll.files", tooltip="List what was hashed"),
        Binding("f4", "write_record", "Write record", show=False, id="enroll.write", tooltip="Write a record of this"),
        Binding("ctrl+l", "empty", "Empty", id="enroll.empty", tooltip="Empty the form"),
        Binding("ctrl+z", "undo_empty", "Undo", show=False, id="enroll.undo", tooltip="Restore the emptied form"),
        Binding("ctrl+y", "copy", "Copy body", show=False, id="enroll.copy", tooltip="Copy the request's body"),
        Binding("v", "verify", "Verify", show=False, id="enroll.verify", tooltip="Verify the enrolled worker again"),
        Binding("ctrl+b", "other_tab", "Batch", id="enroll.batch", tooltip="Go to the batch, or back to the form"),
    ]

    def __init__(self, workspace: Workspace, drafts: Drafts) -> None:
        super().__init__(workspace)
        self._drafts = drafts
        self._stays_left = False

    def compose_body(self) -> ComposeResult:
        with Tabbed(initial=_ONE, id="enroll-tabs"):
            with TabPane("One worker", id=_ONE):
                yield EnrollOne(self.workspace, self._drafts)
            with TabPane("Batch", id=_BATCH):
                yield BatchPane(self.workspace, self._drafts)

    @property
    def one(self) -> EnrollOne:
        """The tab for one worker."""
        return self.query_one(EnrollOne)

    def exported(self) -> Exported | None:
        """What `E` exports: the batch, if it is open."""
        return self.many.exported() if self.on_batch else None

    @property
    def many(self) -> BatchPane:
        """The tab for many."""
        return self.query_one(BatchPane)

    @property
    def form(self) -> EnrollForm:
        """The form."""
        return self.query_one(EnrollForm)

    @property
    def on_batch(self) -> bool:
        """Whether the batch tab is visible."""
        return self.query_one("#enroll-tabs", Tabbed).active == _BATCH

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the form's keys while the batch tab is visible."""
        return not (action in _OF_ONE and self.is_mounted and self.on_batch)

    def fleet_changed(self) -> None:
        self.one.fleet_changed()

    def on_screen_resume(self) -> None:
        if self.is_mounted:
            self.one.learn_capabilities()
            if self.focused is None and not self.on_batch and not self._stays_left:
                self.one.focus_again()  # you leave a field before a number key changes the screen
            self._stays_left = False

    def leave_field(self) -> None:
        """Leave it, and don't go back when the dialog above is closed."""
        self._stays_left = True
        self.one.leave_field()

    def on_descendant_focus(self) -> None:
        self.one.keep_soon()

    @on(Go)
    def _fill(self, message: Go) -> None:
        if message.mode != self.MODE:
            return
        message.stop()
        self.query_one("#enroll-tabs", Tabbed).active = _ONE
        self.one.take(message.fill)

    @on(Tabbed.TabActivated, "#enroll-tabs")
    def _tab_changed(self) -> None:
        self.refresh_bindings()

    def action_other_tab(self) -> None:
        """Go to the batch, or back to the form, and move the cursor there."""
        tabs = self.query_one("#enroll-tabs", Tabbed)
        tabs.active = _ONE if self.on_batch else _BATCH
        if tabs.active == _BATCH:
            self.many.focus_first()
        else:
            self.one.focus_again()

    def action_send(self) -> None:
        """Send the enrollment, or run the batch."""
        if self.on_batch:
            self.many.start()
        else:
            self.one.send_it()

    def action_pick(self) -> None:
        """Pick what to hash, or the batch."""
        if self.on_batch:
            self.many.pick()
        else:
            self.form.package.pick()

    def action_record(self) -> None:
        """Fill the form from a record."""
        self.one.fill_from_a_record()

    def action_files(self) -> None:
        """List what was hashed."""
        self.form.package.show_files()

    def action_write_record(self) -> None:
        """Write a record of the form's content."""
        self.one.write_a_record()

    def action_empty(self) -> None:
        """Empty the form."""
        self.one.empty()

    def action_undo_empty(self) -> None:
        """Restore the emptied form."""
        self.one.undo_empty()

    def action_copy(self) -> None:
        """Copy the request's body."""
        self.one.copy_body()

    def action_verify(self) -> None:
        """Verify the enrolled worker again."""
        self.one.verify_again()

    def action_dismiss_news(self) -> None:
        """Stop computing, then leave the field, so that the number keys work (escape)."""
        if self.form.package.is_hashing:
            self.form.package.cancel()
        elif isinstance(self.focused, Input):
            self.one.leave_field()
        super().action_dismiss_news()
