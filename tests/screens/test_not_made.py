"""What a screen is told before it is made: nothing is drawn, and nothing fails."""

import pytest
from textual import events
from textual.message import Message

from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.messages import AlarmsChanged, ConnectionChanged, EventsHappened, FleetChanged, FleetsChanged
from pyhall_tui.screens.modes import overview_screen, screens_of
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, profile_of

MESSAGES: list[Message] = [
    FleetChanged(),
    AlarmsChanged(),
    EventsHappened([]),
    ConnectionChanged(),
    FleetsChanged(),
    events.ScreenResume(),
]


@pytest.mark.parametrize("mode", ["workers", "enroll", "dispatch", "activity", "overview"])
async def test_a_screen_that_is_not_made_yet_takes_messages_and_draws_nothing(
    open_app: OpenApp, hall: LiveHall, mode: str
) -> None:
    """The dispatch screen crashed so."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        app = opened.app
        made = screens_of(opened.workspace, opened.home)
        screen = overview_screen(app.fleets, opened.clock) if mode == "overview" else made[mode]()
        assert isinstance(screen, ModeScreen) and not screen.is_made
        for message in MESSAGES:
            await screen._dispatch_message(message)
        await app.push_screen(screen)
        assert screen.is_made
