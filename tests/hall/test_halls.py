"""Several halls on one store: who lives, who polls the upstream, and what each may use of a key's limit."""

import asyncio
import json
import re
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.errors import LeaseLost
from pyhall_tui.hall.models import Ban
from pyhall_tui.hall.presence import Presence
from pyhall_tui.hall.session import UpstreamError
from pyhall_tui.hall.store import SqliteStore, Store
from pyhall_tui.hall.store.halls import Report
from pyhall_tui.hall.store.postgres import PostgresStore
from pyhall_tui.hall.upstream import Fetch, Heard, Upstream, forget_state, last_state
from tests.clock import ManualClock
from tests.hall.process import run, served
from tests.hall.store_contract.places import HASH, OTHER_HASH, SHARED, STORES
from tests.live_hall import LiveHall
from tests.postgres_cluster import Cluster
from tests.waiting import until

A, B = "hall_a", "hall_b"


def report(instance: str = A, **other: object) -> Report:
    """What a hall says about itself."""
    about = Report(instance, f"name of {instance}", "1.0", 60.0, 2.5, "/etc/p.toml", None, None, stale=False)
    return about._replace(**other)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    place = request.param(request)
    yield place.hall()
    place.halls[0].close()


@pytest.fixture(params=SHARED)
def two(request: pytest.FixtureRequest) -> Iterator[tuple[Store, Store]]:
    """A store, opened twice."""
    place = request.param(request)
    yield place.hall(), place.hall()
    for hall in place.halls:
        hall.close()


# Every store


def test_a_hall_is_seen_as_it_reported_until_it_leaves(two: tuple[Store, Store]) -> None:
    here, there = two
    assert there.halls.seen() == []
    assert here.halls.beat(report()) == 1
    assert here.halls.beat(report(decisions=7.5, policy_error="bad", upstream="http://up", stale=True)) == 1
    (seen,) = there.halls.seen()
    assert (seen.instance, seen.name, seen.version, seen.policy_file) == (A, f"name of {A}", "1.0", "/etc/p.toml")
    assert (seen.decisions, seen.policy_error, seen.upstream, seen.stale) == (7.5, "bad", "http://up", True)
    assert seen.is_living and 0 <= seen.silent < 15 and seen.since.endswith("Z") and len(seen.since) == 24
    there.halls.leave(B)
    assert len(here.halls.seen()) == 1, "another one has ended"
    here.halls.leave(A)
    assert there.halls.seen() == []


def test_the_hall_with_the_lease_writes_and_says_how_old_the_list_is(store: Store) -> None:
    fence = store.halls.lease(A)
    assert fence is not None and store.halls.lease(A) == fence, "it is renewed"
    assert store.halls.feed().heard is None
    with store.halls.fenced(A, fence):
        store.set_setting("x", "y")
        store.halls.heard(30.0)
    assert store.setting("x") == "y"
    heard = store.halls.feed().heard
    assert heard is not None and 30 <= heard < 60


def test_a_fenced_change_is_all_or_nothing(store: Store) -> None:
    fence = store.halls.lease(A)
    assert fence is not None
    with suppress(KeyError), store.halls.fenced(A, fence):
        store.ban_hash("ab" * 32, "r")
        raise KeyError
    assert store.bans() == []


def test_what_is_known_of_halls_is_not_copied(store: Store) -> None:
    store.halls.beat(report())
    fence = store.halls.lease(A)
    assert fence is not None
    with store.halls.fenced(A, fence):
        store.halls.heard(1.0)
    copy = SqliteStore()
    with store.snapshot(), copy.write():
        for table, row in store.rows_beside_the_log():
            copy.put_row(table, row)
    assert copy.halls.seen() == [] and copy.halls.feed() == (None, None)
    copy.close()


# PostgreSQL: several halls


@pytest.fixture
def address(postgres: Cluster) -> str:
    return postgres.database()


@pytest.fixture
def halls(address: str) -> Iterator[tuple[PostgresStore, PostgresStore]]:
    made = PostgresStore(address, make=True), PostgresStore(address)
    yield made
    for each in made:
        each.close()


def run_out(postgres: Cluster, address: str) -> None:
    """Let the lease run out now."""
    postgres.sql("UPDATE pyhall.leases SET expires = clock_timestamp()", address=address)


@pytest.mark.thorough
def test_a_hall_that_falls_silent_is_shown_for_a_minute_and_does_not_count(
    halls: tuple[PostgresStore, PostgresStore], address: str, postgres: Cluster
) -> None:
    here, there = halls
    assert (here.halls.beat(report(A)), there.halls.beat(report(B)), here.halls.beat(report(A))) == (1, 2, 2)
    ago = "UPDATE pyhall.halls SET seen = clock_timestamp() - interval '{} s' WHERE instance = 'hall_a'"
    postgres.sql(ago.format(40), address=address)
    assert there.halls.beat(report(B)) == 1
    silent = {each.instance: each for each in there.halls.seen()}
    assert 40 <= silent[A].silent < 60 and not silent[A].is_living and silent[B].is_living
    postgres.sql(ago.format(61), address=address)
    assert [each.instance for each in there.halls.seen()] == [B]
    there.halls.beat(report(B))
    assert postgres.sql("SELECT count(*) FROM pyhall.halls", address=address) == "1"


@pytest.mark.thorough
def test_only_one_hall_has_the_lease_and_the_other_s_writes_are_refused(
    halls: tuple[PostgresStore, PostgresStore], address: str, postgres: Cluster
) -> None:
    here, there = halls
    first = here.halls.lease(A)
    assert first is not None and there.halls.lease(B) is None
    assert here.halls.feed().holder == there.halls.feed().holder == A
    with pytest.raises(LeaseLost), there.halls.fenced(B, first):
        pytest.fail("it has no lease")
    run_out(postgres, address)
    assert here.halls.feed().holder is None
    with pytest.raises(LeaseLost), here.halls.fenced(A, first):
        pytest.fail("its lease has run out, though nobody else has taken it")
    second = there.halls.lease(B)
    assert second is not None and second > first
    run_out(postgres, address)
    third = here.halls.lease(A)
    assert third is not None and third > second
    with pytest.raises(LeaseLost), here.halls.fenced(A, first):
        pytest.fail("this number is from before another hall had the lease")
    here.halls.leave(A)
    assert there.halls.lease(B) is not None, "who ends well gives it up at once"


@pytest.mark.thorough
def test_the_lease_is_not_taken_while_its_holder_writes(
    halls: tuple[PostgresStore, PostgresStore], address: str
) -> None:
    here, there = halls
    fence = here.halls.lease(A)
    assert fence is not None
    with here.halls.fenced(A, fence):
        here._db.change("UPDATE leases SET expires = '-infinity'")
        assert there.halls.lease(B) is None
    assert there.halls.lease(B) is not None


@pytest.mark.thorough
@pytest.mark.parametrize("wrong", [-365 * 86_400.0, 365 * 86_400.0])
async def test_a_hall_whose_clock_is_wrong_by_a_year_changes_nothing(address: str, wrong: float) -> None:
    wrongly, clock = ManualClock(), ManualClock()
    wrongly.jump_wall(wrong)
    here, there = PostgresStore(address, make=True, clock=wrongly), PostgresStore(address, clock=clock)
    for store, instance in ((here, A), (there, B)):
        store.halls.beat(report(instance))
    polls = Upstream("http://up", answers([HASH]), here, wrongly, instance=A)
    follows = Upstream("http://up", answers([]), there, clock, instance=B)
    await polls.poll()
    await follows.poll()
    assert [each.is_living for each in there.halls.seen()] == [True, True]
    assert (polls.stale, follows.stale, follows.age) == (False, False, None)
    state = last_state(there)
    assert state is not None and not state["stale"] and [ban.sha256 for ban in there.bans()] == [HASH]
    here.close()
    there.close()


def answers(hashes: list[str], gate: asyncio.Event | None = None, asked: asyncio.Event | None = None) -> Fetch:
    """Return an upstream that answers with these bans, after the gate is open."""

    async def fetch() -> Heard:
        if asked:
            asked.set()
        if gate:
            await gate.wait()
        return Heard([Ban(sha256=each, reason="r", reported_at="1", source="up") for each in hashes])

    return fetch


@pytest.mark.thorough
async def test_each_hall_grants_its_share_of_a_keys_limit(halls: tuple[PostgresStore, PostgresStore]) -> None:
    clock = ManualClock()
    served_halls = [Hall(store, clock=clock, rate=10) for store in halls]
    presences = [Presence(hall, "name") for hall in served_halls]

    def granted() -> list[int]:
        clock.skip(100)  # every bucket is full again
        return [sum(hall.limiter.wait("key") == 0 for _ in range(50)) for hall in served_halls]

    presences[0].begin()
    assert granted()[0] == 20
    presences[1].begin()
    await presences[0].beat()
    assert granted() == [10, 10]
    halls[1].halls.leave(served_halls[1].instance)
    await presences[0].beat()
    assert granted()[0] == 20


async def unheard() -> Heard:
    raise UpstreamError("nobody answers")


@pytest.mark.thorough
async def test_a_hall_that_cannot_reach_the_upstream_lets_another_poll_it(
    halls: tuple[PostgresStore, PostgresStore],
) -> None:
    here, there = halls
    clock = ManualClock()
    lost = Upstream("http://up", unheard, here, clock, instance=A)
    reaches = Upstream("http://up", answers([HASH]), there, clock, instance=B)
    here.halls.beat(report(A, upstream="http://up"))
    for _ in range(5):
        await lost.poll()
    assert here.halls.feed().holder == A, "nobody else could"
    there.halls.beat(report(B, upstream="http://other"))
    await lost.poll()
    assert here.halls.feed().holder == A, "the other one follows another upstream"
    there.halls.beat(report(B, upstream="http://up"))
    await lost.poll()
    await lost.poll()
    assert here.halls.feed().holder is None, "it is left to the other one"
    await reaches.poll()
    clock.skip(60)
    await lost.poll()
    assert here.halls.feed().holder == B and [ban.sha256 for ban in here.bans()] == [HASH]
    assert not lost.stale and lost.error is None


@pytest.mark.thorough
async def test_halls_none_of_which_reaches_the_upstream_do_not_pass_it_to_and_fro(
    halls: tuple[PostgresStore, PostgresStore],
) -> None:
    """The one that has it keeps asking, so it is noticed when the upstream is back."""
    clock, asked = ManualClock(), 0

    async def count() -> Heard:
        nonlocal asked
        asked += 1
        raise UpstreamError("nobody answers")

    both = [
        Upstream("http://up", count, store, clock, instance=name) for store, name in zip(halls, (A, B), strict=True)
    ]
    holders = []
    for store, name in zip(halls, (A, B), strict=True):
        store.halls.beat(report(name, upstream="http://up"))
    for _ in range(720):  # an hour
        for each in both:
            await each.poll()
        holders.append(halls[0].halls.feed().holder)
        clock.skip(5)
    taken = [after for before, after in pairwise(holders) if after not in (before, None)]
    assert 2 <= len(taken) <= 16 and asked >= 700, (taken, asked)


@pytest.mark.thorough
async def test_a_hall_that_was_held_up_does_not_write_its_old_list(
    halls: tuple[PostgresStore, PostgresStore], address: str, postgres: Cluster
) -> None:
    here, there = halls
    gate, asked = asyncio.Event(), asyncio.Event()
    slow = Upstream("http://up", answers([OTHER_HASH], gate, asked), here, SystemClock(), instance=A)
    quick = Upstream("http://up", answers([HASH]), there, SystemClock(), instance=B)
    polling = asyncio.create_task(slow.poll())
    await asked.wait()
    run_out(postgres, address)
    await quick.poll()
    gate.set()
    await polling
    assert [ban.sha256 for ban in here.bans()] == [HASH]
    assert here.halls.feed().holder == B
    await slow.poll()
    assert [ban.sha256 for ban in here.bans()] == [HASH] and not slow.stale, "it relies on the other one's list"


@pytest.mark.thorough
async def test_the_others_rely_on_the_list_that_one_writes_and_are_stale_with_it(
    halls: tuple[PostgresStore, PostgresStore], address: str, postgres: Cluster
) -> None:
    here, there = halls
    polls = Upstream("http://up", answers([HASH]), here, SystemClock(), instance=A)
    follows = Upstream("http://up", unheard, there, SystemClock(), instance=B)
    assert follows.stale
    await polls.poll()
    await follows.poll()
    assert not follows.stale and follows.error is None and follows.state()["last_heard"] is not None
    postgres.sql("UPDATE pyhall.leases SET heard = heard - interval '601 s'", address=address)
    await follows.poll()
    assert follows.stale and "unreachable since" in (follows.refusal("high") or "")


@pytest.mark.thorough
async def test_a_hall_with_another_upstream_does_not_rely_on_that_list(
    halls: tuple[PostgresStore, PostgresStore],
) -> None:
    here, there = halls
    await Upstream("http://up", answers([HASH]), here, SystemClock(), instance=A).poll()
    other = Upstream("http://other", answers([]), there, SystemClock(), instance=B)
    await other.poll()
    assert other.stale and other.error is not None and "polls http://up: give all of them the same" in other.error
    assert [ban.sha256 for ban in there.bans()] == [HASH]


@pytest.mark.thorough
async def test_the_whole_list_is_asked_for_again_by_who_had_the_lease_before(
    halls: tuple[PostgresStore, PostgresStore], address: str, postgres: Cluster
) -> None:
    here, there = halls
    forgotten: list[int] = []
    first = Upstream("http://up", answers([HASH]), here, SystemClock(), instance=A, forget=lambda: forgotten.append(1))
    await first.poll()
    await first.poll()
    assert len(forgotten) == 1
    run_out(postgres, address)
    await Upstream("http://up", answers([HASH, OTHER_HASH]), there, SystemClock(), instance=B).poll()
    run_out(postgres, address)
    first._leased = float("-inf")  # the lease's third has passed
    await first.poll()
    assert len(forgotten) == 2 and [ban.sha256 for ban in here.bans()] == [HASH]


@pytest.mark.thorough
def test_a_served_hall_without_an_upstream_leaves_the_others_state_alone(
    halls: tuple[PostgresStore, PostgresStore],
) -> None:
    here, there = halls
    asyncio.run(Upstream("http://up", answers([HASH]), here, SystemClock(), instance=A).poll())
    forget_state(there)
    assert last_state(here) is not None
    here.halls.leave(A)
    forget_state(there)
    assert last_state(here) is None


@pytest.mark.thorough
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
async def test_if_the_polling_hall_is_killed_or_stopped_another_polls(
    end: signal.Signals, address: str, hall: LiveHall
) -> None:
    options = ("--rate", "0", "--upstream", hall.url, "--public-reads")
    with (
        served(address, *options, "--name", "one", PYHALL_API_KEY=hall.key) as one,
        served(address, *options, "--name", "two", key=one.key, PYHALL_API_KEY=hall.key) as two,
    ):
        by_name = {"one": one, "two": two}

        def polling() -> list[str]:
            shown = json.loads(run("status", "--json", "--db", address).stdout)
            return [each["name"] for each in shown["halls"] if each["polls"]]

        await until(lambda: len(polling()) == 1)
        (first,) = polling()
        (second,) = by_name.keys() - {first}
        by_name[first].process.send_signal(end)
        await until(lambda: polling() == [second])
        hall.store.ban_hash(HASH, "malware")
        with by_name[second].http() as http:
            assert {each["name"] for each in http.get("/status").json()["halls"]} == {"one", "two"}
        if end == signal.SIGSTOP:
            by_name[first].process.send_signal(signal.SIGCONT)
            with by_name[first].http() as http:
                await until(lambda: http.get("/status").json()["upstream"]["stale"] is False)
            assert polling() == [second]
        text = run("status", "--db", address).stdout
        assert re.search(r"\nhalls +[12]\n  (one|two), \d", text)
        assert re.search(rf"\n  {second}, .*, polls the upstream\n", text)
        assert by_name[second].end() == 0
        assert second not in {
            each["name"] for each in json.loads(run("status", "--json", "--db", address).stdout)["halls"]
        }


@pytest.mark.thorough
async def test_two_served_halls_grant_a_key_its_limit_once(address: str) -> None:
    """Not once each: 2 requests/s and a burst of 4. A hall knows within a beat that another one lives."""
    with (
        served(address, "--rate", "2") as one,
        served(address, "--rate", "2", key=one.key) as two,
        one.http() as here,
        two.http() as there,
    ):
        await until(lambda: run("status", "--db", address).stdout.count(", since ") == 2)
        granted, refused = [0, 0], [0, 0]
        began = time.monotonic()
        while time.monotonic() < began + 5:
            for number, http in enumerate((here, there)):
                answer = http.get("/api/v1/verify/w")
                if answer.status_code == 429:
                    refused[number] += 1
                    assert int(answer.headers["Retry-After"]) >= 1
                else:
                    granted[number] += 1
        took = time.monotonic() - began
        assert sum(granted) <= 4 + 2 * took + 4, "4: the first hall may not know of the other one for a beat"
        assert all(granted) and all(refused)
