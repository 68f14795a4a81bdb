"""Watching and unwatching very many workers: in small steps, in turn, and never half in the file."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.clock import SystemClock
from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.journal import Journal
from pyhall_tui.monitor.schedule import Schedule
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.workspace import Workspace
from tests.journal.makers import verdict

MANY = 5_000
IDS = [f"org.acme.w{number:04}" for number in range(MANY)]
PROFILE = Profile(name="prod", namespace="org.acme", registry_url="http://127.0.0.1:9")
STEP = 1_000
"""Workers that may come or go in one step: in such a step, a pressed key waits for a few milliseconds."""


class _Nobody:
    def fleet_changed(self) -> None: ...
    def connection_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


@pytest.fixture
async def workspace(tmp_path: Path) -> AsyncIterator[Workspace]:
    with Journal.open(tmp_path / "journal.db", SystemClock()) as journal:
        watch_list = WatchList(tmp_path, PROFILE.name)
        async with Workspace(
            PROFILE, clock=SystemClock(), journal=journal, watch_list=watch_list, listener=_Nobody(), state=tmp_path
        ) as workspace:
            await workspace.restore_rest()
            yield workspace


def _in_file(workspace: Workspace) -> list[str]:
    return [worker.id for worker in WatchList(workspace.watch_list.path.parent.parent, PROFILE.name).load()]


async def _sizes(workspace: Workspace, work: "asyncio.Task[object]") -> list[int]:
    """Return how many workers the fleet had whenever the loop could do something else."""
    sizes = [len(workspace.fleet)]
    while not work.done():
        await asyncio.sleep(0)
        sizes.append(len(workspace.fleet))
    return sizes


def _most(sizes: list[int]) -> int:
    return max(abs(after - before) for before, after in pairwise(sizes))


async def test_many_are_watched_unwatched_and_put_back_in_small_steps(workspace: Workspace) -> None:
    watched = workspace.watched
    assert _most(await _sizes(workspace, asyncio.create_task(watched.watch(IDS)))) <= STEP
    assert [entry.worker_id for entry in workspace.fleet] == _in_file(workspace) == IDS
    assert _most(await _sizes(workspace, asyncio.create_task(watched.unwatch(IDS)))) <= STEP
    assert [*workspace.fleet] == _in_file(workspace) == []
    undoing = asyncio.create_task(workspace.own_changes.undo())
    assert _most(await _sizes(workspace, undoing)) <= STEP
    assert undoing.result() == f"Watched again: {MANY:,} workers."
    assert [entry.worker_id for entry in workspace.fleet] == _in_file(workspace) == IDS


async def test_the_file_has_all_of_them_before_the_fleet_has_one(workspace: Workspace) -> None:
    watching = asyncio.create_task(workspace.watched.watch(IDS))
    while not len(workspace.fleet):  # noqa: ASYNC110 - each turn of the loop counts
        await asyncio.sleep(0)
    assert not watching.done()
    assert _in_file(workspace) == IDS
    await watching


async def test_a_second_paste_waits_and_an_undo_takes_back_the_last_one(workspace: Workspace) -> None:
    first = asyncio.create_task(workspace.watched.watch(IDS[:3_000]))
    second = asyncio.create_task(workspace.watched.watch(IDS[2_000:]))
    undone = asyncio.create_task(workspace.own_changes.undo())
    assert await first == IDS[:3_000]
    assert await second == IDS[3_000:]
    assert await undone == "No longer watched: 2,000 workers."
    assert [entry.worker_id for entry in workspace.fleet] == _in_file(workspace) == IDS[:3_000]


async def test_closing_in_the_middle_of_a_paste_loses_none_of_it(workspace: Workspace) -> None:
    pastes = [asyncio.create_task(workspace.watched.watch(ids)) for ids in (IDS[:4_000], IDS[4_000:])]
    await asyncio.sleep(0)
    await workspace.close()
    assert all(paste.done() for paste in pastes)
    assert _in_file(workspace) == IDS
    assert len(workspace.fleet) == 0


async def test_closing_in_the_middle_of_a_removal_leaves_nothing_of_them(workspace: Workspace) -> None:
    workspace.watch(IDS)
    for worker_id in IDS:
        workspace.journal.save_verdict(PROFILE.name, verdict(worker_id))
    removing = asyncio.create_task(workspace.watched.unwatch(IDS))
    await asyncio.sleep(0)
    await workspace.close()
    assert removing.done()
    assert _in_file(workspace) == []
    assert workspace.journal.flush(30.0)
    assert workspace.journal.verdicts_after(PROFILE.name, "", MANY) == []


async def test_who_asked_may_go_away_meanwhile(workspace: Workspace) -> None:
    asked = asyncio.create_task(workspace.watched.watch(IDS))
    await asyncio.sleep(0)
    asked.cancel()
    await workspace.own_changes.in_turn.wait(30.0)
    assert [entry.worker_id for entry in workspace.fleet] == _in_file(workspace) == IDS


async def test_one_watched_and_one_removed_during_a_paste_are_in_the_file_too(workspace: Workspace) -> None:
    workspace.watch(["wkr_old"])
    pasting = asyncio.create_task(workspace.watched.watch(IDS))
    while "wkr_new" not in workspace.fleet:
        await asyncio.sleep(0)
        workspace.watch(["wkr_new"])
        workspace.unwatch(["wkr_old"])
    await pasting
    assert sorted(_in_file(workspace)) == sorted([*IDS, "wkr_new"])
    assert sorted(entry.worker_id for entry in workspace.fleet) == sorted([*IDS, "wkr_new"])


async def test_what_could_not_be_written_is_written_beside_the_loop_and_the_end_waits_for_it(
    workspace: Workspace,
) -> None:
    folder = workspace.watch_list.path.parent
    folder.write_text("in the way")
    assert await workspace.watched.watch(IDS) == IDS
    assert workspace.watch_list.trouble and workspace.watch_list.has_unwritten
    folder.unlink()
    workspace.keep_what_was_not()
    assert not folder.exists(), "this call writes nothing itself"
    workspace.keep_what_was_not()
    await workspace.close()
    assert _in_file(workspace) == IDS
    assert not workspace.watch_list.trouble and not workspace.watch_list.has_unwritten


async def test_nothing_is_written_again_if_all_is_in_the_file(workspace: Workspace) -> None:
    await workspace.watched.watch(IDS[:2])
    workspace.watch_list.path.unlink()
    workspace.keep_what_was_not()
    await workspace.close()
    assert not workspace.watch_list.path.exists()


async def test_they_are_asked_about_in_steps_and_in_the_end_in_the_order_of_the_list(workspace: Workspace) -> None:
    """Whoever is asked about later comes first."""
    schedule, asked = Schedule(60.0, 10.0), list[int]()

    def watch(worker_ids: list[str]) -> None:
        schedule.watch(worker_ids)
        asked.append(len(worker_ids))

    workspace.connection.watch = watch  # type: ignore[method-assign]
    await workspace.watched.watch(IDS)
    assert [*schedule.ids()] == IDS
    assert max(asked) <= STEP
