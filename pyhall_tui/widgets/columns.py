"""A table's columns: what stands in them, which of them are shown, and how a row's cells are cut to their widths."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, runtime_checkable

from rich.cells import cell_len, set_cell_size

from pyhall_tui.render.text import Cell, Style, id_text, is_id_shown_as_it_is
from pyhall_tui.widgets.column_widths import GAP, GUTTER, Wish, widths
from pyhall_tui.widgets.middle_cut import MiddleCut, width_of

_BLANK = frozenset(("", "–", "-", "—"))
"""What says that nothing stands in a cell."""
_STEP = 4
"""A width that comes from the rows on screen is a multiple of so many cells, so that it seldom changes."""
_ENOUGH = 20
"""Rows that must be known before a column gets less than its usual width."""
_MOST_KNOWN = 2_000
_EMPTY = Cell("")


class Column(NamedTuple):
    """A column: its key, title and usual width in cells."""

    key: str
    title: str
    width: int
    flex: int = 0
    """Its share of the remaining width; 0: its contents have a fixed form, so it is never narrower than `width`."""
    leaves: int = 0
    """The order in which a narrow table drops columns: 1 goes first, 0 never goes."""
    sortable: bool = True
    is_id: bool = False
    """It tells rows apart: it gets its cells first, and no two texts in it look the same."""
    is_name: bool = False
    """A long text in it is cut in the middle, because its end says as much as its beginning. So are ids."""
    most: int = 48
    """For ids: the cells that they may take before columns that leave get any."""
    first: int = 0
    """For a column that is the point of the table: the same, after the ids."""
    field: str = ""
    """Its name in an export, if that is not its key."""


class Layout(Protocol):
    """What you have configured of a table: see `config.columns.Layout`."""

    @property
    def show(self) -> tuple[str, ...]: ...
    @property
    def width(self) -> Mapping[str, tuple[int, int]]: ...
    @property
    def sort(self) -> str: ...


@runtime_checkable
class HasLayouts(Protocol):
    """An app whose tables can be configured."""

    @property
    def layouts(self) -> Mapping[str, Layout]:
        """By the table's name."""


TABLES: Final = {
    "fleet": "workers",
    "all": "overview",
    "events": "activity",
    "alarms": "alarms",
    "bans": "bans",
    "session": "dispatches",
    "history-rows": "history",
    "kept": "profiles",
    "receipts": "evidence",
    "decisions-table": "decisions",
    "rules-table": "rules",
    "log": "log",
    "batch-rows": "batch",
}
"""The names of tables that can be configured, by the table's id."""


def layout_of(app: object, table_id: str | None) -> Layout | None:
    """Return what is configured of a table, if anything is."""
    return app.layouts.get(TABLES.get(table_id or "", "")) if isinstance(app, HasLayouts) else None


class Row(NamedTuple):
    """How to draw one row: a cell for each column, by key, and whether the whole row is highlighted."""

    cells: dict[str, Cell | tuple[Cell, ...]]
    alarm: bool = False
    strong: bool = False
    unknown: frozenset[str] = frozenset()
    """Columns whose cells are still to come: a dash there does not mean that the column is empty."""


class Columns:
    """Gives a table's columns their widths. They change only when what stands in the table does."""

    def __init__(self, columns: Sequence[Column], ids: Callable[[], Sequence[str]] | None = None) -> None:
        """`ids` returns all ids that the table may ever show, in an object that is replaced if one is added.

        Without it, ids are learned from the rows that are drawn.
        """
        self._made = tuple(columns)
        self._limits: Mapping[str, tuple[int, int]] = {}
        self._begin(self._made, ids)

    def arrange(self, layout: Layout | None) -> bool:
        """Have the columns that are configured, or without a layout as they were made; return if that is a change."""
        by_key = {column.key: column for column in self._made}
        wanted = tuple(by_key[key] for key in layout.show if key in by_key) if layout is not None else ()
        limits = layout.width if layout is not None else {}
        if ((wanted or self._made), limits) == (self._all, self._limits):
            return False
        self._limits = limits
        self._begin(wanted or self._made, self._ids)
        return True

    def _begin(self, columns: tuple[Column, ...], ids: Callable[[], Sequence[str]] | None) -> None:
        self._all = columns
        self.shown: list[tuple[Column, int]] = []
        """The columns that are shown, with their widths."""
        self._ids = ids
        self._ids_seen: Sequence[str] = ()
        self._needs = [0] * len(self._all)
        """The cells of the longest text in each column."""
        self._evidence = [0] * len(self._all)
        """How many rows say something about each column."""
        self._known: dict[str, tuple[int, ...]] = {}
        """What each row that was on screen needs."""
        self._cuts = {column.key: MiddleCut() for column in self._all if column.is_id or column.is_name}

    @property
    def is_laid_out(self) -> bool:
        """Whether there are widths already."""
        return bool(self.shown)

    @property
    def is_outdated(self) -> bool:
        """Whether ids were added since the last layout."""
        return self._ids is not None and self._ids() is not self._ids_seen

    def knows(self, key: str) -> bool:
        """Whether that row was on screen."""
        return key in self._known

    @property
    def hidden(self) -> list[Column]:
        """The columns in which something stands, but for which there is no room."""
        shown = [column for column, _ in self.shown]
        return [c for place, c in enumerate(self._all) if c not in shown and self._wish(place).least]

    def take(self, key: str, row: Row, *, is_new: bool) -> bool:
        """Note what a row needs; return whether that may change the widths.

        `is_new`: it was not there before, or has changed. A row that only scrolls into view changes no width, unless
        something stands in it where nothing stood so far.
        """
        needs = tuple(self._needed(row, column) for column in self._all)
        before = self._known.get(key)
        if before == needs:
            return False
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[key] = needs
        changed = False
        for place, need in enumerate(needs):
            if need < 0:
                continue
            self._evidence[place] += before is None or before[place] < 0
            changed |= self._evidence[place] in (1, _ENOUGH)
            if need > self._needs[place] and (is_new or before is not None or not self._needs[place]):
                self._needs[place] = need
                changed = True
        return changed

    def lay_out(self, room: int, *, roomy: int = 0, sorted_by: str | None = None) -> bool:
        """Choose the columns that fit, and their widths; return whether anything changed.

        The column by which the table is sorted never leaves.
        """
        self._learn_ids()
        wishes = [
            self._limited(column, self._wish(place, stays=column.key == sorted_by))
            for place, column in enumerate(self._all)
        ]
        given = widths(wishes, room, roomy=roomy)
        shown = [(column, width) for column, width in zip(self._all, given, strict=True) if width]
        changed, self.shown = shown != self.shown, shown
        return changed

    def at(self, x: int) -> Column | None:
        """Return the column at so many cells from the left."""
        left = GUTTER
        for column, width in self.shown:
            if left <= x < left + width + GAP:
                return column
            left += width + GAP
        return None

    def pieces(self, row: Row, column: Column, width: int) -> list[Cell]:
        """Return the parts of a row's cell in that column: together exactly `width` cells, plus the gap."""
        return pieces(row, column.key, width, self._cuts.get(column.key))

    @staticmethod
    def _needed(row: Row, column: Column) -> int:
        """Return the cells that a row needs in a column; 0: nothing stands there, -1: it is not known yet."""
        value = row.cells.get(column.key)
        if value is None or column.key in row.unknown:
            return -1
        return _needed(value)

    def _limited(self, column: Column, wish: Wish) -> Wish:
        """Return a wish within the limits that are configured; a column in which nothing stands still gets nothing."""
        if column.key not in self._limits or not wish.natural:
            return wish
        least, most = self._limits[column.key]
        return wish._replace(
            least=max(least, min(wish.least, most)),
            natural=max(least, min(wish.natural, most)),
            most=min(wish.most, most),
        )

    def _learn_ids(self) -> None:
        if self._ids is None or (ids := self._ids()) is self._ids_seen:
            return
        self._ids_seen = ids
        is_plain = is_id_shown_as_it_is("".join(ids))
        texts = ids if is_plain else list(map(id_text, ids))
        longest = max(map(len if is_plain else width_of, texts), default=0)
        for place, column in enumerate(self._all):
            if column.is_id:
                self._needs[place] = longest
                self._cuts[column.key] = MiddleCut(texts)

    def _wish(self, place: int, *, stays: bool = False) -> Wish:
        column, need, evidence = self._all[place], self._needs[place], self._evidence[place]
        title = len(column.title) + (2 if column.sortable and column.title else 0)
        leaves = 0 if stays else column.leaves
        most = column.most if column.is_id else 0
        if column.is_id:
            natural = max(need, title) if need else column.width
            return Wish(min(column.width, natural), natural, column.flex, leaves, most)
        if evidence and not need:  # nothing stands in it
            least = 0 if leaves or not column.title else column.width if column.flex == 0 else title
            return Wish(least, least, column.flex, leaves)
        natural = max(title, need if column.flex == 0 else -(-need // _STEP) * _STEP)
        if column.flex == 0 or evidence < _ENOUGH:
            natural = max(natural, column.width)
        return Wish(min(column.width, natural), natural, column.flex, leaves, first=column.first)


def plain(row: Row, column: Column) -> str:
    """Return what a row says in a column as plain text, without symbols; empty if nothing stands there."""
    value = row.cells.get(column.key, _EMPTY)
    parts = [part.text.strip() for part in ((value,) if isinstance(value, Cell) else value)]
    return " ".join(part for part in parts if part not in _BLANK and (len(part) > 1 or part.isalnum()))


def _needed(value: Cell | tuple[Cell, ...]) -> int:
    """Return a cell's width; 0 if nothing stands in it."""
    if isinstance(value, Cell):
        return 0 if value.text in _BLANK else width_of(value.text)
    if all(part.text.strip() in _BLANK for part in value):
        return 0
    return sum(width_of(part.text) + 1 for part in value) - 1


def fit(text: str, width: int) -> str:
    """Return text of exactly that many cells, cut with `…`; a double-width character is never halved."""
    if text.isascii():  # most are, and need no check of each character
        return text.ljust(width) if len(text) <= width else text[: max(0, width - 1)] + "…"[:width]
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def pieces(row: Row, column: str, width: int, middle: MiddleCut | None = None) -> list[Cell]:
    """Return the parts of a row's cell in that column: together exactly `width` cells, plus the gap."""
    value = row.cells.get(column, _EMPTY)
    parts = (value,) if isinstance(value, Cell) else value or (_EMPTY,)
    made: list[Cell] = []
    left = width
    for text, style in parts[:-1]:
        shown = fit(text + " ", min(left, cell_len(text) + 1))
        made.append(Cell(shown, _loud(row, style)))
        left -= cell_len(shown)
    text, style = parts[-1]
    if middle is not None:
        text = middle.cut(text, left)
    return [*made, Cell(fit(text, left) + " " * GAP, _loud(row, style))]


def _loud(row: Row, style: Style) -> Style:
    if row.alarm:
        return Style.ALARM
    return Style.STRONG if row.strong and style is Style.PLAIN else style


def merged(cells: Iterable[Cell]) -> list[Cell]:
    """Join neighbors with the same style: Textual goes through each piece of a line a dozen times."""
    joined: list[Cell] = []
    for piece in cells:
        if joined and piece.style is joined[-1].style:
            joined[-1] = Cell(joined[-1].text + piece.text, piece.style)
        else:
            joined.append(piece)
    return joined
