"""A hall pushes its changes to whoever holds a stream open."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.live_hall import HASH, NAMESPACE, WORKER, LiveHall, live_hall

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


@pytest.fixture
def hall() -> Iterator[LiveHall]:
    with live_hall() as hall:
        yield hall


def test_a_stream_begins_with_the_store_s_revision(hall: LiveHall) -> None:
    with listening(hall.url, hall.key) as stream:
        headers = stream.response.headers
        assert headers["content-type"].startswith("text/event-stream") and headers["cache-control"] == "no-store"
        assert "content-encoding" not in headers and "content-length" not in headers
        now = hall.store.revision()
        assert stream.next() == Event("connected", {"hall": "pyhall-tui", "revision": now, "heartbeat_s": 10.0}, now)


def test_a_ban_and_its_end_are_pushed(hall: LiveHall) -> None:
    with listening(hall.url, hall.key) as stream:
        stream.next()
        hall.store.ban(WORKER, "leaks\ndata")
        worker, ban = stream.next(), stream.next()
        assert (worker.name, worker.data["worker_id"], worker.data["what"]) == ("worker", WORKER, "status")
        assert (ban.name, ban.data["package_hash"], ban.data["reason"]) == ("ban", HASH, "leaks\ndata")
        assert ban.id == hall.store.revision() and ban.data["ts"].endswith("Z")
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
    before = hall.store.revision()
    hall.add_worker("missed")
    hall.store.ban_hash("cd" * 32, "meanwhile")
    with listening(hall.url, hall.key, after=before) as stream:
        connected, worker, ban = (stream.next() for _ in range(3))
        assert (connected.data["revision"], connected.id) == (before + 2, before), "if it is cut here, it goes on here"
        assert (worker.name, worker.id, ban.name, ban.id) == ("worker", before + 1, "ban", before + 2)
        hall.store.unban_hash("cd" * 32)
        assert stream.next().name == "unban"


@pytest.mark.parametrize("after", ["99999999", "-1", "x", "1e3", "9" * 400, "½"])
def test_a_client_that_cannot_go_on_is_told_to_look_itself(hall: LiveHall, after: str) -> None:
    with listening(hall.url, hall.key, after=after) as stream:
        now = hall.store.revision()
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
        assert stream.until("heartbeat").data == {"revision": hall.store.revision()}


def test_a_key_is_needed_as_for_other_reads(hall: LiveHall) -> None:
    for headers in ({}, {"Authorization": "Bearer phk_live_none"}):
        assert httpx.get(hall.url + EVENTS, headers=headers, trust_env=False).status_code == 401


def test_head_opens_no_stream(hall: LiveHall) -> None:
    answer = httpx.head(hall.url + EVENTS, headers=hall.headers, trust_env=False)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
    assert len(hall.hall.streams) == 0
    assert httpx.post(hall.url + EVENTS, headers=hall.headers, trust_env=False).status_code == 405
