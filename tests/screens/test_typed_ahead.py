"""Typing at once does the same as key by key: each key goes to the place that the previous one led to."""

import shutil
from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from pyhall_tui.app import PyHallApp
from pyhall_tui.screens.hall.screen import HallScreen
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.widgets.typed_ahead import TypedAhead
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.typist import settled, write
from tests.waiting import until

_ENDS_THE_PROGRAM = {"quit", "app.quit", "suspend_process"}
_WATCHED = (WORKER, "wkr_b", "wkr_c")
Place = tuple[Any, ...]


async def test_a_filter_and_its_text_and_enter_in_one_write(open_app: OpenApp, hall: LiveHall) -> None:
    """F46: `q` ended the program, `x` took a worker off the list."""
    async with open_app(profile_of(hall), key=hall.key, watch=_WATCHED) as opened:
        for word in ("queue", "ext"):
            write(opened.app, "/", word, "enter")
            await settled(opened.app)
            assert opened.screen.query_one("#filter", Input).value == word
            assert focused(opened.app) == "fleet"
            write(opened.app, "escape")
            await settled(opened.app)
        assert len(opened.workspace.fleet) == len(_WATCHED)


async def test_keys_behind_a_change_of_screen_are_the_new_screens(open_app: OpenApp, hall: LiveHall) -> None:
    """F46: `4` goes to the activity, where `/` filters; `x` there removes no worker."""
    async with open_app(profile_of(hall), key=hall.key, watch=_WATCHED) as opened:
        write(opened.app, "4", "/", "x", "enter", "1", "/", "q", "enter")
        await settled(opened.app)
        assert opened.screen.query_one("#filter", Input).value == "q"
        write(opened.app, "4")
        await settled(opened.app)
        assert opened.screen.query_one("#activity-filter", Input).value == "x"
        assert len(opened.workspace.fleet) == len(_WATCHED)


async def test_keys_behind_the_one_that_closes_a_dialog_are_the_screens_below(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F46: the dialog's field does not take them."""
    async with open_app(profile_of(hall), key=hall.key, watch=_WATCHED) as opened:
        write(opened.app, "a", "wkr_d", "escape", "4")
        await settled(opened.app)
        assert opened.app.current_mode == "activity"
        assert len(opened.workspace.fleet) == len(_WATCHED)


async def test_a_paste_does_not_overtake_the_keys_before_it(open_app: OpenApp, hall: LiveHall) -> None:
    """F46: a pasted key was readable in the middle of the address, as tab had not been dealt with."""
    async with open_app(profile_of(hall), key=hall.key, watch=_WATCHED) as opened:
        write(opened.app, "5", "n", "beta", "tab", "org.yourco", "tab", "https://example.org", "tab")
        assert opened.app._driver is not None
        opened.app._driver.process_message(events.Paste("phk_live_pasted"))
        write(opened.app, "x")
        await settled(opened.app)
        values = {field.id: field.value for field in opened.screen.query(Input)}
        assert (values["registry_url"], values["key"]) == ("https://example.org", "phk_live_pastedx")


@pytest.mark.thorough
async def test_the_palette_runs_what_was_typed_into_it(open_app: OpenApp, hall: LiveHall) -> None:
    """F46: Enter right after the text waits for what the text finds."""
    async with open_app(profile_of(hall), key=hall.key, watch=_WATCHED) as opened:
        write(opened.app, ":", "go to dispatch", "enter")
        await settled(opened.app)
        assert opened.app.current_mode == "dispatch"
        assert len(opened.app.screen_stack) == 1


async def test_ctrl_c_does_not_wait_for_the_keys_before_it(open_app: OpenApp, hall: LiveHall) -> None:
    """F46: it ends the program from anywhere, whatever is held."""
    async with open_app(profile_of(hall), key=hall.key, watch=_WATCHED) as opened:
        opened.app.typed_ahead.wait_for(lambda: False)
        write(opened.app, "4", "ctrl+c")
        await until(lambda: opened.app._exit)
        assert opened.app.current_mode == "workers"


async def test_escape_ends_a_wait_for_a_place_that_never_comes(open_app: OpenApp, hall: LiveHall) -> None:
    """F46: no key is lost; held keys go to the current place, in order."""
    async with open_app(profile_of(hall), key=hall.key, watch=_WATCHED) as opened:
        opened.app.typed_ahead.wait_for(lambda: False)
        write(opened.app, "4")
        await opened.pilot.pause()
        assert (opened.app.current_mode, opened.app.typed_ahead.is_quiet) == ("workers", False)
        write(opened.app, "escape")
        await settled(opened.app)
        assert opened.app.current_mode == "activity"


# -- every key of every screen, found by walking the bindings ----------------------------------------------------------


@pytest.mark.timeout(300)  # some forty openings of a screen in one test
@pytest.mark.parametrize("place", ["workers", "enroll", "dispatch", "activity", "profiles", "worker", "hall"])
@pytest.mark.thorough
async def test_what_is_behind_a_key_in_one_write_is_for_the_place_that_the_key_leads_to(
    place: str, open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F46: every binding, including new ones that are not named here."""
    async with open_app(profile_of(hall), key=hall.key, watch=_WATCHED, size=(80, 24)) as opened:
        keys = await keys_of(opened, place)
        assert len(keys) > 5
        leading, astray = await walk(opened, place, keys, monkeypatch)
        assert leading
        assert astray == []


@pytest.mark.thorough
async def test_the_walk_notices_a_key_that_holds_nothing_back(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F46: where nothing waits, what is behind a key is the old screen's, and the walk says so."""

    def lets_all_through(self: TypedAhead, event: events.InputEvent) -> bool:
        self._begin_to_watch(event)
        return False

    monkeypatch.setattr(TypedAhead, "keeps", lets_all_through)
    async with open_app(profile_of(hall), key=hall.key, watch=_WATCHED, size=(80, 24)) as opened:
        assert {"2", "4"} <= set(await keys_of(opened, "workers"))
        assert await walk(opened, "workers", ["2", "4"], monkeypatch) == (["2", "4"], ["2", "4"])


async def walk(
    opened: OpenedApp, place: str, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], list[str]]:
    """Type each key with an `e` behind it in one write; the `e` is taken away when it arrives, so that it does nothing.

    Returns: the keys that lead somewhere else, and those of them whose `e` arrived before the app was there.
    """
    arrived: list[Place] = []
    let_through = PyHallApp._check_bindings

    async def note(app: PyHallApp, key: str, priority: bool = False) -> bool:
        if priority:
            arrived.append((key, *where(app)))
        is_behind = priority and len(arrived) > 1
        return is_behind or await let_through(app, key, priority)

    monkeypatch.setattr(PyHallApp, "_check_bindings", note)
    leading, astray = [], []
    here = where(opened.app)
    for key in keys:
        arrived.clear()
        write(opened.app, key, "e")
        await settled(opened.app)
        assert len(arrived) == 2, key
        there = where(opened.app)
        if there == here:
            continue
        leading.append(key)
        if arrived[1] != ("e", *there):
            astray.append(key)
        await back(opened, place, here)
    return leading, astray


async def keys_of(opened: OpenedApp, place: str) -> list[str]:
    await go(opened, place)
    keys = {}
    for key, active in opened.screen.active_bindings.items():
        is_elsewhere_too = active.node is opened.app and place != "workers"
        if active.enabled and not is_elsewhere_too and active.binding.action not in _ENDS_THE_PROGRAM:
            keys.setdefault((active.node, active.binding.action), key)
    return list(keys.values())


def where(app: PyHallApp) -> Place:
    return app.current_mode, tuple(type(screen).__name__ for screen in app.screen_stack), focused(app)


async def back(opened: OpenedApp, place: str, here: Place) -> None:
    """Close what the key opened; if that does not lead back to where it was pressed, go to a new screen."""
    app, (mode, screens, _) = opened.app, here
    while len(app.screen_stack) > len(screens):
        await app.pop_screen()
    if app.current_mode != mode:
        await app.switch_mode(mode)
    await opened.pilot.pause()
    if where(app) != here:
        await go(opened, place)


async def go(opened: OpenedApp, place: str) -> None:
    """Go to a place whose screen is new, with nothing typed on any screen, and what is watched as at first."""
    app = opened.app
    while len(app.screen_stack) > 1:
        await app.pop_screen()
    await app.switch_mode("opening")
    for mode in [mode for mode in app._screen_stacks if mode != "opening"]:
        factory = app._modes[mode]
        await app.remove_mode(mode)
        app.add_mode(mode, factory)
    shutil.rmtree(opened.home.state / "drafts", ignore_errors=True)
    opened.workspace.notes.save("form", "explain", {})
    fleet = opened.workspace.fleet
    opened.workspace.unwatch([entry.worker_id for entry in fleet if entry.worker_id not in _WATCHED])
    opened.workspace.watch(_WATCHED)
    await app.switch_mode("workers" if place in ("worker", "hall") else place)
    if place == "worker":
        await app.push_screen(WorkerDetailScreen(opened.workspace, WORKER))
    elif place == "hall":
        await app.push_screen(HallScreen(opened.workspace))
    await opened.pilot.pause()


def focused(app: PyHallApp) -> str | None:
    return app.focused.id if app.focused else None
