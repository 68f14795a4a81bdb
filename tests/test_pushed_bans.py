"""From a ban in a hall to the opened profile, pushed: by polling it would take ten minutes here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.clock import SystemClock
from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.events import Event
from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.server import serve_in_thread
from pyhall_tui.hall.store import SqliteStore, Store
from pyhall_tui.hall.store.postgres import PostgresStore
from pyhall_tui.journal.journal import Journal
from pyhall_tui.monitor.connection_state import Reachability
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.workspace import Workspace
from tests.live_hall import HASH, NAMESPACE, WORKER, live_hall
from tests.postgres_cluster import Cluster
from tests.waiting import until

NEVER = 600.0
"""Seconds of all intervals."""


class _Nobody:
    def fleet_changed(self) -> None: ...
    def connection_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


class Opened:
    """An opened profile with one worker."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @property
    def state(self) -> State:
        fleet = self.workspace.fleet
        entry = fleet.get(WORKER)
        assert entry is not None
        return entry.state(self.workspace.now().mono, fleet.stale_after)

    @property
    def is_pushed(self) -> bool:
        connection = self.workspace.connection.state
        return connection.reach is Reachability.LIVE and connection.is_pushed(self.workspace.now().mono)

    async def until_pushed(self) -> None:
        await until(lambda: self.is_pushed and self.state is State.CLEAN)


@asynccontextmanager
async def opened(folder: Path, url: str, key: str) -> AsyncIterator[Opened]:
    profile = Profile(name="test", namespace=NAMESPACE, registry_url=url, poll_interval=NEVER, ban_list_interval=NEVER)
    WatchList(folder, profile.name).add([WORKER])
    with Journal.open(folder / "journal.db", SystemClock()) as journal:
        async with Workspace(
            profile,
            clock=SystemClock(),
            journal=journal,
            watch_list=WatchList(folder, profile.name),
            listener=_Nobody(),
            state=folder,
        ) as workspace:
            workspace.connection.connect(ApiKey(key))
            yield Opened(workspace)


async def _is_followed(profile: Opened, store: Store) -> None:
    await profile.until_pushed()
    store.ban_hash(HASH, "stolen")
    await until(lambda: profile.state is State.BANNED)
    store.unban_hash(HASH)
    await until(lambda: profile.state is State.CLEAN)
    store.set_status(WORKER, "revoked")
    await until(lambda: profile.state is State.REVOKED)


async def test_what_changes_in_a_hall_is_known_at_once(tmp_path: Path) -> None:
    with live_hall() as hall:
        async with opened(tmp_path, hall.url, hall.key) as profile:
            await _is_followed(profile, hall.store)


@pytest.mark.thorough
async def test_what_changes_in_another_hall_on_the_same_postgresql_is_known_at_once(
    tmp_path: Path, postgres: Cluster
) -> None:
    address = postgres.database()
    store, other = PostgresStore(address, make=True), PostgresStore(address)
    try:
        key = store.add_key(NAMESPACE)
        store.put_worker(
            Worker(worker_id=WORKER, namespace=NAMESPACE, sha256=HASH, attested_at=store.now(), capabilities=("a",))
        )
        store.listen()
        with serve_in_thread(store, rate=0) as asked, serve_in_thread(other, rate=0):
            async with opened(tmp_path, asked.url, key) as profile:
                await _is_followed(profile, other)
    finally:
        store.close()
        other.close()


async def test_another_hall_on_the_same_file_is_heard_as_well(tmp_path: Path) -> None:
    with live_hall(tmp_path / "hall.db") as hall:
        other = SqliteStore(tmp_path / "hall.db")
        async with opened(tmp_path, hall.url, hall.key) as profile:
            await _is_followed(profile, other)
        other.close()


async def test_when_the_hall_ends_the_profile_is_not_called_push_any_more(tmp_path: Path) -> None:
    with live_hall() as hall:
        async with opened(tmp_path, hall.url, hall.key) as profile:
            await profile.until_pushed()
            hall.hall.streams.close()
            await until(lambda: not profile.is_pushed)
            assert profile.state is State.CLEAN


@pytest.mark.thorough
async def test_opening_and_leaving_a_profile_leaves_no_stream(tmp_path: Path) -> None:
    with live_hall() as hall:
        for number in range(5):
            folder = tmp_path / str(number)
            folder.mkdir()
            async with opened(folder, hall.url, hall.key) as profile:
                await profile.until_pushed()
        await until(lambda: not len(hall.hall.streams))
        async with opened(tmp_path, hall.url, hall.key) as profile:
            for _ in range(300):  # another key, or another profile, while it may still connect
                profile.workspace.connection.connect(ApiKey(hall.key))
            await profile.until_pushed()
            await until(lambda: len(hall.hall.streams) == 1)
        await until(lambda: not len(hall.hall.streams))
