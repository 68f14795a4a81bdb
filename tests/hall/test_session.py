"""A hall's session with its upstream: opened with its key, renewed before it ends, and reported if refused."""

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.commands.hall.upstream import ask_for_bans, ask_for_standing, enroll_hall, open_client, read_session
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.exchange import export, load
from pyhall_tui.hall.session import Enrolled, Session
from pyhall_tui.hall.store import SqliteStore, Store
from pyhall_tui.hall.upstream import Upstream, last_state
from pyhall_tui.profiles.api_key import ApiKey
from tests.clock import ManualClock
from tests.hall.process import run, served
from tests.live_hall import NAMESPACE, WORKER, LiveHall, live_hall

SILENCE = 600.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> Iterator[Store]:
    store = SqliteStore(clock=clock)
    yield store
    store.close()


def follow(url: str, key: str | None, store: Store, clock: ManualClock, namespace: str | None = NAMESPACE) -> Upstream:
    client = open_client(url, ApiKey(key) if key else None)
    session = Session(
        store,
        clock,
        url=url,
        namespace=namespace,
        enroll=partial(enroll_hall, client, namespace) if namespace else None,
        standing=partial(ask_for_standing, client),
        lasts=SILENCE,
    )
    ask = partial(ask_for_bans, client)
    return Upstream(url, ask, store, clock, stale_after=SILENCE, session=session if key else None)


def session_of(followed: Upstream) -> dict[str, Any]:
    session: dict[str, Any] = followed.state()["session"]
    return session


def enrollments(hall: LiveHall) -> int:
    return sum(request.raw_path == "/api/v1/hall/enroll" for request in hall.requests)


async def test_it_is_opened_by_an_enrollment_and_held_as_long_as_the_key_is_taken(
    hall: LiveHall, store: Store, clock: ManualClock
) -> None:
    followed = follow(hall.url, hall.key, store, clock)
    assert session_of(followed)["state"] == "opening"
    await followed.poll()
    session = session_of(followed)
    enrolled = next(worker for worker in hall.store.workers() if worker.worker_id != WORKER)
    assert enrolled.display_name.startswith("pyhall-tui hall on ") and enrolled.attested
    assert (session["state"], session["id"], session["namespace"]) == ("held", enrolled.worker_id, NAMESPACE)
    assert (session["standing"], session["error"]) == ("ok", None)
    first = session["expires"]
    clock.skip(60)
    await followed.poll()
    assert session_of(followed)["expires"] > first, "an end that the upstream does not state goes by its last answer"
    assert enrollments(hall) == 1


async def test_a_restart_continues_with_the_existing_enrollment(
    hall: LiveHall, store: Store, clock: ManualClock
) -> None:
    await follow(hall.url, hall.key, store, clock).poll()
    again = follow(hall.url, hall.key, store, clock)
    await again.poll()
    assert session_of(again)["state"] == "held" and enrollments(hall) == 1
    await follow(f"{hall.url}/", hall.key, store, clock, "x.alice").poll()
    assert enrollments(hall) == 2, "another namespace is another enrollment"


async def test_a_copy_of_the_store_does_not_take_it_over(hall: LiveHall, store: Store, clock: ManualClock) -> None:
    await follow(hall.url, hall.key, store, clock).poll()
    copy = SqliteStore(clock=clock)
    load(copy, list(export(store)), "export")
    assert last_state(copy) is None
    await follow(hall.url, hall.key, copy, clock).poll()
    assert enrollments(hall) == 2


async def test_it_ends_if_the_upstream_is_unreachable_for_too_long_and_comes_back_with_it(
    hall: LiveHall, store: Store, clock: ManualClock
) -> None:
    followed = follow(hall.url, hall.key, store, clock)
    await followed.poll()
    fault = {"status": 500}
    hall.faults.add(**fault)
    clock.skip(SILENCE - 1)
    await followed.poll()
    assert session_of(followed)["state"] == "held"
    clock.skip(1)
    assert session_of(followed)["state"] == "expired"
    hall.faults.clear()
    await followed.poll()
    assert session_of(followed)["state"] == "held" and enrollments(hall) == 1


async def test_a_key_that_is_no_longer_accepted_has_its_own_sentence(
    hall: LiveHall, store: Store, clock: ManualClock
) -> None:
    followed = follow(hall.url, hall.key, store, clock)
    await followed.poll()
    hall.store.revoke_key(hall.store.all_keys()[0].key_id)
    await followed.poll()
    session = session_of(followed)
    assert session["state"] == "refused"
    assert "rejects this hall's key (401)" in session["error"] and hall.key not in session["error"]


async def test_a_refused_key_is_noticed_even_if_anyone_may_read_bans(store: Store, clock: ManualClock) -> None:
    with live_hall(public_reads=True) as public:
        followed = follow(public.url, "phk_live_wrong", store, clock, None)
        public.faults.add(path="/api/v1/ban-list", body="[]")
        await followed.poll()
    assert followed.error is None and not followed.stale
    assert session_of(followed)["state"] == "refused"


async def test_a_namespace_that_the_key_is_not_for_is_reported(
    hall: LiveHall, store: Store, clock: ManualClock
) -> None:
    followed = follow(hall.url, hall.key, store, clock, "x.alice")
    await followed.poll()
    session = session_of(followed)
    assert session["state"] == "refused" and "x.alice" in session["error"] and "403" in session["error"]
    await followed.poll()
    assert enrollments(hall) == 1, "it is not asked again at every poll"
    assert session_of(followed) == session, "that the key is good for other things opens no session"


async def test_without_a_namespace_only_the_key_is_proven(hall: LiveHall, store: Store, clock: ManualClock) -> None:
    followed = follow(hall.url, hall.key, store, clock, None)
    await followed.poll()
    session = session_of(followed)
    assert (session["state"], session["id"]) == ("held", None) and enrollments(hall) == 0


async def test_without_a_key_there_is_none(hall: LiveHall, store: Store, clock: ManualClock) -> None:
    followed = follow(hall.url, None, store, clock)
    await followed.poll()
    assert session_of(followed)["state"] == "none" and "PYHALL_API_KEY" in session_of(followed)["error"]


async def test_without_proof_that_the_key_is_accepted_nothing_is_claimed(
    hall: LiveHall, store: Store, clock: ManualClock
) -> None:
    hall.faults.add(path="/api/account/standing", status=404)
    followed = follow(hall.url, hall.key, store, clock, None)
    await followed.poll()
    assert session_of(followed)["state"] == "none" and "--upstream-namespace" in session_of(followed)["error"]
    enrolled = follow(hall.url, hall.key, store, clock)
    await enrolled.poll()
    clock.skip(SILENCE)
    assert session_of(enrolled)["state"] == "expired"
    await enrolled.poll()
    assert session_of(enrolled)["state"] == "held", "an enrolled hall goes by the ban list then"


async def test_a_standing_that_needs_a_login_says_nothing_about_the_key(
    hall: LiveHall, store: Store, clock: ManualClock
) -> None:
    hall.faults.add(path="/api/account/standing", status=401)
    followed = follow(hall.url, hall.key, store, clock)
    await followed.poll()
    assert session_of(followed)["state"] == "held"


async def test_a_stated_end_is_renewed_in_time_and_not_before(hall: LiveHall, store: Store, clock: ManualClock) -> None:
    followed = follow(hall.url, hall.key, store, clock)
    for minutes, sent in ((0, 1), (39, 1), (2, 2)):
        clock.skip(minutes * 60)
        ends = json.dumps({"session": {"id": f"ses_{sent}", "expires_at": clock.now().wall + 3600}})
        hall.faults.clear()
        hall.faults.add(path="/api/v1/hall/enroll", body=ends)
        await followed.poll()
        assert (session_of(followed)["id"], enrollments(hall)) == (f"ses_{sent}", sent)
    clock.skip(3601)
    assert session_of(followed)["state"] == "expired"


async def test_a_past_end_is_not_a_reason_to_enroll_with_each_poll(
    hall: LiveHall, store: Store, clock: ManualClock
) -> None:
    hall.faults.add(path="/api/v1/hall/enroll", body=json.dumps({"id": "s", "expires_at": clock.now().wall - 1}))
    followed = follow(hall.url, hall.key, store, clock)
    await followed.poll()
    await followed.poll()
    assert (session_of(followed)["state"], enrollments(hall)) == ("expired", 1)
    clock.skip(SILENCE)
    await followed.poll()
    assert enrollments(hall) == 2


async def test_an_enrollment_that_may_have_been_taken_is_not_sent_again_at_once(
    hall: LiveHall, store: Store, clock: ManualClock
) -> None:
    hall.faults.add(path="/api/v1/hall/enroll", drop="answered", count=1)
    followed = follow(hall.url, hall.key, store, clock)
    await followed.poll()
    await followed.poll()
    assert enrollments(hall) == 1 and session_of(followed)["state"] == "opening"
    clock.skip(SILENCE)
    await followed.poll()
    assert enrollments(hall) == 2 and session_of(followed)["state"] == "held"


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({"worker_id": "wkr_1", "status": "active"}, Enrolled("wkr_1", None)),
        ({"session": {"id": "s", "expires": "1970-01-01T00:01:40Z"}}, Enrolled("s", 100.0)),
        ({"session_id": "s", "worker_id": "w", "expires_at": 100}, Enrolled("s", 100.0)),
        ({"id": "s", "expires_in": 50}, Enrolled("s", 60.0)),
        ({"id": 7, "expires": "soon"}, Enrolled(None, None)),
        ({"id": "s", "expires_at": 1764054435000}, Enrolled("s", None)),
        ({"id": "s", "expires_in": 10**400}, Enrolled("s", None)),
        ({}, Enrolled(None, None)),
    ],
)
def test_an_enrollments_answer_is_read_in_every_form(fields: dict[str, Any], read: Enrolled) -> None:
    assert read_session(fields, now=10.0) == read


async def test_it_is_in_status_and_alerts(hall: LiveHall, store: Store, clock: ManualClock) -> None:
    local = Hall(store, clock=clock)
    local.upstream = follow(hall.url, hall.key, store, clock)
    await local.upstream.poll()
    hall.faults.add(path="/api/account/standing", body='{"standing": "suspended"}')
    await local.upstream.poll()
    kept = last_state(store)
    assert kept is not None and kept["session"]["state"] == "held" and kept["session"]["standing"] == "suspended"
    clock.skip(SILENCE + 1)
    kept = last_state(store)
    assert kept is not None and kept["session"]["state"] == "expired" and kept["stale"]


def test_serve_holds_one_and_says_so_also_when_it_is_not_served(hall: LiveHall, tmp_path: Path) -> None:
    options = ("--rate", "0", "--upstream", hall.url, "--upstream-namespace", NAMESPACE)
    with served(tmp_path / "hall.db", *options, PYHALL_API_KEY=hall.key) as below, below.http() as http:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            told = http.get("/status").json()
            if told["upstream"]["session"]["standing"] == "ok":
                break
        assert told["upstream"]["session"]["namespace"] == NAMESPACE and told["account_standing"] == "ok"
        assert http.get("/alerts").json()["alerts"] == []
    said = run("status", "--db", tmp_path / "hall.db").stdout
    assert f"{hall.url}, reachable" in said and "held until" in said and "enrolled as wkr_" in said
    shown = json.loads(run("status", "--json", "--db", tmp_path / "hall.db").stdout)
    assert shown["upstream"]["session"]["state"] == "held"
    assert hall.key not in json.dumps(shown) + said


def test_a_namespace_without_a_key_or_an_upstream_is_a_mistake(tmp_path: Path) -> None:
    alone = run("serve", "--db", tmp_path / "hall.db", "--upstream-namespace", "n")
    keyless = run(
        "serve", "--db", tmp_path / "hall.db", "--upstream", "http://localhost:9", "--upstream-namespace", "n"
    )
    assert (alone.exit_code, keyless.exit_code) == (2, 2)
    assert "--upstream" in alone.stderr and "PYHALL_API_KEY" in keyless.stderr


def test_a_hall_whose_key_is_refused_raises_an_alert(hall: LiveHall, tmp_path: Path) -> None:
    options = ("--rate", "0", "--upstream", hall.url)
    with served(tmp_path / "hall.db", *options, PYHALL_API_KEY="phk_live_no") as below, below.http() as http:
        codes: set[str] = set()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            codes = {alert["code"] for alert in http.get("/alerts").json()["alerts"]}
            if "UPSTREAM_SESSION_REFUSED" in codes:
                break
        assert codes == {"UPSTREAM_SESSION_REFUSED", "DENY_REGISTRY_STALE"}
