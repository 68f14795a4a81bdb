"""The batch tab: check, run, stop, decide, report."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input

from pyhall_tui.enroll.batch import RowState, batch_lock, counts
from pyhall_tui.files.safe_file import locked
from pyhall_tui.screens.enroll.batch import BatchPane
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.enrolling import at_the_form, sees
from tests.waiting import until

ENROLL = "/api/v1/hall/enroll"


def batch(folder: Path, count: int, **fields: Any) -> Path:
    rows = [
        {"display_name": f"w{number}", "capabilities": ["mail.send"], "sha256": f"{number:064x}"} | fields
        for number in range(count)
    ]
    path = folder / "batch.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def enrolled(hall: LiveHall) -> list[str]:
    return sorted(worker.display_name for worker in hall.store.workers() if worker.display_name[0] == "w")


async def checked(opened: OpenedApp, path: Path) -> BatchPane:
    """Go to the batch tab and check that path."""
    screen = await at_the_form(opened)
    await opened.pilot.press("ctrl+b")
    screen.query_one("#batch-path", Input).value = str(path)
    screen.query_one("#batch-path", Input).focus()
    await opened.pilot.press("enter")
    await until(lambda: screen.many._items and not screen.many._busy)
    return screen.many


@pytest.mark.thorough
async def test_a_batch_is_checked_asked_about_and_enrolled(open_app: OpenApp, hall: LiveHall, tmp_path: Path) -> None:
    path = batch(tmp_path, 3)
    path.write_text(path.read_text() + "\n{")
    async with open_app(profile_of(hall), key=hall.key) as opened:
        pane = await checked(opened, path)
        await sees(opened, "1 wrong · 3 ready")
        assert not enrolled(hall)
        await opened.pilot.press("ctrl+s")
        await sees(opened, "This enrolls in org.yourco")
        await opened.pilot.press("y")
        await until(lambda: counts(pane._items).get(RowState.ENROLLED) == 3, clock=opened.clock)
        assert enrolled(hall) == ["w0", "w1", "w2"]
        await until(lambda: all(opened.workspace.fleet.get(item.worker_id) for item in pane._items if item.worker_id))
        await sees(opened, "1 wrong · 3 enrolled")
        await sees(opened, f"Row 1: w0 · {pane._items[0].worker_id}")
        await opened.pilot.press("home", "enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))


@pytest.mark.thorough
async def test_after_a_restart_what_was_enrolled_is_known(open_app: OpenApp, hall: LiveHall, tmp_path: Path) -> None:
    path = batch(tmp_path, 2)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        pane = await checked(opened, path)
        await opened.pilot.press("ctrl+s", "y")
        await until(lambda: counts(pane._items).get(RowState.ENROLLED) == 2, clock=opened.clock)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        assert screen.query_one("#batch-path", Input).value == str(path)
        await checked(opened, path)
        await sees(opened, "in an earlier run")
        assert screen.query_one("#batch-start", Button).disabled


@pytest.mark.thorough
async def test_a_lost_answer_is_left_to_the_operator(open_app: OpenApp, hall: LiveHall, tmp_path: Path) -> None:
    hall.faults.add(path=ENROLL, drop="answered", count=1)
    hall.faults.add(path=ENROLL, drop="unheard", count=1)
    async with open_app(profile_of(hall, requests_in_flight=1), key=hall.key) as opened:
        pane = await checked(opened, batch(tmp_path, 2))
        await opened.pilot.press("ctrl+s", "y")
        await until(lambda: counts(pane._items).get(RowState.UNKNOWN) == 2, clock=opened.clock)
        await sees(opened, "unresolved and may be enrolled already")
        pane._table.focus()
        await opened.pilot.press("home", "e", "end", "r")
        await until(lambda: counts(pane._items) == {RowState.READY: 1, RowState.ENROLLED: 1}, clock=opened.clock)
        await opened.pilot.press("ctrl+s", "y")
        await until(lambda: counts(pane._items) == {RowState.ENROLLED: 2}, clock=opened.clock)
        assert enrolled(hall) == ["w0", "w1"]


@pytest.mark.thorough
async def test_a_read_only_profile_checks_and_sends_nothing(open_app: OpenApp, hall: LiveHall, tmp_path: Path) -> None:
    """F45."""
    async with open_app(profile_of(hall, read_only=True), key=hall.key) as opened:
        await checked(opened, batch(tmp_path, 1))
        await opened.pilot.press("ctrl+s")
        await sees(opened, "✖ This profile is read-only")
        assert not enrolled(hall)


@pytest.mark.thorough
async def test_a_journal_that_cannot_vouch_sends_nothing(open_app: OpenApp, hall: LiveHall, tmp_path: Path) -> None:
    """F64: it is reported when the batch is checked, and again before it is sent."""
    path = batch(tmp_path, 2)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        pane = await checked(opened, path)
        await opened.pilot.press("ctrl+s", "y")
        await until(lambda: counts(pane._items).get(RowState.ENROLLED) == 2, clock=opened.clock)
        journal = opened.app.fleets.home.data / "journal.db"
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("PRAGMA user_version=99")
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await checked(opened, path)
        await sees(opened, "What was enrolled before is unknown, so nothing is sent.")
        await opened.pilot.press("ctrl+s", "y", "enter")
        await opened.pilot.pause()
        await sees(opened, "was written by a newer pyhall-tui")
        assert enrolled(hall) == ["w0", "w1"]


@pytest.mark.thorough
async def test_a_journal_that_was_set_aside_is_named_before_the_batch_is_run(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    """F64, F40"""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        home = opened.app.fleets.home
        (home.data / "journal.db.damaged-20260101-000000-1").write_bytes(b"noise")
        await checked(opened, batch(tmp_path, 1))
        await opened.pilot.press("ctrl+s")
        await sees(opened, "rows that look ready (1)")
        assert "000000-1" in opened.text()
        assert not enrolled(hall)


@pytest.mark.thorough
async def test_a_batch_that_cannot_be_locked_sends_nothing_and_can_be_tried_again(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    """F64"""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        pane = await checked(opened, batch(tmp_path, 1))
        lock = batch_lock(pane._drafts, opened.workspace.profile)
        in_the_way = lock.parent / f".{lock.name}.lock"
        in_the_way.mkdir(parents=True)
        await opened.pilot.press("ctrl+s", "y")
        await sees(opened, "The state folder can't be used (it is a folder, not a regular file), so nothing is sent.")
        assert not enrolled(hall)
        in_the_way.rmdir()
        with locked(lock):
            await opened.pilot.press("ctrl+s", "y")
            await sees(opened, "Another pyhall-tui is enrolling a batch in this namespace")
            assert not enrolled(hall)
        await opened.pilot.press("ctrl+s", "y")
        await until(lambda: counts(pane._items) == {RowState.ENROLLED: 1}, clock=opened.clock)


@pytest.mark.thorough
async def test_a_batch_that_waits_for_a_rate_limit_says_so(open_app: OpenApp, hall: LiveHall, tmp_path: Path) -> None:
    """F67"""
    hall.faults.add(path=ENROLL, status=429, retry_after=120)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        pane = await checked(opened, batch(tmp_path, 2))
        await opened.pilot.press("ctrl+s", "y")
        await sees(opened, "next try in 120 s")
        pane.stop()
        await until(lambda: not pane._busy)
        assert counts(pane._items) == {RowState.READY: 2}


@pytest.mark.thorough
async def test_a_batch_that_cannot_be_read_is_reported_at_its_path(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        await opened.pilot.press("ctrl+b")
        screen.query_one("#batch-path", Input).value = "/none.jsonl"
        await opened.pilot.press("enter")
        await sees(opened, "✖ /none.jsonl cannot be read")
