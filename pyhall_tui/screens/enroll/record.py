"""A worker's record or manifest: read from a path, the tree or pasted JSON; what came of checking it."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, DirectoryTree, Input, Static, TextArea
from textual.widgets.directory_tree import DirEntry

from pyhall_tui.attest.records import RecordUnreadable, WorkerRecord, read_record
from pyhall_tui.enroll.off_loop import off_loop
from pyhall_tui.enroll.record import read_record_at
from pyhall_tui.enroll.record_checks import RecordCheck
from pyhall_tui.render.enroll import record_lines
from pyhall_tui.render.text import clean
from pyhall_tui.screens.enroll.pick_package import FolderSuggester, PackageTree
from pyhall_tui.screens.enroll.sheet import as_lines
from pyhall_tui.widgets.field import OneLineInput


class Picked(NamedTuple):
    """A record that was read, and the file it was in; None for pasted JSON."""

    record: WorkerRecord
    path: Path | None


class RecordScreen(ModalScreen[Picked | None]):
    """Asks for a record and returns it, read; what can't be read is told here."""

    BINDING_GROUP_TITLE = "A record"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", id="record.cancel", tooltip="Close without reading"),
        Binding("ctrl+s", "read", "Read it", id="record.read", tooltip="Read the record"),
    ]
    DEFAULT_CSS = """
    RecordScreen {
        align: center middle;
        & > Vertical {
            width: 90; max-width: 96%; height: 90%; padding: 0 1;
            border: round $primary; background: $surface; border-title-color: $text; border-subtitle-color: $text-muted;
        }
        PackageTree { height: 1fr; background: $surface; margin: 1 0; }
        TextArea { height: 8; border: none; padding: 0; }
        #found { height: auto; color: $text-error; }
        .label { color: $text-muted; height: auto; }
        Horizontal { height: auto; align-horizontal: right; }
        Button { margin-left: 2; }
    }
    """

    def __init__(self, start: Path) -> None:
        super().__init__()
        self._start = start

    def compose(self) -> ComposeResult:
        with Vertical() as dialog:
            dialog.border_title = "Fill the form from a record"
            dialog.border_subtitle = "esc closes"
            yield Static("A record, a manifest.json, or the package's folder:", classes="label", markup=False)
            yield OneLineInput(str(self._start), suggester=FolderSuggester(), id="path", compact=True)
            yield PackageTree(self._start)
            yield Static("Or paste its JSON:", classes="label", markup=False)
            yield TextArea(id="json", compact=True, tab_behavior="focus")
            yield Static(id="found", markup=False)
            with Horizontal():
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Read it  ctrl+s", id="read", variant="primary", compact=True)

    @on(DirectoryTree.NodeHighlighted)
    def _point_at(self, message: DirectoryTree.NodeHighlighted[DirEntry]) -> None:
        if message.node.data is not None and self.query_one(PackageTree).has_focus:
            self.query_one("#path", Input).value = str(message.node.data.path)

    @on(DirectoryTree.FileSelected)
    def _take_file(self, message: DirectoryTree.FileSelected) -> None:
        self.query_one("#path", Input).value = str(message.path)
        self.action_read()

    @on(Input.Submitted, "#path")
    @on(Button.Pressed, "#read")
    def action_read(self) -> None:
        """Read what is pasted, or what lies at the path."""
        self._read(self.query_one("#json", TextArea).text, self.query_one("#path", Input).value.strip())

    @work(exclusive=True, exit_on_error=False, group="record")
    async def _read(self, pasted: str, path: str) -> None:
        def read() -> Picked:
            if pasted.strip():
                return Picked(read_record(pasted), None)
            return Picked(*read_record_at(Path(path).expanduser()))

        try:
            picked = await off_loop(read, name="record")
        except RecordUnreadable as error:
            self.query_one("#found", Static).update(f"✖ {clean(error, 500)}")
        else:
            self.dismiss(picked)

    @on(Button.Pressed, "#cancel")
    def action_leave(self) -> None:
        """Close without reading."""
        self.dismiss(None)


class RecordPanel(Vertical):
    """What the form was filled from, with a tick or a sign at each check; nothing is shown without a record."""

    DEFAULT_CSS = """
    RecordPanel {
        height: auto;
        & > Horizontal { height: 1; margin-bottom: 1; & > Button { margin-right: 2; } }
        & > Static { height: auto; margin-bottom: 1; display: none; }
        #drop-record { display: none; }
        &.-filled > Static { display: block; }
        &.-filled #drop-record { display: block; }
    }
    """

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Button("From a record…  ctrl+r", id="from-record", compact=True)
            yield Button("Drop it", id="drop-record", compact=True)
        yield Static(id="record-checks", markup=False)

    def show(self, source: str, record: WorkerRecord | None, checks: Sequence[RecordCheck]) -> None:
        """Show what came of checking a record, or that there is none."""
        self.set_class(record is not None, "-filled")
        if record is not None:
            self.query_one(Static).update(as_lines(record_lines(source, record.form, checks)))
