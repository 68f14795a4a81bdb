"""One watcher a profile: who holds the lease, who stands by, and who takes over when."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from pyhall_tui.journal.connections import JournalFile
from pyhall_tui.journal.watchers import BEAT, STALE, Holder, Watchers
from pyhall_tui.watch.lease import Lease, LeaseLost
from tests.clock import ManualClock
from tests.waiting import until

GONE = Holder("t", 2**22 + 1, "elsewhere", "")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[JournalFile]:
    store = JournalFile(tmp_path / "journal.db")
    yield store
    store.close()


@pytest.fixture
def watchers(file: JournalFile) -> Watchers:
    return Watchers(file)


@asynccontextmanager
async def acquiring(lease: Lease) -> AsyncIterator[tuple["asyncio.Task[None]", list[Holder]]]:
    others: list[Holder] = []
    task = asyncio.create_task(lease.acquire(others.append))
    try:
        yield task, others
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def held(watchers: Watchers, clock: ManualClock) -> Lease:
    lease = Lease(watchers, "acme", clock)
    await asyncio.wait_for(lease.acquire(lambda _: None), 30)
    return lease


async def beats(watchers: Watchers, clock: ManualClock, count: int, *others: ManualClock) -> None:
    """Let the holder beat that often, by its clock; as much time passes on the others, however slow the disk is."""

    def beat() -> int:
        holder = watchers.holder("acme")
        assert holder is not None
        return holder.beat

    for _ in range(count):
        before = beat()
        for each in others:
            await each.advance(BEAT)
        await until(lambda before=before: beat() > before, clock=clock)


async def test_a_free_lease_is_taken_at_once_and_given_up_at_the_end(watchers: Watchers) -> None:
    lease = await held(watchers, ManualClock())
    assert lease.is_held
    holder = watchers.holder("acme")
    assert holder is not None
    assert (holder.pid, holder.host) == (os.getpid(), socket.gethostname())
    assert watchers.holder("other") is None
    await lease.leave()
    assert not lease.is_held
    assert watchers.holder("acme") is None


async def test_the_second_one_stands_by_for_as_long_as_the_first_one_lives(watchers: Watchers) -> None:
    its_own, clock = ManualClock(), ManualClock()
    first = await held(watchers, its_own)
    keeping = asyncio.create_task(first.keep())
    second = Lease(watchers, "acme", clock)
    async with acquiring(second) as (task, others):
        await until(lambda: others)
        await beats(watchers, its_own, 6, clock)
        assert not task.done()
        assert len(others) == 1
        assert not second.is_held
        keeping.cancel()
        await first.leave()
        await until(task.done, clock=clock)
    assert second.is_held


async def test_a_holder_that_hangs_is_replaced_and_notices_it(watchers: Watchers) -> None:
    clock, its_own = ManualClock(), ManualClock()
    first = await held(watchers, its_own)
    second = Lease(watchers, "acme", clock)
    async with acquiring(second) as (task, _):
        began = clock.now().mono
        await until(task.done, clock=clock)
        assert STALE <= clock.now().mono - began < 2 * STALE
    assert second.is_held
    await its_own.advance(2 * STALE)  # it goes on
    assert not first.is_held
    keeping = asyncio.create_task(first.keep())
    await until(keeping.done, clock=its_own)
    assert isinstance(keeping.exception(), LeaseLost)
    assert not first.is_held
    await first.leave()
    holder = watchers.holder("acme")
    assert holder is not None
    assert watchers.beat("acme", holder.token)


async def test_a_holder_that_was_killed_is_replaced_at_once(watchers: Watchers) -> None:
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
    mine = await held(watchers, ManualClock())
    holder = watchers.holder("acme")
    assert holder is not None
    if not holder.place:
        pytest.skip("the system does not say which processes there are")
    await mine.leave()
    assert watchers.take("acme", holder._replace(token="t", pid=process.pid), None)
    lease = await held(watchers, ManualClock())  # its clock stands still
    assert lease.is_held


async def test_a_process_number_of_another_machine_says_nothing(watchers: Watchers) -> None:
    watchers.take("acme", GONE, None)
    clock = ManualClock()
    async with acquiring(Lease(watchers, "acme", clock)) as (task, others):
        await until(lambda: others, clock=clock)
        assert not task.done()
        assert others == [GONE]
        await until(task.done, clock=clock)


async def test_no_clock_has_to_be_right(watchers: Watchers) -> None:
    past, future = ManualClock(), ManualClock()
    future.jump_wall(365 * 86_400)
    first = await held(watchers, past)
    keeping = asyncio.create_task(first.keep())
    async with acquiring(Lease(watchers, "acme", future)) as (task, _):
        await beats(watchers, past, 6, future)
        assert not task.done()
        past.jump_wall(-2 * 365 * 86_400)
        await beats(watchers, past, 6, future)
        assert not task.done()
        assert not keeping.done()
    keeping.cancel()


async def test_of_two_that_take_a_stale_lease_only_one_gets_it(watchers: Watchers) -> None:
    watchers.take("acme", GONE, None)
    assert watchers.take("acme", GONE._replace(token="one"), GONE)
    assert not watchers.take("acme", GONE._replace(token="two"), GONE)
    assert not watchers.beat("acme", GONE.token)


async def test_one_that_was_itself_suspended_does_not_take_the_lease_of_a_living_one(watchers: Watchers) -> None:
    clock = ManualClock()
    watchers.take("acme", GONE, None)
    async with acquiring(Lease(watchers, "acme", clock)) as (task, others):
        await until(lambda: others, clock=clock)
        watchers.beat("acme", GONE.token)
        await clock.advance(100 * STALE)
        await asyncio.sleep(0.1)
        assert not task.done()


async def test_a_journal_that_was_replaced_is_taken_again(file: JournalFile, watchers: Watchers) -> None:
    clock = ManualClock()
    lease = await held(watchers, clock)
    keeping = asyncio.create_task(lease.keep())
    file.write(lambda connection: connection.execute("DELETE FROM watchers").close())
    await until(lambda: watchers.holder("acme") and lease.is_held, clock=clock)
    assert not keeping.done()
    keeping.cancel()


async def test_a_journal_that_cannot_be_written_keeps_nobody_from_watching(file: JournalFile) -> None:
    file.write(lambda connection: connection.execute("PRAGMA query_only=1").close())
    clock = ManualClock()
    lease = await held(Watchers(file), clock)
    keeping = asyncio.create_task(lease.keep())
    began = clock.now().mono
    await until(lambda: clock.now().mono > began + 15 and lease.is_held, clock=clock)
    assert not keeping.done()
    keeping.cancel()


async def test_in_memory_there_are_no_others() -> None:
    lease = await held(Watchers(JournalFile(None)), ManualClock())
    assert lease.is_held
    await lease.leave()
