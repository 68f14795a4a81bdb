"""What was hashed: each file in order, what was left out and why, and what needs a second look."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from pyhall_tui.files.sizes import amount
from pyhall_tui.packages.package_hash import PackageHash
from pyhall_tui.render.enroll import SIZE_WIDTH, HashedRow, Line, hashed_row_in_full, hashed_rows
from pyhall_tui.render.text import clean
from pyhall_tui.widgets.cells import as_lines
from pyhall_tui.widgets.dialog import Dialog, DialogScreen
from pyhall_tui.widgets.line_table import Column, LineTable, Row

COLUMNS = (
    Column("what", "WHAT", 9, sortable=False),
    Column("size", "BYTES".rjust(SIZE_WIDTH), SIZE_WIDTH, leaves=2, sortable=False),
    Column("digest", "SHA-256", 10, flex=1, leaves=1, sortable=False),
    Column("path", "PATH", 24, flex=4, sortable=False, is_id=True),
)


class HashedTable(LineTable):
    """The list of one package; empty if none was hashed in this run."""

    BINDING_GROUP_TITLE = "Files"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(COLUMNS, self._drawn, id=id)
        self._rows: list[HashedRow] = []

    def show_package(self, package: PackageHash | None) -> None:
        """Show another package's list, or none."""
        self._rows = hashed_rows(package) if package is not None else []
        keys = [str(index) for index in range(len(self._rows))]
        self.refresh_rows(keys)
        self.show(keys)

    def in_full(self, key: str | None) -> list[Line]:
        """Return a row's content without column limits."""
        return hashed_row_in_full(self._rows[int(key)]) if key is not None and int(key) < len(self._rows) else []

    def _drawn(self, key: str) -> Row:
        index = int(key)  # a row of the last list may be drawn once more while it is replaced
        return Row(dict(self._rows[index]._asdict()) if index < len(self._rows) else {})


class HashedScreen(DialogScreen[None]):
    """The same list over the whole screen; below it is the complete row under the cursor."""

    BINDING_GROUP_TITLE = "What was hashed"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+g", "leave", "Close", id="hashed.close", tooltip="Close the list"),
    ]
    DEFAULT_CSS = """
    HashedScreen {
        Dialog { width: 96%; height: 90%; padding: 0 1; }
        #hashed-row { max-height: 5; border-top: solid $frame; }
        &.-narrow Dialog { max-width: 100%; width: 100%; max-height: 100%; height: 100%; }
    }
    """

    def __init__(self, package: PackageHash, path: str) -> None:
        super().__init__()
        self._package, self._path = package, path

    def compose(self) -> ComposeResult:
        package = self._package
        files = f"{len(package.files):,} file{'s' * (len(package.files) != 1)}"
        with Dialog(clean(self._path, 120), f"{files}, {amount(package.bytes_total)}"):
            yield HashedTable(id="hashed-table")
            yield Static(id="hashed-row", markup=False)

    def on_mount(self) -> None:
        self.query_one(HashedTable).show_package(self._package)
        self.query_one(HashedTable).focus()

    @on(LineTable.Highlighted)
    def _show_in_full(self, message: LineTable.Highlighted) -> None:
        self.query_one("#hashed-row", Static).update(as_lines(self.query_one(HashedTable).in_full(message.key)))
