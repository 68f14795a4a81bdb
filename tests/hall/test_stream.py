"""A hall pushes its changes to whoever holds a stream open."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.errors import Unauthorized
from pyhall_tui.hall.models import Ban
from pyhall_tui.hall.policy import Policy, PolicyFile, save_rules
from pyhall_tui.hall.server import serve_in_thread
from pyhall_tui.hall.store import Store
from pyhall_tui.hall.store.postgres import PostgresStore
from pyhall_tui.hall.stream import Client
from pyhall_tui.hall.stream_events import Numbers
from pyhall_tui.hall.watched_file import QUIET
from tests.clock import ManualClock
from tests.hall.process import served
from tests.hall.raw_client import all_of, connect
from tests.hall.store_contract.places import SHARED
from tests.live_hall import CAPABILITY, HASH, NAMESPACE, WORKER, LiveHall, live_hall
from tests.postgres_cluster import Cluster
from tests.waiting import until

EVENTS = "/api/v1/events"


@dataclass
class Event:
    name: str
    data: dict[str, Any]
    id: int | None


class Listening:
    """A stream's events, as a client reads them."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def __iter__(self) -> Iterator[Event]:
        name, number, data = "", None, ""
        for line in self._lines:
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "id":
                number = int(value)
            elif field == "data":
                data = value
            elif not line:
                yield Event(name, json.loads(data), number)
                name, number, data = "", None, ""

    def next(self) -> Event:
        return next(iter(self))

    def until(self, name: str) -> Event:
        return next(event for event in self if event.name == name)

    def rest(self) -> list[Event]:
        return list(self)


@contextmanager
def listening(url: str, key: str | None, after: object = None, path: str = EVENTS) -> Iterator[Listening]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}".encode()}
    if after is not None:
        headers["Last-Event-ID"] = str(after).encode()
    with (
        httpx.Client(base_url=url, trust_env=False, timeout=60, verify=False) as http,
        http.stream("GET", path, headers=headers) as response,
    ):
        assert response.status_code == 200, response.read()
        yield Listening(response)


def revision(hall: LiveHall) -> int:
    """The store's revision as clients are told it."""
    return Numbers.of_store(hall.store.setting("store_id") or "").of(hall.store.revision())


@pytest.fixture
def hall() -> Iterator[LiveHall]:
    with live_hall() as hall:
        yield hall


def test_a_stream_begins_with_the_store_s_revision(hall: LiveHall) -> None:
    with listening(hall.url, hall.key) as stream:
        headers = stream.response.headers
        assert headers["content-type"].startswith("text/event-stream") and headers["cache-control"] == "no-store"
        assert "content-encoding" not in headers and "content-length" not in headers
        now = revision(hall)
        assert stream.next() == Event("connected", {"hall": "pyhall-tui", "revision": now, "heartbeat_s": 10.0}, now)


def test_a_ban_and_its_end_are_pushed(hall: LiveHall) -> None:
    with listening(hall.url, hall.key) as stream:
        stream.next()
        hall.store.ban(WORKER, "leaks\ndata")
        worker, ban = stream.next(), stream.next()
        assert (worker.name, worker.data["worker_id"], worker.data["what"]) == ("worker", WORKER, "status")
        assert (ban.name, ban.data["package_hash"], ban.data["reason"]) == ("ban", HASH, "leaks\ndata")
        assert ban.id == revision(hall) and ban.data["ts"].endswith("Z")
        hall.store.unban_hash(HASH)
        unban = stream.next()
        assert (unban.name, unban.data["package_hash"], unban.id) == ("unban", HASH, ban.id + 1)


def test_what_happens_to_a_worker_is_pushed(hall: LiveHall) -> None:
    with listening(hall.url, hall.key) as stream:
        stream.next()
        hall.add_worker("new")
        hall.store.attest("new", "cd" * 32)
        hall.store.withdraw("new")
        hall.store.set_status("new", "retired")
        told = [stream.next().data for _ in range(4)]
        assert {each["worker_id"] for each in told} == {"new"}
        assert [each["what"] for each in told] == ["enrolled", "attestation", "attestation", "status"]


def test_a_stream_goes_on_after_the_last_event_that_was_seen(hall: LiveHall) -> None:
    before = revision(hall)
    hall.add_worker("missed")
    hall.store.ban_hash("cd" * 32, "meanwhile")
    with listening(hall.url, hall.key, after=before) as stream:
        connected, worker, ban = (stream.next() for _ in range(3))
        assert (connected.data["revision"], connected.id) == (before + 2, before), "if it is cut here, it goes on here"
        assert (worker.name, worker.id, ban.name, ban.id) == ("worker", before + 1, "ban", before + 2)
        hall.store.unban_hash("cd" * 32)
        assert stream.next().name == "unban"


@pytest.mark.parametrize("after", ["99999999", "0", "-1", "x", "1e3", "9" * 400, "½"])
def test_a_client_that_cannot_go_on_is_told_to_look_itself(hall: LiveHall, after: str) -> None:
    with listening(hall.url, hall.key, after=after) as stream:
        now = revision(hall)
        connected, reset = stream.next(), stream.next()
        assert (connected.id, reset) == (now, Event("reset", {"revision": now}, now))


def test_a_key_is_told_about_its_own_namespace_and_all_bans(hall: LiveHall) -> None:
    other = hall.store.add_key("x.alice")
    with listening(hall.url, hall.key) as mine, listening(hall.url, other) as theirs:
        mine.next(), theirs.next()
        hall.add_worker("theirs", namespace="x.alice")
        hall.add_worker("mine", namespace=NAMESPACE)
        hall.store.ban_hash("cd" * 32, "bad")
        assert [mine.next().data.get("worker_id") for _ in range(2)] == ["mine", None]
        assert [theirs.next().data.get("worker_id") for _ in range(2)] == ["theirs", None]


def test_the_stream_of_a_revoked_key_ends(hall: LiveHall) -> None:
    (key,) = hall.store.all_keys()
    with listening(hall.url, hall.key) as stream:
        stream.next()
        hall.store.revoke_key(key.key_id)
        hall.store.ban_hash("cd" * 32, "not for them")
        assert stream.rest() == []


def test_a_silent_stream_has_a_heartbeat(hall: LiveHall) -> None:
    hall.hall.streams.heartbeat = 0.05
    with listening(hall.url, hall.key) as stream:
        stream.next()
        assert stream.until("heartbeat").data == {"revision": revision(hall)}


def test_a_key_is_needed_as_for_other_reads(hall: LiveHall) -> None:
    for headers in ({}, {"Authorization": "Bearer phk_live_none"}):
        assert httpx.get(hall.url + EVENTS, headers=headers, trust_env=False).status_code == 401


def test_head_opens_no_stream(hall: LiveHall) -> None:
    answer = httpx.head(hall.url + EVENTS, headers=hall.headers, trust_env=False)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
    assert len(hall.hall.streams) == 0
    assert httpx.post(hall.url + EVENTS, headers=hall.headers, trust_env=False).status_code == 405


def dispatch(hall: LiveHall, worker: str = WORKER, namespace: str = NAMESPACE, key: str = "") -> None:
    asked = {"namespace": namespace, "capability": CAPABILITY, "worker_id": worker}
    headers = {"Authorization": f"Bearer {key or hall.key}"}
    httpx.post(f"{hall.url}/api/v1/dispatch", json=asked, headers=headers, trust_env=False).raise_for_status()


def test_decisions_are_counted_for_the_key_s_own_namespace(hall: LiveHall) -> None:
    other = hall.store.add_key("x.alice")
    with listening(hall.url, hall.key) as stream:
        stream.next()
        dispatch(hall)
        dispatch(hall, "none")
        dispatch(hall, namespace="x.alice", key=other)
        counted = [0, 0, 0]
        while sum(counted) < 2:
            told = stream.next()
            assert (told.name, told.id) == ("decisions", None) and told.data["since_s"] > 0
            counted = [counted[n] + told.data[name] for n, name in enumerate(("allowed", "denied", "held"))]
        assert counted == [1, 1, 0]


def test_a_policy_in_the_store_is_pushed(hall: LiveHall) -> None:
    with listening(hall.url, hall.key) as stream:
        stream.next()
        save_rules(hall.store, Policy())
        told = stream.next()
        assert (told.name, told.data["what"], told.id) == ("policy", "rules", revision(hall))


def test_a_policy_file_that_is_loaded_again_is_pushed(tmp_path: Path) -> None:
    clock, file = ManualClock(), tmp_path / "policy.toml"
    file.write_text('default = "deny"\n')
    with live_hall(policy=PolicyFile(file, clock)) as hall, listening(hall.url, hall.key) as stream:
        stream.next()
        file.write_text('default = "allow"\n')
        told = stream.response
        hall.hall.policy.current()
        asyncio.run(clock.advance(QUIET + 1))
        assert told.status_code == 200 and stream.next().data["what"] == "file"


def test_the_published_monitor_s_stream_names_each_decision(hall: LiveHall) -> None:
    hall.hall.streams.heartbeat = 0.05
    other = hall.store.add_key("x.alice")
    with listening(hall.url, hall.key, path="/events") as stream:
        told = (event.data for event in stream if event.name == "")
        assert next(told)["type"] == "connected"
        dispatch(hall, "none", namespace="x.alice", key=other)
        dispatch(hall)
        dispatch(hall, "none")
        seen = list(islice((each for each in told if each["type"] == "dispatch"), 2))
        assert [(each["capability"], each["decision"]) for each in seen] == [
            (CAPABILITY, "allow"),
            (CAPABILITY, "deny"),
        ]
        assert all(each["ts"].endswith("Z") for each in seen)
        assert next(each for each in told if each["type"] == "heartbeat").keys() == {"type", "ts"}


def test_a_hall_with_public_reads_tells_everybody_everything() -> None:
    with live_hall(public_reads=True) as hall, listening(hall.url, None) as stream:
        stream.next()
        hall.add_worker("theirs", namespace="x.alice")
        assert stream.next().data["worker_id"] == "theirs"


# Bounds


def test_a_client_may_have_a_quarter_of_all_streams_and_the_rest_is_for_others() -> None:
    with live_hall(streams=4) as hall, ExitStack() as open_ones:
        keys = [hall.key, *(hall.store.add_key(NAMESPACE) for _ in range(4))]

        def refused(key: str) -> httpx.Response:
            answer = httpx.get(hall.url + EVENTS, headers={"Authorization": f"Bearer {key}"}, trust_env=False)
            assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
            return answer

        held = [open_ones.enter_context(listening(hall.url, keys[0]))]
        held[0].next()
        assert refused(keys[0]).json()["error"] == "you have 1 streams open, and may not have more: poll instead"
        for key in keys[1:4]:
            held.append(open_ones.enter_context(listening(hall.url, key)))
            held[-1].next()
        assert "4 streams are open" in refused(keys[4]).json()["error"]
        status = httpx.get(hall.url + "/status", headers=hall.headers, trust_env=False).json()
        assert status["streams"] == 4


async def test_a_place_is_free_again_when_its_client_is_gone() -> None:
    with live_hall(streams=1) as hall:
        for _ in range(3):
            with listening(hall.url, hall.key) as stream:
                stream.next()
            await until(lambda: len(hall.hall.streams) == 0)


async def test_a_client_that_does_not_read_is_told_to_look_itself_and_closed(hall: LiveHall) -> None:
    with listening(hall.url, hall.key) as quick, connect(hall.url) as slow:
        quick.next()
        slow.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {hall.key}\r\n\r\n".encode())
        await until(lambda: len(hall.hall.streams) == 2)
        long = "r" * 200_000
        for number in range(60):
            hall.store.ban_hash(f"{number:064x}", long)
            assert quick.next().data["reason"] == long, "nobody waits for the slow one"
        last = all_of(slow)[-300:]
        assert b"event: reset\n" in last and last.endswith(b"0\r\n\r\n"), last
        await until(lambda: len(hall.hall.streams) == 1)


# Other halls, and the end


@pytest.fixture(params=SHARED)
def two(request: pytest.FixtureRequest) -> Iterator[tuple[LiveHall, Store]]:
    """A hall, and the store that another hall has open."""
    place = request.param(request)
    here, there = place.hall(), place.hall()
    with serve_in_thread(here, rate=0) as running:
        yield LiveHall(running.url, here.add_key(NAMESPACE), running.hall), there
    here.close()
    there.close()


def test_what_another_hall_changes_is_pushed(two: tuple[LiveHall, Store]) -> None:
    hall, there = two
    with listening(hall.url, hall.key) as stream:
        stream.next()
        for number in range(20):
            there.ban_hash(f"{number:064x}", "r")
        assert [stream.next().data["package_hash"] for _ in range(20)] == [f"{number:064x}" for number in range(20)]


def test_many_bans_of_one_upstream_are_all_pushed_or_missed_as_one(two: tuple[LiveHall, Store]) -> None:
    """In PostgreSQL they share a revision, and a client must not resume in the middle of it."""
    hall, there = two
    before = revision(hall)
    with listening(hall.url, hall.key) as stream:
        stream.next()
        there.add_upstream_bans([Ban(sha256=f"{n:064x}", reason="r", reported_at="2026") for n in range(3_000)])
        told = [stream.next() for _ in range(3_000)]
    assert len({each.data["package_hash"] for each in told}) == 3_000
    numbers = [each.id for each in told if each.id is not None]
    assert numbers[-1] == told[-1].id == revision(hall) and numbers == list(range(before + 1, numbers[-1] + 1))


def test_more_changes_than_the_store_keeps_are_a_reset(two: tuple[LiveHall, Store]) -> None:
    hall, there = two
    with listening(hall.url, hall.key) as stream:
        stream.next()
        with there.write():
            for start in (0, 10_000):
                bans = [Ban(sha256=f"{start + n:064x}", reason="r", reported_at="2026") for n in range(10_000)]
                there.add_upstream_bans(bans)
        assert stream.next() == Event("reset", {"revision": revision(hall)}, revision(hall))
        there.ban_hash("cd" * 32, "afterwards")
        assert stream.next().data["package_hash"] == "cd" * 32


def test_streams_end_at_once_when_the_store_is_lost(hall: LiveHall) -> None:
    with listening(hall.url, hall.key) as stream:
        stream.next()
        hall.store.close()
        assert [event.name for event in stream.rest()] == []


def test_streams_end_at_once_when_the_hall_stops(tmp_path: Path) -> None:
    with served(tmp_path / "hall.db") as hall, listening(hall.url, hall.key) as stream:
        stream.next()
        assert hall.end() == 0 and stream.rest() == []
        assert hall.process.stderr is not None and "under way" not in hall.process.stderr.read()


@pytest.mark.thorough
def test_a_heard_change_does_not_wait_for_the_next_look(postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyhall_tui.hall.stream.LOOK", 3600.0)
    address = postgres.database()
    here, there = PostgresStore(address, make=True), PostgresStore(address)
    with serve_in_thread(here, rate=0) as running, listening(running.url, here.add_key(NAMESPACE)) as stream:
        here.listen(running.hall.streams.changed)
        stream.next()
        there.ban_hash(HASH, "heard")
        assert stream.next().data["reason"] == "heard"
    here.close()
    there.close()


@pytest.mark.parametrize("fault", [{"latency": 0.01}, {"slow": 100_000.0}])
def test_a_fault_on_every_path_bends_a_stream_too(hall: LiveHall, fault: dict[str, Any]) -> None:
    hall.faults.add(**fault)
    with listening(hall.url, hall.key) as stream:
        assert stream.next().name == "connected"
        hall.store.ban_hash(HASH, "late")
        assert stream.next().data["reason"] == "late"


def test_a_stream_may_be_cut_or_refused_by_a_fault(hall: LiveHall) -> None:
    hall.faults.add(path=EVENTS, cut=30, count=1)
    with listening(hall.url, hall.key) as stream, pytest.raises(httpx.RemoteProtocolError):
        assert len(b"".join(stream.response.iter_bytes())) <= 30
    hall.faults.add(path=EVENTS, drop="answered", count=1)
    with pytest.raises(httpx.RemoteProtocolError), listening(hall.url, hall.key):
        pass
    hall.faults.add(path=EVENTS, status=404, count=1)
    assert httpx.get(hall.url + EVENTS, headers=hall.headers, trust_env=False).status_code == 404


async def test_a_key_that_is_revoked_while_its_stream_opens_is_refused(hall: LiveHall) -> None:
    client = Client("key", hall.key, NAMESPACE)
    hall.store.revoke_key(hall.store.all_keys()[0].key_id)
    streams = Hall(hall.store).streams
    with pytest.raises(Unauthorized):
        await streams.open(client)
    assert len(streams) == 0
