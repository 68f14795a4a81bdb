"""The demo: a believable fleet, in which things happen."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.demo import RunningDemo, Scenario, start_demo
from pyhall_tui.hall.late_demo import LateDemo
from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.seed import seed_demo
from pyhall_tui.hall.store import SqliteStore, Store
from tests.clock import ManualClock


def states(workers: list[Worker]) -> Counter[str]:
    return Counter(
        "banned" if w.banned else w.status if w.status != "active" else "active" if w.attested else "unattested"
        for w in workers
    )


def test_the_fleet_has_every_state_in_two_namespaces(demo_hall: RunningDemo) -> None:
    workers = demo_hall.running.hall.store.workers()
    assert 40 <= len(workers) <= 60
    assert {worker.namespace for worker in workers} == {"org.yourco", "x.alice"}
    assert set(states(workers)) == {"active", "unattested", "retired", "revoked", "banned"}
    assert demo_hall.worker_ids == [worker.worker_id for worker in workers]


def test_the_documented_worker_may_generate_text(demo_hall: RunningDemo) -> None:
    headers = {"Authorization": f"Bearer {demo_hall.key}"}
    with httpx.Client(base_url=demo_hall.url, headers=headers, trust_env=False, verify=False) as http:
        verdict = http.get("/api/v1/verify/wkr_abc123").json()
        assert (verdict["status"], verdict["attested"], verdict["ban_status"]) == ("active", True, "clean")
        ask = {"namespace": "org.yourco", "capability": "llm.text.generate", "worker_id": "wkr_abc123"}
        outcomes = {
            tier: http.post("/api/v1/dispatch", json=ask | {"context": {"risk_tier": tier}}).json()["outcome"]
            for tier in ("low", "medium", "high", "critical")
        }
        assert http.post("/api/v1/dispatch", json=ask).json()["outcome"] == "allow"
    assert outcomes == {"low": "allow", "medium": "allow", "high": "hold", "critical": "deny"}


def test_a_dead_proxy_in_the_environment_is_not_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """F11: the hall itself never uses a proxy, whatever the environment says."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with start_demo(lively=False) as demo:
        assert httpx.get(f"{demo.url}/health", trust_env=False, verify=False).status_code == 200


@pytest.fixture
async def scenario() -> AsyncIterator[tuple[Store, ManualClock]]:
    clock = ManualClock()
    store = SqliteStore(clock=clock)
    seed_demo(store, clock.now().wall)
    task = asyncio.create_task(Scenario(Hall(store, clock=clock), clock, random.Random(1)).run())
    yield store, clock
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.close()


async def test_a_worker_is_banned_within_ten_seconds(scenario: tuple[Store, ManualClock]) -> None:
    store, clock = scenario
    before = states(store.workers())["banned"]
    await clock.advance(10)
    assert states(store.workers())["banned"] == before + 1


async def test_within_a_minute_one_is_attested_one_changes_its_hash_and_one_is_unbanned(
    scenario: tuple[Store, ManualClock],
) -> None:
    store, clock = scenario
    before = {worker.worker_id: worker for worker in store.workers()}
    seen: set[str] = set()
    for _ in range(60):
        await clock.advance(1)
        for worker in store.workers():
            old, before[worker.worker_id] = before[worker.worker_id], worker
            seen |= {"attested"} if worker.attested and not old.attested else set()
            seen |= {"changed"} if worker.sha256 != old.sha256 and old.attested else set()
            seen |= {"unbanned"} if old.banned and not worker.banned else set()
    assert seen == {"attested", "changed", "unbanned"}


@pytest.mark.thorough
async def test_it_continues_for_an_hour_without_ending_the_fleet(scenario: tuple[Store, ManualClock]) -> None:
    store, clock = scenario
    mine = store.put_worker(Worker(worker_id="mine", namespace="org.yourco", capabilities=("a",)))
    documented = store.worker("wkr_abc123")
    history = []
    for _ in range(12):
        await clock.advance(300)
        history.append(states(store.workers()))
    assert len({tuple(sorted(count.items())) for count in history}) > 3
    assert all(1 <= count["banned"] <= 7 and count["active"] > 20 for count in history)
    assert store.worker("wkr_abc123") == documented
    assert store.worker("mine") == mine


def test_the_demo_is_known_before_its_hall_runs_and_requests_wait_for_it() -> None:
    demo = LateDemo(lively=False)
    try:
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(httpx.get, f"{demo.url}/health", trust_env=False, verify=False, timeout=30)
            assert not waiting.done()
            demo.start()
            assert waiting.result().status_code == 200
        headers = {"Authorization": f"Bearer {demo.key}"}
        with httpx.Client(base_url=demo.url, headers=headers, trust_env=False, verify=False) as http:
            found = {worker["worker_id"] for worker in http.get("/workers").json()["workers"]}
            assert found == {each for each in demo.worker_ids if not each.startswith("x.alice.")}
            for worker_id in demo.worker_ids:
                assert http.get(f"/api/v1/verify/{worker_id}").status_code == 200
    finally:
        demo.stop()
    assert not answers(demo)


def test_a_demo_that_is_stopped_before_it_starts_never_answers() -> None:
    demo = LateDemo(lively=False)
    demo.stop()
    demo.start()
    demo.stop()
    assert not answers(demo)


def test_a_demo_that_is_stopped_while_it_starts_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    demo = LateDemo(lively=False)

    def stopped_meanwhile(**options: Any) -> RunningDemo:
        running = start_demo(**options)
        demo.stop()
        return running

    monkeypatch.setattr("pyhall_tui.hall.demo.start_demo", stopped_meanwhile)
    demo.start()
    assert not answers(demo)


def test_a_demo_that_cannot_start_leaves_no_request_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> RunningDemo:
        raise OSError("no thread")

    monkeypatch.setattr("pyhall_tui.hall.demo.start_demo", fail)
    demo = LateDemo(lively=False)
    with pytest.raises(OSError, match="no thread"):
        demo.start()
    assert not answers(demo)
    demo.stop()


def answers(demo: LateDemo) -> bool:
    try:
        httpx.get(f"{demo.url}/health", trust_env=False, verify=False)
    except httpx.ConnectError:
        return False
    return True
