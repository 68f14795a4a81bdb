"""What the tests of the profiles screen share."""

from textual.widgets import Button, Input

from pyhall_tui.paths import Home
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.screens.profiles.choice import ChoiceScreen
from pyhall_tui.screens.profiles.screen import ProfilesScreen
from tests.screens.conftest import OpenedApp
from tests.waiting import until

KEY = "phk_live_5ecret0fTheHouse"


def store_of(home: Home) -> ProfileStore:
    return ProfileStore(home.config / "profiles.toml")


def profiles_screen(opened: OpenedApp) -> ProfilesScreen:
    assert isinstance(opened.screen, ProfilesScreen)
    return opened.screen


async def go_to_profiles(opened: OpenedApp) -> ProfilesScreen:
    await opened.pilot.press("5")
    await until(lambda: isinstance(opened.screen, ProfilesScreen))
    await opened.pilot.pause()
    return profiles_screen(opened)


async def fill(opened: OpenedApp, **values: str) -> None:
    """Put values into the form as a paste does, and leave the last field."""
    for name, value in values.items():
        field = opened.screen.query_one(f"#{name}", Input)
        field.focus()
        field.value = value
    await opened.pilot.press("tab")
    await opened.pilot.pause()


async def opens(opened: OpenedApp, name: str, mode: str = "workers") -> None:
    """Wait until that profile is open."""
    await until(lambda: opened.app.current_mode == mode and opened.workspace.profile.name == name)
    await until(lambda: opened.workspace.connection.is_connected)


async def answer(opened: OpenedApp, choice: str) -> None:
    """Answer the question on screen."""
    await until(lambda: isinstance(opened.screen, ChoiceScreen))
    opened.screen.query_one(f"#choice-{choice}", Button).press()
    await until(lambda: not isinstance(opened.screen, ChoiceScreen))
