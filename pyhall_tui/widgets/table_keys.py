"""The keys of every table, and the marks that they set."""

from collections.abc import Callable, Iterable, Iterator, Sequence
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


class Marks:
    """The keys of the marked rows, whether the filter shows them or not.

    There may be 100,000, and every frame asks how many are hidden: what was found out about some rows is kept for as
    long as these are shown. So a list of rows that was given to this never changes.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = set(keys)
        self._shown: Sequence[str] | None = None
        """The rows for which `_hidden` counts the hidden marks; None after the marks have changed."""
        self._hidden = 0
        self._all: Sequence[str] | None = None
        """The rows among which every mark was found: if so many are shown, none is hidden."""

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __eq__(self, other: object) -> bool:
        return self._keys == (other._keys if isinstance(other, Marks) else other)

    __hash__ = None  # type: ignore[assignment]

    def in_order(self, shown: Sequence[str]) -> list[str]:
        """Return the marked keys in the order in which the rows are shown; hidden ones follow, by name."""
        if not self._keys:
            return []
        found = [*filter(self._keys.__contains__, shown)]
        return found if len(found) == len(self._keys) else [*found, *sorted(self._keys.difference(found))]

    def hidden_by(self, shown: Sequence[str]) -> int:
        """Return how many marked rows are not among those shown."""
        if shown is not self._shown:
            are_all = self._all is not None and len(shown) == len(self._all)
            seen = len(self._keys) if are_all else sum(map(self._keys.__contains__, shown)) if self._keys else 0
            self._hidden, self._shown = len(self._keys) - seen, shown
        return self._hidden

    def forget_lost(self, shown: Sequence[str], all_keys: Callable[[], Sequence[str]] | None) -> None:
        """Forget rows that are gone: `all_keys` returns those there are. If nobody knows, what is not shown is gone."""
        there = shown if all_keys is None else all_keys()
        if self._keys and there is not self._all:
            self._all = there
            if lost := self._keys.difference(there):
                self._shown = None
                self._keys -= lost

    def set_to(self, keys: Iterable[str]) -> None:
        """Mark these rows, and no others."""
        self._keys = set(keys)
        self._shown = self._all = None

    def add_all(self, keys: Iterable[str]) -> None:
        """Mark these rows too."""
        self._keys.update(keys)
        self._shown = self._all = None

    def invert(self, keys: Iterable[str]) -> None:
        """Mark those of these rows that are not marked, and unmark the others of them."""
        self._keys.symmetric_difference_update(keys)
        self._shown = self._all = None

    def clear(self) -> None:
        """Remove all marks."""
        self.set_to(())
