"""Switching the open profile, again and again."""

import gc
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from pyhall_tui.fleet.entry import State
from pyhall_tui.paths import Home
from pyhall_tui.workspace import Workspace
from tests.fleets.watching import Watching
from tests.live_hall import LiveHall, live_hall
from tests.waiting import until


@pytest.fixture
def halls() -> Iterator[list[LiveHall]]:
    with ExitStack() as stack:
        halls = [stack.enter_context(live_hall()) for _ in range(3)]
        for hall in halls:
            hall.add_worker("wkr_one")
        yield halls


class Held(NamedTuple):
    """How much of each there is in this process."""

    files: int
    """Sockets too."""
    threads: int
    """Of ours: the wire's, which all connections share."""
    workspaces: int


def held() -> Held:
    """Count what there is now."""
    gc.collect()
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("pyhall-tui")]
    workspaces = sum(isinstance(each, Workspace) for each in gc.get_objects())
    return Held(len([*Path("/dev/fd").iterdir()]), len(ours), workspaces)


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="needs /dev/fd to count open files")
@pytest.mark.thorough
async def test_three_hundred_switches_leave_nothing_behind(halls: list[LiveHall], tmp_path: Path) -> None:
    """Two profiles that are kept, and one that is closed each time."""
    async with Watching(Home.below(tmp_path)) as watching:
        for number, hall in enumerate(halls):
            watching.add(f"p{number}", hall, watch=["wkr_one"], overview=number < 2)
        await watching.open("p0")
        await until(lambda: watching.state("p1", "wkr_one") is State.CLEAN)
        kept = [watching.kept(name).workspace for name in ("p0", "p1")]

        async def switch(times: int) -> None:
            for number in range(1, times + 1):
                name = f"p{number % 3}"
                await watching.open(name)
                if name != "p2":
                    assert watching.fleets.workspace is kept[number % 3]

        await switch(30)
        await until(lambda: held()[1:] == (1, 2))  # p2, which was just left, may still be closing
        files = held().files
        await switch(270)
        await until(lambda: held()[1:] == (1, 2))
        await until(lambda: held().files <= files + 4)
        assert watching.keyring.reads.total() == 3
