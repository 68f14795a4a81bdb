"""Sending happens once, closing happens once, and what comes late does nothing."""

import asyncio
import importlib
import pkgutil

import pytest
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Static

import pyhall_tui.screens
import pyhall_tui.widgets
from pyhall_tui.screens.dispatch.screen import DispatchScreen
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.screens.messages import ConnectionChanged, EventsHappened, FleetChanged
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.screens.worker.view import WorkerView
from pyhall_tui.widgets.dialog import ClosedOnce
from pyhall_tui.widgets.late import after_refresh
from tests.live_hall import CAPABILITY, WORKER, LiveHall
from tests.screens.conftest import OpenApp, profile_of
from tests.screens.enrolling import at_the_form, enrolled, fill_in, posts
from tests.typist import settled, write
from tests.waiting import until

# Sending


@pytest.mark.thorough
async def test_two_sends_in_one_read_enroll_one_worker(open_app: OpenApp, hall: LiveHall) -> None:
    """F47: ctrl+s twice while the registry takes its time."""
    hall.faults.add(path="/api/v1/hall/enroll", latency=0.5)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await fill_in(opened)
        write(opened.app, "ctrl+s", "ctrl+s", "ctrl+s")
        await until(lambda: enrolled(hall), clock=opened.clock)
        await settled(opened.app)
        assert (posts(hall), len(enrolled(hall))) == (1, 1)


@pytest.mark.thorough
async def test_keys_that_waited_for_an_answer_do_not_send_again(open_app: OpenApp, hall: LiveHall) -> None:
    """F47: a hall that answers before the second of three ctrl+s in one read gets its turn."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await at_the_form(opened)
        write(opened.app, "escape", "3", CAPABILITY, "tab", WORKER, "ctrl+s", "ctrl+s", "ctrl+s")
        await settled(opened.app)
        await until(lambda: dispatches(hall) > 0, clock=opened.clock)
        await settled(opened.app)
        assert dispatches(hall) == 1
        await until(lambda: isinstance(opened.screen, DispatchScreen) and opened.screen.answer.shown is not None)
        write(opened.app, "ctrl+s")
        await until(lambda: dispatches(hall) == 2, clock=opened.clock)


@pytest.mark.thorough
async def test_a_matrix_is_begun_once_in_one_read(open_app: OpenApp, hall: LiveHall) -> None:
    """F47: a small one is complete before the second Enter gets its turn."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await at_the_form(opened)
        write(opened.app, "escape", "3", "f3")
        await settled(opened.app)
        write(opened.app, CAPABILITY, "tab", WORKER, "ctrl+r", "ctrl+r", "ctrl+r")
        await settled(opened.app)
        matrix = opened.workspace.lab.matrix
        assert matrix is not None
        await until(lambda: matrix.is_complete, clock=opened.clock)
        await settled(opened.app)
        assert (opened.workspace.lab.matrix, dispatches(hall)) == (matrix, len(matrix.plan))


@pytest.mark.thorough
async def test_a_refused_enrollment_is_not_sent_again_by_a_key_from_before(open_app: OpenApp, hall: LiveHall) -> None:
    """F47: the form keeps what it has, so a second ctrl+s would send it."""
    hall.faults.add(path="/api/v1/hall/enroll", status=400)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await at_the_form(opened)
        await fill_in(opened)
        write(opened.app, "ctrl+s", "ctrl+s", "ctrl+s")
        await settled(opened.app)
        await until(lambda: posts(hall) > 0, clock=opened.clock)
        await settled(opened.app)
        assert posts(hall) == 1


@pytest.mark.thorough
async def test_a_send_is_marked_before_anything_else_runs(open_app: OpenApp, hall: LiveHall) -> None:
    """F47: a click and a key whose handlers follow each other at once."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await at_the_form(opened)
        await fill_in(opened)
        screen.one.send_it()
        screen.one.send_it()
        await until(lambda: enrolled(hall), clock=opened.clock)
        await settled(opened.app)
        assert posts(hall) == 1


async def test_work_that_is_under_way_is_not_begun_again(open_app: OpenApp, hall: LiveHall) -> None:
    """F47: Test, Save, Delete, Ask key, Doctor: a second one would abort the first."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        write(opened.app, "5")
        await settled(opened.app)
        for action in ("test", "start", "ask_key", "delete", "save"):
            first, second = (getattr(opened.screen, f"action_{action}")() for _ in range(2))
            assert (first is not None, second) == (True, None), action
            first.cancel()


def dispatches(hall: LiveHall) -> int:
    return sum(request.raw_path == "/api/v1/dispatch" for request in hall.requests)


# Closing


async def test_enter_twice_behind_an_id_watches_it_once(open_app: OpenApp, hall: LiveHall) -> None:
    """F90: the second Enter removed the last screen, and ended the program."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        write(opened.app, "a", "wkr_d", "enter", "enter")
        await settled(opened.app)
        assert "wkr_d" in opened.workspace.fleet
        assert [type(screen) for screen in opened.app.screen_stack][1:] == [WorkerDetailScreen]


async def test_a_dialog_that_is_closed_twice_takes_no_other_screen_away(open_app: OpenApp, hall: LiveHall) -> None:
    """F90: whatever closes it: a key, a button, an answer."""
    answers: list[bool | None] = []
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await opened.app.push_screen(WorkerDetailScreen(opened.workspace, WORKER))
        ask = AskScreen("Sure?", Content("?"), yes="Yes", no="No")
        await opened.app.push_screen(ask, answers.append)
        for answer in (True, False, True):
            ask.dismiss(answer)
        await opened.pilot.pause()
        assert answers == [True]
        assert isinstance(opened.screen, WorkerDetailScreen)


async def test_a_dialog_below_another_closes_when_it_is_on_top_again(open_app: OpenApp, hall: LiveHall) -> None:
    """F90: an answer comes for it while the list of keys lies above."""
    answers: list[bool | None] = []
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        below, above = (AskScreen("Sure?", Content("?"), yes="Yes", no="No") for _ in range(2))
        await opened.app.push_screen(below, answers.append)
        await opened.app.push_screen(above)
        below.dismiss(True)
        assert (opened.screen, answers) == (above, [])
        above.dismiss(False)
        await until(lambda: answers == [True])
        assert len(opened.app.screen_stack) == 1


@pytest.mark.thorough
async def test_a_dialog_of_the_whole_app_does_not_lie_upon_itself(open_app: OpenApp, hall: LiveHall) -> None:
    """Each modal draws the one below it: forty keys that opened one more ended the program with a RecursionError."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        write(opened.app, "y")
        await settled(opened.app)
        for _ in range(4):
            write(opened.app, "?", "D", "C", ":", "escape")
            await settled(opened.app)
            assert len(opened.app.screen_stack) <= 4
        assert opened.app.return_code is None


async def test_the_palette_is_closed_once(open_app: OpenApp, hall: LiveHall) -> None:
    """F90: Textual's own dialog."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        write(opened.app, ":")
        await settled(opened.app)
        palette = opened.screen
        for _ in range(3):
            palette.dismiss()
        await opened.pilot.pause()
        assert len(opened.app.screen_stack) == 1


def test_every_dialog_there_is_closes_once() -> None:
    """F90: a new one too, without being named here."""
    for package in (pyhall_tui.screens, pyhall_tui.widgets):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    importlib.import_module("pyhall_tui.shell.palette")
    ours = [kind for kind in _below(ModalScreen) if kind.__module__.startswith("pyhall_tui")]
    assert len(ours) > 10
    assert [kind for kind in ours if not issubclass(kind, ClosedOnce)] == []


def _below(kind: type) -> list[type]:
    return [each for child in kind.__subclasses__() for each in (child, *_below(child))]


# Too late


class _Drawn(Screen[None]):
    def compose(self) -> ComposeResult:
        yield from (Static() for _ in range(100))
        yield Static(id="drawn")

    def draw(self) -> None:
        self.query_one("#drawn", Static).update("late")

    def on_fleet_changed(self, message: FleetChanged) -> None:
        self.draw()


async def test_what_comes_while_a_screen_is_taken_down_ends_nothing(open_app: OpenApp, hall: LiveHall) -> None:
    """F117: its parts are gone by then; the program exited with 70."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        for _ in range(3):
            screen = _Drawn()
            await opened.app.push_screen(screen)
            going = opened.app.pop_screen()
            after_refresh(screen, screen.draw)
            while screen.is_attached:
                screen.post_message(FleetChanged())
                await asyncio.sleep(0)
            await going
        await opened.pilot.pause()
        assert opened.app.return_code is None
        write(opened.app, "/", "x")
        await settled(opened.app)
        assert opened.screen.query_one("#filter", Input).value == "x"


@pytest.mark.thorough
async def test_a_workers_view_may_be_notified_while_it_closes(open_app: OpenApp, hall: LiveHall) -> None:
    """F117: keys in fast order, while verdicts and events come."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        for _ in range(5):
            write(opened.app, "enter")
            await settled(opened.app)
            view = opened.screen
            assert isinstance(view, WorkerDetailScreen)
            write(opened.app, "escape")
            while view.is_attached:
                for message in (FleetChanged(), ConnectionChanged(), EventsHappened([])):
                    view.post_message(message)
                await opened.pilot.pause()
        assert opened.app.return_code is None


async def test_what_comes_before_a_screen_is_whole_ends_nothing(open_app: OpenApp, hall: LiveHall) -> None:
    """F117, the other way round: a window made wider, and a tick before the view beside the table has its parts."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 24)) as opened:
        view = WorkerView(opened.workspace)
        opened.screen.query_one("#workers-body").mount(view)
        view.show(WORKER)
        await until(lambda: view.is_mounted and WORKER in str(view.query_one(Static).visual))
        assert opened.app.return_code is None


@pytest.mark.parametrize("turns", range(0, 8, 2))
async def test_a_screen_that_is_not_whole_when_the_app_ends_ends_it_as_usual(open_app: OpenApp, turns: int) -> None:
    """F117: its parts are never made, because the app no longer runs."""
    async with open_app(demo=True) as opened:
        opened.app.call_later(opened.app.switch_mode, "dispatch")
        for _ in range(turns):
            await asyncio.sleep(0)
    assert opened.app.return_code in (None, 0)


@pytest.mark.thorough
async def test_work_for_a_closed_screen_is_not_reported_as_failed(open_app: OpenApp, hall: LiveHall) -> None:
    """F117: an answer from a thread, with nothing left to show it on."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        screen = _Drawn()
        await opened.app.push_screen(screen)
        await opened.app.pop_screen()

        async def draw() -> None:
            screen.draw()

        work = opened.app.run_worker(draw(), exit_on_error=False)
        await until(lambda: work.is_finished)
        await opened.pilot.pause()
        assert [each for each in opened.said() if "failed" in each] == []
