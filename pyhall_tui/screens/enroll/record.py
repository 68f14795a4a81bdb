"""A worker's record or manifest: read from a path, the tree or pasted JSON, and the results of checking it."""

import contextlib
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, DirectoryTree, Input, Static, TextArea
from textual.widgets.directory_tree import DirEntry

from pyhall_tui.attest.manifests import secret_of_environment
from pyhall_tui.attest.records import FILE_NAMES, RecordUnreadable, WorkerRecord, read_record, write_record
from pyhall_tui.enroll.draft import Draft
from pyhall_tui.enroll.record import lacks_for_next_level, read_record_at, record_of
from pyhall_tui.enroll.record_checks import RecordCheck, RecordStanding, check_record
from pyhall_tui.files.given_path import given_path
from pyhall_tui.packages.package_hash import PackageHash
from pyhall_tui.render.enroll import record_lines
from pyhall_tui.render.text import clean
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.screens.enroll.lines_view import LinesView
from pyhall_tui.screens.enroll.pick_package import FolderSuggester, PackageTree, PickPackageScreen
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.field import OneLineInput
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.text_field import TextField
from pyhall_tui.widgets.typed_ahead import keys_wait_for


class Picked(NamedTuple):
    """A record that was read, and its file; None for pasted JSON."""

    record: WorkerRecord
    path: Path | None


class RecordScreen(DialogScreen[Picked]):
    """Asks for a record, reads it and returns it; it shows why one can't be read."""

    GOES_ON_TYPING = True
    BINDING_GROUP_TITLE = "A record"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "read", "Read it", id="record.read", tooltip="Read the record"),
    ]
    DEFAULT_CSS = """
    RecordScreen {
        Dialog { width: 90; height: 90%; padding: 0 1; }
        PackageTree { height: 1fr; background: $surface; margin: 1 0; }
        TextArea { height: 8; border: none; border-left: blank; padding: 0; &:focus { border-left: outer $primary; } }
        #found { color: $text-error; }
        .label { color: $text-muted; }
    }
    """

    def __init__(self, start: Path) -> None:
        super().__init__()
        self._start = start

    def compose(self) -> ComposeResult:
        with Dialog("Fill the form from a record", "esc closes"):
            yield Static("A record, a manifest.json, or the package's folder:", classes="label", markup=False)
            yield OneLineInput(str(self._start), suggester=FolderSuggester(), id="path", compact=True)
            yield PackageTree(self._start)
            yield Static("Or paste its JSON:", classes="label", markup=False)
            yield TextField(id="json", compact=True, tab_behavior="focus")
            yield Static(id="found", markup=False)
            with Buttons():
                yield Button("Cancel", id="leave", compact=True)
                yield Button(
                    f"Read it  {key_name(self, 'record.read', 'ctrl+s')}", id="read", variant="primary", compact=True
                )

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
        """Read the pasted text, or the file at the path."""
        work = self._read(self.query_one("#json", TextArea).text, self.query_one("#path", Input).value.strip())
        keys_wait_for(self, work)

    @work(exclusive=True, exit_on_error=False, group="record")
    async def _read(self, pasted: str, path: str) -> None:
        def read() -> Picked:
            if pasted.strip():
                return Picked(read_record(pasted), None)
            return Picked(*read_record_at(given_path(path)))

        try:
            picked = await off_loop(read, name="record")
        except RecordUnreadable as error:
            self.query_one("#found", Static).update(f"✖ {clean(error, 500)}")
        else:
            self.dismiss(picked)


class RecordPanel(Vertical):
    """What the form was filled from, with a mark for each check; hidden without a record."""

    class Filled(Message):
        """A record was picked for the form."""

        def __init__(self, picked: Picked) -> None:
            super().__init__()
            self.picked = picked

    class Dropped(Message):
        """The record no longer counts."""

    DEFAULT_CSS = """
    RecordPanel {
        height: auto;
        & > Horizontal { height: 1; margin-bottom: 1; & > Button { margin-right: 2; } }
        & > LinesView { height: auto; margin-bottom: 1; display: none; }
        #drop-record { display: none; }
        &.-filled > LinesView { display: block; }
        &.-filled #drop-record { display: block; }
    }
    """

    def __init__(self, namespace: str) -> None:
        super().__init__()
        self._namespace = namespace
        self.record: WorkerRecord | None = None
        self._checks: list[RecordCheck] = []

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Button(f"From a record…  {key_name(self, 'enroll.record', 'ctrl+r')}", id="from-record", compact=True)
            yield Button(f"Write one…  {key_name(self, 'enroll.write', 'f4')}", id="write-record", compact=True)
            yield Button("Drop it", id="drop-record", compact=True)
        yield LinesView(id="record-checks")

    @property
    def stops(self) -> list[str]:
        """What stops the enrollment until the operator explicitly overrides it, in sentences."""
        return [check.text for check in self._checks if check.standing is RecordStanding.STOPS]

    def restore(self, draft: Draft) -> None:
        """Load the record in a draft, reading it again."""
        self.record = None
        if draft.record is not None:
            with contextlib.suppress(RecordUnreadable):
                self.record = read_record(msgspec.json.encode(draft.record))

    def hold_against(self, draft: Draft, listing: PackageHash | None) -> None:
        """Check the record against the form's current content, and show the results."""
        record, self._checks = self.record, []
        self.set_class(record is not None, "-filled")
        if record is None:
            return
        self._checks = check_record(
            record,
            namespace=self._namespace,
            sha256=draft.sha256,
            package=draft.package.path if draft.package else "",
            listing=listing,
            secret=secret_of_environment(),
        )
        self.query_one(LinesView).show(record_lines(draft.record_source, record.form, self._checks))

    def ask(self, start: Path) -> None:
        """Ask for a record; if one is picked, `Filled` follows."""
        self.app.push_screen(RecordScreen(start), self._picked)

    def _picked(self, picked: Picked | None) -> None:
        if picked is not None:
            self.record = picked.record
            self.post_message(self.Filled(picked))

    @on(Button.Pressed, "#drop-record")
    def _drop(self) -> None:
        self.record = None
        self.post_message(self.Dropped())

    def write(self, draft: Draft, worker_id: str | None, start: Path) -> None:
        """Ask where to write a record of the form's content, and write it."""
        fields = record_of(draft, self.record, worker_id)
        title, path = "Write a record: a file, or a folder", start / FILE_NAMES[0]
        picker = PickPackageScreen(title, "Write it", path, new=True)
        self.app.push_screen(picker, lambda path: self._write(path, fields))

    def _write(self, path: Path | None, fields: dict[str, Any], *, overwrite: bool = False) -> None:
        if path is None:
            return
        target = path / FILE_NAMES[0] if path.is_dir() else path
        try:
            write_record(target, fields, overwrite=overwrite)
        except FileExistsError:
            question = Content(f"{clean(target)} already exists.")
            ask = AskScreen("Overwrite it?", question, yes="Overwrite it", no="Leave it")
            self.app.push_screen(ask, lambda yes: self._write(target, fields, overwrite=True) if yes else None)
        except OSError as error:
            told = f"{clean(target)} could not be written: {clean(error.strerror or error)}."
            self.notify(told, severity="error", timeout=15, markup=False)
        else:
            self.notify(f"Written to {clean(target)}. {lacks_for_next_level(fields)}", timeout=10, markup=False)
