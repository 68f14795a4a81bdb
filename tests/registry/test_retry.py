"""When a single read is repeated, and how long it waits: never without a limit."""

import email.utils
import time
from collections.abc import Iterator

import pytest

from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import RateLimited, ServerError, StatusError, TimedOut, Unreachable
from pyhall_tui.registry.models import RequestRecord
from pyhall_tui.registry.retry import (
    ATTEMPTS,
    FIRST_WAIT,
    LONGEST_RETRY_AFTER,
    LONGEST_WAIT_OF_A_READ,
    SHORTEST_RETRY_AFTER,
    TIMEOUT,
    retry_after,
)
from tests.clock import ManualClock
from tests.registry.conftest import OpenClient
from tests.registry.raw_server import RawServer, hang_up, json, never, verdict

WORKER = "wkr_abc123"
NOW = 1_774_000_000.0
LIMITED = {"error": "slow down"}


class QuickClock(ManualClock):
    """A clock on which a sleep is over at once, and which notes how long each was."""

    def __init__(self) -> None:
        super().__init__(wall=NOW)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.skip(seconds)


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def client(server: RawServer, open_client: OpenClient, clock: QuickClock) -> RegistryClient:
    return open_client(server.url, timeout=30.0, clock=clock)


@pytest.fixture
def far_away() -> Iterator[None]:
    """This machine's zone is not that of the registry."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        ("0", SHORTEST_RETRY_AFTER),
        ("-1", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("nan", None),
        ("inf", None),
        ("999999999", LONGEST_RETRY_AFTER),
        ("9" * 5000, LONGEST_RETRY_AFTER),
        ("5, 10", 10.0),
        ("soon, 10", 10.0),
        (f"5, {email.utils.formatdate(NOW + 20, usegmt=True)}", 20.0),
        (time.strftime("%A, %d-%b-%y %H:%M:%S GMT", time.gmtime(NOW + 20)), 20.0),
        (time.asctime(time.gmtime(NOW + 20)), 20.0),
        ("٣", None),
        (email.utils.formatdate(NOW + 20, usegmt=True), 20.0),
        (email.utils.formatdate(NOW - 3600, usegmt=True), SHORTEST_RETRY_AFTER),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_RETRY_AFTER),
        ("Fri, 99 Dec 2026 23:59:59 GMT", None),
    ],
)
def test_retry_after_is_bounded_whatever_it_says(far_away: None, header: str | None, seconds: float | None) -> None:
    """F18: in each of the three date formats, whatever this machine's time zone."""
    assert retry_after(header, NOW) == seconds


async def test_a_retry_after_date_counts_by_the_clock_of_who_wrote_it(
    server: RawServer, open_client: OpenClient
) -> None:
    """The registry's clock is an hour ahead of ours: 20 seconds stay 20 seconds."""
    ahead = NOW + 3600
    dates = [
        f"{name}: {email.utils.formatdate(at, usegmt=True)}"
        for name, at in (("Date", ahead), ("Retry-After", ahead + 20))
    ]
    server.answer(json(LIMITED, "429 Too Many Requests", *dates))
    with pytest.raises(RateLimited) as caught:
        await open_client(server.url, clock=ManualClock(wall=NOW)).verify(WORKER, retry=False)
    assert caught.value.retry_after == 20.0


@pytest.mark.parametrize(("header", "least"), [("7", 7.0), ("0", 1.0), ("-1", 1.0), ("soon", 1.0)])
async def test_a_read_waits_as_long_as_requested(
    server: RawServer, client: RegistryClient, clock: QuickClock, header: str, least: float
) -> None:
    """F18: and never less than a second, whatever the registry says."""
    server.answer(json(LIMITED, "429 Too Many Requests", f"Retry-After: {header}"), verdict())
    assert (await client.verify(WORKER)).status == "active"
    assert len(clock.slept) == 1 and least <= clock.slept[0] <= least + 0.5


async def test_a_read_waits_until_the_requested_date(
    server: RawServer, client: RegistryClient, clock: QuickClock
) -> None:
    """F18"""
    dates = [f"{name}: {email.utils.formatdate(at, usegmt=True)}" for name, at in (("Date", 0), ("Retry-After", 20))]
    server.answer(json({}, "503 Service Unavailable", *dates), verdict())
    assert (await client.verify(WORKER)).status == "active"
    assert len(clock.slept) == 1 and 20 <= clock.slept[0] <= 20.5


async def test_the_waits_of_one_read_end_within_its_time(
    server: RawServer, client: RegistryClient, clock: QuickClock
) -> None:
    """F18: each wait is allowed, both together are not."""
    server.answer(json(LIMITED, "429 Too Many Requests", f"Retry-After: {LONGEST_WAIT_OF_A_READ:.0f}"))
    with pytest.raises(RateLimited):
        await client.verify(WORKER)
    assert len(server.requests) == 2 and sum(clock.slept) <= TIMEOUT


async def test_a_read_waits_longer_each_time_when_nothing_says_how_long(
    server: RawServer, client: RegistryClient, clock: QuickClock
) -> None:
    server.answer(hang_up)
    with pytest.raises(Unreachable):
        await client.verify(WORKER)
    first, second = clock.slept
    assert FIRST_WAIT / 2 <= first <= FIRST_WAIT <= second <= FIRST_WAIT * 2


async def test_a_read_does_not_wait_longer_than_a_person_would(server: RawServer, client: RegistryClient) -> None:
    """F18: `Retry-After: 999999999` is reported at once instead, with the limit as the seconds to wait."""
    server.answer(json(LIMITED, "429 Too Many Requests", "Retry-After: 999999999"))
    with pytest.raises(RateLimited) as caught:
        await client.verify(WORKER)
    assert caught.value.retry_after == LONGEST_RETRY_AFTER > LONGEST_WAIT_OF_A_READ
    assert len(server.requests) == 1


@pytest.mark.parametrize("retry", [True, False])
async def test_a_fault_that_passes_is_asked_again_unless_that_is_not_wanted(
    server: RawServer, open_client: OpenClient, clock: QuickClock, retry: bool
) -> None:
    records: list[RequestRecord] = []
    client = open_client(server.url, clock=clock, on_request=records.append)
    server.answer(json({"error": "x"}, "500 Internal Server Error"), json(LIMITED, "429 Too Many Requests"), verdict())
    if retry:
        assert (await client.verify(WORKER)).status == "active"
        assert [record.status for record in records] == [500, 429, 200]
        assert len({request.headers["x-correlation-id"] for request in server.requests}) == 1
    else:
        with pytest.raises(ServerError):
            await client.verify(WORKER, retry=False)
        assert [record.status for record in records] == [500]


@pytest.mark.parametrize(
    ("script", "kind"), [(hang_up, Unreachable), (json({}, "503 Service Unavailable"), ServerError)]
)
async def test_a_fault_that_stays_ends_in_its_own_error_after_some_attempts(
    server: RawServer, client: RegistryClient, script: bytes, kind: type[Exception]
) -> None:
    server.answer(script)
    with pytest.raises(kind):
        await client.verify(WORKER)
    assert len(server.requests) == ATTEMPTS


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "418 Teapot"])
async def test_a_refusal_is_not_asked_again_whatever_its_retry_after(
    server: RawServer, client: RegistryClient, status: str
) -> None:
    """F18"""
    server.answer(json({}, status, "Retry-After: 1"))
    with pytest.raises(StatusError):
        await client.verify(WORKER)
    assert len(server.requests) == 1


async def test_a_time_out_is_not_asked_again(server: RawServer, open_client: OpenClient) -> None:
    """The profile's time-out is what a person waits at most."""
    server.answer(never)
    with pytest.raises(TimedOut):
        await open_client(server.url, timeout=0.1).verify(WORKER)
    assert len(server.requests) == 1
