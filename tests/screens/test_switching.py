"""Switching between profiles that run, on the screens."""

from collections.abc import Iterator

import pytest
from textual.widgets import Checkbox

from pyhall_tui.monitor.connection_state import Reachability
from pyhall_tui.paths import Home
from pyhall_tui.screens.workers.screen import WorkersScreen
from tests.live_hall import WORKER, LiveHall, live_hall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.profile_form import go_to_profiles, opens, store_of
from tests.waiting import until


@pytest.fixture
def other(hall: LiveHall) -> Iterator[LiveHall]:
    """Another hall with the same key."""
    with live_hall() as live:
        live.store.add_key(live.namespace, token=hall.key)
        live.add_worker("wkr_lab")
        yield live


async def switch(opened: OpenedApp, key: str, name: str) -> None:
    await go_to_profiles(opened)
    await opened.pilot.press(key, "enter")
    await opens(opened, name)
    await until(lambda: isinstance(opened.screen, WorkersScreen))


@pytest.mark.thorough
async def test_a_profile_that_runs_is_open_at_once_with_all_that_it_knows_and_so_is_the_first_one_again(
    open_app: OpenApp, hall: LiveHall, other: LiveHall
) -> None:
    profiles = (profile_of(hall, overview=True), profile_of(other, name="lab", overview=True))
    async with open_app(*profiles, key=hall.key, watch=(WORKER,), profile_name="acme") as opened:
        first = opened.workspace
        await until(lambda: "● clean" in opened.text(), clock=opened.clock)
        await until(lambda: opened.app.fleets.kept[1].workspace is not None, clock=opened.clock)
        lab = opened.app.fleets.kept[1].workspace
        assert lab is not None
        lab.watch(["wkr_lab"])
        await until(lambda: lab.connection.state.reach is Reachability.LIVE, clock=opened.clock)
        await switch(opened, "down", "lab")
        assert opened.workspace is lab
        assert "● live" in opened.text()
        await until(lambda: "wkr_lab" in opened.text() and "● clean" in opened.text(), clock=opened.clock)
        await switch(opened, "up", "acme")
        assert opened.workspace is first
        assert "● live" in opened.text()


@pytest.mark.thorough
async def test_the_form_puts_a_profile_into_the_overview_and_its_row_says_so(
    open_app: OpenApp, hall: LiveHall, other: LiveHall, home: Home
) -> None:
    profiles = (profile_of(hall), profile_of(other, name="lab"))
    async with open_app(*profiles, key=hall.key, size=(200, 60), profile_name="acme") as opened:
        screen = await go_to_profiles(opened)
        await opened.pilot.press("down")
        await until(lambda: screen.form.values()["name"] == "lab")
        screen.form.query_one("#overview", Checkbox).value = True
        await opened.pilot.pause()
        await opened.pilot.press("ctrl+s")
        await until(lambda: [each.overview for each in store_of(home).load().profiles] == [False, True])
        await until(
            lambda: any(each.profile.name == "lab" and each.workspace for each in opened.app.fleets.kept),
            clock=opened.clock,
        )
        assert "overview" in opened.text()
        assert opened.workspace.profile.name == "acme"
