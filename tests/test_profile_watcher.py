"""Beside a watcher, as far as the journal shows it: whom this program believes, for how long, and what it then does."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.connections import JournalFile
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.last_verdict import LastVerdict
from pyhall_tui.journal.watchers import BEAT, STALE, Holder, Watchers, this_program
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability
from pyhall_tui.monitor.published_state import Publisher, read_published
from pyhall_tui.monitor.sources import Source
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.registry.models import BanListEntry, Verdict
from pyhall_tui.workspace import Workspace
from tests.clock import ManualClock, settle
from tests.live_hall import LiveHall
from tests.waiting import until

PROFILE = Profile(name="prod", namespace="org.acme", registry_url="https://registry.acme.example")
ELSEWHERE = Holder("t1", 4242, "server", "another machine")
HASH = "ab" * 32
AT_REST = 4
"""What sleeps between two looks: those at the watcher, the watch list and the log, and the alarms' time."""


LOOK = 0.5
"""Seconds between two looks at what the watcher has recorded."""


class _Screen:
    def __init__(self) -> None:
        self.told = 0
        """How often it was to pull what has changed in the fleet."""

    def fleet_changed(self) -> None:
        self.told += 1

    def connection_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


def state_of(workspace: Workspace) -> State:
    entry = workspace.fleet.get("wkr_a")
    assert entry is not None
    return entry.state(workspace.now().mono, workspace.fleet.stale_after)


class Rig:
    """This program, without a key; and a watcher, as its rows and verdicts in the journal's file."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.screen = ManualClock(), _Screen()
        self.file = JournalFile(folder / "journal.db")
        self.watchers = Watchers(self.file)
        self.other = Journal(self.file, self.clock)
        self.profile, self.publisher = PROFILE, Publisher(self.clock.now())
        self.journal = Journal.open(folder / "journal.db", self.clock)
        watch_list = WatchList(folder, PROFILE.name)
        watch_list.add(["wkr_a"])
        self.workspace = Workspace(
            PROFILE,
            clock=self.clock,
            journal=self.journal,
            watch_list=watch_list,
            listener=self.screen,
            state=folder,
            reads_beside=True,
        )

    @property
    def is_beside(self) -> bool:
        return self.workspace.connection.watcher is not None

    @property
    def state(self) -> State:
        return state_of(self.workspace)

    def published(self, **fields: Any) -> bytes:
        now = self.clock.now()
        heard = Source(answered=now.mono - 1.0)
        state = ConnectionState(
            **{
                "reach": Reachability.LIVE,
                "ban_list": BanListState.LIVE,
                "ban_list_source": heard,
                "verify_source": heard,
                "ban_list_next": now.mono + 4.0,
                **fields,
            }
        )
        return self.publisher.published(self.profile, state, now)

    def take(self, holder: Holder = ELSEWHERE) -> None:
        assert self.watchers.take("prod", holder, self.watchers.holder("prod"))

    def beat(self, published: bytes | None = None) -> None:
        assert self.watchers.beat("prod", "t1", self.published() if published is None else published)

    def says(self, banned_by: BanListEntry | None = None, *, state: State = State.CLEAN, **fields: Any) -> None:
        """Record a verdict, as asked for now; `state`: how the worker stands by it and what was known before."""
        said = {"known": True, "status": "active", "attested": True, "sha256": HASH, "ban_word": "clean", **fields}
        row = LastVerdict(
            worker_id="wkr_a",
            verdict=Verdict(worker_id="wkr_a", **said),
            at=self.clock.now().wall,
            rank=state,
            banned_by=banned_by,
        )
        self.other.save_verdict("prod", row)
        assert self.other.flush(30)

    async def lives(self, seconds: float, published: bytes | None = None, *, says: bool = True) -> None:
        """Let the watcher live for so long."""
        for _ in range(int(seconds / BEAT)):
            if says:
                self.says()
            self.beat(published)
            await self.passes(BEAT)

    async def passes(self, seconds: float) -> None:
        """Let time pass for this program; it stands still while a look waits for the disk."""
        await self.clock.advance(seconds, self._is_at_rest)

    async def _is_at_rest(self) -> None:
        await settle()
        await until(lambda: self.clock.asleep >= AT_REST)

    async def until(self, condition: Callable[[], object]) -> None:
        """Let time pass until it is so."""
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline
            await self.passes(0.25)

    async def is_beside_one(self, holder: Holder = ELSEWHERE) -> None:
        self.take(holder)
        self.says()
        self.beat()

        def lives() -> bool:
            self.beat()
            return self.is_beside and self.state is State.CLEAN

        await self.until(lives)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path)
    async with made.workspace:
        made.workspace.connection.connect(None)
        await made.workspace.restore_rest()
        yield made
    made.journal.close()
    made.other.close()


@pytest.mark.thorough
async def test_what_the_watcher_knows_is_shown_without_a_key(rig: Rig) -> None:
    assert rig.workspace.connection.state.reach is Reachability.NO_KEY
    await rig.is_beside_one()
    assert rig.workspace.connection.state.reach is Reachability.LIVE
    rig.watchers.leave("prod", "t1")
    await rig.until(lambda: not rig.is_beside)
    assert rig.workspace.connection.state.reach is Reachability.NO_KEY
    await rig.passes(3 * PROFILE.poll_interval)
    assert rig.state is State.STALE


async def test_a_listed_ban_is_shown_until_the_watcher_lifts_it(rig: Rig) -> None:
    await rig.is_beside_one()
    rig.says(BanListEntry(sha256=HASH, reason="sends mail"))
    await rig.until(lambda: rig.state is State.BANNED)
    await rig.lives(2 * BEAT)
    assert rig.state is State.CLEAN


async def test_a_ban_that_a_doubtful_answer_did_not_lift_is_a_ban_here_too(rig: Rig) -> None:
    await rig.is_beside_one()
    rig.says(state=State.BANNED, doubts=("ban_status is missing",))
    await rig.until(lambda: rig.state is State.BANNED)
    rig.says(state=State.UNKNOWN, doubts=("ban_status is missing",))
    await rig.until(lambda: rig.state is State.UNKNOWN)


async def test_a_ban_is_on_the_screen_one_look_after_the_watchers_next_request_for_the_list(
    rig: Rig, hall: LiveHall, tmp_path: Path
) -> None:
    hall.add_worker("wkr_a", sha256=HASH)
    await rig.is_beside_one()
    clock, watch_list = ManualClock(), WatchList(tmp_path, PROFILE.name)
    watched = msgspec.structs.replace(PROFILE, namespace=hall.namespace, registry_url=hall.url)

    def lists() -> int:
        return sum("ban-list" in request.raw_path for request in hall.requests)

    async with Workspace(watched, clock=clock, journal=rig.other, watch_list=watch_list, listener=_Screen()) as watcher:
        watcher.connection.connect(ApiKey(hall.key))
        await until(lambda: state_of(watcher) is State.CLEAN and lists(), clock=clock)
        hall.store.ban_hash(HASH, "exfiltrates")
        before, began = lists(), clock.now().mono
        while lists() == before:
            await clock.advance(0.1)
            await asyncio.sleep(0.01)
        assert clock.now().mono - began <= watched.ban_list_interval + 0.5
        await until(lambda: state_of(watcher) is State.BANNED)
        assert rig.other.flush(30)
        told = rig.screen.told
        await rig.passes(LOOK)
        await until(lambda: rig.state is State.BANNED and rig.screen.told > told)  # the clock stands still meanwhile


async def test_a_ban_is_made_an_alarm_if_the_watcher_has_not_recorded_one(rig: Rig) -> None:
    await rig.is_beside_one()
    rig.says(banned=True, ban_reason="leaks")
    await rig.until(lambda: rig.workspace.alarms.firing == 1)


async def test_one_that_stops_beating_is_replaced_when_its_lease_has_run_out(rig: Rig) -> None:
    await rig.is_beside_one()
    began = rig.clock.now().mono
    await rig.until(lambda: not rig.is_beside)
    assert STALE - 1.0 <= rig.clock.now().mono - began <= STALE + 2.0


async def test_one_that_was_killed_is_replaced_before_its_lease_has_run_out(rig: Rig) -> None:
    here = this_program()
    if not here.place:
        pytest.skip("the system does not say which processes there are")
    process = await asyncio.create_subprocess_exec("sleep", "1000")
    await rig.is_beside_one(here._replace(token="t1", pid=process.pid))
    process.kill()
    await process.wait()
    rig.beat()
    began = rig.clock.now().mono
    await rig.until(lambda: not rig.is_beside)
    assert rig.clock.now().mono - began <= 4 * LOOK < STALE


async def test_a_row_that_was_left_behind_is_not_believed(rig: Rig) -> None:
    rig.take()
    rig.beat()
    rig.says()
    await rig.passes(2 * STALE)
    assert not rig.is_beside
    assert rig.state is not State.CLEAN


@pytest.mark.parametrize(
    "published",
    [b"", b"nonsense", b"{}", b"\xff" * 64, b'{"format": 1}', b"[" * 100_000],
    ids=["nothing", "words", "object", "bytes", "half", "deep"],
)
async def test_one_that_publishes_nonsense_is_not_believed(rig: Rig, published: bytes) -> None:
    rig.take()
    await rig.lives(3 * STALE, published)
    assert not rig.is_beside


@pytest.mark.parametrize(
    "columns", ["pid = 'x', beat = beat + 1", "pid = 1e300", "host = x'00', beat = 'b'", "pid = -1"]
)
async def test_a_row_of_nonsense_is_not_believed(rig: Rig, columns: str) -> None:
    rig.take()
    for _ in range(4):
        rig.beat()
        rig.file.write(lambda connection: connection.execute(f"UPDATE watchers SET {columns}").close())
        await rig.passes(BEAT)
        assert not rig.is_beside
        rig.file.write(lambda connection: connection.execute("UPDATE watchers SET beat = 1").close())


@pytest.mark.parametrize("what", ["format", "registry", "namespace"])
async def test_one_of_another_version_or_registry_is_not_believed(rig: Rig, what: str) -> None:
    rig.take()
    for _ in range(5):
        found = msgspec.json.decode(rig.published())
        found[what] = 2 if what == "format" else f"{found[what]}.other"
        await rig.lives(BEAT, msgspec.json.encode(found))
    assert not rig.is_beside


@pytest.mark.parametrize("reach", [Reachability.KEY_REJECTED, Reachability.NO_KEY, Reachability.LOST])
async def test_one_that_cannot_watch_is_not_waited_for(rig: Rig, reach: Reachability) -> None:
    rig.take()
    for _ in range(5):
        await rig.lives(BEAT, rig.published(reach=reach))
    assert not rig.is_beside


@pytest.mark.thorough
async def test_if_no_verdict_comes_this_program_polls_before_they_are_stale(rig: Rig) -> None:
    await rig.is_beside_one()
    began = rig.clock.now().mono
    while rig.is_beside:
        await rig.lives(BEAT, says=False)
    assert rig.clock.now().mono - began == pytest.approx(1.5 * PROFILE.poll_interval, abs=10)
    assert rig.state is State.CLEAN
    await rig.lives(PROFILE.poll_interval, says=False)
    assert not rig.is_beside  # though it still says that all is well
    assert rig.state is State.STALE


@pytest.mark.thorough
async def test_if_the_ban_list_is_not_asked_for_this_program_polls(rig: Rig) -> None:
    await rig.is_beside_one()
    due = rig.clock.now().mono
    while rig.is_beside:
        await rig.lives(BEAT, rig.published(ban_list_next=due))
    assert rig.clock.now().mono - due < 60.0


@pytest.mark.thorough
@pytest.mark.parametrize("jump", [-3e7, 3e7])
async def test_a_clock_that_is_set_keeps_no_verdict_fresh(rig: Rig, jump: float) -> None:
    await rig.is_beside_one()
    rig.clock.jump_wall(jump)
    await rig.lives(2 * BEAT)
    assert rig.is_beside
    assert rig.state is State.CLEAN
    while rig.is_beside:
        await rig.lives(BEAT, says=False)
    await rig.passes(PROFILE.poll_interval)
    assert rig.state is State.STALE


async def test_a_verdict_from_before_the_clock_was_set_is_stale_at_first(rig: Rig) -> None:
    rig.says()
    rig.clock.jump_wall(-100.0)
    rig.take()
    await rig.lives(3 * BEAT, says=False)
    assert rig.is_beside
    assert rig.state is not State.CLEAN
    await rig.lives(2 * BEAT)
    assert rig.state is State.CLEAN


def test_times_survive_the_way_through_the_journal() -> None:
    publisher = Publisher(Moment(100.0, 5_000.0))
    state = ConnectionState(
        holdable_interval=math.inf,
        next_try=130.0,
        ban_list_next=104.0,
        verify_source=Source(answered=99.0, unheard=90.0),
    )
    found = read_published(publisher.published(PROFILE, state, Moment(110.0, 5_010.0)), 7.0)
    assert found is not None
    assert (found.state.next_try, found.state.ban_list_next) == (27.0, 1.0)
    assert (found.state.verify_source.answered, found.state.verify_source.unheard) == (-4.0, -13.0)
    assert found.state.holdable_interval == 1e9
    assert (found.wall, found.steady_since) == (5_010.0, 5_000.0)
