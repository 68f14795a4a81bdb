"""Many workers at once: marks, what is done to them, and how it is undone; with Pilot, against a real hall."""

import pytest
from textual.widgets import Input

from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.screens.export import ExportScreen
from pyhall_tui.widgets import clipboard
from pyhall_tui.widgets.clipboard import SelectTextScreen
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.test_workers import all_verified, fleet_of, table
from tests.typist import settled, write
from tests.waiting import until


async def filter_by(opened: OpenedApp, text: str, shown: int) -> None:
    opened.screen.query_one("#filter", Input).value = text
    await until(lambda: len(table(opened).keys) == shown)


async def test_ctrl_a_marks_what_is_shown_and_the_title_counts(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 12)) as opened:
        await all_verified(opened)
        await filter_by(opened, "wkr_1", 3)
        write(opened.app, "ctrl+a")
        await until(lambda: "• 3 marked" in opened.text())
        assert table(opened).marked == {"wkr_1", "wkr_10", "wkr_11"}


async def test_marks_survive_filter_and_sort_and_the_title_says_which_are_hidden(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 12)) as opened:
        await all_verified(opened)
        await filter_by(opened, "wkr_1", 3)
        write(opened.app, "ctrl+a", "s", "S")
        await settled(opened.app)
        await filter_by(opened, "wkr_11", 1)
        await until(lambda: "• 3 marked (2 hidden)" in opened.text())
        await filter_by(opened, "", 12)
        await until(lambda: "• 3 marked ·" in opened.text())


async def test_the_asterisk_inverts_the_marks(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 5)) as opened:
        await all_verified(opened)
        table(opened).move_to("wkr_2")
        write(opened.app, "space", "*")
        await settled(opened.app)
        assert table(opened).marked == {"wkr_0", "wkr_1", "wkr_3", "wkr_4"}


async def test_many_are_removed_after_a_question_with_their_number_and_those_hidden(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 12)) as opened:
        await all_verified(opened)
        await filter_by(opened, "wkr_1", 3)
        write(opened.app, "ctrl+a")
        await settled(opened.app)
        await filter_by(opened, "wkr_11", 1)
        write(opened.app, "x")
        await until(lambda: isinstance(opened.screen, AskScreen))
        await until(lambda: "Remove 3 workers?" in opened.text())
        assert "2 of them are hidden by the filter." in opened.words()
        assert "wkr_10 (hidden)" in opened.words()
        write(opened.app, "n", "x", "y")
        await until(lambda: len(opened.workspace.fleet) == 9)
        assert not table(opened).marked
        assert not {"wkr_1", "wkr_10", "wkr_11"} & {worker.id for worker in opened.workspace.watch_list.load()}


async def test_enter_on_the_question_is_no_and_keys_behind_it_do_nothing_twice(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 4)) as opened:
        await all_verified(opened)
        write(opened.app, "ctrl+a", "x", "enter")
        await settled(opened.app)
        assert len(opened.workspace.fleet) == 4
        write(opened.app, "x", "y", "y", "u", "u")
        await until(lambda: "There is nothing to undo" in opened.text())
        assert len(opened.workspace.fleet) == 4


async def test_marks_are_copied_and_the_copy_says_how_many(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clipboard, "tools", lambda *_: [])  # not on the clipboard of whoever runs the tests
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 4)) as opened:
        await all_verified(opened)
        write(opened.app, "s", "ctrl+a", "y", "C")
        await until(lambda: isinstance(opened.screen, SelectTextScreen) and opened.screen.is_mounted)
        shown = opened.screen.query_one("#text", clipboard.ShownText)
        assert shown.text == "wkr_0\nwkr_1\nwkr_2\nwkr_3"
        await until(lambda: "The list of 4 worker ids" in opened.text())
        write(opened.app, "escape", "h", "C")
        await until(lambda: "The list of 4 package hashes" in opened.text())


async def test_the_export_is_of_the_marked_workers_and_says_how_many(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 4)) as opened:
        await all_verified(opened)
        table(opened).move_to("wkr_1")
        write(opened.app, "space")
        await settled(opened.app)
        table(opened).move_to("wkr_3")
        write(opened.app, "space")
        await settled(opened.app)
        exported = table(opened).exported()
        shown = [key for key in table(opened).keys if key in ("wkr_1", "wkr_3")]
        assert [record["worker_id"] for record in exported.records()] == shown and len(shown) == 2
        write(opened.app, "E")
        await until(lambda: isinstance(opened.screen, ExportScreen))
        await until(lambda: "Export the 2 marked workers" in opened.text())


async def test_many_hidden_marks_are_verified_after_a_question(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 3)) as opened:
        await all_verified(opened)
        write(opened.app, "ctrl+a")
        await settled(opened.app)
        await filter_by(opened, "wkr_2", 1)
        write(opened.app, "v")
        await until(lambda: "Verify 3 workers?" in opened.text())
        asked = {entry.worker_id: entry.asked for entry in opened.workspace.fleet}
        write(opened.app, "y")
        await until(
            lambda: all(entry.asked > asked[entry.worker_id] for entry in opened.workspace.fleet), clock=opened.clock
        )


async def test_a_worker_that_is_gone_is_marked_no_longer(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 3)) as opened:
        await all_verified(opened)
        write(opened.app, "ctrl+a")
        await settled(opened.app)
        await filter_by(opened, "wkr_2", 1)
        opened.workspace.unwatch(["wkr_0"])
        await until(lambda: "• 2 marked (1 hidden)" in opened.text(), clock=opened.clock)
        assert table(opened).targets() == ["wkr_2", "wkr_1"]


async def test_u_undoes_what_changed_the_lists_the_last_change_first_whatever_it_was(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 4)) as opened:
        await all_verified(opened)
        write(opened.app, "ctrl+a", "x", "y")
        await until(lambda: len(opened.workspace.fleet) == 0)
        write(opened.app, "a", "wkr_new", "enter")
        await until(lambda: "wkr_new" in opened.workspace.fleet)
        write(opened.app, "u")
        await until(lambda: "No longer watched: wkr_new." in opened.said())
        assert len(opened.workspace.fleet) == 0
        write(opened.app, "u")
        await until(lambda: "Watched again: 4 workers." in opened.said())
        assert {entry.worker_id for entry in opened.workspace.fleet} == {f"wkr_{number}" for number in range(4)}
        assert all(entry.verdict for entry in opened.workspace.fleet)
        write(opened.app, "u")
        await until(lambda: any(one.startswith("There is nothing to undo.") for one in opened.said()))


async def test_the_last_ten_changes_can_be_undone(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=()) as opened:
        for number in range(12):
            opened.workspace.watch([f"wkr_{number}"])
        write(opened.app, *"u" * 12)
        await until(lambda: any(one.startswith("There is nothing to undo.") for one in opened.said()))
        assert {entry.worker_id for entry in opened.workspace.fleet} == {"wkr_0", "wkr_1"}


async def test_pasted_ids_that_the_registry_does_not_know_are_named_and_dropped_if_you_agree(
    open_app: OpenApp, hall: LiveHall
) -> None:
    known = fleet_of(hall, 3)
    async with open_app(profile_of(hall), key=hall.key, watch=()) as opened:
        write(opened.app, "a")
        await until(lambda: opened.screen.query("#ids"))
        opened.screen.query_one("#ids", Input).value = " ".join([*known, "wkr_typo", "no_such", "---"])
        await until(lambda: "left out: --- contains no letter and no digit" in opened.words())
        write(opened.app, "enter")
        sentence = "The registry does not know 2 of 5: wkr_typo, no_such. Press X to drop them."
        await until(lambda: sentence in opened.said(), clock=opened.clock)
        write(opened.app, "X")
        await settled(opened.app)
        assert isinstance(opened.screen, AskScreen), (opened.said(), opened.app.screen_stack, opened.app.focused)
        await until(lambda: "Drop 2 workers?" in opened.text())
        write(opened.app, "y", "y")
        await until(lambda: {entry.worker_id for entry in opened.workspace.fleet} == {*known})


async def test_one_pasted_id_that_the_registry_does_not_know_is_spoken_of_as_one(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 1)) as opened:
        write(opened.app, "a")
        await until(lambda: opened.screen.query("#ids"))
        opened.screen.query_one("#ids", Input).value = "wkr_typo"
        write(opened.app, "enter")
        sentence = "The registry does not know wkr_typo. Press X to drop it."
        await until(lambda: sentence in opened.said(), clock=opened.clock)


async def test_a_capability_is_tried_on_each_marked_worker_after_a_question_with_the_number(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 12), size=(140, 40)) as opened:
        await all_verified(opened)
        await filter_by(opened, "wkr_1", 3)
        write(opened.app, "ctrl+a", "t")
        await until(lambda: "3 workers × 1 tier" in opened.words())
        await until(lambda: opened.screen.focused is not None and opened.screen.focused.id == "capabilities")
        await settled(opened.app)
        write(opened.app, *"mail.send", "enter")
        await until(lambda: "This sends 3 dispatches to" in opened.words() and "about 3 workers" in opened.words())
        write(opened.app, "enter")
        await settled(opened.app)
        assert opened.workspace.lab.matrix is None
        write(opened.app, "ctrl+r", "y", "y")
        lab = opened.workspace.lab
        await until(lambda: lab.matrix is not None and lab.matrix.is_complete, clock=opened.clock)
        assert lab.matrix is not None
        assert {(case.capability, case.worker_id) for case in lab.matrix.cells} == {
            ("mail.send", "wkr_1"),
            ("mail.send", "wkr_10"),
            ("mail.send", "wkr_11"),
        }
        assert sum("/dispatch" in request.raw_path for request in hall.requests) == 3


async def test_nothing_is_dispatched_for_a_marked_worker_that_is_taken_off_the_list_meanwhile(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 3), size=(140, 40)) as opened:
        await all_verified(opened)
        write(opened.app, "ctrl+a", "t")
        await until(lambda: "3 workers × 1 tier" in opened.words())
        opened.workspace.unwatch(["wkr_1"])
        opened.screen.query_one("#capabilities", Input).value = "mail.send"
        await until(lambda: "2 workers × 1 tier" in opened.words())
        await until(lambda: "1 marked is not watched any more" in opened.words())
        opened.workspace.unwatch(["wkr_0", "wkr_2"])
        opened.screen.query_one("#capabilities", Input).value = "mail.read"
        await until(lambda: "@marked stands for no worker now" in opened.words())
