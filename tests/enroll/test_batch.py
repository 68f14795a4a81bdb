"""A batch sent to a real hall: each worker once, whatever goes wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.enroll.batch import BatchRun, EnrollingRegistry, Item, RowState, counts, plan
from pyhall_tui.enroll.batch_rows import read_rows
from pyhall_tui.enroll.last_run import LastRun
from pyhall_tui.enroll.report import as_csv, as_json_lines
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import EnrollmentRow, EnrollmentState
from pyhall_tui.monitor.rate_limiter import RateLimiter
from pyhall_tui.monitor.request_queue import RequestQueue
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.client import RegistryClient
from tests.live_hall import LiveHall, live_hall
from tests.waiting import until

T = TypeVar("T")
CLOCK = SystemClock()
ENROLL = "/api/v1/hall/enroll"


class Bench:
    """A hall, a journal on disk and a client, to run a batch against."""

    def __init__(
        self, hall: LiveHall, client: RegistryClient, profile: Profile, journal: Journal, folder: Path
    ) -> None:
        self.hall, self.client, self.profile, self.journal, self.folder = hall, client, profile, journal, folder
        self.queue = RequestQueue(
            RateLimiter(profile.requests_per_second, profile.requests_in_flight, CLOCK.now().mono), CLOCK
        )

    def plan(self, count: int, **fields: Any) -> list[Item]:
        """Plan a batch of that many workers, `w0` and so on."""
        rows = [
            {"display_name": f"w{i}", "capabilities": ["mail.send"], "sha256": f"{i:064x}"} | fields
            for i in range(count)
        ]
        batch = self.folder / "batch.jsonl"
        batch.write_text("\n".join(map(json.dumps, rows)))
        return plan(read_rows(batch, self.profile), self.journal)

    def run_of(self, items: list[Item], **more: Any) -> BatchRun:
        async def in_turn(call: Callable[[EnrollingRegistry], Awaitable[T]]) -> T:
            return await self.queue.take(lambda: call(self.client))

        last_run = LastRun(self.folder / "batch-acme", self.journal)
        known: dict[str, Any] = {"journal": self.journal, "clock": CLOCK, "in_turn": in_turn, "last_run": last_run}
        return BatchRun(items, batch="batch", profile=self.profile, **(known | more))

    async def run(self, items: list[Item]) -> BatchRun:
        run = self.run_of(items)
        await run.run()
        return run

    def enrolled(self) -> list[str]:
        """Return the names that the hall has enrolled, one for each time."""
        return sorted(worker.display_name for worker in self.hall.store.workers() if worker.display_name[0] == "w")


async def bench_of(hall: LiveHall, folder: Path, **fields: Any) -> AsyncIterator[Bench]:
    known: dict[str, Any] = {"requests_per_second": 1_000.0}
    profile = Profile(name="acme", namespace=hall.namespace, registry_url=hall.url, **(known | fields))
    with Journal.open(folder / "journal.db", CLOCK) as journal:
        async with RegistryClient(profile, ApiKey(hall.key), CLOCK) as client:
            yield Bench(hall, client, profile, journal, folder)


@pytest.fixture
async def bench(hall: LiveHall, tmp_path: Path) -> AsyncIterator[Bench]:
    async for made in bench_of(hall, tmp_path):
        yield made


async def test_each_row_is_enrolled_once_and_not_again_in_the_next_run(bench: Bench) -> None:
    await bench.run(bench.plan(5))
    assert bench.enrolled() == ["w0", "w1", "w2", "w3", "w4"]
    again = bench.plan(5)
    await bench.run(again)
    assert bench.enrolled() == ["w0", "w1", "w2", "w3", "w4"]
    assert all(item.state is RowState.ENROLLED and item.earlier and item.worker_id for item in again)


async def test_the_same_rows_under_another_name_of_the_file_are_known_too(bench: Bench, tmp_path: Path) -> None:
    await bench.run(bench.plan(2))
    moved = (tmp_path / "batch.jsonl").rename(tmp_path / "moved.jsonl")
    items = plan(read_rows(moved, bench.profile), bench.journal)
    assert counts(items) == {RowState.ENROLLED: 2}


async def test_a_row_found_in_the_middle_of_a_send_is_unknown_and_is_not_sent(bench: Bench) -> None:
    (item,) = bench.plan(1)
    row = EnrollmentRow(batch="batch", row_key=item.row.key, state=EnrollmentState.SENDING, at=CLOCK.now().wall)
    bench.journal.record_enrollment_now("acme", row)
    (item,) = items = bench.plan(1)
    assert item.state is RowState.UNKNOWN
    await bench.run(items)
    assert (item.state, bench.enrolled()) == (RowState.UNKNOWN, [])


async def test_a_conflict_may_be_about_an_earlier_try_whose_answer_was_lost(bench: Bench) -> None:
    """F65: its outcome is unknown, and it is not sent again."""
    (item,) = items = bench.plan(1)
    bench.hall.faults.add(path=ENROLL, status=409, count=1)
    await bench.run(items)
    assert (item.state, bench.enrolled()) == (RowState.UNKNOWN, []) and "409" in item.error
    assert [each.state for each in bench.plan(1)] == [RowState.UNKNOWN]


async def test_a_lost_answer_is_unknown_until_the_operator_decides(bench: Bench) -> None:
    bench.hall.faults.add(path=ENROLL, drop="answered", count=1)
    bench.hall.faults.add(path=ENROLL, drop="unheard", count=1)
    items = bench.plan(2)
    await bench.run(items)
    assert counts(items) == {RowState.UNKNOWN: 2}
    assert len(bench.enrolled()) == 1
    items = bench.plan(2)
    run = bench.run_of(items)
    is_there = {item.row.number: item.row.request.display_name in bench.enrolled() for item in items}
    await run.decide([number for number, there in is_there.items() if there], enrolled=True)
    await run.decide([number for number, there in is_there.items() if not there], enrolled=False)
    await run.run()
    assert bench.enrolled() == ["w0", "w1"]
    assert counts(bench.plan(2)) == {RowState.ENROLLED: 2}


async def test_an_unknown_row_is_looked_up_by_the_id_that_the_batch_gives(bench: Bench) -> None:
    bench.hall.faults.add(path=ENROLL, drop="answered", count=1)
    bench.hall.add_worker("org.yourco.w0", sha256=f"{0:064x}")
    (item,) = bench.plan(1, worker_id="org.yourco.w0")
    await bench.run([item])
    assert (item.state, item.worker_id) == (RowState.ENROLLED, "org.yourco.w0")


async def test_an_id_that_the_registry_does_not_know_proves_nothing(bench: Bench) -> None:
    bench.hall.faults.add(path=ENROLL, drop="answered", count=1)
    (item,) = bench.plan(1, worker_id="org.yourco.w0")
    await bench.run([item])
    assert item.state is RowState.UNKNOWN


async def test_a_refused_row_is_tried_again_in_the_next_run(bench: Bench) -> None:
    bench.hall.faults.add(path=ENROLL, status=400, body='{"error": "invalid field: display_name"}', count=1)
    items = bench.plan(2)
    await bench.run(items)
    assert counts(items) == {RowState.ENROLLED: 1, RowState.REFUSED: 1}
    await bench.run(bench.plan(2))
    assert bench.enrolled() == ["w0", "w1"]


async def test_a_rejected_key_stops_the_batch_at_once(bench: Bench) -> None:
    bench.hall.faults.add(path=ENROLL, status=401, body='{"error": "invalid API key"}')
    items = bench.plan(50)
    run = await bench.run(items)
    assert "401" in run.stopped_because
    assert counts(items)[RowState.READY] >= 50 - bench.profile.requests_in_flight


async def test_a_stop_lets_what_is_in_flight_end_and_sends_no_more(bench: Bench) -> None:
    bench.hall.faults.add(path=ENROLL, latency=0.05)
    items = bench.plan(100)
    run = bench.run_of(items)
    running = asyncio.create_task(run.run())
    await until(bench.enrolled)
    run.stop()
    await running
    found = counts(items)
    assert found[RowState.ENROLLED] == len(bench.enrolled()) < 100
    assert set(found) == {RowState.ENROLLED, RowState.READY}


async def test_a_rate_limit_is_obeyed_and_loses_no_row(tmp_path: Path) -> None:
    with live_hall(rate=40) as hall:
        async for bench in bench_of(hall, tmp_path):
            items = bench.plan(100)
            await bench.run(items)
            assert counts(items) == {RowState.ENROLLED: 100}
            assert len(bench.enrolled()) == 100
            refused = sum(seen.raw_path == ENROLL for seen in hall.requests) - 100
            assert refused <= 2 * bench.profile.requests_in_flight


async def test_a_stop_ends_the_wait_for_a_rate_limit_at_once(bench: Bench) -> None:
    """F67: not after the five minutes that the registry asks for."""
    bench.hall.faults.add(path=ENROLL, status=429, retry_after=300)
    items = bench.plan(20)
    told: list[float] = []
    run = bench.run_of(items, on_limited=told.append)
    running = asyncio.create_task(run.run())
    await until(lambda: told)
    run.stop()
    await asyncio.wait_for(running, 30)
    assert told == [300.0]
    assert counts(items) == {RowState.READY: 20}
    assert counts(bench.plan(20)) == {RowState.READY: 20}


async def test_a_rate_limit_without_an_end_stops_the_batch(bench: Bench) -> None:
    """F67"""
    bench.hall.faults.add(path=ENROLL, status=429, retry_after=2)
    items = bench.plan(3)
    run = bench.run_of(items, patience=1.0)
    await run.run()
    assert "429" in run.stopped_because
    assert counts(items) == {RowState.READY: 3}


@pytest.mark.parametrize(
    "body",
    [
        *("{}", '{"data": {}}', '{"worker_id": ""}', '{"worker_id": 7}', '{"worker_id": true}', '{"worker_id": null}'),
        *('{"worker_id": "a\\nb"}', '{"worker_id": "\\u001b[2J"}', json.dumps({"worker_id": "w" * 10_000})),
    ],
    ids=lambda body: body[:24],
)
async def test_an_answer_without_a_worker_that_can_be_watched_is_unknown(bench: Bench, body: str) -> None:
    """F116: check first; it is not sent again."""
    bench.hall.faults.add(path=ENROLL, status=201, body=body, count=1)
    items = bench.plan(1)
    await bench.run(items)
    assert (items[0].state, items[0].worker_id) == (RowState.UNKNOWN, None)
    assert counts(bench.plan(1)) == {RowState.UNKNOWN: 1}


async def test_an_answer_with_a_session_in_place_of_a_worker_is_an_enrollment(bench: Bench) -> None:
    """F116"""
    bench.hall.faults.add(path=ENROLL, status=201, body='{"session_id": "ses-1"}', count=1)
    items = bench.plan(1)
    await bench.run(items)
    assert (items[0].state, items[0].worker_id) == (RowState.ENROLLED, None)


async def test_an_unreachable_registry_stops_the_batch_and_nothing_is_unknown(bench: Bench) -> None:
    profile = Profile(name="acme", namespace="org.yourco", registry_url="http://127.0.0.1:9")
    async with RegistryClient(profile, None, CLOCK) as client:
        bench.client = client
        items = bench.plan(20)
        run = await bench.run(items)
    assert run.stopped_because, (items[0].state, items[0].error)
    assert counts(items) == {RowState.READY: 20}


async def test_wrong_rows_are_never_sent(bench: Bench) -> None:
    items = bench.plan(3, capabilities=[])
    await bench.run(items)
    assert counts(items) == {RowState.WRONG: 3}
    assert not bench.hall.requests


async def test_the_report_has_a_line_a_row(bench: Bench) -> None:
    items = bench.plan(2, display_name="=cmd()")[:1]
    await bench.run(items)
    (line,) = map(json.loads, as_json_lines(items).splitlines())
    assert (line["state"], line["display_name"], line["worker_id"]) == ("enrolled", "=cmd()", items[0].worker_id)
    assert "'=cmd()" in as_csv(items)
