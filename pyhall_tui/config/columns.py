"""`[columns]`: which columns a table has, in which order and how wide, and by which it is sorted."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from pyhall_tui.config.known import Known, KnownTable
from pyhall_tui.config.table import Table, no_such

WIDEST: Final = 200
NARROWEST_ID: Final = 12
"""Cells in which two ids never look the same."""


class Layout(NamedTuple):
    """What is configured of one table."""

    show: tuple[str, ...] = ()
    """The columns in order; empty: all, as they are."""
    width: Mapping[str, tuple[int, int]] = {}
    """The least and the most cells of a column."""
    sort: str = ""
    """The column by which it is sorted at first; with `-` in front, the other way round."""


Layouts: TypeAlias = Mapping[str, Layout]
"""By the table's name."""

_ABOUT: Final = """\
[columns]
# For each table, in [columns.NAME]: the columns in order, their least and most cells, and the first order of the rows.
# A column that you leave out is not shown; the columns with ids stay, because they tell rows apart.
# width has a number for the most cells, or two for the least and the most: width = { name = 20, worker = [24, 40] }"""


def read(table: Table, known: Known) -> Layouts:
    """Read the section."""
    found: dict[str, Layout] = {}
    for name in table:
        if known.tables and name not in known.tables:
            table.unknown(name, "table", list(known.tables))
        elif (inner := table.table(name)) is not None:
            found[name] = _layout(inner, known.tables.get(name))
    return {name: layout for name, layout in found.items() if layout != Layout()}


def reference(known: Known) -> Iterator[str]:
    """Yield the section with all defaults."""
    yield from _ABOUT.split("\n")
    for name, table in known.tables.items():
        yield ""
        yield f"[columns.{name}]"
        yield f"show = [{', '.join(f'{chr(34)}{column}{chr(34)}' for column in table.columns)}]"
        if table.sorts:
            yield f'sort = "{table.sorts[0]}" # or one of: {", ".join(table.sorts[1:])}; with - in front, reversed'


def _layout(table: Table, known: KnownTable | None) -> Layout:
    for name in table:
        if name not in Layout._fields:
            table.unknown(name, "setting of a table", Layout._fields)
    show = _show(table, known)
    return Layout(show, _width(table, known), _sort(table, known, show))


def _show(table: Table, known: KnownTable | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(table.strings("show") or ()))
    if known is None or not names:
        return names
    for name in names:
        if name not in known.columns:
            table.mistake("show", _no_such(name, known.columns))
            return ()
    for name in known.ids:
        if name not in names:
            table.mistake("show", f"{name} can't be left out: it tells rows apart.")
            return ()
    return () if names == known.columns else names


def _width(table: Table, known: KnownTable | None) -> dict[str, tuple[int, int]]:
    inner = table.table("width")
    found: dict[str, tuple[int, int]] = {}
    for name in inner or ():
        assert inner is not None
        if known is not None and name not in known.columns:
            inner.unknown(name, "column", known.columns)
            continue
        least = NARROWEST_ID if known is not None and name in known.ids else 1
        cells = _cells(inner.value(name), least)
        if cells is None:
            sentence = f"must be a number of cells from {least} to {WIDEST}, or the least and the most: [10, 30]."
            inner.mistake(name, f"The width of {name} {sentence}")
        else:
            found[name] = cells
    return found


def _cells(value: Any, least: int) -> tuple[int, int] | None:
    both = value if isinstance(value, list) else [0, value]
    if len(both) != 2 or not all(type(each) is int for each in both):
        return None
    return (both[0], both[1]) if both[0] <= both[1] and least <= both[1] <= WIDEST and both[0] >= 0 else None


def _sort(table: Table, known: KnownTable | None, show: tuple[str, ...]) -> str:
    sort = table.string("sort") or ""
    name = sort.removeprefix("-")
    if not sort or known is None:
        return sort
    if not known.sorts:
        table.mistake("sort", "This table has an order of its own, and can't be sorted.")
        return ""
    if name not in known.sorts:
        table.mistake("sort", _no_such(name, known.sorts))
        return ""
    if show and name not in show:
        table.mistake("sort", f"{name} is not among the columns that are shown.")
        return ""
    return "" if sort == known.sorts[0] else sort


def _no_such(name: str, known: tuple[str, ...]) -> str:
    return f"{no_such('column', name, known)} There are: {', '.join(known)}."
