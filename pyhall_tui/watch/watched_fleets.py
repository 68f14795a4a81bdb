"""All profiles of a watcher: begun, changed and ended as `profiles.toml` says, each change with a line that says so."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pyhall_tui.watch.followed_profiles import Found, NotFollowed, Wanted
from pyhall_tui.watch.lines import settings_line
from pyhall_tui.watch.watched_fleet import Shared, WatchedFleet

_LOOK: Final = 1.0
"""Seconds between two looks at the file."""
_MISSING: Final = 4.0
"""Seconds that a name may be missing in the file: until then, the profile may just be getting another name."""

_log = logging.getLogger(__name__)


class WatchedFleets:
    """Runs a `WatchedFleet` for each profile. Belongs to the loop."""

    def __init__(self, shared: Shared) -> None:
        """Start nothing yet."""
        self._shared = shared
        self._fleets: dict[str, WatchedFleet] = {}
        """By the names that were last reported."""
        self._tasks: dict[WatchedFleet, asyncio.Task[None]] = {}
        self._found: Found | None = None
        self._missing_since: dict[str, float] = {}
        """When a name was first missing in the file, on the monotonic clock."""
        self._unusable = ""
        """Why the file can't be used."""
        self._mistakes: Mapping[str, str] = {}

    def __iter__(self) -> Iterator[WatchedFleet]:
        return iter(tuple(self._fleets.values()))

    def begin_with(self, fleets: Sequence[WatchedFleet]) -> None:
        """Watch these from `run` on."""
        self._fleets = {fleet.name: fleet for fleet in fleets}

    async def run(self) -> None:
        """Watch, and follow the file, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for fleet in self:
                self._start(group, fleet)
            while True:
                await self._shared.clock.sleep(_LOOK)
                try:
                    await self._look(group)
                except Exception:
                    _log.exception("the profiles could not be followed")

    def _start(self, group: asyncio.TaskGroup, fleet: WatchedFleet) -> None:
        self._fleets[fleet.name] = fleet
        self._tasks[fleet] = group.create_task(fleet.run())

    async def _look(self, group: asyncio.TaskGroup) -> None:
        for told, fleet in self._fleets.items():
            self._shared.followed.renamed(told, fleet.name)
        try:
            found = await self._shared.followed.look()
        except NotFollowed as mistake:
            self._say_unusable(str(mistake))
            return
        if found is not None:
            self._found = found
            self._say_usable(found)
        if self._found is not None and (found is not None or self._missing_since):
            await self._do_as(self._found, group)

    async def _do_as(self, found: Found, group: asyncio.TaskGroup) -> None:
        """Do as the file says. Nothing new begins while a name is missing: it may be the new name of that profile."""
        for told, fleet in [*self._fleets.items()]:
            if (wanted := found.wanted.get(fleet.name)) is not None:
                self._change(told, fleet, _with_last_command(wanted, fleet, found))
        is_pending = False
        for told, fleet in [*self._fleets.items()]:
            if fleet.name not in found.wanted and not await self._ends(told, fleet):
                is_pending = True
        if is_pending:
            return
        self._missing_since = {name: at for name, at in self._missing_since.items() if name in self._fleets}
        for name, wanted in found.wanted.items():
            if name not in self._fleets:
                self._say("added", f"{name} is in profiles.toml now: it is watched from now on.", name)
                self._start(group, WatchedFleet(wanted, self._shared))

    def _change(self, told: str, fleet: WatchedFleet, wanted: Wanted) -> None:
        name = fleet.name
        self._missing_since.pop(told, None)
        if name != told:
            self._fleets = {(name if each == told else each): one for each, one in self._fleets.items()}
            self._say("renamed", f"{told} has another name now: {name}.", name)
        if changed := fleet.take(wanted):
            verb = "was" if len(changed) == 1 else "were"
            said = f"{name}: {', '.join(changed)} {verb} changed in profiles.toml: the new settings are in force."
            self._say("changed", said, name, changed)

    async def _ends(self, told: str, fleet: WatchedFleet) -> bool:
        """End a fleet whose profile is not in the file any more; return whether that is over."""
        if (new_name := fleet.new_name) is not None and await self._shared.followed.has(new_name):
            return False
        now = self._shared.clock.now().mono
        if now - self._missing_since.setdefault(told, now) < _MISSING:
            return False
        self._say("removed", f"{told} is not in profiles.toml any more: it is no longer watched.", told)
        del self._fleets[told], self._missing_since[told]
        self._shared.followed.renamed(fleet.name, told)  # it may be there again later
        task = self._tasks.pop(fleet)
        task.cancel()
        await asyncio.wait((task,))
        return True

    # -- saying it ---------------------------------------------------------------------------------------------

    def _say_unusable(self, why: str) -> None:
        if why != self._unusable:
            self._unusable = why
            self._say("unusable", f"{why} What it said before stays in force.", None)

    def _say_usable(self, found: Found) -> None:
        if self._unusable:
            self._unusable = ""
            self._say("usable", "profiles.toml can be used again.", None)
        for name, mistake in found.mistakes.items():
            if self._mistakes.get(name) != mistake:
                self._say("unusable", f"{mistake} The command that was there before stays in force.", name)
        self._mistakes = found.mistakes

    def _say(self, what: str, sentence: str, profile: str | None, changed: Sequence[str] = ()) -> None:
        at = self._shared.clock.now().wall
        self._shared.lines.put(settings_line(at, what, sentence, profile=profile, changed=changed))
        self._shared.tell(sentence)


def _with_last_command(wanted: Wanted, fleet: WatchedFleet, found: Found) -> Wanted:
    """Return what is wanted; an `on_alarm` with a mistake leaves the one before in force."""
    return wanted._replace(command=fleet.command) if wanted.profile.name in found.mistakes else wanted
