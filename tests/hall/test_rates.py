"""A rule's rate: never more than its number within any span of its length, whatever is restarted or set."""

import os
import random
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from pyhall_tui.hall import audit, gate, rates
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.models import Asked, Worker
from pyhall_tui.hall.policy import Policy, Rule, save_rules
from pyhall_tui.hall.rates import Rates
from pyhall_tui.hall.store import SqliteStore, Store
from pyhall_tui.hall.store.protocol import Batch, KeptRate
from tests.clock import ManualClock
from tests.examples import examples
from tests.hall.process import ASK, served
from tests.hall.tampering import tampering

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


class Place:
    """A hall on a file that can be started again, under a clock that only the test moves."""

    def __init__(self, path: Path, rate: str) -> None:
        self.clock, self.path = ManualClock(), path
        self.store = SqliteStore(path, clock=self.clock)
        for worker_id in ("a", "b"):
            worker = Worker(
                worker_id=worker_id, namespace="n", capabilities=("c",), sha256="ab" * 32, attested_at="2026"
            )
            self.store.put_worker(worker)
        save_rules(self.store, Policy(rule=(Rule(id="r", outcome="allow", rate=rate),)))
        self.hall = Hall(self.store, clock=self.clock)

    def start_again(self) -> None:
        self.store.close()
        self.store = SqliteStore(self.path, clock=self.clock)
        self.hall = Hall(self.store, clock=self.clock)

    def dispatch(self, worker_id: str = "a") -> bool:
        asked = Asked(namespace="n", capability="c", worker_id=worker_id)
        receipt = gate.dispatch(self.hall, asked, "c")
        assert receipt["outcome"] == "allow" or receipt["deny_code"] == "POLICY_RATE_EXCEEDED"
        return bool(receipt["outcome"] == "allow")

    def allowed(self, tries: int, worker_id: str = "a") -> int:
        return sum(self.dispatch(worker_id) for _ in range(tries))


def save(store: Store, counter: Rates) -> None:
    """Write what was allowed, as decisions do."""
    kept = counter.unsaved()
    store.log.decide(lambda: Batch((), kept))
    counter.saved(kept)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "hall.db"


def test_ten_an_hour_are_ten_in_the_first_hour_and_in_any(path: Path) -> None:
    """F84"""
    place = Place(path, "10/hour")
    allowed = []
    for minute in range(0, 240, 2):
        if place.dispatch():
            allowed.append(minute)
        place.clock.skip(120)
    assert [minute for minute in allowed if minute < 60] == list(range(0, 20, 2))
    assert all(sum(start <= at < start + 60 for at in allowed) <= 10 for start in range(240))
    assert len(allowed) == 40, "and no fewer than may be"


@pytest.mark.parametrize("rate", ["1/second", "3/minute", "10/hour", "200/hour", "1000/day", "5000/minute"])
@pytest.mark.parametrize("seed", range(examples(12) // 4))
@pytest.mark.thorough
def test_no_span_holds_more_than_the_number(rate: str, seed: int) -> None:
    """F84: in bursts and in trickles, with a clock that is set and a hall that starts again in between."""
    place = Place(Path(":memory:"), rate)
    number, span = int(rate.split("/")[0]), SECONDS[rate.split("/")[1]]
    rng, clock = random.Random(seed), place.clock
    counter = Rates(place.store, clock)
    allowed: list[float] = []
    for _ in range(min(3 * number, 4000)):
        for _ in range(rng.choice((1, 1, 2, 5, max(1, number // 10)))):
            if not counter.wait("r", "a", rate, take=True):
                allowed.append(clock.now().mono)  # noqa: PERF401
        clock.skip(rng.choice((0, 0.1, 1, rng.uniform(0, 4))) * span / number)
        if rng.random() < 0.02:
            save(place.store, counter)
            counter = Rates(place.store, clock)
        if rng.random() < 0.01:
            clock.jump_wall(rng.choice((-1, 1)) * rng.choice((3600, 86_400 * 365)))
    newest = 0
    for oldest, at in enumerate(allowed):
        while newest < len(allowed) and allowed[newest] < at + span:
            newest += 1
        assert newest - oldest <= number
    assert len(allowed) >= number


def test_each_worker_has_its_own(path: Path) -> None:
    place = Place(path, "2/minute")
    assert (place.allowed(5, "a"), place.allowed(5, "b")) == (2, 2)


def test_the_refusal_says_when_again(path: Path) -> None:
    place = Place(path, "2/hour")
    place.allowed(2)
    place.clock.skip(600.5)
    reason = gate.judge(place.hall, Asked(namespace="n", capability="c", worker_id="a"), "c")["reason"]
    assert reason == "The rule r allows each worker 2/hour: again in 3000 s"


@pytest.mark.parametrize("rate", ["5/hour", "5/day", "5/minute"])
def test_a_restart_forgets_nothing(path: Path, rate: str) -> None:
    """F84"""
    place = Place(path, rate)
    span = SECONDS[rate.split("/")[1]]
    assert place.allowed(3) == 3
    place.clock.skip(span / 2)
    place.start_again()
    assert place.allowed(9) == 2
    place.clock.skip(span / 2 - 0.1)
    place.start_again()
    assert place.allowed(9) == 0
    place.clock.skip(0.2)
    assert place.allowed(9) == 3


def test_neither_does_retention(path: Path) -> None:
    """F84: allows are counted even if their decisions are gone."""
    from pyhall_tui.hall.retention import Retention, prune

    place = Place(path, "5/day")
    assert place.allowed(5) == 5
    prune(place.store, Retention(0))
    place.start_again()
    assert place.allowed(5) == 0 and audit.verify(place.store).whole


@pytest.mark.parametrize("jump", [-86_400 * 365, -30, 3600 * 24, 86_400 * 365])
def test_a_clock_that_is_set_allows_nothing_more(path: Path, jump: int) -> None:
    """F84: neither while the hall runs nor while it is stopped."""
    place = Place(path, "5/hour")
    assert place.allowed(9) == 5
    place.clock.jump_wall(jump)
    assert place.allowed(9) == 0
    place.start_again()
    assert place.allowed(9) == 0
    place.clock.skip(3600)
    assert place.allowed(9) == 5, "and nothing less"


def test_after_the_machine_was_started_again_the_wall_clock_counts(path: Path) -> None:
    """F84"""
    place = Place(path, "5/day")
    assert place.allowed(5) == 5
    wall = place.clock.now().wall
    place.clock = ManualClock(mono=10.0, wall=wall + 3600)
    place.start_again()
    assert place.allowed(9) == 0
    place.clock.skip(23 * 3600 - 1)
    assert place.allowed(9) == 0
    place.clock.skip(1)
    assert place.allowed(9) == 5


def test_after_a_start_with_a_clock_at_1970_it_ends_anyway(path: Path) -> None:
    """F84: without a usable time, everything counts as allowed just now."""
    place = Place(path, "5/hour")
    assert place.allowed(5) == 5
    place.clock = ManualClock(mono=10.0, wall=0.0)
    for _ in range(4):
        place.start_again()
        assert place.allowed(9) == 0
        place.clock.skip(900)
    place.start_again()
    assert place.allowed(9) == 5


def test_two_halls_on_one_store_share_it(path: Path) -> None:
    """F84"""
    place = Place(path, "6/hour")
    other = SqliteStore(path, clock=place.clock)
    beside = Hall(other, clock=place.clock)
    asked = Asked(namespace="n", capability="c", worker_id="a")
    outcomes = [gate.dispatch(hall, asked, "c")["outcome"] for _ in range(5) for hall in (place.hall, beside)]
    assert outcomes.count("allow") == 6
    other.close()


def test_a_thousand_workers_are_remembered_in_bounds_and_none_is_forgotten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F84"""
    monkeypatch.setattr(rates, "_MOST", 50)
    place = Place(path, "2/hour")
    counter = Rates(place.store, place.clock)

    def allowed() -> int:
        count = 0
        for number in range(300):
            count += not counter.wait("r", f"w{number}", "2/hour", take=True)
            save(place.store, counter)
        assert len(counter._windows) <= 50
        return count

    assert [allowed() for _ in range(3)] == [300, 300, 0]


def test_a_million_a_day_takes_little_memory(path: Path) -> None:
    """F84"""
    place = Place(path, "999999/day")
    counter = Rates(place.store, place.clock)
    for _ in range(20_000):
        place.clock.skip(0.01)
        assert counter.wait("r", "a", "999999/day", take=True) == 0
    assert len(counter._window(("r", "a")).allowed) <= 2 * 129


def test_what_cannot_be_read_allows_nothing(path: Path) -> None:
    place = Place(path, "2/hour")
    place.allowed(1)
    for blob in (b"abc", b"\0" * 8, b"\xff" * 16, "text"):
        with tampering(place.store) as db:
            db.execute("UPDATE rates SET allowed = ?", (blob,))
        place.start_again()
        with pytest.raises(StoreError, match="can't be read"):
            place.dispatch()


def test_a_decision_that_is_not_written_is_not_sent_and_counts_until_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(path, "2/hour")

    with monkeypatch.context() as broken:
        broken.setattr(place.hall.rates, "unsaved", lambda: [KeptRate("r", "a", 0.0, 0.0, None)])  # type: ignore[arg-type]
        with pytest.raises(sqlite3.IntegrityError):
            place.dispatch()
    assert place.store.log.count() == 0
    assert place.allowed(5) == 1
    place.start_again()
    assert place.allowed(5) == 0


@pytest.mark.thorough
def test_a_hall_that_is_killed_and_asked_by_many_at_once_allows_no_more_than_the_number(tmp_path: Path) -> None:
    """F84: as a process of its own, with `kill -9` in the middle."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rule]]\noutcome = "allow"\nrate = "100/hour"\n')
    os.utime(policy, (1, 1))
    db, key, allowed = tmp_path / "hall.db", None, 0
    for burst in range(3):
        with served(db, "--seed", "demo", "--policy", str(policy), "--rate", "0", key=key) as hall:
            key = hall.key

            headers = {"Authorization": f"Bearer {key}"}
            client = httpx.Client(base_url=hall.url, headers=headers, trust_env=False)

            def ask(_: int, client: httpx.Client = client) -> bool:
                with suppress(httpx.HTTPError):
                    return bool(client.post("/api/v1/dispatch", json=ASK).json()["outcome"] == "allow")
                return False

            with client, ThreadPoolExecutor(8) as pool:
                answers = [pool.submit(ask, number) for number in range(70)]
                if burst < 2:
                    answers[40].result()
                    hall.process.kill()
                allowed += sum(answer.result() for answer in answers)
    store = SqliteStore(db)
    logged = sum(entry["outcome"] == "allow" for entry in audit.decisions(store, 1000))
    assert allowed <= logged <= 100 and logged >= 80
    store.close()
