"""One profile that is watched: opened and connected, its events printed and counted, its alarms sent."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, NamedTuple

from pyhall_tui.alarms.alarm import Change, What
from pyhall_tui.clock import Clock
from pyhall_tui.fleet.events import Event
from pyhall_tui.fleets.opener import Opener
from pyhall_tui.journal.watchers import Holder
from pyhall_tui.monitor.connection_state import ConnectionState, Reachability
from pyhall_tui.monitor.published_state import Publisher
from pyhall_tui.profiles.keys import KeyAnswer
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_checks import NO_ROOM, leaves_no_room
from pyhall_tui.profiles.urls import is_loopback, origin
from pyhall_tui.watch.chosen import WatcherKeys
from pyhall_tui.watch.command import ON_ALARM
from pyhall_tui.watch.deliveries import Deliveries, WatchedProfile
from pyhall_tui.watch.event_lines import EventLines
from pyhall_tui.watch.followed_profiles import OTHER_FLEET, FollowedProfiles, Wanted
from pyhall_tui.watch.lease import Lease, LeaseLost
from pyhall_tui.watch.lines import connection_line, profile_line, settings_line, standby_line
from pyhall_tui.watch.metrics import ProfileState
from pyhall_tui.watch.output import Output
from pyhall_tui.watch.profile_state import ProfileCounts, state_of
from pyhall_tui.workspace import Workspace

_KEY_AGAIN: Final = 10.0
"""Seconds after which a key that was not found, or that is rejected, is looked for again."""
_AFTER_A_MISTAKE: Final = 15.0
"""Seconds to wait after a part failed because of a mistake in this program."""
_LOOK: Final = 1.0
"""Seconds between two looks at the file for a new name."""

_NOBODY: Final = "No workers are watched: put them on the watch list with the app."

_log = logging.getLogger(__name__)


class Shared(NamedTuple):
    """What all profiles of a watcher share."""

    opener: Opener
    followed: FollowedProfiles
    keys: WatcherKeys
    lines: Output
    deliveries: Deliveries
    clock: Clock
    tell: Callable[[str], None]
    """Prints a sentence on standard error."""


class _Renamed(Exception):
    """Another program has given the profile another name."""


class _Reopened(Exception):
    """The profile is for another registry or namespace now."""


class WatchedFleet:
    """Watches one profile. It listens to its own workspace."""

    def __init__(self, wanted: Wanted, shared: Shared, key: KeyAnswer | None = None) -> None:
        """Open nothing yet. `key` is the answer to the question for its key; None: ask."""
        self.workspace: Workspace | None = None
        self._wanted = wanted
        self._key = key
        self._shared = shared
        self._counts = ProfileCounts()
        self._events: EventLines | None = None
        self._told: tuple[object, ...] = ()
        self._renamed, self._reopened, self._command_changed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._stood_by_from: int | None = None
        """The number of the profile's last change when it began to stand by; None if it doesn't."""
        self._publisher = Publisher(shared.clock.now())
        self._lease: Lease | None = None

    @property
    def name(self) -> str:
        """The profile's present name."""
        return self.workspace.profile.name if self.workspace is not None else self._wanted.profile.name

    @property
    def profile(self) -> Profile:
        """The profile as it is wanted, with the name that it was opened with."""
        return self._wanted.profile

    @property
    def command(self) -> tuple[str, ...] | None:
        """The `on_alarm` that is in force."""
        return self._wanted.command

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

    def take(self, wanted: Wanted) -> list[str]:
        """Do as the file says now; return the keys that were changed."""
        changed = wanted.changed(self._wanted)
        if origin(wanted.profile.registry_url) != origin(self._wanted.profile.registry_url):
            self._key = None
        self._wanted = wanted._replace(profile=wanted.profile.named(self._wanted.profile.name))
        if OTHER_FLEET & {*changed}:
            self._reopened.set()
        elif self.workspace is not None and {*changed} - {ON_ALARM}:
            self.workspace.adopt(wanted.profile, self._key.key if self._key else None)
        if ON_ALARM in changed:
            self._command_changed.set()
        return changed

    @property
    def new_name(self) -> str | None:
        """The name that the profile has got while this program stood by: it follows when the other one lets go."""
        if self._stood_by_from is None:
            return None
        last = self._last_change()
        return last.by if last.what is What.RENAMED and last.seq > self._stood_by_from else None

    async def run(self) -> None:
        """Watch until cancelled, whenever no other program does, under whatever name the profile has."""
        while True:
            try:
                await self._run_once()
            except Exception:
                _log.exception("%s could not be watched", self.name)
                self._shared.tell(f"{self.name}: it could not be watched. It is tried again; the log says more.")
                await self._shared.clock.sleep(_AFTER_A_MISTAKE)

    async def _run_once(self) -> None:
        """Watch for as long as this program has the lease, and the profile has its name."""
        lease = self._lease = Lease(self._shared.opener.journal.watchers, self.profile.name, self._shared.clock)
        try:
            await lease.acquire(self._stand_by)
            new_name, self._stood_by_from = self.new_name, None
            if new_name is not None:
                self._wanted = self._wanted._replace(profile=self.profile.named(new_name))
            else:
                while await self._open_and_watch(lease):
                    pass
        finally:
            self._stood_by_from = None
            await lease.leave()
        if new_name is not None or self._renamed.is_set():
            while not await self._shared.followed.has(self.profile.name):  # it was deleted
                await self._shared.clock.sleep(_LOOK)

    async def _open_and_watch(self, lease: Lease) -> bool:
        """Watch until something ends it; return whether it has to be opened again under the same name."""
        if self._key is None:
            self._key = await self._load_key()
        self._renamed.clear()
        self._reopened.clear()
        self._told = ()
        opened = await self._shared.opener.open_profile(self.profile, self)
        try:
            return await self._watch(opened.workspace, lease, self._key)
        finally:
            self.workspace = None
            await opened.workspace.close()
            if self._events is not None:
                self._events.finish()
            self._wanted = self._wanted._replace(profile=self.profile.named(opened.workspace.profile.name))

    def _stand_by(self, holder: Holder) -> None:
        """Say that another program watches."""
        shared, name = self._shared, self.profile.name
        if self._stood_by_from is None:
            self._stood_by_from = self._last_change().seq
        shared.lines.put(standby_line(shared.clock.now().wall, name, holder))
        shared.tell(f"{name} is watched by process {holder.pid} on {holder.host}: waiting to take over.")

    def _last_change(self) -> Change:
        kept = self._shared.opener.journal.alarms.last_change(self.profile.name)
        return kept.change if kept is not None and kept.change is not None else Change(what=What.FIRED, at=0.0)

    def keep_place(self) -> None:
        """Note up to which event everything is printed, once it is."""
        if self._events is not None:
            self._events.keep_place()

    async def _watch(self, workspace: Workspace, lease: Lease, key: KeyAnswer) -> bool:
        """Do everything at the same time until cancelled, renamed, changed, or another program watches."""
        shared, name = self._shared, workspace.profile.name
        events = self._events = EventLines(workspace.journal, name, workspace.notes, shared.lines)
        await workspace.restore_rest()
        at, workers = shared.clock.now().wall, len(workspace.watch_list.workers)
        shared.lines.put(
            profile_line(at, workspace.profile, workers=workers, after=events.start, is_resumed=events.is_resumed)
        )
        workspace.connection.attend(False)
        workspace.connection.on_request = self._counts.requests.take
        workspace.key_answer = key
        workspace.connection.connect(key.key)
        again = False
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_raise_when(self._renamed, _Renamed))
                group.create_task(_raise_when(self._reopened, _Reopened))
                group.create_task(lease.keep(self._published))
                deliver, look_for_key = partial(self._deliver, workspace, lease), partial(self._look_for_key, workspace)
                for part in (events.follow, deliver, look_for_key):
                    group.create_task(self._guarded(part))
        except* _Reopened:
            again = True
        except* _Renamed:
            pass
        except* LeaseLost:
            shared.tell(f"{name}: another program has taken over.")
        return again and lease.is_held and not self._renamed.is_set()

    def _published(self) -> bytes:
        """Return what the app shows of the connection where it reads beside this program."""
        workspace = self.workspace
        if workspace is None:
            return b""
        return self._publisher.published(workspace.profile, workspace.connection.state, workspace.now())

    async def _guarded(self, part: Callable[[], Awaitable[None]]) -> None:
        """Run a part; a mistake in it must not end the others."""
        while True:
            try:
                return await part()
            except Exception:
                _log.exception("a part of the watcher failed")
                await self._shared.clock.sleep(_AFTER_A_MISTAKE)

    async def _deliver(self, workspace: Workspace, lease: Lease) -> None:
        """Send alarms; with another `on_alarm`, go on with that."""
        take_events, is_held = workspace.take_events, lambda: lease.is_held
        while True:
            self._command_changed.clear()
            watched = WatchedProfile(
                workspace.profile.name, workspace.journal.alarms, workspace.alarms.book, take_events, is_held
            )
            follow = self._shared.deliveries.follow(watched, workspace.notes, self._wanted.command)
            following = asyncio.create_task(follow)
            changing = asyncio.create_task(self._command_changed.wait())
            try:
                await asyncio.wait((following, changing), return_when=asyncio.FIRST_COMPLETED)
                if following.done():  # there is no receiver
                    following.result()
                    await changing
            finally:
                for task in (following, changing):
                    task.cancel()
                await asyncio.wait((following, changing))

    # -- its key -----------------------------------------------------------------------------------------------

    async def _load_key(self) -> KeyAnswer:
        keys, profile = self._shared.keys, self.profile
        answer = await keys.load(profile)
        if answer.key is None:
            self._shared.tell(" ".join(filter(None, [f"{profile.name}: {answer.sentence}", keys.why_unused(profile)])))
        return answer

    async def _look_for_key(self, workspace: Workspace) -> None:
        """Look for a key that is missing or rejected: a keyring may be unlocked, or a key stored, at any time."""
        shared = self._shared
        while True:
            await shared.clock.sleep(_KEY_AGAIN)
            if not self._needs_key(workspace):
                continue
            answer = await shared.keys.load_again(self.profile)
            before = self._key.key if self._key else None
            if answer.key is None or answer.key == before:
                continue
            self._key = workspace.key_answer = answer
            workspace.connection.connect(answer.key)
            name = workspace.profile.name
            said = f"{name}: there is a new API key. It is sent from now on."
            shared.lines.put(settings_line(shared.clock.now().wall, "changed", said, profile=name, changed=["api_key"]))
            shared.tell(said)

    def _needs_key(self, workspace: Workspace) -> bool:
        if workspace.connection.state.reach is Reachability.KEY_REJECTED:
            return True
        has_one = self._key is not None and self._key.key is not None
        return not has_one and not is_loopback(workspace.profile.registry_url)

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
            if self._lease is not None:
                self._lease.publish_soon()
            self._shared.lines.put(connection_line(self._shared.clock.now().wall, name, state))

    def alarms_changed(self, changes: list[Change]) -> None:
        """Do nothing: the receivers read changes from the journal."""

    def fleet_changed(self) -> None:
        """Do nothing: the metrics pull the fleet's state."""


def _said(state: ConnectionState) -> tuple[object, ...]:
    is_pushed = state.pushed_until is not None
    return (state.reach, state.sentence, state.advice, state.ban_list, state.ban_list_sentence, is_pushed)


async def _raise_when(event: asyncio.Event, error: type[Exception]) -> None:
    await event.wait()
    raise error
