"""A matrix against the hall: all cells, within the rate limit, through a 429, stopped and continued."""

import asyncio

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.dispatch.matrix import Case, MatrixRun, NothingChosen, Plan, choose, lay_out, sums
from pyhall_tui.dispatch.result import Result, Tried, try_dispatch
from pyhall_tui.hall.limiter import Limiter
from pyhall_tui.monitor.rate_limiter import RateLimiter
from pyhall_tui.monitor.request_queue import RequestQueue
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import Forbidden, RateLimited
from pyhall_tui.registry.models import DispatchAnswer, DispatchRequest, Exchange, Outcome
from tests.clock import ManualClock
from tests.live_hall import CAPABILITY, WORKER, live_hall
from tests.waiting import until


def plan(**fields: tuple[str, ...]) -> Plan:
    known = {"capabilities": (CAPABILITY,), "workers": (WORKER,), "risk_tiers": ("low", "high", "critical")}
    return Plan(namespace="org.yourco", **(known | fields))


async def run_on(url: str, key: str, asked: Plan, *, rate: float, in_flight: int = 8) -> MatrixRun:
    clock = SystemClock()
    profile = Profile(name="t", namespace="org.yourco", registry_url=url, requests_in_flight=in_flight)
    turns = RequestQueue(RateLimiter(rate, in_flight, clock.now().mono), clock)
    async with RegistryClient(profile, ApiKey(key), clock) as client:

        async def send(request: DispatchRequest) -> Tried:
            return await try_dispatch(lambda one: turns.take(lambda: client.dispatch(one)), request, clock)

        run = MatrixRun(asked, send=send, clock=clock, correlation_prefix="m-", in_flight=in_flight)
        await run.run()
        return run


async def test_every_cell_has_its_answer_and_the_sums_are_theirs() -> None:
    with live_hall() as hall:
        run = await run_on(hall.url, hall.key, plan(workers=(WORKER, "wkr_nobody")), rate=500)

    assert run.is_complete
    assert run.cells[Case(CAPABILITY, WORKER, "low")].result is Result.ALLOW
    assert run.cells[Case(CAPABILITY, WORKER, "high")].result is Result.HOLD
    counted = sums(run.cells.values())
    assert counted.results == {Result.DENY: 4, Result.HOLD: 1, Result.ALLOW: 1}
    assert counted.codes["DENY_NO_AVAILABLE_WORKER"] == 3


def wide(capabilities: int, workers: int) -> Plan:
    return plan(
        capabilities=tuple(f"cap.{number}" for number in range(capabilities)),
        workers=tuple(f"wkr_{number}" for number in range(workers)),
        risk_tiers=("low",),
    )


async def test_what_the_registry_refuses_for_its_rate_is_asked_again_and_granted_once() -> None:
    clock = ManualClock()  # the hall's: a busy machine's time grants nothing
    with live_hall(rate=15, clock=clock) as hall:
        running = asyncio.create_task(run_on(hall.url, hall.key, wide(6, 8), rate=1_000))
        await until(lambda: len(hall.requests) > 30)
        await until(running.done, clock=clock)
        run, posts = running.result(), len(hall.requests)

    assert all(tried.result is Result.DENY for tried in run.cells.values())
    assert len(run.cells) == 48
    assert posts > 48, "the hall's burst was not exceeded, so nothing was tested"


async def test_forty_by_fifty_cells_all_come_through_a_rate_limit_that_is_lower_than_the_profiles() -> None:
    """The hall's own limiter at 20 requests a second, the profile says 50: some minutes of a clock that is moved."""
    clock = ManualClock()
    limiter = Limiter(clock, 20.0, burst=40)
    turns = RequestQueue(RateLimiter(50.0, 8, clock.now().mono), clock)
    granted: set[str] = set()

    async def registry(request: DispatchRequest) -> DispatchAnswer:
        if (wait := limiter.wait("key")) > 0:
            raise _limited(max(1.0, wait))  # as the client reads the header
        cell = request.capability + request.worker_id
        assert cell not in granted
        granted.add(cell)
        return _allowed(request)

    async def send(request: DispatchRequest) -> Tried:
        return await try_dispatch(lambda one: turns.take(lambda: registry(one)), request, clock)

    run = MatrixRun(wide(40, 50), send=send, clock=clock, correlation_prefix="m-", in_flight=8)
    task = asyncio.create_task(run.run())
    began = clock.now().mono
    while not task.done() and clock.now().mono - began < 600:
        await clock.advance(1.0)

    assert run.is_complete
    assert {tried.result for tried in run.cells.values()} == {Result.ALLOW}
    assert 2_000 / 20 - 5 <= clock.now().mono - began < 300


async def test_what_has_come_stays_when_it_is_stopped_and_only_the_rest_is_asked_later() -> None:
    sent: list[str] = []
    gate = asyncio.Event()

    async def send(request: DispatchRequest) -> Tried:
        sent.append(request.context.get("risk_tier", ""))
        if len(sent) == 2:
            await gate.wait()
        return await try_dispatch(_refuse, request, ManualClock())

    run = MatrixRun(plan(), send=send, clock=ManualClock(), correlation_prefix="m-", in_flight=1)
    task = asyncio.create_task(run.run())
    await until(lambda: len(sent) == 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert len(run.cells) == 1
    assert not run.is_running
    gate.set()
    await run.run()
    assert run.is_complete
    assert sent == ["low", "high", "high", "critical"]


async def _refuse(request: DispatchRequest) -> DispatchAnswer:
    raise Forbidden("no", status=403, error_text="no", method="POST", path="/", correlation_id="c")


def _limited(retry_after: float) -> RateLimited:
    error = RateLimited("slow", status=429, error_text="", method="POST", path="/", correlation_id="c")
    error.retry_after = retry_after
    return error


def _allowed(request: DispatchRequest) -> DispatchAnswer:
    exchange = Exchange(
        method="POST",
        url="/",
        request_headers=(),
        request_body=b"",
        status=200,
        response_headers=(),
        response_body=b'{"outcome":"allow"}',
        elapsed=0.01,
        correlation_id="c",
    )
    return DispatchAnswer(
        outcome=Outcome.ALLOW,
        outcome_text="allow",
        deny_code=None,
        reason=None,
        decision_id=None,
        correlation_id=None,
        exchange=exchange,
    )


async def test_others_wait_their_turn_and_a_429_holds_all_of_them() -> None:
    clock = ManualClock()
    turns = RequestQueue(RateLimiter(10.0, 4, clock.now().mono), clock)
    at: list[float] = []

    async def ask() -> None:
        at.append(clock.now().mono)
        if len(at) == 2:
            raise _limited(20.0)

    tasks = [asyncio.create_task(turns.take(ask)) for _ in range(4)]
    await clock.advance(30)
    await asyncio.gather(*tasks, return_exceptions=True)

    assert at[1] - at[0] == pytest.approx(0.1, abs=0.01)
    assert at[2] - at[1] >= 20


def test_a_pattern_chooses_known_names_and_a_name_chooses_itself() -> None:
    known = ["llm.text.generate", "llm.embed", "mail.send"]

    assert choose(["llm.*", "x.new"], known, "capability") == ("llm.embed", "llm.text.generate", "x.new")


@pytest.mark.parametrize("patterns", [[], ["nothing.*"]])
def test_a_choice_of_nothing_is_a_sentence(patterns: list[str]) -> None:
    with pytest.raises(NothingChosen, match="worker"):
        choose(patterns, ["wkr_1"], "worker")


@pytest.mark.parametrize(
    ("fields", "across"),
    [
        ({"workers": ("a", "b"), "capabilities": ("c", "d", "e"), "risk_tiers": ("low",)}, "worker"),
        ({"workers": ("a", "b", "c"), "capabilities": ("d",), "risk_tiers": ("low", "high")}, "risk"),
        ({"workers": ("a", "b", "c"), "capabilities": ("d", "e"), "risk_tiers": ("low",)}, "capability"),
    ],
)
def test_the_longer_side_goes_down_and_each_cell_has_its_place(fields: dict[str, tuple[str, ...]], across: str) -> None:
    asked = plan(**fields)
    grid = lay_out(asked)

    assert grid.column_title == across
    assert sorted(grid.cases.values()) == sorted(asked.cases())
    assert len(grid.rows) * len(grid.columns) == len(asked)


def test_turned_the_workers_and_the_capabilities_change_places() -> None:
    asked = plan(workers=("a", "b", "c"), capabilities=("d", "e"), risk_tiers=("low",))
    grid, turned = lay_out(asked), lay_out(asked, is_turned=True)

    assert (turned.row_title, turned.column_title) == (grid.column_title, grid.row_title)
    assert turned.columns == tuple(worker for (worker,) in grid.rows)
    assert list(turned.cases.values()) == list(grid.cases.values())


def test_three_sides_join_two_of_them_in_the_rows() -> None:
    grid = lay_out(plan(workers=("a", "b"), capabilities=("c", "d")))

    assert grid.columns == ("low", "high", "critical")
    assert len(grid.rows) == 4


def test_no_two_rows_are_one_however_their_names_are_put_together() -> None:
    """Names may have spaces in them."""
    grid = lay_out(plan(workers=("b", "b  c"), capabilities=("a", "a  b"), risk_tiers=("low", "high")))
    assert len(grid.rows) == 4 and len(grid.cases) == 8
