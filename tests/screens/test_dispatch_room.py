"""The dispatch screen uses the room that there is: nothing is out of reach at 80 columns, nothing empty at 150."""

import pytest
from textual.widgets import Button, Tab, Tabs

from pyhall_tui.screens.dispatch.answer import AnswerView
from pyhall_tui.screens.dispatch.screen import DispatchScreen
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.test_dispatch import come, send
from tests.waiting import until

SNIPPETS = ("request", "response", "headers", "curl", "python", "typescript", "go")


def titles(opened: OpenedApp) -> list[str]:
    """Return the titles of the answer's tabs that are whole on the screen."""
    frame = opened.screen.query_one(AnswerView).region
    return [str(tab.label) for tab in opened.screen.query("#raw Tab").results(Tab) if frame.contains_region(tab.region)]


@pytest.mark.parametrize(("wide", "high"), [(150, 40), (200, 55)])
async def test_from_150_columns_the_sessions_dispatches_stand_beside_the_answer(
    open_app: OpenApp, hall: LiveHall, wide: int, high: int
) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(149, 40)) as opened:
        screen = await come(opened)
        answer = await send(opened, screen)
        table = screen.session_table
        assert table.region.y >= answer.region.bottom
        before = table.size.height
        await opened.pilot.resize_terminal(wide, high)
        await until(lambda: table.region.x >= answer.region.right)
        assert (table.region.y, table.region.bottom) == (answer.region.y, answer.region.bottom)
        assert table.size.height > before
        assert "wkr_abc123" in opened.text()


async def test_every_tab_is_on_screen_at_80_columns_and_named_in_full_where_it_fits(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(80, 24)) as opened:
        await come(opened)
        await until(lambda: titles(opened) == ["Req", "Resp", "Hdrs", "curl", "Py", "TS", "Go"])
        await opened.pilot.resize_terminal(120, 36)
        await until(lambda: titles(opened) == ["Request", "Response", "Headers", "curl", "Python", "TypeScript", "Go"])


async def test_every_tab_is_reached_by_keys_below_a_long_answer(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(80, 24)) as opened:
        screen = await come(opened)
        await send(opened, screen)
        tabs = screen.query_one("#raw", Tabs)
        screen.query_one("#live", Button).focus()
        await opened.pilot.press("tab")
        await until(lambda: tabs.has_focus and len(titles(opened)) == len(SNIPPETS))
        for name in SNIPPETS[1:]:
            await opened.pilot.press("right")
            await until(lambda name=name: tabs.active == name)


async def test_a_read_only_profiles_explanation_pushes_nothing_out_of_view(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall, read_only=True), key=hall.key, size=(80, 24)) as opened:
        await opened.pilot.press("3")
        await until(lambda: isinstance(opened.screen, DispatchScreen) and "This profile is read-only" in opened.text())
        for each in ("Capability", "Worker", "Risk tier", "Correlation id", "More context", "Dispatch  ctrl+s", "Live"):
            assert each in opened.text()
        assert "it as a decision." in opened.text() and "read-only: sends nothing" in opened.text()
        assert "then press ctrl+s" not in opened.text()
