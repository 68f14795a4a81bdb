"""The app beside a real `pyhall-tui watch` of the same profile: it reads the journal instead of polling twice."""

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.events import Kind
from pyhall_tui.monitor.connection_state import BanListState, Reachability
from pyhall_tui.paths import Home
from pyhall_tui.workspace import Workspace
from tests.e2e.terminal import pyhall_tui
from tests.fleets.watching import Watching
from tests.live_hall import HASH, WORKER, LiveHall
from tests.waiting import until
from tests.watch.program import Watch, environment, profile_of, watching

pytestmark = [pytest.mark.thorough, pytest.mark.skipif(sys.platform == "win32", reason="signals are of Unix")]


class Both:
    """A watcher as a process of its own, and the app's fleets in this one."""

    def __init__(self, hall: LiveHall, fleets: Watching, watch: Watch, key: str) -> None:
        self.hall, self.fleets, self.watch, self._key = hall, fleets, watch, key

    @property
    def workspace(self) -> Workspace:
        found = self.fleets.fleets.workspace
        assert found is not None
        return found

    @property
    def is_beside(self) -> bool:
        return self.workspace.connection.watcher is not None

    def state(self, worker_id: str = WORKER) -> State:
        entry = self.workspace.fleet.get(worker_id)
        assert entry is not None
        return entry.state(self.workspace.now().mono, self.workspace.fleet.stale_after)

    @property
    def sent(self) -> list[str]:
        """What the app has asked the hall: it has a key of its own."""
        ours = f"Bearer {self._key}"
        return [each.raw_path for each in list(self.hall.requests) if each.headers.get("authorization") == ours]

    @property
    def polled(self) -> bool:
        """Whether the app has asked for both by now."""
        return any("verify" in path for path in self.sent) and any("ban-list" in path for path in self.sent)

    async def open(self) -> Workspace:
        workspace = await self.fleets.open("acme")
        await workspace.restore_rest()
        return workspace

    async def beside(self) -> None:
        """Open the profile, and wait until it shows what the watcher knows."""
        await self.open()
        await until(lambda: self.is_beside and self.state() is State.CLEAN)
        assert self.sent == []

    async def takes_over(self) -> None:
        """Wait until the app polls."""
        await until(lambda: self.polled and not self.is_beside, 60)
        await until(lambda: self.workspace.connection.state.reach is Reachability.LIVE)


@asynccontextmanager
async def both(home: Path, hall: LiveHall, **fields: Any) -> AsyncIterator[Both]:
    """Start the watcher; once it watches, open the profile."""
    profile_of(home, hall, overview=True, timeout=2.0, **fields)
    watch = Watch(home, (), environment(home, hall.key))
    try:
        await until(lambda: _is_live(watch), 60)
        async with Watching(Home.below(home)) as fleets:
            key = fleets.keyring.keys[f"acme@{hall.url}"] = hall.store.add_key(hall.namespace)
            yield Both(hall, fleets, watch, key)
    finally:
        watch.process.send_signal(signal.SIGCONT)
        watch.close()


def _is_live(watch: Watch) -> bool:
    return any(
        one["registry_up"] and one["ban_list"] == "live" and not one["workers"]["waiting"]
        for beat in watch.of_type("heartbeat")[-1:]
        for one in beat["profiles"]
    )


async def test_beside_a_watcher_nothing_is_asked_and_a_ban_is_shown_as_fast(tmp_path: Path, hall: LiveHall) -> None:
    async with both(tmp_path, hall) as two:
        await two.beside()
        watcher, state = two.workspace.connection.watcher, two.workspace.connection.state
        assert watcher is not None
        assert watcher.pid == two.watch.process.pid
        assert (state.reach, state.ban_list) == (Reachability.LIVE, BanListState.LIVE)
        assert state.ban_list_source.answered is not None
        hall.store.ban_hash(HASH, "exfiltrates")
        await until(lambda: two.state() is State.BANNED and two.workspace.alarms.firing == 1)
        entry = two.workspace.fleet.get(WORKER)
        assert entry is not None
        assert entry.ban is not None
        assert entry.ban.reason == "exfiltrates"
        assert two.fleets.heard.fired_here == [WORKER]
        hall.store.unban_hash(HASH)
        await until(lambda: two.state() is State.CLEAN and two.workspace.alarms.firing == 0)
        assert two.sent == []
        assert two.workspace.journal.flush(30)
        banned = two.workspace.journal.events("acme", kind=Kind.BANNED)
        assert len(banned) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_when_the_watcher_ends_the_app_polls(tmp_path: Path, hall: LiveHall, number: signal.Signals) -> None:
    async with both(tmp_path, hall) as two:
        await two.beside()
        two.watch.process.send_signal(number)
        two.watch.process.wait(30)
        await two.takes_over()
        hall.store.ban(WORKER, "exfiltrates")
        await until(lambda: two.state() is State.BANNED)


async def test_one_that_is_suspended_is_replaced_and_never_shown_as_clean(tmp_path: Path, hall: LiveHall) -> None:
    async with both(tmp_path, hall) as two:
        await two.beside()
        hall.faults.add(path="/api/v1/verify/*", status=500)
        two.watch.process.send_signal(signal.SIGSTOP)
        entry = two.workspace.fleet.get(WORKER)
        assert entry is not None
        asked = entry.asked
        await until(lambda: two.state() is State.STALE)
        assert entry.asked == asked
        hall.faults.clear()
        await two.takes_over()
        await until(lambda: two.state() is State.CLEAN)
        two.watch.process.send_signal(signal.SIGCONT)
        await until(lambda: two.is_beside)


async def test_what_you_ask_for_is_sent_and_a_new_worker_is_asked_about(tmp_path: Path, hall: LiveHall) -> None:
    hall.add_worker("wkr_new")
    async with both(tmp_path, hall) as two:
        await two.beside()
        two.workspace.connection.verify_now([WORKER])
        await until(lambda: two.sent == [f"/api/v1/verify/{WORKER}"])
        two.workspace.connection.read_list()
        await until(lambda: two.workspace.fleet.listing is not None)
        assert len(two.sent) == 2
        two.workspace.watch(["wkr_new"])
        assert two.state("wkr_new") is State.WAITING
        await until(lambda: two.state("wkr_new") is State.CLEAN)
        assert two.is_beside
        two.watch.process.send_signal(signal.SIGSTOP)  # it does not ask any more: we do
        hall.add_worker("wkr_newer")
        two.workspace.watch(["wkr_newer"])
        await until(lambda: two.state("wkr_newer") is State.CLEAN)


@pytest.mark.parametrize("what", ["moved", "damaged", "emptied"])
async def test_a_journal_that_cannot_vouch_is_not_read(tmp_path: Path, hall: LiveHall, what: str) -> None:
    async with both(tmp_path, hall) as two:
        await two.beside()
        file = tmp_path / "data" / "journal.db"
        if what == "moved":
            shutil.copy(file, tmp_path / "copy")
            (tmp_path / "copy").replace(file)
        elif what == "damaged":
            for each in file.parent.glob("journal.db*"):
                each.write_bytes(b"nonsense" * 4_096)
        else:
            two.workspace.journal.store.write(lambda connection: connection.execute("DELETE FROM watchers").close())
            two.watch.process.kill()
        await two.takes_over()
        await until(lambda: two.state() is State.CLEAN)


async def test_without_a_watcher_the_app_polls_at_once(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    async with Watching(Home.below(tmp_path)) as fleets:
        fleets.keyring.keys[f"acme@{hall.url}"] = hall.key
        workspace = await fleets.open("acme")
        await until(lambda: workspace.connection.state.reach is Reachability.LIVE)
        assert workspace.connection.watcher is None


@pytest.mark.parametrize("columns", [80, 120])
async def test_the_header_says_beside_whom_it_reads(tmp_path: Path, hall: LiveHall, columns: int) -> None:
    def run() -> None:
        key = {"PYHALL_API_KEY": hall.key, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        with watching(tmp_path, hall.key) as watch, pyhall_tui(tmp_path, columns=columns, **key) as app:
            watch.wait_until_live()
            app.wait_for("beside watch")
            watch.end()
            app.wait_until_gone("beside watch")
            app.wait_for("● live")

    profile_of(tmp_path, hall)
    await asyncio.to_thread(run)
