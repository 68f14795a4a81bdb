"""Ids first: in no width do two rows of the fleet look the same, and more columns never show less of an id."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import product

import pytest
from hypothesis import given, settings

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.order import Roster, SortKey
from pyhall_tui.hall import roster
from pyhall_tui.render.text import Cell, id_text
from pyhall_tui.screens.activity.screen import COLUMNS as ACTIVITY
from pyhall_tui.screens.alarms.screen import COLUMNS as ALARMS
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.dispatch.columns import COLUMNS as HISTORY
from pyhall_tui.screens.enroll.batch import COLUMNS as BATCH
from pyhall_tui.screens.enroll.hashed import COLUMNS as HASHED
from pyhall_tui.screens.hall.screen import DECISIONS
from pyhall_tui.screens.overview.screen import ALL_COLUMNS as OVERVIEW
from pyhall_tui.screens.workers.table import COLUMNS as WORKERS
from pyhall_tui.screens.workers.table import row_of
from pyhall_tui.widgets.columns import Column, Columns, Row
from pyhall_tui.widgets.line_table import LineTable
from tests.examples import examples
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, profile_of
from tests.waiting import until
from tests.widgets.fleets import fleets
from tests.widgets.test_middle_cut import LEAST, is_within, shown_of

DEMO = tuple(worker_id for worker_id, *_ in roster.fleet())
_FRAME, _SIDE = 5, 52
_MOMENT = Moment(0.0, 2e9)


def room_in(terminal: int) -> int:
    """Return the cells that the workers table has in a terminal of so many columns."""
    return terminal - _FRAME - (_SIDE if terminal >= ModeScreen.WIDE else 0)


def in_any(terminal: int) -> int:
    """Return the cells that a table has which nothing stands beside."""
    return terminal - _FRAME


TABLES = {
    "workers": (WORKERS, room_in, ModeScreen.WIDE),
    "overview": (OVERVIEW, in_any, ModeScreen.WIDE),
    "activity": (ACTIVITY, in_any, 0),
    "alarms": (ALARMS, in_any, 0),
    "decisions": (DECISIONS, in_any, 0),
    "history": (HISTORY, in_any, 0),
    "hashed": (HASHED, in_any, 0),
    "batch": (BATCH, in_any, 0),
}


def full_row(columns: Sequence[Column], worker_id: str) -> Row:
    """Return a row of which each other column is as full as it can be."""
    return Row({each.key: Cell(worker_id if each.is_id else "x" * each.width) for each in columns})


def ids_shown(table: Columns, rows: Iterable[Row], column: Column, width: int) -> list[str]:
    """Return what each row shows of its id."""
    pieces = (table.pieces(row, column, width) for row in rows)
    return ["".join(piece.text for piece in each).rstrip() for each in pieces]


@pytest.mark.parametrize(("columns", "room", "roomy"), TABLES.values(), ids=list(TABLES))
def test_in_a_wider_terminal_no_column_of_ids_has_fewer_cells(
    columns: Sequence[Column], room: Callable[[int], int], roomy: int
) -> None:
    """With ids of any length, and the other columns full or empty; a column that has left has no cells."""
    ids = [column for column in columns if column.is_id]
    for is_full, longest in product((True, False), (1, 8, 15, 16, 17, 21, 30, 47, 48, 49, 64, 81, 120, 256)):
        worker_ids = ("x" * longest,)
        table = Columns(columns, partial(tuple[str, ...], worker_ids))
        row = full_row(columns, worker_ids[0]) if is_full else Row({each.key: Cell(worker_ids[0]) for each in ids})
        table.take("row", row, is_new=True)
        before = dict.fromkeys(ids, 0)
        for terminal in range(80, 241):
            table.lay_out(room(terminal), roomy=roomy)
            given = dict(table.shown)
            now = {column: given.get(column, 0) for column in ids}
            assert any(now.values())
            assert all(not cells or cells >= min(longest, LEAST) for cells in now.values()), (longest, terminal)
            assert all(before[column] <= cells for column, cells in now.items()), (longest, terminal)
            before = now


@pytest.mark.thorough
@pytest.mark.parametrize(("columns", "room", "roomy"), TABLES.values(), ids=list(TABLES))
@given(worker_ids=fleets())
@settings(max_examples=examples(60))
def test_in_every_width_a_tables_ids_differ_and_more_cells_show_more(
    columns: Sequence[Column], room: Callable[[int], int], roomy: int, worker_ids: list[str]
) -> None:
    """A few fleets in each table: `test_middle_cut` has many more, and the test above has every width."""
    rows = [full_row(columns, id_text(worker_id)) for worker_id in worker_ids]
    table = Columns(columns, lambda: worker_ids)
    for worker_id, row in zip(worker_ids, rows, strict=True):
        table.take(worker_id, row, is_new=True)
    before: dict[Column, list[list[str]]] = {}
    for terminal in (80, 99, 120, 149, 151, 200, 240):
        table.lay_out(room(terminal), roomy=roomy)
        for column, width in table.shown:
            if column.is_id:
                shown = ids_shown(table, rows, column, width)
                assert len(set(shown)) == len(worker_ids)
                now = list(map(shown_of, shown))
                assert all(map(is_within, before.get(column, now), now)), (column.key, terminal)
                before[column] = now


@pytest.mark.thorough
@pytest.mark.parametrize("is_full", [True, False], ids=["full", "only ids"])
@pytest.mark.parametrize(("columns", "room", "roomy"), TABLES.values(), ids=list(TABLES))
def test_the_demos_ids_differ_in_each_table_and_every_width(
    columns: Sequence[Column], room: Callable[[int], int], roomy: int, is_full: bool
) -> None:
    ids = [column for column in columns if column.is_id]
    rows = [full_row(columns, each) if is_full else Row({one.key: Cell(each) for one in ids}) for each in DEMO]
    table = Columns(columns, lambda: DEMO)
    for worker_id, row in zip(DEMO, rows, strict=True):
        table.take(worker_id, row, is_new=True)
    before: dict[Column, list[list[str]]] = {}
    for terminal in range(80, 241):
        table.lay_out(room(terminal), roomy=roomy)
        for column, width in table.shown:
            if column.is_id:
                shown = ids_shown(table, rows, column, width)
                assert len(set(shown)) == len(DEMO), terminal
                now = list(map(shown_of, shown))
                assert all(map(is_within, before.get(column, now), now)), (column.key, terminal)
                before[column] = now


@given(fleets())
@settings(max_examples=examples(40))
def test_the_workers_table_shows_the_ids_of_its_rows_as_they_were_learned(worker_ids: list[str]) -> None:
    fleet = Fleet(30.0)
    fleet.watch(worker_ids)
    order = Roster(fleet)
    order.refresh(Moment(0.0, 0.0), "", SortKey.WORKER)
    table = Columns(WORKERS, lambda: order.worker_ids)
    rows = [row_of(entry, _MOMENT, 60.0) for entry in fleet]
    for entry, row in zip(fleet, rows, strict=True):
        table.take(entry.worker_id, row, is_new=True)
    table.lay_out(room_in(80), roomy=ModeScreen.WIDE)
    column, width = next((column, width) for column, width in table.shown if column.is_id)
    shown = ids_shown(table, rows, column, width)
    assert len(set(shown)) == len(worker_ids)
    assert all(text == id_text(each) for text, each in zip(shown, worker_ids, strict=True) if "…" not in text)


@pytest.mark.thorough
async def test_the_demos_rows_differ_in_every_width(open_app: OpenApp, hall: LiveHall) -> None:
    for worker_id, _, name, _ in roster.fleet():
        hall.add_worker(worker_id, display_name=name)
    async with open_app(profile_of(hall), key=hall.key, watch=DEMO, size=(240, 60)) as opened:
        fleet = opened.workspace.fleet
        await until(lambda: all(entry.verdict for entry in fleet), clock=opened.clock)
        for terminal in (240, 200, 151, 149, 120, 101, 99, 80):
            await opened.pilot.resize_terminal(terminal, 60)
            await opened.pilot.pause()
            table = opened.screen.query_one("#fleet", LineTable)
            assert len(table.visible_keys) > 40
            text = opened.text()
            assert all(worker_id in text for worker_id in table.visible_keys)
            assert "PACKAGE" not in text


async def test_a_column_appears_once_something_stands_in_it(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=("wkr_1", "wkr_2"), size=(140, 30)) as opened:
        await until(lambda: "VERDICT" in opened.text(), clock=opened.clock)
        assert "PACKAGE" not in opened.text()

        opened.workspace.fleet.restore_drift("wkr_2", DriftState.MATCH, "")
        await until(lambda: "PACKAGE" in opened.text() and "● match" in opened.text(), clock=opened.clock)
