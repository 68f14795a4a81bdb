"""The dialog for worker ids: what is pasted into it is read once, whatever its size, and never lost."""

import asyncio

import pytest
from textual import events
from textual.widgets import Button, Input, Static

from pyhall_tui.screens.workers.add_workers import AddWorkersScreen
from pyhall_tui.screens.workers.table import WorkersTable
from pyhall_tui.widgets.one_at_a_time import is_under_way
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.typist import write
from tests.waiting import until

MANY = tuple(f"org.yourco.worker-{number:04}" for number in range(3_000))
TEXT = "\n".join(MANY)


async def paste(opened: OpenedApp, text: str) -> None:
    """Paste into the dialog, opened if it is not open yet."""
    if not isinstance(opened.screen, AddWorkersScreen):
        await opened.pilot.press("a")
        await until(lambda: isinstance(opened.screen, AddWorkersScreen) and opened.app.focused is not None)
    opened.screen.query_one("#ids").post_message(events.Paste(text))


def found(opened: OpenedApp) -> str:
    """Return what the dialog says of the ids."""
    return str(opened.screen.query_one("#found", Static).content)


@pytest.mark.thorough
async def test_a_long_paste_is_counted_and_does_not_fill_the_field(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await paste(opened, f"{TEXT}\n☃☃\n{MANY[0]}")
        await until(lambda: "3,000 to watch: org.yourco.worker-0000, " in found(opened))
        assert "left out: ☃☃" in found(opened) and f"left out: {MANY[0]} appears twice" in found(opened)
        assert opened.screen.query_one("#ids", Input).value == ""
        await paste(opened, f"wkr_typed {MANY[1]}")
        await until(lambda: "3,001 to watch" in found(opened) and f"{MANY[1]} appears twice" in found(opened))
        await opened.pilot.press("enter")
        await until(lambda: len(opened.workspace.fleet) == 3_001)
        assert "wkr_typed" in opened.workspace.fleet


@pytest.mark.thorough
async def test_enter_right_after_a_long_paste_watches_all_of_it(open_app: OpenApp, hall: LiveHall) -> None:
    """Enter comes in the same read as the paste, before any of it was parsed."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await paste(opened, TEXT)
        write(opened.app, "enter")
        await until(lambda: len(opened.workspace.fleet) == len(MANY))
        assert not opened.screen.is_modal


@pytest.mark.thorough
async def test_a_long_paste_is_kept_when_the_dialog_is_closed_and_backspace_drops_it(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await paste(opened, TEXT)
        await until(lambda: "3,000 to watch" in found(opened))
        await opened.pilot.press("escape")
        await until(lambda: any("3,000 pasted ids are kept" in said for said in opened.said()))
        assert not len(opened.workspace.fleet)
        await paste(opened, "x")
        await until(lambda: "3,001 to watch" in found(opened))
        await opened.pilot.press("backspace")
        await until(lambda: "3,000 to watch" in found(opened))
        await opened.pilot.press("backspace")
        await until(lambda: found(opened) == "Type or paste ids.")
        assert opened.screen.query_one("#watch", Button).disabled


@pytest.mark.thorough
async def test_many_new_workers_are_taken_into_the_table_once(open_app: OpenApp, hall: LiveHall) -> None:
    """However often the table is sorted meanwhile and afterwards."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        table = opened.screen.query_one(WorkersTable)
        begun = dict.fromkeys(work for work in opened.app.workers if work.group == "growth")
        opened.workspace.fleet.watch(MANY)
        async with asyncio.timeout(30):
            while len(table.roster.ids) < len(MANY):
                table.reorder()
                begun.update(dict.fromkeys(work for work in opened.app.workers if work.group == "growth"))
                await asyncio.sleep(0)
        assert len(begun) == 1 and not table.roster.is_outgrown
        await until(lambda: not is_under_way(table, "growth"))
        for action in ("sort", "reverse", "sort"):
            await opened.screen.run_action(action)
            table.reorder()
            assert not is_under_way(table, "growth")
        assert len(table.keys) == len(MANY)
