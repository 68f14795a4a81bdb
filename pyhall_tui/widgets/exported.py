"""What `E` writes of a table: plain values by column, in the order shown."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from pyhall_tui.widgets.columns import Column, Row, plain


class Exported(NamedTuple):
    """A table's rows, for the dialog that writes or copies them."""

    what: str
    """What one row is: `worker`. With an `s`, several."""
    columns: tuple[str, ...]
    """The names of the columns that are shown."""
    records: Callable[[], Iterable[dict[str, Any]]]
    """Makes the rows, one after the other, each with a value for every column."""
    more: tuple[str, ...] = ()
    """Columns for which the terminal has no room."""
    marked: int = 0
    """How many rows are marked: then only these are in it."""
    from_journal: bool = False
    """They are read from the journal, in a thread; otherwise a part at a time between two frames."""


@runtime_checkable
class HasExport(Protocol):
    """A screen that says what `E` exports on it, where that is not simply its table."""

    def exported(self) -> Exported | None:
        """Return what is shown now; None if that is nothing."""


def records_of(
    columns: Sequence[Column],
    keys: Iterable[str],
    row: Callable[[str], Row],
    values: Callable[[str], Mapping[str, Any] | None] | None,
) -> Iterator[dict[str, Any]]:
    """Yield a table's rows: their own values, and what their cells say where they have none."""
    for key in keys:
        own = values(key) if values is not None else {}
        if own is None:
            continue
        cells = Row({}) if all(column.key in own for column in columns) else row(key)
        yield {c.field or c.key: own[c.key] if c.key in own else plain(cells, c) for c in columns}
