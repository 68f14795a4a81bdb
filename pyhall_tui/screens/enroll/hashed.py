"""What was hashed: each file in order, what was left out and why, what is worth a second look."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from pyhall_tui.attest.package_hash import PackageHash
from pyhall_tui.render.enroll import SIZE_WIDTH, HashedRow, amount, hashed_rows
from pyhall_tui.render.text import clean
from pyhall_tui.widgets.line_table import Column, LineTable, Row

COLUMNS = (
    Column("what", "WHAT", 9, sortable=False),
    Column("size", "BYTES".rjust(SIZE_WIDTH), SIZE_WIDTH, leaves=2, sortable=False),
    Column("digest", "SHA-256", 10, flex=1, leaves=1, sortable=False),
    Column("path", "PATH", 24, flex=4, sortable=False),
)


class HashedTable(LineTable):
    """The list of one package; empty where none was hashed in this run."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(COLUMNS, self._drawn, id=id)
        self._rows: list[HashedRow] = []

    def show_package(self, package: PackageHash | None) -> None:
        """Show another package's list, or none."""
        self._rows = hashed_rows(package) if package is not None else []
        keys = [str(index) for index in range(len(self._rows))]
        self.refresh_rows(keys)
        self.show(keys)

    def _drawn(self, key: str) -> Row:
        index = int(key)  # a row of the last list may be drawn once more while this one is put in its place
        return Row(dict(self._rows[index]._asdict()) if index < len(self._rows) else {})


class HashedScreen(ModalScreen[None]):
    """The same list over the whole screen, with whole digests where they fit."""

    BINDING_GROUP_TITLE = "What was hashed"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,ctrl+g", "dismiss", "Close", id="hashed.close", tooltip="Close the list"),
    ]
    DEFAULT_CSS = """
    HashedScreen {
        align: center middle;
        & > Vertical {
            width: 96%; height: 90%; padding: 0 1; border: round $primary; background: $surface;
            border-title-color: $text; border-subtitle-color: $text-muted;
        }
    }
    """

    def __init__(self, package: PackageHash, path: str) -> None:
        super().__init__()
        self._package, self._path = package, path

    def compose(self) -> ComposeResult:
        with Vertical() as dialog:
            files = len(self._package.files)
            dialog.border_title = clean(self._path, 120).replace("[", "\\[")
            dialog.border_subtitle = f"{files:,} files, {amount(self._package.bytes_total)}"
            yield HashedTable(id="hashed-table")

    def on_mount(self) -> None:
        self.query_one(HashedTable).show_package(self._package)
        self.query_one(HashedTable).focus()
