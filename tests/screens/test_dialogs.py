"""What every dialog gets from the app: no alarm covers it, it handles a small terminal, its failed work is reported."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea

from pyhall_tui.screens.correlation.screen import CorrelationScreen
from pyhall_tui.screens.dispatch.dialogs import ChooseScreen, IntervalScreen
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.screens.enroll.pick_package import PickPackageScreen
from pyhall_tui.screens.enroll.record import RecordScreen
from pyhall_tui.screens.enroll.single import EnrollOne
from pyhall_tui.screens.export import ExportScreen
from pyhall_tui.screens.hall.screen import HallScreen
from pyhall_tui.screens.hash_reports import hash_sender, sent_reports
from pyhall_tui.screens.messages import Go
from pyhall_tui.screens.worker.report_dialog import ReportScreen
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.screens.workers.add_workers import AddWorkersScreen
from pyhall_tui.shell.palette import Palette
from pyhall_tui.widgets.dialog import Dialog
from pyhall_tui.widgets.exported import Exported
from pyhall_tui.widgets.too_small import TooSmall
from pyhall_tui.workspace import Workspace
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, profile_of
from tests.waiting import until

LETTERS = "q?/1"
KEYS = ["q", "question_mark", "slash", "1"]


DIALOGS: list[Callable[[Workspace], Screen[Any]]] = [
    lambda workspace: AddWorkersScreen(),
    lambda workspace: ExportScreen(Exported("event", ("at",), list, more=("source",)), 0.0),
    lambda workspace: IntervalScreen(5, None, "a registry"),
    lambda workspace: ChooseScreen("Saved", ["one"], save_label="Save as", may_delete=True),
    lambda workspace: CorrelationScreen(workspace, ""),
    lambda workspace: AskScreen("Sure?", Content("It goes."), yes="Yes", no="No", words="yes"),
    lambda workspace: PickPackageScreen("Pick", "Take", Path.cwd()),
    lambda workspace: RecordScreen(Path.cwd()),
    lambda workspace: ReportScreen(workspace.notes, hash_sender(workspace), sent_reports(workspace), WORKER, "ab" * 32),
]


@pytest.mark.parametrize("make", [AddWorkersScreen, lambda: PickPackageScreen("Pick", "Take", Path.cwd())])
@pytest.mark.thorough
async def test_a_dialog_in_a_terminal_too_small_gives_way_to_the_sentence_and_is_back_with_what_was_typed(
    open_app: OpenApp, hall: LiveHall, make: Callable[[], Screen[Any]]
) -> None:
    """F28."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await opened.app.push_screen(make())
        await opened.pilot.pause()
        field = opened.screen.query(Input).first()
        field.focus()
        field.value = "typed"
        field.cursor_position = 2
        await opened.pilot.pause()
        region = field.region
        for size in ((20, 5), (1, 1), (20, 5)):
            await opened.pilot.resize_terminal(*size)
            await opened.pilot.pause()
        assert "The terminal is too small" in opened.words()
        await opened.pilot.press("X")
        await opened.pilot.press("backspace")
        await opened.pilot.resize_terminal(120, 40)
        await until(lambda: "typed" in opened.text() and "too small" not in opened.text())
        assert field.region == region
        assert (field.has_focus, field.value, field.cursor_position) == (True, "typed", 2)


@pytest.mark.thorough
async def test_failed_work_is_reported_whatever_widget_or_dialog_it_was_of(open_app: OpenApp, hall: LiveHall) -> None:
    async def fail(who: str) -> None:
        raise OSError(f"no disk for {who}")

    async with open_app(profile_of(hall), key=hall.key) as opened:
        opened.app.post_message(Go("enroll"))
        await until(lambda: bool(opened.screen.query(EnrollOne)))
        places: list[Widget | Screen[None]] = [opened.screen.query_one(EnrollOne), opened.screen]
        for place in places:
            place.run_worker(fail(type(place).__name__), exit_on_error=False)
            await until(lambda place=place: f"That failed: no disk for {type(place).__name__}" in opened.words())
        opened.app.push_screen(AddWorkersScreen())
        await until(lambda: isinstance(opened.screen, AddWorkersScreen))
        opened.screen.run_worker(fail("a dialog"), exit_on_error=False)
        await until(lambda: "That failed: no disk for a dialog" in opened.words())


async def test_failed_work_whose_error_quotes_a_key_is_reported_without_it(open_app: OpenApp, hall: LiveHall) -> None:
    """F79"""

    async def fail() -> None:
        raise OSError(f"the keyring refused {hall.key} of acme")

    async with open_app(profile_of(hall), key=hall.key) as opened:
        opened.screen.run_worker(fail(), exit_on_error=False)
        await until(lambda: "That failed: the keyring refused" in opened.words())
        assert "of acme" in opened.words()
        assert hall.key[9:] not in opened.text()


@pytest.mark.thorough
async def test_every_input_of_a_dialog_takes_characters_that_are_keys_elsewhere(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F34."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        for make in DIALOGS:
            dialog = make(opened.workspace)
            opened.app.push_screen(dialog)
            await until(lambda dialog=dialog: opened.screen is dialog and dialog.query(Input))
            for field in [*dialog.query(Input), *dialog.query(TextArea)]:
                field.focus()
                field.clear()
                await opened.pilot.press(*KEYS)
                assert (opened.screen, dialog.focused) == (dialog, field)
                assert (field.value if isinstance(field, Input) else field.text) == LETTERS
            dialog.dismiss(None)
            await until(lambda dialog=dialog: opened.screen is not dialog)


async def test_a_key_does_nothing_in_a_terminal_too_small_to_see_what_it_does(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F28: page down in the palette ended the program there, and `x` silently took a worker off the list."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await opened.pilot.press("colon")
        await until(lambda: isinstance(opened.screen, Palette))
        await opened.pilot.press("down")
        await opened.pilot.resize_terminal(20, 1)
        await opened.pilot.press("pagedown", "pageup", "end", "enter")
        await opened.pilot.resize_terminal(120, 40)
        assert isinstance(opened.screen, Palette)
        await opened.pilot.press("escape")
        await opened.pilot.resize_terminal(20, 5)
        await opened.pilot.press("x")
        await opened.pilot.resize_terminal(120, 40)
        assert WORKER in opened.workspace.fleet
        await opened.pilot.resize_terminal(20, 5)
        await opened.pilot.press("q")
        await until(lambda: opened.app._exit)


@pytest.mark.thorough
async def test_every_screen_says_in_a_small_terminal_that_it_is_too_small_and_is_back_when_it_grows(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F28: the view of a worker and the local hall, which are laid upon the screens of the bar, too."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await until(lambda: opened.workspace.connection.is_connected)
        upon = [WorkerDetailScreen(opened.workspace, WORKER), HallScreen(opened.workspace)]
        for place in [opened.screen, *upon]:
            if place in upon:
                opened.app.push_screen(place)
            await until(lambda place=place: opened.screen is place and bool(place.query(TooSmall)))
            for size in ((1, 1), (39, 40)):
                await opened.pilot.resize_terminal(*size)
            await until(lambda: "The terminal is too small" in opened.words())
            await opened.pilot.resize_terminal(120, 40)
            await until(lambda: "The terminal is too small" not in opened.words() and "acme" in opened.words())


async def test_a_tall_dialog_leaves_the_mark_of_production_in_sight(open_app: OpenApp, hall: LiveHall) -> None:
    """F45: on every screen, also while a dialog longer than the terminal is up."""
    async with open_app(profile_of(hall, production=True), key=hall.key, size=(40, 12)) as opened:
        await opened.pilot.press("question_mark")
        await until(lambda: isinstance(opened.screen, ModalScreen) and "Keys" in opened.text())
        dialog = opened.screen.query_one(Dialog)
        assert dialog.virtual_size.height > opened.app.size.height
        assert "PRODUCTION" in opened.text().splitlines()[0]


@pytest.mark.thorough
async def test_closing_a_dialog_in_which_nothing_was_typed_says_nothing(open_app: OpenApp, hall: LiveHall) -> None:
    """What was in its fields at first is not what you typed."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        below = opened.screen
        for make in DIALOGS:
            dialog = make(opened.workspace)
            await opened.app.push_screen(dialog)
            await until(lambda dialog=dialog: opened.screen is dialog and dialog.is_mounted)  # type: ignore[misc]
            await opened.pilot.pause()
            dialog.dismiss()
            await until(lambda: opened.screen is below)
            assert not [said for said in opened.said() if said.startswith("What you typed")], dialog
