"""The command palette: the same commands as the keys and the bar."""

from textual.command import CommandPalette
from textual.widgets import Input, OptionList

from pyhall_tui.shell import mouse
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


async def test_a_profile_is_found_by_its_exact_name(open_app: OpenApp, hall: LiveHall) -> None:
    """F74: `[…]` in a name is neither markup nor a link."""
    names = ("[prod] acme", "[/x]", "[@click=app.quit]go[/]", "[link=https://x.invalid]y", "$primary [b]")
    profiles = (profile_of(hall), *(profile_of(hall, name=name) for name in names))
    async with open_app(*profiles, key=hall.key, size=(120, 50)) as opened:
        await opened.pilot.press("colon")
        await until(lambda: isinstance(opened.screen, CommandPalette))
        for name in names:
            field = opened.screen.query_one(Input)
            field.value = f"Open profile {name}"
            await until(lambda name=name: opened.words().count(f"Open profile {name}") == 2)  # typed, and found
            found = opened.screen.query_one(OptionList).get_option_at_index(0).prompt
            assert "@click" not in repr(getattr(found, "spans", "")) and "link" not in repr(getattr(found, "spans", ""))
        await opened.pilot.press("enter")
        await until(lambda: opened.app.workspace and opened.workspace.profile.name == names[-1])


async def test_the_characters_that_work_everywhere_are_characters_in_a_field(open_app: OpenApp, hall: LiveHall) -> None:
    """F52, F80."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await opened.pilot.press("slash", "C", "M", "enter")
        assert opened.screen.query_one(Input).value == "CM"
        await opened.pilot.press("M")
        assert mouse.is_the_terminals(opened.app)
        await opened.pilot.press("M")
        assert not mouse.is_the_terminals(opened.app)
