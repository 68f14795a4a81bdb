"""Ids first: in no width do two rows of the fleet look the same, and more columns never show less of an id."""

import pytest
from hypothesis import given, settings

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.order import Roster, SortKey
from pyhall_tui.hall import roster
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.workers.table import COLUMNS, row_of
from pyhall_tui.widgets.columns import Columns
from pyhall_tui.widgets.line_table import LineTable
from tests.examples import examples
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, profile_of
from tests.waiting import until
from tests.widgets.fleets import fleets
from tests.widgets.test_middle_cut import is_within, shown_of

DEMO = tuple(worker_id for worker_id, *_ in roster.fleet())
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
