"""The table of workers: filtered, sorted, and in step with what is known of them. Two screens have one."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from textual import on
from textual.widgets import Input

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.fleet.order import Roster, SortKey
from pyhall_tui.render.text import clean
from pyhall_tui.render.worker import worker_row
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.widgets.columns import layout_of
from pyhall_tui.widgets.filter_line import FilterLine
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.widgets.one_at_a_time import one_at_a_time

COLUMNS: Final = (
    Column(SortKey.STATE, "STATE", 12),
    Column(SortKey.WORKER, "WORKER", 22, flex=6, is_id=True, most=63, field="worker_id"),
    Column(SortKey.NAME, "NAME", 16, flex=2, leaves=5, is_name=True),
    Column("attested", "ATT", 3, leaves=4, sortable=False),
    Column(SortKey.HASH, "HASH", 8, leaves=6, field="sha256"),
    Column("package", "PACKAGE", 14, leaves=2, sortable=False),
    Column("capabilities", "CAPABILITIES", 20, flex=2, leaves=1, sortable=False),
    Column(SortKey.AGE, "VERDICT", 10, field="verified_at"),
    Column(SortKey.CHANGED, "CHANGED", 11, leaves=3, field="changed_at"),
)
_TO_COME: Final = frozenset(("name", "attested", "hash", "capabilities", "verdict", "changed"))
"""What only a verdict tells."""
_NOTHING: Final = frozenset[str]()
_ROOMY: Final = ModeScreen.WIDE
"""Cells of the table from which ids may take more than their `most`. A terminal that is wide enough for the worker's
view beside the table makes the table narrower: there, and just before, it shows as much of an id."""
REORDER: Final = 0.25
"""Seconds between two sorts while verdicts arrive: a row never jumps more often than this."""
_REST: Final = 0.5
"""Seconds after very many workers came or changed until that is done again: while they are loaded, they come all the
time."""
_ATTRIBUTES = {column.key: {SortKey.AGE: "verdict"}.get(column.key, str(column.key)) for column in COLUMNS}  # type: ignore[call-overload]


def row_of(entry: Entry, now: Moment, stale_after: float) -> Row:
    """Return a worker's row at that moment; its verdict is stale after that many seconds."""
    row = worker_row(entry, now, stale_after)
    cells = {column.key: getattr(row, _ATTRIBUTES[column.key]) for column in COLUMNS}
    return Row(cells, alarm=row.alarm, unknown=_NOTHING if entry.verdict else _TO_COME)


class WorkersTable(LineTable):
    """A table of the workers in a roster, sorted by a column that you choose."""

    def __init__(
        self,
        columns: Sequence[Column],
        row: Callable[[str], Row],
        roster: Roster,
        *,
        now: Callable[[], Moment],
        due: Callable[[], None],
        values: Callable[[str], Mapping[str, Any] | None],
        id: str,  # noqa: A002
    ) -> None:
        """Make an empty table; `reorder` fills it.

        Args:
            now: returns this instant.
            due: called when a sort is due that `reorder_soon` asked for, if the screen is visible then.
            values: returns what an export says of a worker, by its key (see `LineTable`).
        """
        super().__init__(
            columns,
            row,
            id=id,
            ids=lambda: self.roster.worker_ids,
            roomy=_ROOMY,
            values=values,
            what="worker",
            all_keys=lambda: self.roster.keys,
        )
        self.roster = roster
        self._now = now
        self._due = due
        self._all_sorts = [SortKey(column.key) for column in columns if column.sortable]
        self._sorts = self._all_sorts
        self._configured_sort = ""
        self._query = ""
        self._sort, self._is_reversed = SortKey.STATE, False
        self._counts: dict[State, int] = {}
        self._reorder_pending = False
        self._growth = asyncio.Lock()

    def arrange_columns(self) -> None:
        """Have the columns and, at first or if it changed, the order that you have configured."""
        super().arrange_columns()
        layout = layout_of(self.app, self.id)
        sort, show = (layout.sort, layout.show) if layout is not None else ("", ())
        self._sorts = [each for each in self._all_sorts if not show or each in show]
        if sort != self._configured_sort or self._sort not in self._sorts:
            self._configured_sort = sort
            name = sort.removeprefix("-") or SortKey.STATE
            self._sort = SortKey(name) if name in self._sorts else self._sorts[0]
            self._is_reversed = sort.startswith("-")
        self._sort_by(self._sort, descending=self._is_reversed)

    @property
    def is_filtered(self) -> bool:
        """Whether a filter is set."""
        return bool(self._query.strip())

    def filter_by(self, query: str) -> str:
        """Show only the workers that a filter finds, from the next `reorder` on; return what is wrong with it.

        Of a filter with a mistake, what is before the mistake applies: the last one that was right would hold a word
        that was the beginning of a field, and find nothing.
        """
        query, wrong = _understood(query) if query.strip() else ("", "")
        self._query = query
        self.placeholder = f"No worker matches “{clean(query, 40)}”. Esc clears the filter."
        applies = "Only the part before it applies." if self.is_filtered else "All workers are shown."
        return f"{wrong} {applies}" if wrong else ""

    def count_line(self, total: str) -> str:
        """Return how many of all workers are shown, if a filter is set; `total` says how many there are."""
        return f"{len(self.roster.ids):,} of {sum(self.roster.counts.values()):,} shown" if self.is_filtered else total

    def sort_by_next(self) -> None:
        """Sort by the next column."""
        sorts = self._sorts
        self._sort_by(sorts[(sorts.index(self._sort) + 1) % len(sorts)], descending=False)

    def reverse(self) -> None:
        """Reverse the order."""
        self._sort_by(self._sort, descending=not self._is_reversed)

    def reorder(self, *, by_itself: bool = False) -> None:
        """Bring the rows up to date. `by_itself`: you didn't ask for it (see `show`)."""
        self._reorder_pending = False
        roster = self.roster
        if is_outgrown := roster.is_outgrown:
            self._grow_soon()
        how = {"descending": self._is_reversed, "keeps_members": is_outgrown}
        changed = roster.refresh(self._now(), self._query, self._sort, **how)
        if changed and self.keys != roster.ids:
            self.show(roster.ids, by_itself=by_itself)
        if roster.counts != self._counts:
            self._counts = dict(roster.counts)
            self.refresh_rows(self.visible_keys)  # workers become stale without a verdict

    async def grow(self) -> None:
        """Take workers that came, went or changed, if they are many, a few at a time: the next `reorder` shows them."""
        async with self._growth:
            if self.roster.is_outgrown:
                for _ in self.roster.growing(self._now(), self._sort):
                    await asyncio.sleep(0)
                await asyncio.sleep(0)  # what is done next takes a while too

    @one_at_a_time("growth")
    async def _grow_soon(self) -> None:
        await self.grow()
        self._due()
        await asyncio.sleep(_REST)
        self.reorder_soon()

    def reorder_soon(self) -> None:
        """Call `due` a little later, once for all changes until then."""
        if not self._reorder_pending:
            self._reorder_pending = True
            self.set_timer(REORDER, self._reorder_if_pending)

    def step_back(self, line: FilterLine | Input) -> None:
        """Leave the filter's line, then clear it, then the marks: what escape does."""
        if line.value:
            line.value = ""
            self.focus()
        elif line.has_focus_within:
            self.focus()
        else:
            self.unmark()

    @on(LineTable.HeaderPressed)
    def _header_pressed(self, message: LineTable.HeaderPressed) -> None:
        column = SortKey(message.column)
        self._sort_by(column, descending=column is self._sort and not self._is_reversed)

    def _sort_by(self, sort: SortKey, *, descending: bool) -> None:
        self._sort, self._is_reversed = sort, descending
        self.set_sort(sort, descending=descending)
        self.reorder()

    def _reorder_if_pending(self) -> None:
        was_pending, self._reorder_pending = self._reorder_pending, False
        if was_pending and self.screen.is_current:
            self._due()


def _understood(query: str) -> tuple[str, str]:
    """Return as much of a filter as is understood, and what is wrong with the rest; nothing if nothing is."""
    from pyhall_tui.fleet.terms import FilterError, terms_of  # with the first filter

    try:
        terms_of(query)
    except FilterError as wrong:
        return wrong.before, clean(wrong)
    return query, ""
