"""Fleets without a screen: `profiles.toml` and keys as given, the changes noted."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pyhall_tui.alarms.alarm import Change, What
from pyhall_tui.clock import Clock, SystemClock
from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.events import Event
from pyhall_tui.fleets.fleets import Fleets, Kept
from pyhall_tui.hall.late_demo import LateDemo
from pyhall_tui.paths import Home
from pyhall_tui.profiles.keys import KeyStore
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.workspace import Workspace
from tests.live_hall import LiveHall


class StoredKeys:
    """A keyring that counts how often each key was read."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        self.reads: Counter[str] = Counter()

    def get_password(self, service: str, username: str) -> str | None:
        self.reads[username] += 1
        return self.keys.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self.keys[username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.keys.pop(username, None)


class Heard:
    """What the app would be told."""

    def __init__(self) -> None:
        self.elsewhere = 0
        self.fired: list[tuple[str, str]] = []
        """(profile, worker) of the alarms that fired on profiles that are not open."""
        self.fired_here: list[str] = []
        """The workers of those that fired on the open one."""

    def fleet_changed(self) -> None: ...
    def connection_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...

    def alarms_changed(self, changes: list[Change]) -> None:
        self.fired_here += [change.alarm.subject for change in changes if change.what is What.FIRED and change.alarm]

    def elsewhere_changed(self) -> None:
        self.elsewhere += 1

    def alarms_changed_elsewhere(self, workspace: Workspace, changes: list[Change]) -> None:
        fired = [change.alarm for change in changes if change.what is What.FIRED and change.alarm]
        self.fired += [(workspace.profile.name, alarm.subject) for alarm in fired]


class Watching:
    """Fleets on real sockets and files."""

    def __init__(self, home: Home, clock: Clock | None = None) -> None:
        self.home, self.clock = home, clock or SystemClock()
        self.heard, self.keyring = Heard(), StoredKeys()
        self.keys = KeyStore(self.clock, find_keyring=lambda: self.keyring, environ={})
        self.fleets = Fleets(home, self.clock, self.heard, lambda: LateDemo(lively=False))

    def add(
        self, name: str, hall: LiveHall | str, *, key: str = "", watch: Iterable[str] = (), **fields: Any
    ) -> Profile:
        """Write a profile, its key and its watch list."""
        url = hall if isinstance(hall, str) else hall.url
        known = {"overview": True, "namespace": "org.yourco", "ban_list_interval": 0.5, "timeout": 2.0} | fields
        profile = Profile(name=name, registry_url=url, **known)  # type: ignore[arg-type]
        stored = self.fleets.store.load().named(name)
        self.fleets.store.save(profile, stored)
        if key or isinstance(hall, LiveHall):
            self.keyring.keys[f"{name}@{url}"] = key or hall.key  # type: ignore[union-attr]
        if watch:
            WatchList(self.home.data, name).add(watch)
        return profile

    async def open(self, name: str) -> Workspace:
        """Open a profile as the app does, connect it, and start the overview."""
        profile = self.fleets.store.load().named(name)
        assert profile is not None
        workspace = (await self.fleets.open_profile(profile)).workspace
        self.fleets.begin_overview(self.keys)
        answer = workspace.key_answer = await self.keys.load(profile)
        if not workspace.connection.has_key(answer.key):
            workspace.connection.connect(answer.key)
        return workspace

    def kept(self, name: str) -> Kept:
        """Return a profile of the overview; one that is not running if it is not there yet."""
        found = next((kept for kept in self.fleets.kept if kept.profile.name == name), None)
        return found or Kept(Profile(name=name, namespace="", registry_url=""), None)

    def state(self, name: str, worker_id: str) -> State | None:
        """Return how a worker of a profile stands; None if it is not known there."""
        workspace = next((kept.workspace for kept in self.fleets.kept if kept.profile.name == name), None)
        entry = workspace.fleet.get(worker_id) if workspace else None
        return entry.state(self.clock.now().mono, 1e9) if entry and entry.verdict else None

    async def __aenter__(self) -> "Watching":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.fleets.end()
