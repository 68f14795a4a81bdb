"""The doctor in the app: by a key on any screen, by the palette, even without a profile."""

import pytest
from textual.widgets import TextArea

from pyhall_tui.screens.doctor_screen import DoctorScreen
from pyhall_tui.widgets import clipboard
from pyhall_tui.widgets.clipboard import SelectTextScreen
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, profile_of
from tests.typist import write
from tests.waiting import until


async def test_a_key_opens_it_and_each_line_comes_with_its_tick(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await opened.pilot.press("5", "D")
        await until(lambda: "versions" in opened.text() and "Looking" not in opened.text())
        assert "✖ clock" in opened.text()  # the test's clock stands in another month
        assert "Problems: clock." in opened.words()
        assert "kept for this run only" in opened.words() and hall.key not in opened.text()


async def test_its_report_is_copied_without_a_name(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clipboard, "tools", lambda *_: [])  # not on the clipboard of whoever runs the tests
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await opened.pilot.press("D")
        await until(lambda: "versions" in opened.text() and "Looking" not in opened.text())
        write(opened.app, "y", "C")
        await until(lambda: isinstance(opened.screen, SelectTextScreen))
        copied = opened.screen.query_one(TextArea).text
        assert copied.startswith("### pyhall-tui doctor") and "<namespace>" in copied
        assert not any(secret in copied for secret in ("acme", "org.yourco", hall.key))


async def test_it_works_before_there_is_a_profile_and_in_a_small_terminal(open_app: OpenApp) -> None:
    async with open_app(size=(80, 24)) as opened:
        await opened.pilot.press("escape", "shift+tab")
        opened.app.action_doctor()
        await until(lambda: "Problems: profile." in opened.words())
        await opened.pilot.press("escape")
        assert not isinstance(opened.screen, DoctorScreen)


async def test_the_demo_is_examined_with_its_own_key(open_app: OpenApp) -> None:
    async with open_app(demo=True) as opened:
        opened.app.action_doctor()
        await until(lambda: "versions" in opened.text() and "Looking" not in opened.text())
        assert "The demo's own key" in opened.words() and "The registry accepts the key" in opened.words()


async def test_in_a_field_its_character_is_a_character(open_app: OpenApp, hall: LiveHall) -> None:
    """F34"""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await opened.pilot.press("slash", "D")
        assert not isinstance(opened.screen, DoctorScreen)
