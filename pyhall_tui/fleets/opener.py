"""Opens workspaces: of a profile, with its journal and watch list, or of the demo."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from pyhall_tui.clock import Clock
from pyhall_tui.connection import WIRE
from pyhall_tui.feeds.run_log import RunLog
from pyhall_tui.journal.late_journal import LateJournal
from pyhall_tui.paths import Home
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.threads.shared_loop import SharedLoop
from pyhall_tui.workspace import Listener, Workspace

if TYPE_CHECKING:
    from pyhall_tui.journal.journal import Journal

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


class Ear(Listener, Protocol):
    """A listener that knows to whose workspace it listens."""

    workspace: Workspace | None


class OpenedProfile(NamedTuple):
    """A profile that runs, and the folders that it uses."""

    workspace: Workspace
    home: Home
    demo: DemoHall | None = None

    @property
    def profile(self) -> Profile:
        """Its profile as it is now."""
        return self.workspace.profile

    def can_go_on_as(self, profile: Profile) -> bool:
        """Whether it can take over those settings: its fleet is that of one registry and one namespace."""
        return (self.profile.registry_url, self.profile.namespace) == (profile.registry_url, profile.namespace)

    async def close(self) -> None:
        """Close it, including the demo's hall."""
        await self.workspace.close()
        if self.demo is not None:
            await asyncio.to_thread(self.demo.stop)


class Opener:
    """Opens any number of workspaces, all on one journal and one wire's thread, and cleans up after the demo."""

    def __init__(
        self,
        home: Home,
        store: ProfileStore,
        clock: Clock,
        make_demo: Callable[[], DemoHall],
        run_log: RunLog | None = None,
        *,
        reads_beside: bool = False,
    ) -> None:
        """Nothing is read or opened yet.

        Args:
            run_log: takes the requests of whatever is opened.
            reads_beside: don't poll a profile while another program watches it.
        """
        self._reads_beside = reads_beside
        self._home, self._store, self._clock, self._make_demo = home, store, clock, make_demo
        self._run_log = run_log
        self._wire = SharedLoop(WIRE)
        self._journals: dict[Path | None, LateJournal] = {}
        self._cleanup = contextlib.ExitStack()
        self._swept = False

    @property
    def journal(self) -> "Journal":
        """The user's journal, which all profiles share."""
        return self._journal(self._home.data / "journal.db").whole

    async def open_profile(self, profile: Profile, listener: Ear) -> OpenedProfile:
        """Open a profile; its fleet holds what was last known at once. The caller connects."""
        journal = self._journal(self._home.data / "journal.db")
        if not self._swept:
            self._swept = True
            sweeping = threading.Timer(_SWEPT_AFTER, _sweep, (self._home,))
            sweeping.daemon = True
            sweeping.start()
        watch_list = WatchList(self._home.data, profile.name)
        return await self._open(profile, listener, self._home, journal, watch_list, None)

    async def open_demo(self, listener: Ear) -> OpenedProfile:
        """Open the demo with its fleet; it leaves nothing in the user's folders. The caller starts it and connects."""
        from pyhall_tui.files.whole_file import temporary_folder  # a profile's first frame writes no file

        folder = self._cleanup.enter_context(temporary_folder(_DEMO))
        demo = self._make_demo()
        profile = Profile(name="demo", namespace=demo.namespace, registry_url=demo.url, **DEMO_PACE)  # type: ignore[arg-type]
        watch_list = WatchList(folder, profile.name)
        watch_list.hold(demo.worker_ids)
        return await self._open(profile, listener, Home.below(folder), self._journal(None), watch_list, demo)

    async def start_demo(self, opened: OpenedProfile, is_open: Callable[[], bool]) -> None:
        """Start the demo's hall, and connect to it. If it can't start, the connection reports that nobody answers."""
        from pyhall_tui.files.whole_file import claim
        from pyhall_tui.profiles.api_key import ApiKey  # not before the first frame

        demo = opened.demo
        assert demo is not None
        with contextlib.suppress(OSError):  # full, say: what is saved there will report it
            self._cleanup.enter_context(
                claim(opened.home.data.parent, _DEMO)
            )  # not before the first frame: it loads a library
        starting = asyncio.ensure_future(off_loop(demo.start, name="demo"))
        await asyncio.wait((starting,))
        if is_open():
            opened.workspace.connection.connect(ApiKey(demo.key))
        await starting

    def end(self) -> None:
        """Close the journals, and delete the demo's folder; every workspace was closed."""
        self._cleanup.close()

    async def _open(
        self,
        profile: Profile,
        listener: Ear,
        home: Home,
        journal: LateJournal,
        watch_list: WatchList,
        demo: DemoHall | None,
    ) -> OpenedProfile:
        workspace = Workspace(
            profile,
            clock=self._clock,
            journal=journal,
            watch_list=watch_list,
            listener=listener,
            state=home.state,
            rules_in=None if demo else self._store,
            wire=self._wire,
            run_log=self._run_log,
            reads_beside=self._reads_beside and demo is None,
        )
        listener.workspace = await workspace.__aenter__()
        return OpenedProfile(workspace, home, demo)

    def _journal(self, path: Path | None) -> LateJournal:
        """Return the file's journal, one for the whole run; None is the demo's, in memory."""
        if path not in self._journals:
            self._journals[path] = journal = LateJournal.open(path, self._clock)
            self._cleanup.callback(journal.close, 0.5)
        return self._journals[path]


def _sweep(home: Home) -> None:
    """Delete what killed programs left half-written in our folders, without delaying the first frame."""
    from pyhall_tui.files.whole_file import sweep_below

    for folder in dict.fromkeys(home):
        sweep_below(folder)
