"""The witness of a hall's decision log when it can't keep or see the log: a hall never looks proven then."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.alarms.alarm import Condition
from pyhall_tui.asking_again import LOOK
from pyhall_tui.fleet.events import Kind
from pyhall_tui.hall.store import SqliteStore
from pyhall_tui.hall.store.chain import GENESIS
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.log_marks import LogMark
from pyhall_tui.log_witness import judge
from tests.clock import ManualClock
from tests.test_log_witness import MARK, A, B, Watched, decide, log, watched
from tests.waiting import until

__all__ = ["watched"]
_YEAR = 365 * 86_400.0


def read_only(here: Watched, *, yes: bool) -> None:
    """Let SQLite refuse each write to the journal."""

    def change(connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA query_only={int(yes)}").close()

    here.workspace.journal.store.write(change)


def unseen(here: Watched) -> list[str]:
    return [each for each in here.workspace.standing if "nobody notices if the log is rewritten" in each]


@pytest.mark.thorough
async def test_a_log_that_can_not_be_kept_from_the_start_is_said_until_it_is_kept(watched: Watched) -> None:
    async with watched.program():
        read_only(watched, yes=True)
        await until(lambda: unseen(watched), clock=watched.clock)
        assert "readonly" in unseen(watched)[0] and watched.mark is None
        read_only(watched, yes=False)
        await watched.seen(10)
        await until(lambda: not unseen(watched), clock=watched.clock)


@pytest.mark.thorough
async def test_a_log_that_is_rewritten_while_nothing_can_be_kept_is_an_alarm_anyway(watched: Watched) -> None:
    async with watched.program():
        await watched.seen(10)
        read_only(watched, yes=True)
        decide(watched.store, 3)
        await until(lambda: unseen(watched), clock=watched.clock)
        new = SqliteStore(watched.folder / "new.db")
        decide(new, 4, "allow")
        new.set_setting("store_id", str(watched.store.setting("store_id")))
        watched.restart(new)
        assert "ends with row 4" in (await watched.alarmed()).detail
        assert any("decision log is not the one that was seen" in each for each in watched.workspace.standing)
        read_only(watched, yes=False)
        assert watched.mark is not None and watched.mark.seq == 10


@pytest.mark.thorough
@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"drop": "answered"}, {"latency": 3_600.0}])
async def test_a_hall_that_answers_everything_but_its_log_is_said(watched: Watched, fault: dict[str, Any]) -> None:
    async with watched.program():
        await watched.seen(10)
        watched.hall.faults.add(path="/api/v1/log*", **fault)
        await until(lambda: unseen(watched), clock=watched.clock)
        assert watched.alarm() is None
        watched.hall.faults.clear()
        await until(lambda: not unseen(watched), clock=watched.clock)


@pytest.mark.thorough
async def test_one_failure_is_not_said(watched: Watched) -> None:
    async with watched.program():
        await watched.seen(10)
        watched.hall.faults.add(path="/api/v1/log*", status=500, count=1)
        await watched.look()
        assert not unseen(watched)


@pytest.mark.thorough
@pytest.mark.parametrize("off", [_YEAR, -_YEAR, -1_773_999_000.0])
async def test_a_clock_that_is_off_hides_nothing(tmp_path: Path, off: float) -> None:
    """The row is seen by one clock, and the rewritten log by another that is off by a year, or stands at 1970."""
    here = Watched(tmp_path, ManualClock())
    try:
        async with here.program():
            await here.seen(10)
        here.clock = ManualClock(wall=ManualClock().now().wall + off)
        async with here.program():
            decide(here.store, 1)
            await here.seen(11)
            assert here.alarm() is None and not unseen(here)
            new = SqliteStore(tmp_path / "new.db")
            decide(new, 50, "allow")
            new.set_setting("store_id", str(here.store.setting("store_id")))
            here.restart(new)
            assert "row 11 is another one" in (await here.alarmed()).detail
    finally:
        here.running.stop()
        here.store.close()


def test_the_newest_mark_stays_among_many_whatever_the_clock_says(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db", ManualClock()) as journal:
        for number in range(1_000):
            journal.log_marks.put(f"https://h{number}", LogMark(f"log{number}", 1, A, 1_774_000_000.0))
        journal.log_marks.put("https://late", LogMark("late", 1, A, 0.0))
        assert journal.log_marks.at_registry("https://late") is not None
        assert journal.log_marks.of_log("late") is not None


@pytest.mark.parametrize(
    "shown",
    [
        log(5, B, A, log_id="two"),
        log(0, GENESIS, A, log_id="two"),
        log(100, B, A, log_id="two"),
    ],
)
def test_a_log_that_says_to_have_the_row_behind_its_end_is_not_a_copy(shown: Any) -> None:
    found = judge(MARK, shown)
    assert found is not None and found.kind is Kind.LOG_REPLACED


@pytest.mark.thorough
@pytest.mark.parametrize(
    "body",
    [
        b"<html>captive</html>",
        b"",
        b"[" * 10_000,
        b'{"log_id": "x\\u0000", "seq": 1}',
        json.dumps({"log_id": "x", "seq": 1e308, "entry_hash": A, "anchor": 0, "seen": {"seq": 10}}).encode(),
    ],
)
async def test_garbage_instead_of_a_log_that_was_seen_is_an_alarm(watched: Watched, body: bytes) -> None:
    async with watched.program():
        await watched.seen(10)
        watched.hall.faults.add(path="/api/v1/log*", status=200, body=body.decode())
        assert "not shown any more" in (await watched.alarmed()).detail
        assert watched.mark is not None and watched.mark.seq == 10


@pytest.mark.thorough
async def test_an_alarm_about_a_log_can_be_accepted_at_a_registry_without_one(watched: Watched) -> None:
    """The profile has moved to another registry, which shows no log."""
    async with watched.program():
        await watched.seen(10)
        watched.hall.faults.add(path="/api/v1/log*", status=404)
        await watched.alarmed()
        watched.workspace.journal.log_marks.forget(watched.running.url)
    async with watched.program() as workspace:
        await watched.pass_time(2 * LOOK)
        alarm = watched.alarm(Condition.LOG_REWRITTEN)
        assert alarm is not None
        workspace.alarms.acknowledge_alarms([alarm], note="moved")
        await until(lambda: watched.alarm() is None, clock=watched.clock)
