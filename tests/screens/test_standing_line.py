"""One line on the screens without bands says what is wrong now, against the real hall."""

import pytest
from textual.screen import Screen

from pyhall_tui.screens.alarms.screen import AlarmsScreen
from pyhall_tui.screens.ban_list.screen import BanListScreen
from pyhall_tui.screens.hall.screen import HallScreen
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.widgets.standing_line import StandingLine
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.waiting import until

SCREENS = {"b": BanListScreen, "exclamation_mark": AlarmsScreen, "o": HallScreen, "enter": WorkerDetailScreen}
LAST_GOOD = "The hall decides by its last good policy"


async def go_to(opened: OpenedApp, key: str, screen: type[Screen[None]]) -> None:
    await until(lambda: "1 clean" in opened.text() and "o local hall" in opened.words(), clock=opened.clock)
    await opened.pilot.press(key)
    await until(lambda: isinstance(opened.screen, screen), clock=opened.clock)


def line(opened: OpenedApp) -> str:
    """Return what the line says; empty if it is not shown."""
    shown = opened.screen.query_one(StandingLine)
    return opened.text().splitlines()[shown.region.y].strip() if shown.display else ""


@pytest.mark.thorough
@pytest.mark.parametrize(("key", "screen"), SCREENS.items())
async def test_what_stands_is_said_while_it_does(
    open_app: OpenApp, hall: LiveHall, key: str, screen: type[Screen[None]]
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 24)) as opened:
        await go_to(opened, key, screen)
        assert line(opened) == ""
        await a_watch_list_that_cannot_be_saved(opened)
        await a_hall_with_a_broken_policy(opened, hall)
        await a_hall_that_is_offline(opened, hall)
        await a_registry_that_is_lost(opened, hall)


async def a_watch_list_that_cannot_be_saved(opened: OpenedApp) -> None:
    folder = opened.workspace.watch_list.path.parent
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("no folder")
    opened.workspace.watch(["wkr_new"])
    await until(lambda: "watch list cannot be written" in line(opened))
    folder.unlink()
    aside.rename(folder)
    await until(lambda: line(opened) == "")


async def a_hall_with_a_broken_policy(opened: OpenedApp, hall: LiveHall) -> None:
    hall.hall.policy.error = "policy.toml, line 3: rule 'a' has no outcome, and this sentence is long"
    await until(lambda: line(opened).startswith(f"▲ {LAST_GOOD}: policy.toml, line 3"), clock=opened.clock)
    assert line(opened).endswith("… (L shows all)")
    hall.hall.policy.error = ""
    await until(lambda: line(opened) == "", clock=opened.clock)


async def a_hall_that_is_offline(opened: OpenedApp, hall: LiveHall) -> None:
    await hall.hall.service.go(online=False)
    await until(lambda: line(opened) == "▲ The hall says that it is offline.", clock=opened.clock)
    await hall.hall.service.go(online=True)
    await until(lambda: line(opened) == "", clock=opened.clock)


async def a_registry_that_is_lost(opened: OpenedApp, hall: LiveHall) -> None:
    opened.workspace.take_hall_trouble(f"{LAST_GOOD}: line 3.")
    hall.faults.add(status=503)
    await until(lambda: line(opened).startswith("▲ 2 problems (L shows all): Registry lost since"), clock=opened.clock)
    hall.faults.clear()
    await until(lambda: line(opened) == "", clock=opened.clock)
