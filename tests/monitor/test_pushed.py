"""The engine beside a registry's stream of changes: faster because of it, and never misled by it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from pyhall_tui.fleet.entry import State
from pyhall_tui.monitor.pushed import HEARTBEATS_MISSED, NOT_OFFERED_AGAIN, Pushed
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.event_stream import CHANGES, EventStream
from pyhall_tui.registry.models import StreamEvent
from tests.clock import ManualClock, settle
from tests.monitor.rig import Rig, running
from tests.registry.raw_server import json, never, raw_server
from tests.registry.streaming import HEAD, Streams, connected, event
from tests.waiting import until

WORKER = "wkr_abc123"
HASH = "ab" * 32
EVENTS = "/api/v1/events"
LIST = "/ban-list"


class Counted:
    """A client's stream, and how often it was asked for."""

    def __init__(self, stream: EventStream) -> None:
        self._stream, self.count = stream, 0

    @property
    def retry(self) -> float:
        return self._stream.retry

    async def follow(
        self, take: Callable[[StreamEvent], None], last_id: int | None = None, *, path: str = CHANGES
    ) -> bool:
        self.count += 1
        return await self._stream.follow(take, last_id, path=path)


class Setting:
    """A raw registry with a stream, and an engine that watches one worker of it."""

    def __init__(self, streams: Streams, rig: Rig, asked: Counted) -> None:
        self.streams, self.rig, self.clock = streams, rig, rig.clock
        self._asked = asked

    @property
    def is_pushed(self) -> bool:
        return self.rig.monitor.state.is_pushed(self.clock.now().mono)

    async def until_pushed(self) -> None:
        await self.until(lambda: self.is_pushed and bool(self.streams.open))

    async def until(self, condition: Callable[[], object]) -> None:
        """Let time pass until the condition holds."""
        for _ in range(3_000):
            if condition():
                return
            await self.advance(0.1)
        raise AssertionError(f"not so in five minutes: {condition}")

    async def quiet(self) -> None:
        """Let what is under way come to its end, without time passing: a connection is made in real time."""
        await settle(20)
        await until(lambda: not self.rig.monitor.in_flight and self.streams.count("/events") >= self._asked.count)
        await settle(20)

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds, self.quiet)


@asynccontextmanager
async def pushing(streams: Streams | None = None, **settings: Any) -> AsyncIterator[Setting]:
    """Run one; `settings` are the profile's."""
    streams, clock = streams or Streams(), ManualClock()
    async with raw_server() as server:
        server.answer(streams)
        profile = Profile(name="test", namespace="org.yourco", registry_url=server.url, **settings)
        async with (
            RegistryClient(profile, ApiKey("phk_live_x"), clock) as client,
            running(Rig(client, profile, clock)) as rig,
        ):
            rig.watch(WORKER)
            asked = Counted(client.stream)
            pushed = asyncio.create_task(Pushed(asked, rig.monitor, clock, random.Random(1)).run())
            try:
                yield Setting(streams, rig, asked)
            finally:
                pushed.cancel()
                with suppress(asyncio.CancelledError):
                    await pushed


async def test_a_pushed_ban_is_known_before_any_time_has_passed() -> None:
    async with pushing() as all_:
        await all_.until_pushed()
        await all_.advance(1)
        assert all_.rig.states == [State.CLEAN]
        began = all_.clock.now().mono
        all_.streams.banned.append(HASH)
        all_.streams.send(event("ban", 2, package_hash=HASH, reason="…", ts="…"))
        await until(lambda: all_.rig.states == [State.BANNED])
        assert all_.clock.now().mono == began


async def test_a_ban_that_is_only_hinted_at_bans_nobody_and_a_pushed_unban_clears_nobody() -> None:
    async with pushing() as all_:
        await all_.until_pushed()
        all_.streams.send(event("ban", 2, package_hash=HASH, reason="a lie", ts="…"))
        await all_.advance(1)
        assert all_.rig.states == [State.CLEAN]
        all_.streams.banned.append(HASH)
        all_.streams.send(event("ban", 3, package_hash=HASH, reason="true", ts="…"))
        await all_.until(lambda: all_.rig.states == [State.BANNED])
        all_.streams.send(event("unban", 4, package_hash=HASH, reason="a lie", ts="…"))
        await all_.advance(1)
        assert all_.rig.states == [State.BANNED]


async def test_a_worker_that_changed_is_verified_at_once() -> None:
    async with pushing(poll_interval=600.0) as all_:
        await all_.until_pushed()
        await all_.advance(1)
        before = all_.rig.times_asked(WORKER)
        all_.streams.send(event("worker", 2, worker_id=WORKER, what="status", ts="…"))
        await all_.until(lambda: all_.rig.times_asked(WORKER) == before + 1)


async def test_polling_goes_on_beside_a_stream_that_says_nothing() -> None:
    async with pushing() as all_:
        await all_.until_pushed()
        all_.streams.banned.append(HASH)  # and no event
        await all_.advance(5.1)
        assert all_.rig.states == [State.BANNED]


async def test_a_stream_that_falls_silent_is_not_called_push_and_is_opened_again() -> None:
    async with pushing() as all_:
        await all_.until_pushed()
        all_.streams.send(event("heartbeat", revision=1))
        await all_.advance(HEARTBEATS_MISSED * 10 + 0.1)
        assert not all_.is_pushed
        await all_.until_pushed()
        assert all_.streams.count(EVENTS) == 2
        assert all_.streams.last_ids == [None, "1"]
        await until(lambda: len(all_.streams.open) == 1)


async def test_heartbeats_keep_it_fresh() -> None:
    async with pushing() as all_:
        await all_.until_pushed()
        for _ in range(20):
            await all_.advance(9)
            all_.streams.send(event("heartbeat", revision=1))
            await all_.quiet()
            await until(lambda: all_.rig.monitor.state.is_pushed(all_.clock.now().mono + 20))
        assert all_.streams.count(EVENTS) == 1


async def test_what_was_missed_while_the_stream_was_away_is_looked_for() -> None:
    async with pushing(ban_list_interval=300.0) as all_:
        await all_.until_pushed()
        all_.streams.banned.append(HASH)
        all_.streams.end()
        await all_.until(lambda: all_.rig.states == [State.BANNED] and len(all_.streams.last_ids) == 2)
        assert all_.streams.last_ids == [None, "1"]


@pytest.mark.parametrize("said", [event("reset", revision=900), event("policy", 0, what="…", ts="…")])
async def test_a_reset_or_a_revision_that_goes_back_is_a_full_look(said: bytes) -> None:
    async with pushing(poll_interval=600.0, ban_list_interval=300.0) as all_:
        await all_.until_pushed()
        verified, lists = all_.rig.times_asked(WORKER), len(all_.rig.lists)
        all_.streams.send(said)
        await all_.until(lambda: all_.rig.times_asked(WORKER) > verified and len(all_.rig.lists) > lists)


async def test_a_heartbeat_of_a_later_revision_means_that_an_event_is_missing() -> None:
    async with pushing(ban_list_interval=300.0) as all_:
        await all_.until_pushed()
        all_.streams.banned.append(HASH)
        all_.streams.send(event("heartbeat", revision=2))
        await all_.until(lambda: all_.rig.states == [State.BANNED])


@pytest.mark.thorough
async def test_a_registry_without_a_stream_is_polled_as_ever_and_rarely_asked_again() -> None:
    streams = Streams()
    streams.instead = json({"error": "not found"}, "404 Not Found")
    async with pushing(streams) as all_:
        await all_.advance(NOT_OFFERED_AGAIN / 2)
        assert not all_.is_pushed
        assert streams.count(EVENTS) == 1
        streams.banned.append(HASH)
        await all_.advance(5.1)
        assert all_.rig.states == [State.BANNED]
        streams.instead = None
        await all_.advance(NOT_OFFERED_AGAIN / 2)
        await all_.until_pushed()


@pytest.mark.thorough
async def test_a_stream_that_dies_each_time_is_tried_less_and_less_often() -> None:
    streams = Streams()

    async def dies(request: object, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + connected())
        writer.close()

    streams.instead = dies
    async with pushing(streams) as all_:
        await all_.advance(600)
        assert 8 <= streams.count(EVENTS) <= 30


@pytest.mark.parametrize(
    "begins",
    [
        HEAD,
        HEAD + event("heartbeat", revision=1) * 3,
        HEAD + b": nothing but comments\n" * 100,
        HEAD + event("ban", 7, package_hash=HASH),
    ],
)
async def test_a_stream_that_never_says_connected_is_not_called_push(begins: bytes) -> None:
    streams = Streams()
    streams.begins = begins
    async with pushing(streams) as all_:
        await all_.until(lambda: bool(streams.open))
        await all_.advance(30)
        assert not all_.is_pushed
        assert streams.count(EVENTS) >= 2


async def test_a_server_that_accepts_and_never_answers_holds_up_nothing() -> None:
    streams = Streams()
    streams.instead = never
    async with pushing(streams) as all_:
        await all_.advance(60)
        assert not all_.is_pushed
        streams.banned.append(HASH)
        await all_.advance(5.1)
        assert all_.rig.states == [State.BANNED]


@pytest.mark.thorough
async def test_lies_about_bans_and_workers_never_slow_the_polling_down() -> None:
    async with pushing(poll_interval=10.0, ban_list_interval=5.0) as all_:
        others = [f"wkr_{number}" for number in range(40)]
        all_.rig.watch(*others)
        await all_.until_pushed()
        asked, lists = {each: all_.rig.times_asked(each) for each in others}, len(all_.rig.lists)
        began = all_.clock.now().mono
        for number in range(200):
            lies = [event("ban", number + 2), event("worker", worker_id=WORKER), event("worker", worker_id="wkr_other")]
            all_.streams.send(b"".join(lies) + event("policy", 1))
            await all_.quiet()
            await all_.advance(0.1)
        assert all(all_.rig.times_asked(each) - asked[each] >= 1 for each in others)
        gaps = [at.mono - began for at in all_.rig.lists[lists:]]
        assert max(b - a for a, b in zip([0.0, *gaps], gaps, strict=False)) <= 5.0 + 0.2
        sent = sum(LIST in each or "/verify/" in each for each in all_.streams.asked)
        assert sent <= 10 * (all_.clock.now().mono - 1_000) + 2
        assert "wkr_other" not in "".join(all_.streams.asked)


async def test_a_desktop_monitors_stream_is_a_hint_and_not_called_push() -> None:
    streams = Streams()
    streams.instead = json({"error": "not found"}, "404 Not Found")
    streams.desktop = HEAD + b'data: {"type": "connected", "ts": "x"}\n\n'
    async with pushing(streams, ban_list_interval=300.0) as all_:
        await all_.until(lambda: bool(streams.open))
        await all_.advance(1)
        assert not all_.is_pushed
        streams.banned.append(HASH)
        streams.send(b'data: {"type": "dispatch", "capability": "a", "decision": "allow", "ts": "x"}\n\n')
        await all_.advance(5)
        assert all_.rig.states == [State.CLEAN]
        streams.send(b'data: {"type": "dispatch", "capability": "a", "decision": "deny", "ts": "x"}\n\n')
        await all_.until(lambda: all_.rig.states == [State.BANNED])
        assert not all_.is_pushed
