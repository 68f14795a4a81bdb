"""One registry that is dead, one that rejects the key, one that is slow: none of them holds up the good one."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pyhall_tui.alarms.alarm import Condition
from pyhall_tui.fleet.entry import State
from pyhall_tui.monitor.connection_state import Reachability
from pyhall_tui.paths import Home
from tests.fleets.watching import Watching
from tests.live_hall import LiveHall, live_hall
from tests.waiting import until

WORKERS = [f"wkr_{number:03}" for number in range(60)]


@pytest.fixture
def halls() -> Iterator[dict[str, LiveHall]]:
    with ExitStack() as stack:
        halls = {name: stack.enter_context(live_hall()) for name in ("good", "rejecting", "slow")}
        for hall in halls.values():
            for number, worker in enumerate(WORKERS):
                hall.add_worker(worker, sha256=f"{number:064x}")
        yield halls


@pytest.fixture
def dead() -> Iterator[str]:
    """The URL of a machine that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def reach(watching: Watching, name: str) -> Reachability | None:
    workspace = watching.kept(name).workspace
    return workspace.connection.state.reach if workspace else None


def conditions(watching: Watching, name: str) -> set[tuple[Condition, str]]:
    workspace = watching.kept(name).workspace
    assert workspace is not None
    return {(alarm.condition, alarm.subject) for alarm in workspace.alarms.book.alarms() if alarm.is_firing}


@pytest.mark.thorough
@pytest.mark.parametrize("open_one", ["good", "slow"])
async def test_a_ban_in_the_good_one_is_seen_within_its_list_interval_and_each_has_its_own_alarms(
    halls: dict[str, LiveHall], dead: str, tmp_path: Path, open_one: str
) -> None:
    halls["slow"].faults.add(latency=1.0)
    async with Watching(Home.below(tmp_path)) as watching:
        for name in ("good", "rejecting", "slow"):
            watching.add(name, halls[name], key="phk_live_not-the-key" if name == "rejecting" else "", watch=WORKERS)
        watching.add("dead", dead, key="phk_live_dead", watch=WORKERS, timeout=1.0)
        await watching.open(open_one)
        await until(lambda: watching.state("good", WORKERS[-1]) is State.CLEAN)
        await until(lambda: reach(watching, "dead") is Reachability.LOST, 60)
        await until(lambda: reach(watching, "rejecting") is Reachability.KEY_REJECTED)
        began = watching.clock.now().mono
        halls["good"].store.ban(WORKERS[7], "leaks")
        await until(lambda: watching.state("good", WORKERS[7]) is State.BANNED)
        assert watching.clock.now().mono - began <= 0.5 + 1.0
        await until(lambda: watching.state("slow", WORKERS[0]) is State.CLEAN)
        assert conditions(watching, "good") == {(Condition.BANNED, WORKERS[7])}
        assert conditions(watching, "dead") == {(Condition.REGISTRY_LOST, "")}
        assert conditions(watching, "rejecting") == {(Condition.KEY_REJECTED, "")}
        assert not {condition for condition, worker in conditions(watching, "slow") if worker}
        for name in ("dead", "rejecting"):
            assert all(watching.state(name, worker) is None for worker in WORKERS)


async def test_closing_all_of_them_takes_half_a_second_however_many_hang(
    halls: dict[str, LiveHall], dead: str, tmp_path: Path
) -> None:
    async with Watching(Home.below(tmp_path)) as watching:
        watching.add("good", halls["good"], watch=WORKERS)
        for number in range(6):
            watching.add(f"dead-{number}", dead, key=f"phk_live_dead{number}", watch=WORKERS, timeout=30.0)
        await watching.open("good")
        await until(
            lambda: (
                [kept.workspace and kept.workspace.connection.is_connected for kept in watching.fleets.kept]
                == [True] * 7
            )
        )
        began = watching.clock.now().mono
        await watching.fleets.end()
        assert watching.clock.now().mono - began < 1.0
