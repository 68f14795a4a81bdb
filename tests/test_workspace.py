"""A workspace with a long watch list: what there is of it at first, and how the rest comes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.clock import SystemClock
from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.journal import Journal
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.workspace import FIRST_ROWS, Workspace
from tests.journal.makers import verdict

MANY = 5_000
IDS = [f"org.acme.w{number:04}" for number in range(MANY)]
PROFILE = Profile(name="prod", namespace="org.acme", registry_url="http://127.0.0.1:9")
STEP = 500
"""Workers that may come in one step: in such a step, a pressed key waits for a few milliseconds."""


class _Nobody:
    def fleet_changed(self) -> None: ...
    def connection_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


@asynccontextmanager
async def _opened(folder: Path, *, journaled: int = 0, folders: int = 0) -> AsyncIterator[Workspace]:
    watch_list = WatchList(folder, PROFILE.name)
    watch_list.add(IDS)
    for worker_id in IDS[:folders]:
        watch_list.set_folder(worker_id, str(folder))
    with Journal.open(folder / "journal.db", SystemClock()) as journal:
        for worker_id in IDS[-journaled:] if journaled else ():
            journal.save_verdict(PROFILE.name, verdict(worker_id))
        assert journal.flush(30)
        fresh = WatchList(folder, PROFILE.name)
        async with Workspace(
            PROFILE, clock=SystemClock(), journal=journal, watch_list=fresh, listener=_Nobody(), state=folder
        ) as workspace:
            yield workspace


async def _at_each_turn(workspace: Workspace, count: Callable[[], int]) -> list[int]:
    """Load the rest, and return what `count` gave whenever the loop could do something else."""
    counts = [count()]
    restoring = asyncio.create_task(workspace.restore_rest())
    while not restoring.done():
        counts.append(count())
        await asyncio.sleep(0)
    await restoring
    return [*counts, count()]


def _most(counts: list[int]) -> int:
    return max(after - before for before, after in pairwise(counts))


@pytest.mark.parametrize("journaled", [0, 50, MANY])
async def test_a_long_watch_list_comes_in_small_steps_and_whole(tmp_path: Path, journaled: int) -> None:
    async with _opened(tmp_path, journaled=journaled) as workspace:
        assert 0 < len(workspace.fleet) <= 2 * FIRST_ROWS
        assert _most(await _at_each_turn(workspace, lambda: len(workspace.fleet))) <= STEP
        assert sorted(entry.worker_id for entry in workspace.fleet) == IDS
        assert sum(entry.verdict is not None for entry in workspace.fleet) == journaled


async def test_verdicts_of_a_long_journal_come_in_small_steps(tmp_path: Path) -> None:
    async with _opened(tmp_path, journaled=MANY) as workspace:

        def known() -> int:
            return sum(entry.verdict is not None for entry in workspace.fleet)

        assert _most(await _at_each_turn(workspace, known)) <= STEP


async def test_a_worker_removed_while_the_rest_comes_stays_removed(tmp_path: Path) -> None:
    async with _opened(tmp_path, journaled=MANY) as workspace:
        restoring = asyncio.create_task(workspace.restore_rest())
        while len(workspace.fleet) <= 2 * FIRST_ROWS:  # noqa: ASYNC110 - each turn of the loop counts
            await asyncio.sleep(0)
        gone = next(each for each in reversed(IDS) if each not in workspace.fleet)
        workspace.unwatch([gone])
        await restoring
        assert gone not in workspace.fleet
        assert len(workspace.fleet) == MANY - 1


async def test_a_workspace_closed_while_the_rest_comes_watches_no_package(tmp_path: Path) -> None:
    async with _opened(tmp_path, journaled=MANY, folders=3) as workspace:
        restoring = asyncio.create_task(workspace.restore_rest())
        while len(workspace.fleet) <= 2 * FIRST_ROWS:  # noqa: ASYNC110 - each turn of the loop counts
            await asyncio.sleep(0)
        await workspace.close()
        await restoring
        assert [workspace.packages.folder(each) for each in IDS[:3]] == [None] * 3
