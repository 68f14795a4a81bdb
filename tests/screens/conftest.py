"""The app on screens that a test reads and types at: temporary folders, a real hall, a clock that the test moves.

async def test_…(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(80, 24)) as opened:
        await opened.pilot.press("3")
        await until(lambda: "clean" in opened.text(), clock=opened.clock)
        assert "…" in opened.text()
"""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from pyhall_tui.app import PyHallApp
from pyhall_tui.feeds.run_log import Kind
from pyhall_tui.hall.late_demo import LateDemo
from pyhall_tui.paths import Home
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.keys import KeyStore
from pyhall_tui.profiles.os_keyring import Keyring, NoKeyring
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.workspace import Workspace
from tests.clock import ManualClock
from tests.live_hall import LiveHall
from tests.pictures import picture  # noqa: F401 (a fixture)
from tests.waiting import until


@dataclass
class OpenedApp:
    """The running app and what it uses."""

    app: PyHallApp
    pilot: Pilot[None]
    home: Home
    keys: KeyStore
    clock: ManualClock

    @property
    def screen(self) -> Screen[Any]:
        """The screen on top; as long as its widgets are not there yet, the one below."""
        stack = self.app.screen_stack
        return next((screen for screen in reversed(stack) if screen.is_mounted), stack[-1])

    @property
    def workspace(self) -> Workspace:
        assert self.app.workspace is not None
        return self.app.workspace

    def text(self) -> str:
        """Return what is on the screen now, line by line."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines)

    def words(self) -> str:
        """Return the same as one line without frames, so that wrapped text is continuous."""
        return " ".join(re.sub("[│╭╮╰╯─▌▔▁]", " ", self.text()).split())

    def said(self) -> list[str]:
        """Return everything that the line of news has said."""
        return [row.text for row in self.app.run_log.since(0) if row.kind is Kind.NEWS]


OpenApp = Callable[..., AbstractAsyncContextManager[OpenedApp]]


def profile_of(hall: LiveHall, **fields: Any) -> Profile:
    """Return a profile named `acme` of that hall; `fields` say otherwise."""
    known: dict[str, Any] = {"name": "acme", "namespace": hall.namespace, "registry_url": hall.url}
    return Profile(**(known | fields))


def no_keyring() -> Keyring:
    """Simulate a session without a keyring, so that no test ever asks the machine's own."""
    raise NoKeyring("there is no session bus (DBUS_SESSION_BUS_ADDRESS is not set)")


@pytest.fixture
def home(tmp_path: Any) -> Home:
    return Home.below(tmp_path)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[None]:
    """Ignore the environment of whoever runs the tests; show times in UTC; keep exported files here."""
    monkeypatch.chdir(tmp_path)
    for name in ("PYHALL_API_KEY", "PYHALL_REGISTRY_URL", "PYHALL_REGISTRY", "PYHALL_NAMESPACE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    if hasattr(time, "tzset"):  # not on Windows
        time.tzset()
    yield


@pytest.fixture
def open_app(home: Home) -> OpenApp:
    """Open the app as `async with open_app(*profiles, …) as opened`: the first profile is opened, with its workers.

    Without a profile it is the first run; `demo=True` opens the demo. `key` is what the profiles have for this run
    (None: none), `watch` the worker ids on the first one's watch list.
    """

    @contextlib.asynccontextmanager
    async def opening(
        *profiles: Profile,
        key: str | None = None,
        watch: tuple[str, ...] = (),
        size: tuple[int, int] = (120, 40),
        clock: ManualClock | None = None,
        keys: KeyStore | None = None,
        **options: Any,
    ) -> Any:
        clock = clock or ManualClock()
        keys = keys or KeyStore(clock, find_keyring=no_keyring)
        store = ProfileStore(home.config / "profiles.toml")
        for profile in profiles:
            store.save(profile, None)
            if key is not None:
                keys.hold_for_this_run(profile, ApiKey(key))
        if watch:
            WatchList(home.data, profiles[0].name).add(watch)
        app = PyHallApp(home, make_demo=lambda: LateDemo(lively=False), clock=clock, key_store=keys, **options)
        async with app.run_test(size=size) as pilot:
            await until(lambda: app.current_mode != "opening")
            await pilot.pause()
            # It begins after its first frame: later, that would take the focus from where the test puts it.
            await until(lambda: app.current_mode != "profiles" or app.screen.focused is not None)
            yield OpenedApp(app, pilot, home, keys, clock)

    return opening
