"""Several fleets at once: the open one, and those of the overview beside it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pyhall_tui.fleet.entry import State
from pyhall_tui.paths import Home
from tests.fleets.watching import Watching
from tests.live_hall import LiveHall, live_hall
from tests.waiting import until


@pytest.fixture
def halls() -> Iterator[list[LiveHall]]:
    """Three halls, each with the same two workers."""
    with ExitStack() as stack:
        halls = [stack.enter_context(live_hall()) for _ in range(3)]
        for hall in halls:
            hall.add_worker("wkr_one")
            hall.add_worker("wkr_two", sha256="b" * 64)
        yield halls


async def test_a_profile_of_the_overview_is_watched_while_another_is_open(
    halls: list[LiveHall], tmp_path: Path
) -> None:
    async with Watching(Home.below(tmp_path)) as watching:
        watching.add("first", halls[0], watch=["wkr_one"], overview=False)
        watching.add("second", halls[1], watch=["wkr_one", "wkr_two"])
        watching.add("third", halls[2], watch=["wkr_two"], overview=False)
        await watching.open("first")
        await until(lambda: watching.state("second", "wkr_two") is State.CLEAN)
        assert [(kept.profile.name, kept.is_open) for kept in watching.fleets.kept] == [
            ("first", True),
            ("second", False),
        ]
        news = watching.fleets.news
        halls[1].store.ban("wkr_two", "leaks")
        await until(lambda: ("second", "wkr_two") in watching.heard.fired)
        assert watching.state("second", "wkr_two") is State.BANNED
        assert watching.state("second", "wkr_one") is State.CLEAN
        assert watching.fleets.news > news
        assert watching.heard.fired_here == []
        assert not halls[2].requests


async def test_opening_one_that_runs_already_is_at_once_and_back_again(halls: list[LiveHall], tmp_path: Path) -> None:
    async with Watching(Home.below(tmp_path)) as watching:
        watching.add("first", halls[0], watch=["wkr_one"])
        watching.add("second", halls[1], watch=["wkr_two"])
        first = await watching.open("first")
        await until(lambda: watching.state("second", "wkr_two") is State.CLEAN)
        second = watching.kept("second").workspace
        assert await watching.open("second") is second
        assert watching.kept("first").workspace is first
        assert await watching.open("first") is first
        assert first.connection.is_connected
        assert watching.keyring.reads.total() == 2
