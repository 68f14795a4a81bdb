"""One profile that is watched: opened and connected, its events printed and counted, its alarms sent."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, NamedTuple

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.clock import Clock
from pyhall_tui.fleet.events import Event
from pyhall_tui.fleets.opener import Opener
from pyhall_tui.journal.watchers import Holder
from pyhall_tui.monitor.connection_state import ConnectionState
from pyhall_tui.profiles.keys import KeyAnswer
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_checks import NO_ROOM, leaves_no_room
from pyhall_tui.profiles.profile_store import ProfilesFileError, ProfileStore
from pyhall_tui.profiles.urls import is_loopback
from pyhall_tui.watch.chosen import WatcherKeys
from pyhall_tui.watch.command import CommandMistake, command_of
from pyhall_tui.watch.deliveries import Deliveries, WatchedProfile
from pyhall_tui.watch.event_lines import EventLines
from pyhall_tui.watch.lease import Lease, LeaseLost
from pyhall_tui.watch.lines import connection_line, profile_line, standby_line
from pyhall_tui.watch.metrics import ProfileState
from pyhall_tui.watch.output import Output
from pyhall_tui.watch.profile_state import ProfileCounts, state_of
from pyhall_tui.workspace import Workspace

_KEY_AGAIN: Final = 60.0
"""Seconds after which a key that was not found is looked for again."""
_AFTER_A_MISTAKE: Final = 15.0
"""Seconds to wait after a part failed because of a mistake in this program."""

_NOBODY: Final = "No workers are watched: put them on the watch list with the app."

_log = logging.getLogger(__name__)


class Shared(NamedTuple):
    """What all profiles of a watcher share."""

    opener: Opener
    store: ProfileStore
    keys: WatcherKeys
    lines: Output
    deliveries: Deliveries
    clock: Clock
    tell: Callable[[str], None]
    """Prints a sentence on standard error."""


class _Renamed(Exception):
    """Another program has given the profile another name."""


class WatchedFleet:
    """Watches one profile. It listens to its own workspace."""

    def __init__(self, profile: Profile, key: KeyAnswer, shared: Shared) -> None:
        """Open nothing yet. `key` is the first answer to the question for its key."""
        self.profile = profile
        self.workspace: Workspace | None = None
        self._key = key
        self._shared = shared
        self._counts = ProfileCounts()
        self._events: EventLines | None = None
        self._told: tuple[object, ...] = ()
        self._renamed = asyncio.Event()

    @property
    def state(self) -> ProfileState | None:
        """What the metrics and the heartbeat say; None while it is not open."""
        return state_of(self.workspace, self._counts) if self.workspace is not None else None

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong at the moment, in sentences."""
        workspace = self.workspace
        if workspace is None:
            return ()
        own = [] if len(workspace.fleet) else [_NOBODY]
        if leaves_no_room(workspace.profile):
            own.append(NO_ROOM)
        return (*own, *workspace.standing, *workspace.connection.warnings)

    async def run(self) -> None:
        """Watch until cancelled, whenever no other program does, under whatever name the profile has."""
        while True:
            lease = Lease(self._shared.opener.journal.watchers, self.profile.name, self._shared.clock)
            await lease.acquire(self._stand_by)
            self._renamed.clear()
            self._told = ()
            try:
                opened = await self._shared.opener.open_profile(self.profile, self)
                try:
                    await self._watch(opened.workspace, lease)
                finally:
                    self.workspace = None
                    await opened.workspace.close()
                    if self._events is not None:
                        self._events.finish()
                    self.profile = opened.workspace.profile
            finally:
                await lease.leave()

    def _stand_by(self, holder: Holder) -> None:
        """Say that another program watches."""
        shared, name = self._shared, self.profile.name
        shared.lines.put(standby_line(shared.clock.now().wall, name, holder))
        shared.tell(f"{name} is watched by process {holder.pid} on {holder.host}: waiting to take over.")

    def keep_place(self) -> None:
        """Note up to which event everything is printed, once it is."""
        if self._events is not None:
            self._events.keep_place()

    async def _watch(self, workspace: Workspace, lease: Lease) -> None:
        """Do everything at the same time until cancelled, renamed, or another program watches."""
        shared, name = self._shared, workspace.profile.name
        events = self._events = EventLines(workspace.journal, name, workspace.notes, shared.lines)
        await workspace.restore_rest()
        at, workers = shared.clock.now().wall, len(workspace.watch_list.workers)
        shared.lines.put(
            profile_line(at, workspace.profile, workers=workers, after=events.start, is_resumed=events.is_resumed)
        )
        workspace.connection.attend(False)
        workspace.connection.on_request = self._counts.requests.take
        workspace.key_answer = self._key
        workspace.connection.connect(self._key.key)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._until_renamed())
                group.create_task(lease.keep())
                deliver = partial(self._deliver, lease)
                for part in (events.follow, deliver, self._look_for_key):
                    group.create_task(self._guarded(part))
        except* _Renamed:
            pass
        except* LeaseLost:
            shared.tell(f"{name}: another program has taken over.")

    async def _guarded(self, part: Callable[[], Awaitable[None]]) -> None:
        """Run a part; a mistake in it must not end the others."""
        while True:
            try:
                return await part()
            except Exception:
                _log.exception("a part of the watcher failed")
                await self._shared.clock.sleep(_AFTER_A_MISTAKE)

    async def _until_renamed(self) -> None:
        await self._renamed.wait()
        raise _Renamed

    async def _deliver(self, lease: Lease) -> None:
        workspace = self.workspace
        assert workspace is not None
        name = workspace.profile.name
        try:
            command = command_of(self._shared.store, name)
        except (CommandMistake, ProfilesFileError) as mistake:
            self._shared.tell(f"{name}: {mistake}")
            command = None
        watched = WatchedProfile(
            name, workspace.journal.alarms, workspace.alarms.book, workspace.take_events, lambda: lease.is_held
        )
        await self._shared.deliveries.follow(watched, workspace.notes, command)

    async def _look_for_key(self) -> None:
        """Look for a key that there was none of: a keyring may be unlocked, or a key stored, at any time."""
        workspace = self.workspace
        assert workspace is not None
        while self._key.key is None and not is_loopback(workspace.profile.registry_url):
            await self._shared.clock.sleep(_KEY_AGAIN)
            self._key = await self._shared.keys.load(workspace.profile)
            if self._key.key is not None:
                workspace.key_answer = self._key
                workspace.connection.connect(self._key.key)

    # -- listening ---------------------------------------------------------------------------------------------

    def events_happened(self, events: list[Event]) -> None:
        """Count events, and print them once they are written."""
        self._counts.events_happened(events)
        if self._events is not None:
            self._events.happened(events)

    def connection_changed(self) -> None:
        """Print the connection's state if it is another one."""
        if self.workspace is None:
            return
        name, state = self.workspace.profile.name, self.workspace.connection.state
        if name != self.profile.name:
            self._renamed.set()
        said = _said(state)
        if said != self._told:
            self._told = said
            self._shared.lines.put(connection_line(self._shared.clock.now().wall, name, state))

    def alarms_changed(self, changes: list[Change]) -> None:
        """Do nothing: the receivers read changes from the journal."""

    def fleet_changed(self) -> None:
        """Do nothing: the metrics pull the fleet's state."""


def _said(state: ConnectionState) -> tuple[object, ...]:
    return (state.reach, state.sentence, state.advice, state.ban_list, state.ban_list_sentence)
