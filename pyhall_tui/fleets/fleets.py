"""All fleets of this program: the open profile's, and those of the overview, which are watched beside it.

They share one thread for the wire and one journal. Each has its own client, budget, alarms and state: what happens to
one registry holds up no other. Switching to one that runs already is at once.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pyhall_tui.clock import Clock
from pyhall_tui.feeds.run_log import RunLog
from pyhall_tui.fleet.events import Event
from pyhall_tui.fleets.opener import DemoHall, OpenedProfile, Opener
from pyhall_tui.fleets.overview import Overview
from pyhall_tui.monitor.connection_state import Reachability
from pyhall_tui.paths import Home
from pyhall_tui.profiles.chosen_profile import choose_profile
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.workspace import Listener, Workspace

if TYPE_CHECKING:
    from pyhall_tui.alarms.alarm import Change
    from pyhall_tui.fleets.beside import Beside
    from pyhall_tui.profiles.keys import KeyStore


class Kept(NamedTuple):
    """One profile of the overview, or the open one."""

    profile: Profile
    workspace: Workspace | None
    """None: it is not running."""
    sentence: str = ""
    """Why nothing is asked, or not all: it is not running, has no key, its watch list can't be read, a rule is wrong.

    Empty if nothing is wrong, and while it starts.
    """
    is_open: bool = False
    """Whether it is the one on the screen."""
    is_chosen: bool = True
    """Whether the file puts it into the overview."""


class FleetsListener(Listener, Protocol):
    """Is notified on the UI's thread: of the open profile's changes as a `Listener`, and of those of the others."""

    def elsewhere_changed(self) -> None:
        """Something that `kept` shows has changed about a profile that is not open."""

    def alarms_changed_elsewhere(self, workspace: Workspace, changes: "list[Change]") -> None:
        """Alarms of a profile that is not open have changed; `elsewhere_changed` follows."""


class Fleets:
    """Opens profiles, keeps those of the overview running, and closes everything."""

    def __init__(
        self,
        home: Home,
        clock: Clock,
        listener: FleetsListener,
        make_demo: Callable[[], DemoHall],
        run_log: RunLog | None = None,
    ) -> None:
        """Nothing is read or opened yet. `run_log` takes the requests of whatever is opened."""
        self.home = home
        self.store = ProfileStore(home.config / "profiles.toml")
        self.opened: OpenedProfile | None = None
        self.problem: str | None = None
        """Why nothing could be opened at the start."""
        self.news = 0
        """Increases when something changed that a table of all fleets shows, ages aside."""
        self._clock = clock
        self._listener = listener
        self._opener = Opener(home, self.store, clock, make_demo, run_log, reads_beside=True)
        self._overview = Overview(self.store)
        self._beside: Beside | None = None
        self._is_attended = True

    @property
    def workspace(self) -> Workspace | None:
        """What is open."""
        return self.opened.workspace if self.opened else None

    @property
    def kept(self) -> Sequence[Kept]:
        """The overview and the open profile, in the file's order; one that is not in the file comes first."""
        kept = {wanted.stored.name: self._kept(wanted.stored.name) for wanted in self._overview.wanted}
        if self.opened is None:
            return [*kept.values()]
        now = _of(self.opened, is_open=True)
        now = now._replace(is_chosen=self.opened.demo is None and now.profile.name in kept)
        if self.opened.demo is not None or now.profile.name not in self._overview.names:
            return [now, *kept.values()]
        kept[now.profile.name] = now
        return [kept[name] for name in self._overview.names if name in kept]

    def _kept(self, name: str) -> Kept:
        running = self._beside.get(name) if self._beside else None
        if running is not None:
            return _of(running)
        wanted = self._overview.get(name)
        assert wanted is not None
        return Kept(
            wanted.profile or wanted.stored,
            None,
            wanted.mistake or self._why_not(name),
        )

    def _why_not(self, name: str) -> str:
        if self._beside is not None:
            return self._beside.why_not(name)
        is_demo = self.opened is not None and self.opened.demo is not None
        return "The demo runs by itself. Open a profile to watch those of the overview." if is_demo else ""

    # -- opening -----------------------------------------------------------------------------------------------

    async def open_first(self, name: str | None, *, demo: bool) -> OpenedProfile | None:
        """Open the demo, or the profile of that name or the default one. If that is impossible, `problem` says why."""
        if demo:
            try:
                return await self.open_demo()
            except OSError as error:
                self.problem = f"The demo can't be opened: {error}."
                return None
        chosen = choose_profile(self.store, name)
        self.problem = chosen.problem or None
        return await self.open_profile(chosen.profile) if chosen.profile else None

    async def open_profile(self, profile: Profile) -> OpenedProfile:
        """Open a profile: at once if it runs already. Otherwise its fleet holds what was last known.

        The caller connects. The one that is open already is closed and opened again.
        """
        await self.close(stays=self.opened is not None and self.opened.profile.name != profile.name)
        if self._beside is None:
            return self._is_open_now(await self._opener.open_profile(profile, self._new_ear()))
        try:
            running = await self._beside.give(profile.name)
            if running is not None and not running.can_go_on_as(profile):
                await running.close()
                running = None
            if running is None:
                running = await self._opener.open_profile(profile, self._new_ear())
            elif running.profile != profile:
                answer = running.workspace.key_answer
                running.workspace.adopt(profile, answer.key if answer else None)
            return self._is_open_now(running)
        finally:
            self._beside.given = ""

    async def open_demo(self) -> OpenedProfile:
        """Open the demo with its fleet; it leaves nothing in the user's folders. The caller starts it and connects."""
        await self.close(stays=True)
        return self._is_open_now(await self._opener.open_demo(self._new_ear()))

    async def start_demo(self, opened: OpenedProfile) -> None:
        """Start the demo's hall, and connect to it. If it can't start, the connection reports that nobody answers."""
        await self._opener.start_demo(opened, lambda: opened is self.opened)

    def begin_overview(self, keys: "KeyStore") -> None:
        """Start the profiles of the overview, after the first frame; again: does nothing. The demo has only its own."""
        if self.opened is not None and self.opened.demo is not None and self._beside is None:
            return
        if self._beside is None:
            from pyhall_tui.fleets.beside import Beside

            self._beside = Beside(
                self._opener,
                self._overview,
                self._clock,
                opened=lambda: self.opened,
                new_ear=self._new_ear,
                changed=self._changed_elsewhere,
            )
        self._beside.begin(keys)

    def look_at_file(self) -> None:
        """Read now which profiles are in the overview, and start or close them: one was just put in or taken out."""
        self._overview.read()
        self._changed_elsewhere()
        if self._beside is not None:
            self._beside.look_soon()

    def unlocked(self) -> None:
        """Note that the keyring has given a key: it may give those of the others now."""
        if self._beside is not None:
            self._beside.ask_again()

    def attend(self, is_there: bool) -> None:
        """Note whether anybody looks at what is open; at the others nobody does."""
        self._is_attended = is_there
        if self.opened is not None:
            self.opened.workspace.connection.attend(is_there)

    # -- closing -----------------------------------------------------------------------------------------------

    async def close(self, *, stays: bool = False) -> None:
        """Close what is open, including the demo's hall. `stays`: it goes on running if it is in the overview."""
        opened, self.opened = self.opened, None
        if opened is None:
            return
        if stays and self._beside is not None:
            await self._beside.take(opened)
        else:
            self._overview.read_again(opened.profile.name)  # it was deleted, say: it is not to be started again
            await (self._beside.close(opened) if self._beside else opened.close())

    async def end(self) -> None:
        """Close everything at the end, at the same time, including journals and the demo's folder."""
        await asyncio.gather(self.close(), *([self._beside.end()] if self._beside else []))
        self._opener.end()

    # -- listening ---------------------------------------------------------------------------------------------

    def _is_open_now(self, opened: OpenedProfile) -> OpenedProfile:
        self.opened = opened
        self.news += 1
        opened.workspace.connection.attend(self._is_attended)
        return opened

    def _changed_elsewhere(self) -> None:
        self.news += 1
        self._listener.elsewhere_changed()

    def _hears(self, workspace: Workspace | None, changes: "Sequence[Change]" = ()) -> FleetsListener | None:
        """Count a change; return the listener if it is about the open profile, otherwise tell it that it is not."""
        self.news += 1
        if workspace is self.workspace:
            return self._listener
        if workspace is not None and self._beside is not None and self._beside.has(workspace):
            if changes:
                self._listener.alarms_changed_elsewhere(workspace, list(changes))
            self._listener.elsewhere_changed()
        return None

    def _new_ear(self) -> "_FleetsEar":
        return _FleetsEar(self._hears)


class _FleetsEar:
    """Listens to one workspace, and passes on what it hears while that is the open one."""

    def __init__(self, hears: "Callable[[Workspace | None, Sequence[Change]], FleetsListener | None]") -> None:
        self.workspace: Workspace | None = None
        self._hears = hears

    def fleet_changed(self) -> None:
        if (listener := self._hears(self.workspace, ())) is not None:
            listener.fleet_changed()

    def connection_changed(self) -> None:
        if (listener := self._hears(self.workspace, ())) is not None:
            listener.connection_changed()

    def events_happened(self, events: list[Event]) -> None:
        if (listener := self._hears(self.workspace, ())) is not None:
            listener.events_happened(events)

    def alarms_changed(self, changes: "list[Change]") -> None:
        if (listener := self._hears(self.workspace, changes)) is not None:
            listener.alarms_changed(changes)


def _of(running: OpenedProfile, *, is_open: bool = False) -> Kept:
    workspace = running.workspace
    answer, connection = workspace.key_answer, workspace.connection
    is_asked = connection.watcher or (connection.is_connected and connection.state.reach is not Reachability.NO_KEY)
    why = answer.sentence if answer is not None and answer.key is None and not is_asked else ""
    why = why or workspace.watch_list.problem or next(iter(workspace.rule_mistakes), "")
    return Kept(running.profile, workspace, why, is_open)
