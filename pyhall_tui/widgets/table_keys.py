"""The keys of every table, and the marks that they set."""

from collections.abc import Callable, Sequence
from typing import Final

from textual.binding import Binding, BindingType

TABLE_KEYS: Final[list[BindingType]] = [
    Binding("up,k", "cursor(-1)", "Up", show=False, id="table.up", tooltip="Move the cursor up"),
    Binding("down,j", "cursor(1)", "Down", show=False, id="table.down", tooltip="Move the cursor down"),
    Binding("pageup", "page(-1)", "Page up", show=False, id="table.page_up", tooltip="Move one page up"),
    Binding("pagedown", "page(1)", "Page down", show=False, id="table.page_down", tooltip="Move one page down"),
    Binding("home,g", "edge(0)", "First", show=False, id="table.first", tooltip="Go to the first row"),
    Binding("end,G", "edge(-1)", "Last", show=False, id="table.last", tooltip="Go to the last row"),
    Binding("enter", "open", "Open", id="table.open", tooltip="Open the row under the cursor"),
    Binding("space", "mark", "Mark", show=False, id="table.mark", tooltip="Mark or unmark the row"),
    Binding("ctrl+a", "mark_shown", "Mark all", show=False, id="table.mark_shown", tooltip="Mark all rows shown"),
    Binding(
        "asterisk",
        "invert_marks",
        "Invert marks",
        show=False,
        key_display="*",
        id="table.invert_marks",
        tooltip="Invert the marks of the rows shown",
    ),
    # Also the app's key, but those don't reach a table in a dialog.
    Binding(
        "E",
        "app.open('export')",
        "Export",
        show=False,
        id="table.export",
        tooltip="Export the table as shown, or the marked rows: to a file, or copied",
    ),
]


class Marks(set[str]):
    """The keys of the marked rows, whether the filter shows them or not."""

    def in_order(self, shown: Sequence[str]) -> list[str]:
        """Return the marked keys in the order in which the rows are shown; hidden ones follow, by name."""
        return [*filter(self.__contains__, shown), *sorted(self.difference(shown))] if self else []

    def hidden_by(self, shown: Sequence[str]) -> int:
        """Return how many marked rows are not among those shown."""
        return len(self.difference(shown)) if self else 0

    def forget_lost(self, shown: Sequence[str], is_there: Callable[[str], bool] | None) -> None:
        """Forget rows that are gone. If nobody knows, what is not shown is gone."""
        if not self:
            return
        lost = self.difference(shown)
        if is_there is not None:
            lost = {key for key in lost if not is_there(key)}
        self.difference_update(lost)
