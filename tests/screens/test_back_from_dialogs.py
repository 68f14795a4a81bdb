"""Where the focus is after a dialog: not in a field, in whose text the next key would vanish."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from textual.content import Content
from textual.widgets import Input

import pyhall_tui.screens
from pyhall_tui.screens.dispatch.dialogs import ChooseScreen, TextScreen
from pyhall_tui.screens.enroll.pick_package import PickPackageScreen
from pyhall_tui.screens.enroll.record import RecordScreen
from pyhall_tui.screens.profiles.choice import ChoiceScreen
from pyhall_tui.widgets.dialog import DialogScreen
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, profile_of
from tests.typist import settled, write
from tests.waiting import until


def all_dialogs() -> Iterator[type[DialogScreen[object]]]:
    for module in pkgutil.walk_packages(pyhall_tui.screens.__path__, "pyhall_tui.screens."):
        importlib.import_module(module.name)
    waiting = [*DialogScreen.__subclasses__()]
    while waiting:
        found = waiting.pop()
        waiting += found.__subclasses__()
        if found.__module__.startswith("pyhall_tui."):
            yield found


def test_only_the_dialogs_that_fill_a_field_give_the_focus_back_to_it() -> None:
    assert {ChooseScreen, PickPackageScreen, RecordScreen} == {each for each in all_dialogs() if each.GOES_ON_TYPING}


@pytest.mark.parametrize("answer", ["escape", "enter"])
async def test_a_key_after_the_question_about_an_untested_profile_is_not_typed(
    open_app: OpenApp, hall: LiveHall, answer: str
) -> None:
    """A `q` became part of the API key."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await opened.pilot.press("5")
        await until(lambda: opened.app.current_mode == "profiles")
        field = opened.screen.query_one("#key", Input)
        opened.screen.set_focus(field)
        field.value = "phk_typed"
        write(opened.app, "ctrl+s")
        await until(lambda: isinstance(opened.screen, ChoiceScreen))
        write(opened.app, answer, "j")
        await settled(opened.app)
        await until(lambda: opened.app.current_mode == "profiles" and not isinstance(opened.screen, ChoiceScreen))
        assert field.value in ("phk_typed", "")
        assert not isinstance(opened.app.focused, Input)


@pytest.mark.parametrize("mode", ["workers", "enroll", "dispatch", "activity", "profiles", "overview"])
@pytest.mark.thorough
async def test_a_key_after_a_dialog_over_a_field_is_the_screens(open_app: OpenApp, hall: LiveHall, mode: str) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await opened.app.switch_mode(mode)
        await opened.pilot.pause()
        await until(lambda: opened.screen.query(Input))
        field = next(each for each in opened.screen.query(Input) if each.focusable)
        opened.screen.set_focus(field)
        before = field.value
        await opened.app.push_screen(TextScreen("A text", Content("to read")))
        await until(lambda: isinstance(opened.screen, TextScreen))
        write(opened.app, "escape", "j")
        await settled(opened.app)
        assert not isinstance(opened.screen, TextScreen)
        assert field.value == before and not isinstance(opened.app.focused, Input)
        write(opened.app, "4" if mode != "activity" else "1")
        await until(lambda: opened.app.current_mode == ("activity" if mode != "activity" else "workers"))
