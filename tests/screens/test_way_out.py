"""The way out of every field: it is shown, and leads to the screen's keys."""

from collections.abc import AsyncIterator

import pytest
from textual.widget import Widget
from textual.widgets import Input, TabbedContent, TabPane, TextArea

from pyhall_tui.screens.hall.screen import HallScreen
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.typist import settled, write


@pytest.mark.parametrize("place", ["workers", "enroll", "dispatch", "activity", "profiles", "hall"])
@pytest.mark.thorough
async def test_each_field_of_a_screen_shows_how_to_leave_it_and_escape_and_a_digit_change_the_screen(
    place: str, open_app: OpenApp, hall: LiveHall
) -> None:
    """F51: in the field the digit was typed, and the footer showed no way out."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 30)) as opened:
        seen = 0
        async for field in fields_of(opened, place):
            opened.screen.set_focus(field)
            await opened.pilot.pause()
            assert opened.text().splitlines()[-1].startswith(" esc "), field
            there, number = ("profiles", "5") if place == "activity" else ("activity", "4")
            write(opened.app, "escape", number)
            await settled(opened.app)
            assert opened.app.current_mode == there, field
            seen += 1
        assert seen


async def fields_of(opened: OpenedApp, place: str) -> AsyncIterator[Widget]:
    """Go to each field of the place in turn, on each of its tabs."""
    number = 0
    while True:
        await opened.app.switch_mode("workers" if place == "hall" else place)
        if place == "hall" and not isinstance(opened.screen, HallScreen):
            await opened.app.push_screen(HallScreen(opened.workspace))
        await opened.pilot.pause()
        fields = [each for each in opened.screen.query("*") if isinstance(each, Input | TextArea)]
        if number >= len(fields):
            return
        field, number = fields[number], number + 1
        for pane in field.ancestors:
            if isinstance(pane, TabPane) and pane.id:
                next(above for above in pane.ancestors if isinstance(above, TabbedContent)).active = pane.id
        await opened.pilot.pause()
        if field.focusable:
            yield field
