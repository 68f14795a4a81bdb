"""The watcher: all its profiles, its output, its metrics, and how it ends."""

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from pyhall_tui.clock import Clock
from pyhall_tui.fleets.opener import DemoHall, Opener
from pyhall_tui.metrics.server import MetricsServer
from pyhall_tui.monitor.connection_state import Reachability
from pyhall_tui.paths import Home
from pyhall_tui.profiles.keys import KeyAnswer
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.profiles.urls import is_loopback
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.watch.chosen import WatcherKeys
from pyhall_tui.watch.deliveries import Deliveries
from pyhall_tui.watch.followed_profiles import FollowedProfiles, NotFollowed, Wanted
from pyhall_tui.watch.lines import end_line, heartbeat_line, start_line
from pyhall_tui.watch.metrics import ProfileState, WatcherState, render
from pyhall_tui.watch.output import Output
from pyhall_tui.watch.service_manager import ServiceManager
from pyhall_tui.watch.watched_fleet import Shared, WatchedFleet
from pyhall_tui.watch.watched_fleets import WatchedFleets

_LOOK: Final = 2.0
"""Seconds between two looks for what is wrong."""
_SAID_AGAIN: Final = 60.0
"""Seconds after which something that was wrong, and was not for a while, is said again."""
_LAST_LINES: Final = 0.4
"""Seconds that a reader has for the last lines."""
_NUMBER: Final = re.compile(r"\d[\d.,]*")

_log = logging.getLogger(__name__)


class NotWatched(Exception):
    """Nothing can be watched; the message is a sentence."""


class Settings(NamedTuple):
    """What the command line says."""

    home: Home
    store: ProfileStore
    profiles: Sequence[Profile]
    """The chosen ones. The file is followed for changes of them."""
    everything: bool
    """Whether to watch all profiles in the file, also those that are added later."""
    listening: socket.socket | None
    """Where the metrics are served."""
    heartbeat: float
    """Seconds between two heartbeats."""


class Watcher:
    """Watches until it is told to end."""

    def __init__(
        self, settings: Settings, output: Output, deliveries: Deliveries, clock: Clock, tell: Callable[[str], None]
    ) -> None:
        """Ask nothing yet. `tell` prints a sentence on standard error."""
        self._settings, self._output, self._deliveries = settings, output, deliveries
        self._clock, self._tell = clock, tell
        self._service = ServiceManager.of_environment()
        self._opener = Opener(settings.home, settings.store, clock, _no_demo)
        self._fleets: WatchedFleets | None = None
        self._said: dict[str, float] = {}

    async def run(self) -> None:
        """Watch until cancelled.

        Raises:
            NotWatched: there is a key for none of the profiles, or a receiver can't be used.
        """
        settings = self._settings
        for problem in await self._deliveries.check():
            if problem.is_final:
                raise NotWatched(problem.sentence)
            self._tell(problem.sentence)
        keys = WatcherKeys(settings.profiles)
        answers = await self._keys_of(keys)
        names = [profile.name for profile in settings.profiles]
        self._output.put(start_line(self._clock.now().wall, names, settings.heartbeat))
        followed = FollowedProfiles(settings.store, settings.profiles, everything=settings.everything)
        shared = Shared(self._opener, followed, keys, self._output, self._deliveries, self._clock, self._say_once)
        fleets = self._fleets = WatchedFleets(shared)
        wanted = await _wanted(followed, settings.profiles)
        fleets.begin_with([WatchedFleet(one, shared, answer) for one, answer in zip(wanted, answers, strict=True)])
        async with asyncio.TaskGroup() as group:
            for part in (fleets.run, self._beat, self._look, self._be_alive, self._serve_metrics):
                group.create_task(part())
            self._service.ready()

    async def end(self, code: int) -> None:
        """Print the last lines, note up to where, and close everything, once `run` has ended."""
        self._service.stopping()
        if self._fleets is not None:
            self._output.put(end_line(self._clock.now().wall, code))
        unread = await off_loop(partial(self._output.close, _LAST_LINES), name="last lines")
        if not unread:
            for fleet in self._fleets or ():
                fleet.keep_place()
        elif not self._output.failed.done():
            self._tell(f"{unread:,} lines were not read; what they say is printed at the next start.")
        await off_loop(self._opener.end, name="journal")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_LINES):
                await self._deliveries.aclose()

    async def _keys_of(self, keys: WatcherKeys) -> list[KeyAnswer]:
        profiles = self._settings.profiles
        answers = await asyncio.gather(*map(keys.load, profiles))
        can_be_asked = False
        for profile, answer in zip(profiles, answers, strict=True):
            can_be_asked = can_be_asked or answer.key is not None or is_loopback(profile.registry_url)
            if answer.key is None:
                self._tell(f"{profile.name}: {answer.sentence}")
        if keys.unused:
            self._tell(keys.unused)
        if not can_be_asked:
            raise NotWatched("There is no key for any of these profiles, so nothing can be asked.")
        return answers

    # -- parts -------------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(self._settings.heartbeat)
            states = self._states()
            self._output.put(heartbeat_line(self._clock.now().wall, states, self._output.lost))
            self._service.status(_status(states))

    async def _look(self) -> None:
        """Say what is wrong, once, and try again to save what could not be saved."""
        while True:
            for fleet in self._fleets or ():
                if fleet.workspace is not None:
                    fleet.workspace.keep_what_was_not()
                for sentence in fleet.troubles:
                    self._say_once(f"{fleet.name}: {sentence}")
            await self._clock.sleep(_LOOK)

    async def _be_alive(self) -> None:
        while self._service.alive_every is not None:
            self._service.alive()
            await self._clock.sleep(self._service.alive_every)

    async def _serve_metrics(self) -> None:
        if self._settings.listening is not None:
            await MetricsServer(self._settings.listening, self._page).serve()

    def _page(self) -> str:
        sent, lost = self._deliveries.sent, self._output.lost
        return render(WatcherState(profiles=self._states(), alerts_sent=sent, lines_lost=lost))

    def _states(self) -> list[ProfileState]:
        return [state for fleet in self._fleets or () if (state := fleet.state) is not None]

    def _say_once(self, sentence: str) -> None:
        about, now = _NUMBER.sub("#", sentence), self._clock.now().mono
        if now - self._said.get(about, -_SAID_AGAIN) >= _SAID_AGAIN:
            self._tell(sentence)
        self._said[about] = now


async def _wanted(followed: FollowedProfiles, profiles: Sequence[Profile]) -> list[Wanted]:
    """Return what the file says about the chosen profiles; if it has just been changed, it is read again soon."""
    wanted: Mapping[str, Wanted] = {}
    with contextlib.suppress(NotFollowed):
        wanted = (await off_loop(followed.read, name="profiles")).wanted
    return [wanted.get(profile.name, Wanted(profile)) for profile in profiles]


def _status(states: Sequence[ProfileState]) -> str:
    """Return one line for the service manager."""
    up = sum(state.registry_up for state in states)
    workers = sum(sum(state.workers.values()) for state in states)
    return f"{workers:,} workers; {up} of {len(states)} registries {Reachability.LIVE.value}"


def _no_demo() -> DemoHall:
    raise AssertionError("the watcher opens no demo")
