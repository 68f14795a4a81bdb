"""The command palette: the same commands that keys and bar give."""

from textual.command import CommandPalette

from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, profile_of
from tests.waiting import until


async def test_it_offers_screens_profiles_and_the_keys_of_the_screen_as_text(open_app: OpenApp, hall: LiveHall) -> None:
    """F08: a profile's name is text here too."""
    profiles = (profile_of(hall), profile_of(hall, name="[/x] odd"))
    async with open_app(*profiles, key=hall.key, watch=(WORKER,), size=(120, 50)) as opened:
        await opened.pilot.press("colon")
        await until(lambda: isinstance(opened.screen, CommandPalette))
        for words in ("Go to Dispatch", "Open profile [/x] odd"):
            await until(lambda words=words: words in opened.words())
        await opened.pilot.press(*"godisp", "enter")
        await until(lambda: opened.app.current_mode == "dispatch")
