"""Two programs on one profile: what one does to the watch list, the other follows within two seconds."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from pyhall_tui.alarms.alarm import Alarm, Change
from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.journal import Journal
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.workspace import Workspace
from tests.clock import ManualClock
from tests.journal.makers import event
from tests.waiting import until

PROFILE = Profile(name="prod", namespace="org.acme", registry_url="http://127.0.0.1:9")
WITHIN = 2.0
"""Seconds."""


class _Nobody:
    def fleet_changed(self) -> None: ...
    def connection_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


@asynccontextmanager
async def _program(folder: Path, clock: ManualClock) -> AsyncIterator[Workspace]:
    """One program on the profile: it has its own connection to the journal's file."""
    with Journal.open(folder / "journal.db", clock) as journal:
        watch_list = WatchList(folder, PROFILE.name)
        async with Workspace(
            PROFILE, clock=clock, journal=journal, watch_list=watch_list, listener=_Nobody(), state=folder
        ) as workspace:
            await workspace.restore_rest()
            yield workspace


class Two:
    """Both programs, and the clock that they share."""

    def __init__(self, one: Workspace, other: Workspace, clock: ManualClock, file: Path) -> None:
        self.one, self.other, self.clock, self.file = one, other, clock, file

    async def pass_time(self) -> None:
        """Let the time pass within which each has followed the other."""
        began = self.clock.now().mono
        await until(lambda: self.clock.now().mono - began >= WITHIN, clock=self.clock)

    async def settled(self, *worker_ids: str) -> None:
        """Wait until both watch exactly these; the file says so too."""
        wanted = sorted(worker_ids)
        await until(lambda: all(_ids(each) == wanted for each in (self.one, self.other)), clock=self.clock)
        await self.pass_time()
        assert _ids(self.one) == _ids(self.other) == _listed(self.one) == _listed(self.other) == wanted
        assert sorted(worker.id for worker in WatchList(self.file.parent.parent, PROFILE.name).load()) == wanted


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    WatchList(tmp_path, PROFILE.name).add(["wkr_a", "wkr_b"])
    clock = ManualClock()
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(_program(tmp_path, clock)) for _ in range(2)]
        yield Two(one, other, clock, one.watch_list.path)


def _ids(workspace: Workspace) -> list[str]:
    return sorted(entry.worker_id for entry in workspace.fleet)


def _listed(workspace: Workspace) -> list[str]:
    return sorted(worker.id for worker in workspace.watch_list.workers)


def _firing(workspace: Workspace) -> list[Alarm]:
    return [alarm for alarm in workspace.alarms.book.alarms() if alarm.is_firing]


async def test_who_is_added_or_taken_off_by_one_is_so_in_the_other(two: Two) -> None:
    two.one.watch(["wkr_new"])
    await two.settled("wkr_a", "wkr_b", "wkr_new")
    two.other.unwatch(["wkr_a"])
    await two.settled("wkr_b", "wkr_new")


async def test_it_takes_two_seconds_at_most(two: Two) -> None:
    await two.pass_time()
    began = two.clock.now().mono
    two.one.watch(["wkr_new"])
    await until(lambda: "wkr_new" in two.other.fleet, clock=two.clock)
    assert two.clock.now().mono - began <= WITHIN


async def test_what_both_do_at_the_same_time_adds_up(two: Two) -> None:
    two.one.watch(["wkr_one"])
    two.other.watch(["wkr_other"])
    two.one.unwatch(["wkr_a"])
    two.other.unwatch(["wkr_b"])
    await two.settled("wkr_one", "wkr_other")


async def test_an_undone_removal_is_undone_in_both(two: Two) -> None:
    two.one.unwatch(["wkr_a"])
    await two.settled("wkr_b")
    assert await two.one.own_changes.undo() == "Watched again: wkr_a."
    await two.settled("wkr_a", "wkr_b")


async def test_that_everybody_is_taken_off_is_followed_too(two: Two) -> None:
    two.one.unwatch(["wkr_a", "wkr_b"])
    await two.settled()


async def test_an_alarm_of_a_worker_taken_off_by_another_ends_once(two: Two) -> None:
    two.one.take_events([event(worker_id="wkr_a")])
    await until(lambda: _firing(two.one) and _firing(two.other), clock=two.clock)
    two.one.unwatch(["wkr_a"])
    assert two.one.journal.flush(30.0)  # the clock of the test is faster than the disk
    await two.settled("wkr_b")
    await until(lambda: not _firing(two.one) and not _firing(two.other), clock=two.clock)
    await until(lambda: two.other.journal.flush(1.0) and two.one.journal.flush(1.0))
    unwatched = [each for each in two.one.recent_events("wkr_a") if each.kind == "unwatched"]
    assert len(unwatched) == 1


@pytest.mark.parametrize("content", [b"", None, b'{"id":"wkr_b"}\n{"id":"wk', b"\xff\xfe\x00"])
async def test_a_list_that_is_lost_or_damaged_takes_nobody_off(two: Two, content: bytes | None) -> None:
    if content is None:
        two.file.unlink()
    else:
        two.file.write_bytes(content)
    await until(lambda: two.other.watch_list.problem and two.one.watch_list.problem, clock=two.clock)
    await two.pass_time()
    assert _ids(two.one) == _ids(two.other) == ["wkr_a", "wkr_b"]
    assert any(str(two.file) in sentence for sentence in two.other.standing)


@pytest.mark.parametrize("content", [b"", None])
async def test_a_lost_list_is_written_again_whole_with_the_next_change(two: Two, content: bytes | None) -> None:
    two.file.unlink()
    if content is not None:
        two.file.write_bytes(content)
    await until(lambda: two.other.watch_list.problem and two.one.watch_list.problem, clock=two.clock)
    two.other.watch(["wkr_c"])
    await two.settled("wkr_a", "wkr_b", "wkr_c")
    assert two.one.watch_list.problem is two.other.watch_list.problem is None


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="whoever may read everything reads this too")
async def test_a_list_that_cannot_be_read_takes_nobody_off(two: Two) -> None:
    two.file.chmod(0)
    await two.pass_time()
    assert _ids(two.one) == _ids(two.other) == ["wkr_a", "wkr_b"]


async def test_a_list_that_became_a_folder_takes_nobody_off_and_comes_back(two: Two) -> None:
    kept = two.file.read_bytes()
    two.file.unlink()
    two.file.mkdir()
    await until(lambda: two.one.watch_list.trouble and two.other.watch_list.trouble, clock=two.clock)
    assert _ids(two.one) == _ids(two.other) == ["wkr_a", "wkr_b"]
    two.file.rmdir()
    two.file.write_bytes(kept + b'{"id":"wkr_c"}\n')
    await two.settled("wkr_a", "wkr_b", "wkr_c")
    assert two.one.watch_list.trouble is None


async def test_the_folder_of_a_package_is_followed(two: Two, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    two.one.set_folder("wkr_a", package)
    await until(lambda: two.other.packages.folder("wkr_a") == package, clock=two.clock)
    two.other.set_folder("wkr_a", None)
    await until(lambda: two.one.packages.folder("wkr_a") is None, clock=two.clock)


async def test_a_difference_ends_with_the_folder_in_both(two: Two, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    two.one.set_folder("wkr_a", package)
    await until(lambda: two.other.packages.folder("wkr_a") == package, clock=two.clock)
    for each in (two.one, two.other):
        each.take_events(each.fleet.set_drift("wkr_a", DriftState.DRIFTED, "1 file differs", two.clock.now()))
    two.one.set_folder("wkr_a", None)
    await until(lambda: not _firing(two.one) and not _firing(two.other), clock=two.clock)


async def test_an_alarm_of_a_worker_that_an_editor_took_off_ends(two: Two) -> None:
    two.one.take_events([event(worker_id="wkr_a")])
    await until(lambda: _firing(two.one) and _firing(two.other), clock=two.clock)
    two.file.write_bytes(b'{"id":"wkr_b"}\n')
    await until(lambda: not _firing(two.one) and not _firing(two.other), clock=two.clock)
