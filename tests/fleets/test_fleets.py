"""Several fleets at once: the open one, and those of the overview beside it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pyhall_tui.fleet.entry import State
from pyhall_tui.logs.masking import mask
from pyhall_tui.paths import Home
from pyhall_tui.profiles.watch_list import WatchList
from tests.clock import ManualClock
from tests.fleets.watching import Watching
from tests.live_hall import LiveHall, live_hall
from tests.waiting import until

KEY = "an-older-key-of-the-house"


def is_masked(key: str) -> bool:
    return key not in mask(f"sent {key} there")


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


async def test_what_is_put_into_the_overview_starts_at_once_and_what_is_taken_out_ends(
    halls: list[LiveHall], tmp_path: Path
) -> None:
    async with Watching(Home.below(tmp_path), ManualClock()) as watching:
        watching.add("first", halls[0], watch=["wkr_one"], overview=False)
        watching.add("second", "http://127.0.0.1:9", watch=["wkr_two"], overview=False)
        await watching.open("first")
        assert [(kept.profile.name, kept.is_chosen) for kept in watching.fleets.kept] == [("first", False)]
        watching.add("second", "http://127.0.0.1:9", key=KEY)
        watching.fleets.look_at_file()
        await until(lambda: is_masked(KEY))
        assert watching.kept("second").workspace is not None
        watching.add("second", "http://127.0.0.1:9", overview=False)
        watching.fleets.look_at_file()
        assert [kept.profile.name for kept in watching.fleets.kept] == ["first"]
        await until(lambda: not is_masked(KEY))


async def test_the_file_is_followed_when_another_program_changes_it(halls: list[LiveHall], tmp_path: Path) -> None:
    """Other settings are taken over, another registry needs another workspace, another name takes the list with it."""
    clock = ManualClock()
    async with Watching(Home.below(tmp_path), clock) as watching:
        watching.add("first", halls[0], watch=["wkr_one"])
        watching.add("second", halls[1], watch=["wkr_two"])
        await watching.open("first")
        await until(lambda: watching.state("second", "wkr_two") is State.CLEAN, clock=clock)
        second = watching.kept("second").workspace
        assert second is not None
        watching.add("second", halls[1], poll_interval=30.0)
        await until(lambda: second.profile.poll_interval == 30.0, clock=clock)
        assert watching.kept("second").workspace is second
        watching.add("second", halls[2], poll_interval=30.0)
        await until(lambda: watching.kept("second").workspace not in (None, second), clock=clock)
        await until(lambda: any("wkr_two" in request.raw_path for request in halls[2].requests), clock=clock)
        watching.fleets.store.rename("second", "renamed")
        WatchList(watching.home.data, "second").rename("renamed")
        watching.keyring.keys[f"renamed@{halls[2].url}"] = halls[2].key
        await until(lambda: watching.state("renamed", "wkr_two") is State.CLEAN, clock=clock)
        assert [kept.profile.name for kept in watching.fleets.kept] == ["first", "renamed"]
        watching.fleets.store.delete("renamed")
        await until(lambda: len(watching.fleets.kept) == 1, clock=clock)


async def test_a_file_with_a_mistake_ends_nothing_and_what_was_right_again_is_followed(
    halls: list[LiveHall], tmp_path: Path
) -> None:
    clock = ManualClock()
    async with Watching(Home.below(tmp_path), clock) as watching:
        watching.add("first", halls[0], watch=["wkr_one"])
        watching.add("second", halls[1], watch=["wkr_two"])
        await watching.open("first")
        await until(lambda: watching.state("second", "wkr_two") is State.CLEAN, clock=clock)
        second = watching.kept("second").workspace
        path = watching.fleets.store.path
        good = path.read_text()
        for broken in ("[profiles", "", good.replace("overview = true", "overview = 1")):
            path.write_text(broken)
            await clock.advance(6.0)
            assert watching.kept("second").workspace is second
        path.write_text(good.replace("[profiles.second]", "[profiles.second]\nbell = true"))
        assert second is not None
        await until(lambda: second.profile.bell, clock=clock)


async def test_a_demo_has_only_its_own(halls: list[LiveHall], tmp_path: Path) -> None:
    async with Watching(Home.below(tmp_path)) as watching:
        watching.add("first", halls[0], watch=["wkr_one"])
        await watching.fleets.open_first(None, demo=True)
        watching.fleets.begin_overview(watching.keys)
        await watching.clock.sleep(0.1)
        assert [(kept.profile.name, kept.is_open) for kept in watching.fleets.kept] == [("demo", True)]
        assert not halls[0].requests


async def test_a_watch_list_that_cannot_be_read_is_said_and_holds_up_no_other(
    halls: list[LiveHall], tmp_path: Path
) -> None:
    async with Watching(Home.below(tmp_path)) as watching:
        watching.add("first", halls[0], watch=["wkr_one"])
        watching.add("second", halls[1], watch=["wkr_two"])
        watching.add("third", halls[2], watch=["wkr_two"])
        broken = WatchList(watching.home.data, "second").path
        broken.unlink()
        broken.mkdir()
        await watching.open("first")
        await until(lambda: watching.state("third", "wkr_two") is State.CLEAN)
        assert "cannot be read" in watching.kept("second").sentence
        assert not watching.kept("third").sentence


async def test_two_programs_agree_about_the_alarms_of_a_profile_that_one_of_them_has_not_open(
    halls: list[LiveHall], tmp_path: Path
) -> None:
    async with Watching(Home.below(tmp_path)) as one, Watching(Home.below(tmp_path)) as other:
        one.add("first", halls[0], watch=["wkr_one"])
        one.add("second", halls[1], watch=["wkr_one", "wkr_two"])
        other.keyring.keys = one.keyring.keys
        await one.open("first")
        await other.open("second")
        await until(lambda: one.state("second", "wkr_two") is State.CLEAN)
        beside, opened = one.kept("second").workspace, other.fleets.workspace
        assert beside is not None
        assert opened is not None
        halls[1].store.ban("wkr_two", "leaks")
        await until(lambda: (beside.alarms.firing, opened.alarms.firing) == (1, 1))
        opened.alarms.acknowledge_alarms(list(opened.alarms.book.alarms()), "on it")
        await until(lambda: beside.alarms.firing == 0, 5)
        (alarm,) = beside.alarms.book.alarms()
        assert (alarm.times, alarm.note) == (1, "on it")
