"""The wire's thread: what blocks in it delays nobody."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from pyhall_tui.threads.daemon_executor import DaemonExecutor
from pyhall_tui.threads.loop_thread import LoopThread


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    """Set when the test is over, so that what hangs in it ends."""
    over = threading.Event()
    yield over
    over.set()


def test_more_lookups_than_an_executor_has_threads_hang_and_the_next_is_answered(
    hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F16, F19: a resolver may take longer than the time-out; each try of a lost registry may leave one behind."""
    look_up = socket.getaddrinfo

    def slow(host: str, *more: object) -> object:
        return hanging.wait() if host == "slow.example" else look_up(host, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slow)

    async def ask(host: str, seconds: float) -> list[object]:
        async with asyncio.timeout(seconds):
            return list(await asyncio.get_running_loop().getaddrinfo(host, 80))

    wire = LoopThread("wire")
    for _ in range(40):
        with pytest.raises(TimeoutError):
            wire.submit(ask("slow.example", 0.001)).result()
    assert wire.submit(ask("127.0.0.1", 5)).result()
    began = time.monotonic()
    wire.stop(60)
    assert time.monotonic() - began < 30  # otherwise it waits for a call that never returns


def test_a_loop_that_ends_does_not_wait_for_a_call_that_hangs(hanging: threading.Event) -> None:
    """F16: a command ends when its request has timed out."""

    async def command() -> None:
        asyncio.get_running_loop().set_default_executor(DaemonExecutor())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(hanging.wait), 0.01)

    began = time.monotonic()
    asyncio.run(command())
    assert time.monotonic() - began < 30  # the call would hang until the test is over
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "blocking call")


async def test_what_a_blocking_call_returns_or_raises_comes_back() -> None:
    asyncio.get_running_loop().set_default_executor(DaemonExecutor())
    assert await asyncio.to_thread(lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(lambda: 1 / 0)
