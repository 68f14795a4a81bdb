"""Opening a profile, or the demo: its journal, its watch list, its workspace."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from pyhall_tui.alarms.profile_rules import ProfileRules
from pyhall_tui.clock import Clock
from pyhall_tui.files.whole_file import claim, sweep_below, temporary_folder
from pyhall_tui.journal.journal import Journal
from pyhall_tui.paths import Home
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.chosen_profile import choose_profile
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.workspace import Listener, Workspace

_DEMO: Final = "pyhall-tui-demo-"
_SWEPT_AFTER: Final = 2.0
"""Seconds after the start: the first frame needs the processor more."""
DEMO_PACE = {"poll_interval": 10.0, "ban_list_interval": 3.0, "requests_per_second": 20.0}
"""The demo is asked more often than a registry would be, because things happen in it while you watch."""


class DemoHall(Protocol):
    """The demo: what `make_demo` returns. Requests wait until `start`, which is called in a thread, has returned."""

    @property
    def url(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def worker_ids(self) -> Sequence[str]: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class OpenedProfile(NamedTuple):
    """What is open now, and the folders that it uses."""

    workspace: Workspace
    home: Home
    demo: DemoHall | None = None


class Opener:
    """Opens one profile at a time, closing the previous one first, and cleans up after the demo."""

    def __init__(self, home: Home, clock: Clock, listener: Listener, make_demo: Callable[[], DemoHall]) -> None:
        """Nothing is read or opened yet."""
        self.home = home
        self.store = ProfileStore(home.config / "profiles.toml")
        self.opened: OpenedProfile | None = None
        self.problem: str | None = None
        """Why nothing could be opened at the start."""
        self._clock = clock
        self._listener = listener
        self._make_demo = make_demo
        self._journals: dict[Path | None, Journal] = {}
        self._cleanup = contextlib.ExitStack()
        self._swept = False

    @property
    def workspace(self) -> Workspace | None:
        """What is open."""
        return self.opened.workspace if self.opened else None

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
        """Open a profile; its fleet holds what was last known at once. The caller connects."""
        journal = self._journal(self.home.data / "journal.db")
        if not self._swept:
            self._swept = True
            sweeping = threading.Timer(_SWEPT_AFTER, _sweep, (self.home,))
            sweeping.daemon = True
            sweeping.start()
        return await self._open(profile, self.home, journal, WatchList(self.home.data, profile.name), None)

    async def open_demo(self) -> OpenedProfile:
        """Open the demo with its fleet; it leaves nothing in the user's folders. The caller starts it and connects."""
        folder = self._cleanup.enter_context(temporary_folder(_DEMO))
        demo = self._make_demo()
        profile = Profile(name="demo", namespace=demo.namespace, registry_url=demo.url, **DEMO_PACE)  # type: ignore[arg-type]
        watch_list = WatchList(folder, profile.name)
        watch_list.hold(demo.worker_ids)
        return await self._open(profile, Home.below(folder), self._journal(None), watch_list, demo)

    async def start_demo(self, opened: OpenedProfile) -> None:
        """Start the demo's hall, and connect to it. If it can't start, the connection reports that nobody answers."""
        demo = opened.demo
        assert demo is not None
        with contextlib.suppress(OSError):  # full, say: what is saved there will report it
            self._cleanup.enter_context(
                claim(opened.home.data.parent, _DEMO)
            )  # not before the first frame: it loads a library
        starting = asyncio.ensure_future(off_loop(demo.start, name="demo"))
        await asyncio.wait((starting,))
        if opened is self.opened:
            opened.workspace.connection.connect(ApiKey(demo.key))
        await starting

    def attend(self, is_there: bool) -> None:
        """Note whether anybody looks at what is open."""
        if self.opened is not None:
            self.opened.workspace.connection.attend(is_there)

    async def close(self) -> None:
        """Close what is open, including the demo's hall."""
        opened, self.opened = self.opened, None
        if opened is not None:
            await opened.workspace.close()
            if opened.demo is not None:
                await asyncio.to_thread(opened.demo.stop)

    async def end(self) -> None:
        """Close everything at the end, including journals and the demo's folder."""
        await self.close()
        self._cleanup.close()

    async def _open(
        self, profile: Profile, home: Home, journal: Journal, watch_list: WatchList, demo: DemoHall | None
    ) -> OpenedProfile:
        await self.close()
        workspace = Workspace(
            profile,
            clock=self._clock,
            journal=journal,
            watch_list=watch_list,
            listener=self._listener,
            state=home.state,
            rules=None if demo else ProfileRules(self.store),
        )
        await workspace.__aenter__()
        self.opened = OpenedProfile(workspace, home, demo)
        return self.opened

    def _journal(self, path: Path | None) -> Journal:
        """Return the file's journal, one for the whole run; None is the demo's, in memory."""
        if path not in self._journals:
            journal = Journal.open(path, self._clock) if path else Journal.in_memory(self._clock)
            self._journals[path] = journal
            self._cleanup.callback(journal.close, 0.5)
        return self._journals[path]


def _sweep(home: Home) -> None:
    """Delete what killed programs left half-written in our folders, without delaying the first frame."""
    for folder in dict.fromkeys(home):
        sweep_below(folder)
