"""The way out of every field: it is shown, it leads to the screen's keys or closes the dialog, and nothing is lost."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TabbedContent, TabPane, TextArea

from pyhall_tui.bans.carriers import Carriers
from pyhall_tui.fleet.entry import State
from pyhall_tui.profiles.saved_filters import SavedFilters
from pyhall_tui.screens.activity.acknowledge_dialog import AcknowledgeScreen
from pyhall_tui.screens.activity.screen import ActivityScreen
from pyhall_tui.screens.activity.silences_dialog import SilencesScreen
from pyhall_tui.screens.alarms.screen import AlarmsScreen
from pyhall_tui.screens.ban_list.check_dialog import CheckScreen
from pyhall_tui.screens.ban_list.screen import BanListScreen
from pyhall_tui.screens.correlation.screen import CorrelationScreen
from pyhall_tui.screens.dispatch.dialogs import ChooseScreen, IntervalScreen
from pyhall_tui.screens.dispatch.screen import DispatchScreen
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.screens.enroll.pick_package import PickPackageScreen
from pyhall_tui.screens.enroll.record import RecordScreen
from pyhall_tui.screens.enroll.screen import EnrollScreen
from pyhall_tui.screens.export import ExportScreen
from pyhall_tui.screens.hall.screen import HallScreen
from pyhall_tui.screens.hash_reports import hash_sender, sent_reports
from pyhall_tui.screens.key_help import KeysScreen
from pyhall_tui.screens.overview.screen import OverviewScreen
from pyhall_tui.screens.profiles.screen import ProfilesScreen
from pyhall_tui.screens.run_log.screen import RunLogScreen
from pyhall_tui.screens.topics import TopicScreen
from pyhall_tui.screens.worker.evidence import EvidenceScreen
from pyhall_tui.screens.worker.report_dialog import ReportScreen
from pyhall_tui.screens.workers.add_workers import AddWorkersScreen
from pyhall_tui.screens.workers.filters import FiltersScreen
from pyhall_tui.screens.workers.screen import WorkersScreen
from pyhall_tui.shell.palette import Palette
from pyhall_tui.widgets.clipboard import SelectTextScreen
from pyhall_tui.widgets.dialog import Dialog, DialogScreen
from pyhall_tui.widgets.exported import Exported
from pyhall_tui.widgets.field import OneLineInput
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.fields import screens_with_a_field
from tests.typist import settled, write
from tests.waiting import until

MODES: dict[type[Screen[Any]], str] = {
    OverviewScreen: "overview",
    WorkersScreen: "workers",
    EnrollScreen: "enroll",
    DispatchScreen: "dispatch",
    ActivityScreen: "activity",
    ProfilesScreen: "profiles",
}
"""The screens of the bar."""

Make = Callable[[OpenedApp], Screen[Any]]
PUSHED: dict[type[Screen[Any]], Make] = {
    HallScreen: lambda opened: HallScreen(opened.workspace),
    BanListScreen: lambda opened: BanListScreen(opened.workspace),
    AlarmsScreen: lambda opened: AlarmsScreen(opened.workspace, lambda: opened.app.fleets.kept),
    RunLogScreen: lambda opened: RunLogScreen(opened.workspace, opened.app.run_log, opened.clock, list),
}
"""The screens that lie over one of the bar, and have keys of their own."""


def a_check(opened: OpenedApp) -> Screen[Any]:
    workspace = opened.workspace
    carriers = Carriers(workspace.fleet, lambda worker_id: None)
    return CheckScreen(workspace, carriers, lambda: BanListScreen(workspace).list_state)


def saved_filters(opened: OpenedApp) -> Screen[Any]:
    saved = SavedFilters(opened.app.profile_store, opened.workspace.profile.name)
    return FiltersScreen(saved, "state:banned", {State.BANNED: 1}, lambda undo: None)


def a_report(opened: OpenedApp) -> Screen[Any]:
    workspace = opened.workspace
    return ReportScreen(workspace.notes, hash_sender(workspace), sent_reports(workspace), WORKER, "ab" * 32)


DIALOGS: dict[type[Screen[Any]], Make] = {
    AcknowledgeScreen: lambda opened: AcknowledgeScreen("2 alarms", "me"),
    SilencesScreen: lambda opened: SilencesScreen(opened.workspace.alarms, opened.clock),
    CheckScreen: a_check,
    CorrelationScreen: lambda opened: CorrelationScreen(opened.workspace, ""),
    ChooseScreen: lambda opened: ChooseScreen("Saved requests", ["one"], save_label="Save the form as"),
    IntervalScreen: lambda opened: IntervalScreen(5, None, "a registry"),
    AskScreen: lambda opened: AskScreen("Sure?", Content("It goes."), yes="Yes", no="No", words="yes"),
    PickPackageScreen: lambda opened: PickPackageScreen("Pick", "Take", Path.cwd()),
    RecordScreen: lambda opened: RecordScreen(Path.cwd()),
    ExportScreen: lambda opened: ExportScreen(Exported("event", ("at",), list, more=("source",)), 0.0),
    KeysScreen: lambda opened: KeysScreen(opened.screen.active_bindings),
    TopicScreen: lambda opened: TopicScreen("security"),
    EvidenceScreen: lambda opened: EvidenceScreen(opened.workspace.notes, Path("no-log.jsonl"), opened.clock),
    ReportScreen: a_report,
    AddWorkersScreen: lambda opened: AddWorkersScreen(),
    FiltersScreen: saved_filters,
    Palette: lambda opened: Palette(),
    SelectTextScreen: lambda opened: SelectTextScreen("copied", "worker id"),
}
LOSE_NOTHING = {AskScreen, EvidenceScreen, KeysScreen, Palette, SelectTextScreen, ReportScreen, TopicScreen}
"""What is typed here is an answer or a search, or kept by the dialog itself, as a report is."""


def test_every_screen_and_dialog_with_a_field_is_walked_here() -> None:
    """F51: a new one has to be added above, and then holds to all of this."""
    assert screens_with_a_field() == {*MODES, *PUSHED, *DIALOGS}


@pytest.mark.parametrize("kind", [*MODES, *PUSHED], ids=lambda kind: kind.__name__)
@pytest.mark.thorough
async def test_each_field_of_a_screen_shows_how_to_leave_it_and_escape_and_a_digit_change_the_screen(
    kind: type[Screen[Any]], open_app: OpenApp, hall: LiveHall
) -> None:
    """F51: in the field the digit was typed, and the footer showed no way out."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 30)) as opened:
        seen = 0
        async for field in fields_of(opened, kind):
            footer = opened.text().splitlines()[-1]
            assert footer.startswith(" esc ") and "alt+0…5 Screens" in footer, field
            before = text_of(field)
            there, number = ("profiles", "5") if kind is ActivityScreen else ("activity", "4")
            ways = (("escape", number), (f"alt+{number}",), ("escape", f"alt+{number}"))
            for keys in ways[seen % 3 :][:1] if seen else ways:
                await show(opened, kind)
                opened.screen.set_focus(field)
                await opened.pilot.pause()
                write(opened.app, *keys)
                await settled(opened.app)
                assert (opened.app.current_mode, text_of(field)) == (there, before), (field, keys)
            seen += 1
        assert seen


@pytest.mark.parametrize("kind", DIALOGS, ids=lambda kind: kind.__name__)
@pytest.mark.thorough
async def test_each_field_of_a_dialog_shows_that_escape_closes_it_and_alt_and_a_digit_change_the_screen(
    kind: type[Screen[Any]], open_app: OpenApp, hall: LiveHall
) -> None:
    """F51: alt and a digit did nothing there, or were typed."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 30)) as opened:
        names = [field.id async for field in fields_of(opened, kind)]
        assert names
        for name in names:
            for keys in (("alt+4",), ("escape", "alt+4"), ("escape", "4"))[: 3 if name == names[0] else 1]:
                field = await dialog_with_focus(opened, kind, name)
                assert kind is Palette or "esc" in opened.text(), "the way out is not shown"
                write(opened.app, *keys)
                await settled(opened.app)
                await until(lambda: opened.app.current_mode == "activity")
                await opened.app.switch_mode("workers")
                await opened.pilot.pause()
                assert not opened.screen.is_modal
                await until(lambda field=field: not field.is_attached)


@pytest.mark.parametrize("kind", [kind for kind in DIALOGS if kind not in LOSE_NOTHING], ids=lambda kind: kind.__name__)
@pytest.mark.thorough
async def test_what_is_typed_in_a_dialog_that_escape_closes_is_there_again(
    kind: type[Screen[Any]], open_app: OpenApp, hall: LiveHall
) -> None:
    """200 pasted ids, or a note, were gone without a word."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(120, 40)) as opened:
        names = [field.id async for field in fields_of(opened, kind)]
        for name in names:
            field = await dialog_with_focus(opened, kind, name)
            before = text_of(field)
            write(opened.app, "typed")
            await settled(opened.app)
            await until(lambda field=field, before=before: text_of(field) != before)
            typed = text_of(field)
            write(opened.app, "escape")
            await settled(opened.app)
            await until(lambda: not opened.screen.is_modal)
            assert "What you typed is kept" in opened.said()[-1]
            again = await dialog_with_focus(opened, kind, name)
            assert text_of(again) == typed
            opened.screen.dismiss(None)
            await until(lambda: not opened.screen.is_modal)


async def test_what_was_used_is_not_kept(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await dialog_with_focus(opened, AddWorkersScreen, "ids")
        write(opened.app, "wkr_another", "enter")
        await until(lambda: not opened.screen.is_modal)
        assert text_of(await dialog_with_focus(opened, AddWorkersScreen, "ids")) == ""
        assert not [said for said in opened.said() if "is kept" in said]


class Stubborn(DialogScreen[None]):
    """It can't be closed now."""

    def compose(self) -> ComposeResult:
        with Dialog("Stubborn"):
            yield OneLineInput(id="name", compact=True)

    def action_leave(self) -> None:
        pass


async def test_alt_and_a_digit_in_a_dialog_that_stays_open_say_so(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await opened.app.push_screen(Stubborn())
        await opened.pilot.press("alt+4")
        await until(lambda: opened.said() and opened.said()[-1].startswith("This stays open"))
        assert opened.app.current_mode == "workers" and isinstance(opened.screen, Stubborn)


async def test_alt_and_a_digit_leave_dialogs_over_dialogs(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        for kind in (AddWorkersScreen, CorrelationScreen, AskScreen):
            await opened.app.push_screen(DIALOGS[kind](opened))
        write(opened.app, "alt+4")
        await until(lambda: opened.app.current_mode == "activity")
        await opened.app.switch_mode("workers")
        assert isinstance(opened.screen, WorkersScreen)


async def test_a_digit_is_not_typed_into_a_field_of_the_dialog_below(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        field = await dialog_with_focus(opened, ReportScreen, "reason")
        await opened.app.push_screen(DIALOGS[AskScreen](opened))
        write(opened.app, "escape", "4")
        await until(lambda: opened.app.current_mode == "activity")
        assert text_of(field) == ""


async def show(opened: OpenedApp, kind: type[Screen[Any]]) -> None:
    """Go to the screen, or open the dialog."""
    await opened.app.switch_mode(MODES.get(kind, "workers"))
    if kind not in MODES and type(opened.screen) is not kind:
        await opened.app.push_screen((PUSHED | DIALOGS)[kind](opened))
    await opened.pilot.pause()
    await until(lambda: type(opened.screen) is kind and opened.screen.query("Input, TextArea"))


async def dialog_with_focus(opened: OpenedApp, kind: type[Screen[Any]], name: str | None) -> Widget:
    await show(opened, kind)
    field = opened.screen.query_one(f"#{name}" if name else "Input")
    opened.screen.set_focus(field)
    await opened.pilot.pause()
    return field


def text_of(field: Widget) -> str:
    assert isinstance(field, Input | TextArea)
    return field.value if isinstance(field, Input) else field.text


async def fields_of(opened: OpenedApp, kind: type[Screen[Any]]) -> AsyncIterator[Widget]:
    """Go to each field of the screen or dialog in turn, on each of its tabs, and give it the focus."""
    number = 0
    while True:
        await show(opened, kind)
        fields = [each for each in opened.screen.query("*") if isinstance(each, Input | TextArea)]
        if number >= len(fields):
            if (closing := opened.screen).is_modal:
                closing.dismiss(None)
                await until(lambda: not closing.is_attached)
            return
        field, number = fields[number], number + 1
        for pane in field.ancestors:
            if isinstance(pane, TabPane) and pane.id:
                next(above for above in pane.ancestors if isinstance(above, TabbedContent)).active = pane.id
        await opened.pilot.pause()
        if field.focusable:
            opened.screen.set_focus(field)
            await opened.pilot.pause()
            yield field


async def test_in_a_field_the_key_bar_says_once_what_escape_does(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(150, 40)) as opened:
        await opened.pilot.press("exclamation_mark")
        await until(lambda: "esc Back" in opened.text().splitlines()[-1])
        await opened.pilot.press("slash")
        await until(lambda: "esc Leave field" in opened.text().splitlines()[-1])
        assert "Back" not in opened.text().splitlines()[-1]
        await opened.pilot.press("escape")
        await until(lambda: "esc Back" in opened.text().splitlines()[-1])
