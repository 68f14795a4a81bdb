"""Whether anybody looks: by keys, the mouse and the terminal's focus."""

from collections.abc import Iterator

import pytest
from textual import events
from textual.app import App
from textual.geometry import Size

from pyhall_tui.widgets import attendance as module
from pyhall_tui.widgets.attendance import Attendance, is_attended
from tests.waiting import until


@pytest.fixture
def said() -> list[bool]:
    return []


@pytest.fixture
def attendance(said: list[bool]) -> Iterator[Attendance]:
    made = Attendance(said.append)
    yield made
    made.close()


async def test_after_a_minute_without_a_key_nobody_is_there_and_a_key_brings_them_back(
    attendance: Attendance, said: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.02)
    attendance.begin()
    await until(lambda: said == [False])
    monkeypatch.setattr(module, "_PATIENCE", 60.0)
    attendance.follow(events.Key("j", "j"))
    assert (said, attendance.is_there) == ([False, True], True)


async def test_each_key_counts_the_minute_from_its_own_moment(attendance: Attendance, said: list[bool]) -> None:
    attendance.begin()
    began = attendance._touched
    await until(lambda: attendance.follow(events.Key("j", "j")) is None and attendance._touched > began)
    assert said == []


async def test_a_terminal_out_of_focus_is_not_looked_at_until_it_is_in_focus_again(
    attendance: Attendance, said: list[bool]
) -> None:
    attendance.begin()
    attendance.follow(events.AppBlur())
    attendance.follow(events.Resize(Size(80, 24), Size(80, 24)))
    assert said == [False]
    attendance.follow(events.AppFocus())
    assert said == [False, True]


def test_an_app_that_follows_nobody_is_always_looked_at() -> None:
    assert is_attended(App())
