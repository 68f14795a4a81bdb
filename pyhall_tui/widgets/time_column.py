"""The title of a table's time column names the local time zone, so that its cells need not."""

from collections.abc import Iterable

from pyhall_tui.render.text import zone
from pyhall_tui.widgets.line_table import Column


def with_zone(columns: Iterable[Column], key: str = "when") -> tuple[Column, ...]:
    """Return the columns, with the zone in the title of the one with that key."""
    return tuple(_named(column) if column.key == key else column for column in columns)


def _named(column: Column) -> Column:
    title = f"{column.title} {zone()}"
    return column._replace(title=title, width=max(column.width, len(title)))
