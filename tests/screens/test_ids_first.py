"""Ids first: in no width do two rows of the fleet look the same, and more columns never show less of an id."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.order import Roster, SortKey
from pyhall_tui.hall import roster
from pyhall_tui.render.text import Cell
from pyhall_tui.screens.activity.screen import COLUMNS as ACTIVITY
from pyhall_tui.screens.alarms.screen import COLUMNS as ALARMS
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.dispatch.columns import COLUMNS as HISTORY
from pyhall_tui.screens.enroll.batch import COLUMNS as BATCH
from pyhall_tui.screens.hall.screen import DECISIONS
from pyhall_tui.screens.workers.table import COLUMNS, row_of
from pyhall_tui.widgets.columns import Column, Columns, Row
from pyhall_tui.widgets.line_table import LineTable
from tests.examples import examples
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, profile_of
from tests.waiting import until
from tests.widgets.fleets import fleets
from tests.widgets.test_middle_cut import is_within, shown_of

DEMO = tuple(worker_id for worker_id, *_ in roster.fleet())
TABLES = {
    "activity": ACTIVITY,
    "alarms": ALARMS,
    "decisions": DECISIONS,
    "history": HISTORY,
    "batch": BATCH,
}
_FRAME, _SIDE = 5, 52
_MOMENT = Moment(0.0, 2e9)


def room_in(terminal: int) -> int:
    """Return the cells that the workers table has in a terminal of so many columns."""
    return terminal - _FRAME - (_SIDE if terminal >= ModeScreen.WIDE else 0)


def ids_shown(columns: Columns, fleet: Fleet, worker_ids: list[str]) -> list[str]:
    """Return what each worker's row shows of its id."""
    column, width = next((each, width) for each, width in columns.shown if each.is_id)
    rows = [row_of(entry, _MOMENT, 60.0) for each in worker_ids if (entry := fleet.get(each))]
    return ["".join(piece.text for piece in columns.pieces(row, column, width)).rstrip() for row in rows]


@pytest.mark.thorough
@given(fleets())
@settings(max_examples=examples(1_000))
def test_rows_differ_from_80_to_240_columns_and_each_shows_more_of_its_id(worker_ids: list[str]) -> None:
    fleet = Fleet(30.0)
    fleet.watch(worker_ids)
    order = Roster(fleet)
    order.refresh(Moment(0.0, 0.0), "", SortKey.WORKER)
    columns = Columns(COLUMNS, lambda: order.worker_ids)
    for entry in fleet:
        columns.take(entry.worker_id, row_of(entry, _MOMENT, 60.0), is_new=True)
    before: list[list[str]] = [[]] * len(worker_ids)
    for terminal in range(80, 241, 5):
        columns.lay_out(room_in(terminal), roomy=ModeScreen.WIDE)
        shown = ids_shown(columns, fleet, worker_ids)
        assert len(set(shown)) == len(worker_ids)
        now = list(map(shown_of, shown))
        assert all(map(is_within, before, now)), terminal
        before = now


@pytest.mark.thorough
@pytest.mark.parametrize("columns", TABLES.values(), ids=list(TABLES))
@given(worker_ids=fleets())
@settings(max_examples=examples(1_000))
def test_in_the_other_tables_too_ids_differ_in_every_width_and_more_cells_show_more(
    columns: Sequence[Column], worker_ids: list[str]
) -> None:
    """Each other column is as full as it can be; a column of ids that has left a narrow table shows nothing of them."""
    by_key = {column.key: column for column in columns}
    rows = {
        worker_id: Row({key: Cell(worker_id if each.is_id else "x" * each.width) for key, each in by_key.items()})
        for worker_id in worker_ids
    }
    table = Columns(columns, lambda: worker_ids)
    for worker_id, row in rows.items():
        table.take(worker_id, row, is_new=True)
    before = {key: [list[str]() for _ in worker_ids] for key, each in by_key.items() if each.is_id}
    for terminal in range(80, 241, 8):
        table.lay_out(terminal - _FRAME)
        widths = {column.key: width for column, width in table.shown}
        assert any(key in widths for key in before)
        for key in before.keys() & widths.keys():
            pieces = [table.pieces(row, by_key[key], widths[key]) for row in rows.values()]
            shown = ["".join(piece.text for piece in each).rstrip() for each in pieces]
            assert len(set(shown)) == len(worker_ids)
            now = list(map(shown_of, shown))
            assert all(map(is_within, before[key], now)), (key, terminal)
            before[key] = now


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
