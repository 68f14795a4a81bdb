"""The keys of the overview's profiles: each is read once, and nobody is asked for anything."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pyhall_tui.fleet.entry import State
from pyhall_tui.monitor.connection_state import Reachability
from pyhall_tui.paths import Home
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.environment import KEY
from pyhall_tui.profiles.keys import KeyState, KeyStore
from tests.clock import ManualClock
from tests.fleets.watching import StoredKeys, Watching
from tests.live_hall import LiveHall, live_hall
from tests.waiting import until


@pytest.fixture
def halls() -> Iterator[list[LiveHall]]:
    with ExitStack() as stack:
        halls = [stack.enter_context(live_hall()) for _ in range(3)]
        for hall in halls:
            hall.add_worker("wkr_one")
        yield halls


class HangsForOne(StoredKeys):
    """A keyring that does not answer for one user before `over` is set."""

    def __init__(self, user: str) -> None:
        super().__init__()
        self.user, self.over = user, threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        if username.startswith(f"{self.user}@"):
            self.over.wait(60)
        return super().get_password(service, username)


class Wallet(StoredKeys):
    """A wallet as KDE's: whoever reads it is asked to open it, once."""

    __module__ = "keyring.backends.kwallet"

    def __init__(self) -> None:
        super().__init__()
        self.handle, self.iface, self.prompts = -1, self, 0
        self.is_dismissed = True

    def isOpen(self, handle: int) -> bool:  # noqa: N802 (the wallet's own name)
        return handle >= 0

    def get_password(self, service: str, username: str) -> str | None:
        if self.handle < 0:
            self.prompts += 1
            if self.is_dismissed:
                raise type("KeyringLocked", (Exception,), {})
            self.handle = 1
        return super().get_password(service, username)


async def test_each_key_is_read_once_and_only_those_of_the_overview(halls: list[LiveHall], tmp_path: Path) -> None:
    async with Watching(Home.below(tmp_path)) as watching:
        for number, hall in enumerate(halls):
            watching.add(f"p{number}", hall, watch=["wkr_one"])
        watching.add("aside", halls[0], overview=False)
        await watching.open("p0")
        await until(lambda: [watching.state(f"p{number}", "wkr_one") for number in range(3)] == [State.CLEAN] * 3)
        for name in ("p1", "p2", "p0", "p1"):
            await watching.open(name)
        assert {user.partition("@")[0]: reads for user, reads in watching.keyring.reads.items()} == {
            "p0": 1,
            "p1": 1,
            "p2": 1,
        }


async def test_a_keyring_that_hangs_for_one_profile_holds_up_no_other(halls: list[LiveHall], tmp_path: Path) -> None:
    async with Watching(Home.below(tmp_path)) as watching:
        keyring = watching.keyring = HangsForOne("p1")
        for number, hall in enumerate(halls):
            watching.add(f"p{number}", hall, watch=["wkr_one"])
        await watching.open("p0")
        await until(lambda: watching.state("p2", "wkr_one") is State.CLEAN, 10)
        assert watching.state("p1", "wkr_one") is None
        keyring.over.set()
        await until(lambda: watching.state("p1", "wkr_one") is State.CLEAN)


async def test_a_locked_keyring_is_not_opened_for_the_overview_and_read_once_it_was_opened_for_another(
    halls: list[LiveHall], tmp_path: Path
) -> None:
    async with Watching(Home.below(tmp_path)) as watching:
        wallet = watching.keyring = Wallet()
        for number, hall in enumerate(halls):
            watching.add(f"p{number}", hall, watch=["wkr_one"])
        await watching.open("p0")
        await until(lambda: [kept.sentence != "" for kept in watching.fleets.kept] == [True] * 3)
        assert wallet.prompts == 1
        assert "locked" in watching.kept("p2").sentence
        workspace = watching.kept("p2").workspace
        assert workspace is not None
        assert workspace.key_answer is not None
        assert workspace.key_answer.state is KeyState.LOCKED
        wallet.is_dismissed = False
        await watching.open("p1")
        watching.fleets.unlocked()
        await until(lambda: watching.state("p2", "wkr_one") is State.CLEAN)
        assert wallet.prompts == 2
        assert not watching.kept("p2").sentence


async def test_a_key_that_is_typed_for_a_profile_of_the_overview_is_used_a_moment_later(
    halls: list[LiveHall], tmp_path: Path
) -> None:
    clock = ManualClock()
    async with Watching(Home.below(tmp_path), clock) as watching:
        watching.add("p0", halls[0], watch=["wkr_one"])
        other = watching.add("p1", "https://registry.example", watch=["wkr_one"])
        await watching.open("p0")
        await until(lambda: "no key yet for p1" in watching.kept("p1").sentence, clock=clock)
        workspace = watching.kept("p1").workspace
        assert workspace is not None
        assert workspace.connection.state.reach is Reachability.NO_KEY
        await watching.keys.save(other, ApiKey("phk_live_typed"))
        await until(lambda: workspace.connection.is_connected, clock=clock)


async def test_the_variables_key_goes_nowhere_but_where_you_opened_a_profile_and_to_this_machine(
    halls: list[LiveHall], tmp_path: Path
) -> None:
    async with Watching(Home.below(tmp_path)) as watching:
        watching.keys = KeyStore(find_keyring=lambda: watching.keyring, environ={KEY: halls[0].key})
        watching.add("p0", halls[0], watch=["wkr_one"])
        watching.add("here", halls[1], watch=["wkr_one"])
        watching.add("elsewhere", "https://registry.example", key="phk_live_its-own", watch=["wkr_one"])
        await watching.open("p0")
        await until(lambda: KEY in watching.kept("elsewhere").sentence)
        workspace = watching.kept("elsewhere").workspace
        assert workspace is not None
        assert workspace.connection.state.reach is Reachability.NO_KEY
        await until(lambda: halls[1].requests)
        assert not watching.keyring.reads
