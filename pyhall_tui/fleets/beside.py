"""The profiles of the overview that run beside the open one: started, followed, and closed as the file says."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Final

from pyhall_tui.clock import Clock
from pyhall_tui.fleets.opener import Ear, OpenedProfile, Opener
from pyhall_tui.fleets.overview import Overview, Wanted
from pyhall_tui.profiles.keys import KeyAnswer, KeySource, KeyState
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import is_loopback, origin

if TYPE_CHECKING:
    from pyhall_tui.profiles.keys import KeyStore
    from pyhall_tui.workspace import Workspace

_log = logging.getLogger(__name__)

_LOOK: Final = 2.0
"""Seconds between two looks at the file."""
_NEXT_KEY: Final = 1.0
"""Seconds after which the next key is asked for, although the keyring has not answered for the one before."""


class Beside:
    """What runs beside the open profile. Belongs to the UI's thread; nobody waits for it."""

    def __init__(
        self,
        opener: Opener,
        overview: Overview,
        clock: Clock,
        *,
        opened: Callable[[], OpenedProfile | None],
        new_ear: Callable[[], Ear],
        changed: Callable[[], None],
    ) -> None:
        """Start nothing yet.

        Args:
            opened: returns the open profile.
            new_ear: makes the listener for one more workspace.
            changed: called when one was started or closed, or its key was found or not.
        """
        self._opener, self._overview, self._clock = opener, overview, clock
        self._opened, self._new_ear, self._changed = opened, new_ear, changed
        self._running: dict[str, OpenedProfile] = {}
        self._closing: dict[str, asyncio.Future[None]] = {}
        self._failed: dict[str, str] = {}
        self._keys: KeyStore | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self.given = ""
        """The name of the profile that is being opened."""
        self._has_ended = False

    def __iter__(self) -> Iterator[OpenedProfile]:
        return iter(tuple(self._running.values()))

    def get(self, name: str) -> OpenedProfile | None:
        """Return the one of that name."""
        return self._running.get(name)

    def has(self, workspace: "Workspace") -> bool:
        """Whether a workspace runs beside the open one."""
        return any(running.workspace is workspace for running in self._running.values())

    def why_not(self, name: str) -> str:
        """Return why a profile of the overview could not be started, as a sentence; empty if nothing is known."""
        return self._failed.get(name, "")

    def begin(self, keys: "KeyStore") -> None:
        """Start what the file says, and follow it; call it after the first frame, again if you like."""
        if self._keys is None:
            self._keys = keys
            self._do(self._follow())

    def look_soon(self) -> None:
        """Look at the file now."""
        self._wake.set()

    # -- the open one comes and goes ---------------------------------------------------------------------------

    async def give(self, name: str) -> OpenedProfile | None:
        """Return the one of that name, to be opened: it is no longer beside. If it is being closed, wait for that.

        None of that name is started before the next one is given, or `given` is cleared.
        """
        self.given = name
        if (closing := self._closing.get(name)) is not None:
            await asyncio.wait((closing,))
        return self._running.pop(name, None)

    async def take(self, left: OpenedProfile) -> None:
        """Take what was open: it stays if the file says so, and is closed otherwise."""
        if left.demo is None and not self._has_ended:
            wanted = self._overview.read_again(left.profile.name)
            if self._keys is not None and wanted is not None and _can_go_on(left, wanted):
                left.workspace.connection.attend(False)
                self._running[left.profile.name] = left
                self._adopt(left, wanted)
                return
        await self.close(left)

    async def end(self) -> None:
        """Close all of them, at the same time."""
        self._has_ended = True
        for task in self._tasks:
            task.cancel()
        running, self._running = [*self._running.values()], {}
        await asyncio.gather(*(self.close(each) for each in running), *self._closing.values())

    # -- the file ----------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            self._wake.clear()
            try:
                if await self._overview.look():
                    await self._do_as_the_file_says()
                self._look_after_those_running()
            except Exception:
                _log.exception("the profiles of the overview could not be followed")
            napping = asyncio.ensure_future(self._clock.sleep(_LOOK))
            waking = asyncio.ensure_future(self._wake.wait())
            try:
                await asyncio.wait((napping, waking), return_when=asyncio.FIRST_COMPLETED)
            finally:
                napping.cancel()
                waking.cancel()

    async def _do_as_the_file_says(self) -> None:
        self._running = {each.profile.name: each for each in self}  # another program may have renamed one
        for each in self:
            wanted = self._overview.get(each.profile.name)
            if wanted is None or not _can_go_on(each, wanted):
                del self._running[each.profile.name]
                self._changed()
                await self.close(each)
            else:
                self._adopt(each, wanted)
        for wanted in self._overview.wanted:
            if wanted.profile is not None and self._is_free(wanted.profile.name):
                await self._start(wanted.profile)

    def _is_free(self, name: str) -> bool:
        opened = self._opened()
        is_open = opened is not None and opened.demo is None and opened.profile.name == name
        return not is_open and name != self.given and name not in self._running and name not in self._closing

    def _adopt(self, running: OpenedProfile, wanted: Wanted) -> None:
        """Take over what was changed in the file, if that needs no other workspace."""
        workspace = running.workspace
        if wanted.profile is not None and wanted.profile != workspace.profile:
            workspace.adopt(wanted.profile, workspace.key_answer.key if workspace.key_answer else None)
            self._changed()

    async def _start(self, profile: Profile) -> None:
        """Open one, load its fleet, and ask for its key; it doesn't matter to the next whether that succeeds."""
        try:
            running = await self._opener.open_profile(profile, self._new_ear())
        except Exception as error:
            _log.exception("%s could not be started", profile.name)
            self._failed[profile.name] = f"It could not be started: {error}."
            return
        self._failed.pop(profile.name, None)
        self._running[profile.name] = running
        running.workspace.connection.attend(False)
        self._changed()
        await asyncio.sleep(0)  # lets a pressed key through
        self._do(running.workspace.restore_rest())
        asking = self._do(self._ask_key(running))
        await asyncio.wait((asking,), timeout=_NEXT_KEY)

    # -- keys --------------------------------------------------------------------------------------------------

    def ask_again(self) -> None:
        """Read the keyring for those that it was locked for: it was unlocked for another one."""
        for running in self:
            answer = running.workspace.key_answer
            if answer is not None and answer.key is None and answer.state is KeyState.LOCKED:
                self._do(self._ask_key(running))

    async def _ask_key(self, running: OpenedProfile) -> None:
        """Read the key, unless that would ask you for something, and connect."""
        profile = running.profile
        assert self._keys is not None
        try:
            answer = await self._keys.load_quietly(profile, by_variable=self._may_have_the_variable(profile))
        except Exception as error:
            _log.exception("the key of %s could not be read", profile.name)
            answer = KeyAnswer(None, KeySource.NONE, KeyState.UNAVAILABLE, f"The OS keyring cannot be used: {error}.")
        self._take_key(running, answer)

    def _take_key(self, running: OpenedProfile, answer: KeyAnswer) -> None:
        """Connect, even without a key: a hall on this machine may not need one."""
        workspace = running.workspace
        if running not in self._running.values():
            return  # it is open or closed by now
        workspace.key_answer = answer
        if not workspace.connection.is_connected or not workspace.connection.has_key(answer.key):
            workspace.connection.connect(answer.key)
        self._changed()

    def _may_have_the_variable(self, profile: Profile) -> bool:
        """Whether the environment's key may be sent there: only to where you opened a profile, or to this machine."""
        opened = self._opened()
        place = origin(opened.profile.registry_url) if opened is not None and opened.demo is None else ""
        return is_loopback(profile.registry_url) or origin(profile.registry_url) == place

    def _look_after_those_running(self) -> None:
        """Use keys that were typed since, and try again to save what could not be saved."""
        assert self._keys is not None
        for running in self:
            running.workspace.keep_what_was_not()
            before, known = running.workspace.key_answer, self._keys.known(running.profile)
            is_news = before is not None and known is not None and known.key not in (None, before.key)
            if before is not None and known is not None and is_news and not before.is_from_environment:
                self._take_key(running, known)

    # -- closing -----------------------------------------------------------------------------------------------

    async def close(self, running: OpenedProfile) -> None:
        """Close one; until that is done, no other of its name is started."""
        name = running.profile.name
        closing = asyncio.ensure_future(running.close())
        self._closing[name] = closing
        try:
            await asyncio.wait((closing,))
        finally:
            self._closing.pop(name, None)
        closing.result()

    def _do(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _can_go_on(running: OpenedProfile, wanted: Wanted) -> bool:
    return wanted.profile is not None and running.can_go_on_as(wanted.profile)
