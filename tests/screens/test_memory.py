"""What is closed is freed: no cache and no reference keeps a widget, or what it drew, alive."""

import contextlib
import gc
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual._styles_cache import StylesCache
from textual.command import CommandPalette
from textual.screen import Screen
from textual.widget import Widget

from pyhall_tui.app import PyHallApp
from pyhall_tui.screens.doctor_screen import DoctorScreen
from pyhall_tui.screens.hall.screen import HallScreen
from pyhall_tui.screens.key_help import KeysScreen
from pyhall_tui.screens.messages import OpenProfile
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.widgets.clipboard import SelectTextScreen
from pyhall_tui.workspace import Workspace
from tests.garbage import set_aside
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.test_dialogs import DIALOGS
from tests.waiting import until


@pytest.fixture(autouse=True)
def no_look_at_what_was_there_before() -> Iterator[None]:
    """A collection would go through all modules, and through what is left of other tests."""
    set_aside()
    yield


TIMES = 2
"""The one that was closed last may still be named by a task that has not run again; those before it may not."""

BY_KEY: list[tuple[str, type[Screen[Any]]]] = [
    ("enter", WorkerDetailScreen),
    ("question_mark", KeysScreen),
    ("colon", CommandPalette),
    ("D", DoctorScreen),
    ("o", HallScreen),
]


ROUND = ["enroll", "dispatch", "activity", "profiles", "workers"]


@dataclass
class Seen:
    """Weak references to the widgets, and to the caches of what they drew, that came into being with each opening."""

    known: "weakref.WeakSet[Any]" = field(default_factory=weakref.WeakSet)
    openings: list[list["weakref.ref[Any]"]] = field(default_factory=list)

    def begin(self) -> None:
        """Note what exists before the first opening; it doesn't count."""
        gc.collect()
        self.known.update(drawn())

    def note(self) -> None:
        """Note what exists now that did not exist before."""
        new = [found for found in drawn() if found not in self.known]
        assert {Widget, StylesCache} <= {base for found in new for base in type(found).__mro__}, "nothing to look at"
        self.openings.append([weakref.ref(found) for found in new])
        self.known.update(new)

    def left(self, app: PyHallApp) -> list[str]:
        """Return which noted objects are still alive after a collection by the app."""
        app._garbage.collect()  # it comes by itself half a second after the last key
        found = [ref() for opening in self.openings for ref in opening]
        return sorted(type(one).__name__ for one in found if one is not None)


def drawn() -> list[Any]:
    return [found for found in gc.get_objects() if isinstance(found, Widget | StylesCache)]


async def freed(seen: Seen, opened: OpenedApp, what: str) -> None:
    """Wait until nothing is left: on a busy machine a thread may still be about to answer to what was closed."""
    left: list[str] = []

    def is_all_gone() -> bool:
        left[:] = seen.left(opened.app)
        return not left

    with contextlib.suppress(AssertionError):
        await until(is_all_gone)
    assert left == [], what


async def open_and_close(opened: OpenedApp, open_it: Callable[[], Any], kind: type[Screen[Any]], seen: Seen) -> None:
    """Open and close a screen, and note what was created with it."""
    below = opened.screen
    await open_it()
    await until(lambda: isinstance(opened.screen, kind) and opened.screen.is_mounted)
    await opened.pilot.pause()
    seen.note()
    opened.screen.dismiss()
    await until(lambda: opened.screen is below)
    await opened.pilot.pause()


@pytest.mark.thorough
async def test_every_screen_and_dialog_is_freed_when_it_closes(open_app: OpenApp, hall: LiveHall) -> None:
    """F94: about 2 MB stayed for each."""

    def pushes(make: Callable[[Workspace], Screen[Any]]) -> Callable[[], Any]:
        return lambda: opened.app.push_screen(make(opened.workspace))

    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await until(lambda: "clean" in opened.text() and "Local hall" in opened.text(), clock=opened.clock)
        ways: list[tuple[Callable[[], Any], type[Screen[Any]]]] = [
            *((lambda key=key: opened.pilot.press(key), kind) for key, kind in BY_KEY),
            *((pushes(make), type(make(opened.workspace))) for make in DIALOGS),
            (pushes(lambda workspace: SelectTextScreen("text", "id")), SelectTextScreen),
        ]
        opened.app.notify("There is news.")  # the screen below gets its line now, and each of the others its own
        await until(lambda: opened.screen.query("NewsLine"))
        seen = Seen()
        seen.begin()
        for open_it, kind in ways:
            await open_and_close(opened, open_it, kind, seen)
        opened.app._garbage.collect()
        kept = [way for way, opening in zip(ways, seen.openings, strict=True) if any(ref() for ref in opening)]
        for open_it, kind in kept:  # what was closed last may still be named by a task that has not run again
            await open_and_close(opened, open_it, kind, seen)
        del seen.openings[len(ways) :]
        await freed(seen, opened, "each screen and dialog")


@pytest.mark.thorough
async def test_screens_of_the_bar_are_made_once_and_freed_with_their_profile(open_app: OpenApp, hall: LiveHall) -> None:
    """F94."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:

        async def go_round() -> int:
            for mode in ROUND:
                await opened.app.switch_mode(mode)
                await opened.pilot.pause()
            gc.collect()
            return len([one for one in drawn() if isinstance(one, Widget)])

        async def open_again() -> None:
            before = weakref.ref(opened.screen)
            opened.app.post_message(OpenProfile("acme"))
            await until(lambda: opened.app.current_mode == "workers" and opened.screen is not before())
            await opened.pilot.pause()

        await open_again()  # a task of Textual's names the first screen for as long as the app runs
        assert await go_round() >= await go_round()
        seen = Seen()
        seen.begin()
        for _ in range(TIMES):
            await open_again()
            await go_round()
            seen.note()
        seen.openings.pop()  # a task that has not run again may still name them
        await open_again()
        assert len(seen.openings[0]) > 100, "nothing was looked at"
        await freed(seen, opened, "the screens of the bar")


@pytest.fixture
def no_collection_but_the_apps_own() -> Iterator[None]:
    """Do what the program does at its start, and undo all of it."""
    thresholds = gc.get_threshold()
    gc.disable()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    gc.enable()
    set_aside()


@pytest.mark.thorough
async def test_the_app_collects_by_itself_what_was_closed(
    open_app: OpenApp, hall: LiveHall, no_collection_but_the_apps_own: None
) -> None:
    """F94: Python's own rules would wait for hundreds of closed screens."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await until(lambda: "clean" in opened.text(), clock=opened.clock)
        closed = []
        for _ in range(2):
            await opened.pilot.press("enter")
            await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
            closed.append(weakref.ref(opened.screen))
            await opened.pilot.press("escape")
            await until(lambda: not isinstance(opened.screen, WorkerDetailScreen))
        await until(lambda: closed[0]() is None)


@pytest.mark.thorough
async def test_what_has_come_to_stay_is_not_searched_again_and_what_closes_after_that_is_freed(
    open_app: OpenApp, hall: LiveHall, no_collection_but_the_apps_own: None
) -> None:
    """A search takes as long as there are objects, and no key is handled meanwhile."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        closed = list["weakref.ref[Screen[Any]]"]()

        async def open_and_close() -> None:
            await opened.pilot.press("enter")
            await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
            closed.append(weakref.ref(opened.screen))
            await opened.pilot.press("escape")
            await until(lambda: not isinstance(opened.screen, WorkerDetailScreen))

        await until(lambda: "clean" in opened.text(), clock=opened.clock)
        before, stays = gc.get_freeze_count(), [[each] for each in range(60_000)]
        await open_and_close()
        await until(lambda: gc.get_freeze_count() > before + len(stays))
        await open_and_close()
        await open_and_close()
        await until(lambda: closed[1]() is None)
