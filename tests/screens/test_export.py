"""`E` on every screen with a table: to a file or to the clipboard, as shown, with whole values."""

import csv
import json
import re
from pathlib import Path

import pytest
from textual.widgets import Button, Checkbox

from pyhall_tui.render.text import iso_time
from pyhall_tui.screens.dispatch.screen import DispatchScreen
from pyhall_tui.screens.export import ExportScreen
from pyhall_tui.widgets.field import Field
from pyhall_tui.widgets.line_table import LineTable
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.waiting import until

LONG = "org.yourcompany.a-team-with-a-rather-long-name.embedder.production-eu-central-1-04"
FORMULA = "=cmd|' /C calc'!A0"


def read(name: str) -> str:
    return Path(name).read_text(encoding="utf-8")


async def open_export(opened: OpenedApp) -> Field:
    await opened.pilot.press("E")
    await until(lambda: isinstance(opened.screen, ExportScreen))
    return opened.screen.query_one(Field)


async def write(opened: OpenedApp, name: str) -> str:
    """Export to a file; return its text."""
    field = await open_export(opened)
    field.input.value = name
    await opened.pilot.press("enter")
    await until(lambda: not isinstance(opened.screen, ExportScreen))
    return read(name)


async def fleet_shown(opened: OpenedApp, *worker_ids: str) -> LineTable:
    table = opened.screen.query_one("#fleet", LineTable)
    fleet = opened.workspace.fleet
    await until(lambda: all((entry := fleet.get(each)) and entry.verdict for each in worker_ids), clock=opened.clock)
    await until(lambda: set(table.keys) == set(worker_ids))
    await opened.pilot.pause()
    return table


async def test_workers_are_written_in_the_order_and_with_the_filter_shown_and_whole(
    open_app: OpenApp, hall: LiveHall
) -> None:
    hall.add_worker(LONG, sha256="ab" * 32, display_name="An embedder")
    hall.add_worker("wkr_b", sha256=None, attested_at=None)
    hall.add_worker("wkr_a", display_name=FORMULA)
    async with open_app(
        profile_of(hall), key=hall.key, watch=(LONG, "wkr_a", "wkr_b", "other"), size=(80, 24)
    ) as opened:
        await fleet_shown(opened, LONG, "wkr_a", "wkr_b", "other")
        await opened.pilot.press("s", "slash", *"r", "enter")
        assert LONG not in opened.text()
        rows = list(csv.DictReader((await write(opened, "w.csv")).splitlines()))
        table = opened.screen.query_one("#fleet", LineTable)
        assert [row["worker_id"] for row in rows] == list(table.keys) != []
        by_id = {row["worker_id"]: row for row in rows}
        assert by_id[LONG]["verified_at"].endswith("+00:00") and by_id["other"]["state"] == "UNKNOWN"
        lines = [json.loads(line) for line in (await write(opened, "w.jsonl")).splitlines()]
        assert [line["worker_id"] for line in lines] == list(table.keys)


async def test_columns_without_room_are_written_if_you_say_so(open_app: OpenApp, hall: LiveHall) -> None:
    hall.add_worker(LONG, sha256="ab" * 32, display_name=FORMULA)
    async with open_app(profile_of(hall), key=hall.key, watch=(LONG,), size=(80, 24)) as opened:
        await fleet_shown(opened, LONG)
        assert "sha256" not in await write(opened, "few.csv")
        field = await open_export(opened)
        await until(lambda: re.search(r"\[ \] +Also 4 columns that the terminal has no room for", opened.text()))
        opened.screen.query_one(Checkbox).value = True
        field.input.value = "all.csv"
        await opened.pilot.press("enter")
        await until(lambda: not isinstance(opened.screen, ExportScreen))
        [row] = csv.DictReader(read("all.csv").splitlines())
        assert row["sha256"] == "ab" * 32
        assert row["name"] == f"'{FORMULA}"


async def test_markdown_shows_foreign_text_as_it_is(open_app: OpenApp, hall: LiveHall) -> None:
    hall.add_worker("wkr_a", display_name="![x](http://evil/) | <b>`")
    async with open_app(profile_of(hall), key=hall.key, watch=("wkr_a",), size=(140, 30)) as opened:
        await fleet_shown(opened, "wkr_a")
        head, rule, row = (await write(opened, "w.md")).splitlines()
        assert head.startswith("| state | worker_id | name |") and set(rule) <= set("|- ")
        assert "`` ![x](http://evil/) \\| <b>` ``" in row and "`wkr_a`" in row


async def test_a_file_that_is_there_is_replaced_only_if_asked_twice(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    (tmp_path / "w.csv").write_text("mine")
    async with open_app(profile_of(hall), key=hall.key, watch=("wkr_a",)) as opened:
        await fleet_shown(opened, "wkr_a")
        field = await open_export(opened)
        field.input.value = "w.csv"
        await opened.pilot.press("enter")
        await until(lambda: field.has_mistake)
        assert "already exists" in opened.text() and "Replace" in opened.text()
        assert read("w.csv") == "mine"
        field.input.value = "w.csv "
        await until(lambda: str(opened.screen.query_one("#export-write", Button).label) == "Write")
        field.input.value = "w.csv"
        await opened.pilot.press("enter")
        await until(lambda: "Replace" in opened.text())
        await opened.pilot.press("enter")
        await until(lambda: not isinstance(opened.screen, ExportScreen))
        assert "wkr_a" in read("w.csv")


FAULTS = (("w.txt", "End the name in"), ("no/w.csv", "There is no folder no"), ("", "Enter a file"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
async def test_what_can_not_be_written_is_said_and_the_dialog_stays(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    (tmp_path / "full.csv").symlink_to("/dev/full")
    async with open_app(profile_of(hall), key=hall.key, watch=("wkr_a",)) as opened:
        await fleet_shown(opened, "wkr_a")
        field = await open_export(opened)
        for name, sentence in (
            ("w.txt", "End the name in"),
            ("no/w.csv", "There is no folder no"),
            ("", "Enter a file"),
        ):
            field.input.value = name
            await opened.pilot.press("enter")
            await until(lambda sentence=sentence: sentence in opened.words())
        field.input.value = "full.csv"
        await opened.pilot.press("enter")
        await until(lambda: "already exists" in opened.words())
        await opened.pilot.press("enter")
        await until(lambda: "can't be written" in opened.words())
        assert (tmp_path / "full.csv").is_symlink()


async def test_a_format_is_chosen_and_the_table_copied(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=("wkr_a",)) as opened:
        await fleet_shown(opened, "wkr_a")
        field = await open_export(opened)
        assert field.value.startswith("pyhall-workers-") and field.value.endswith(".csv")
        await opened.pilot.click("#as-md")
        await until(lambda: field.value.endswith(".md"))
        await opened.pilot.click("#export-copy")
        await until(lambda: not isinstance(opened.screen, ExportScreen))
        await opened.pilot.press("C")
        await until(lambda: "| state | worker_id" in opened.text())


async def test_the_format_that_the_files_name_sets_is_marked(open_app: OpenApp, hall: LiveHall) -> None:
    hall.add_worker("wkr_a")
    async with open_app(profile_of(hall), key=hall.key, watch=("wkr_a",), size=(80, 24)) as opened:
        await fleet_shown(opened, "wkr_a")
        field = await open_export(opened)
        await until(lambda: "● CSV" in opened.text() and "○ JSON Lines" in opened.text())
        await opened.pilot.click("#as-md")
        await until(lambda: "● Markdown" in opened.text() and "○ CSV" in opened.text())
        field.input.value = "some.JSONL"
        await until(lambda: "● JSON Lines" in opened.text() and "○ Markdown" in opened.text())
        field.input.value = "some.txt"
        await until(lambda: "●" not in "".join(str(button.label) for button in opened.screen.query(Button)))


async def test_an_empty_table_and_a_form_have_nothing_to_export(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=("wkr_a",)) as opened:
        await opened.pilot.press("slash", *"zzz", "enter", "E")
        await until(lambda: "There are no rows here to export" in opened.words())
        await opened.pilot.press("escape", "escape", "3")
        await until(lambda: isinstance(opened.screen, DispatchScreen))
        await opened.pilot.press("escape", "E")
        await until(lambda: "There are no rows here to export" in opened.words())


async def test_other_tables_are_exported_by_the_same_key(open_app: OpenApp, hall: LiveHall) -> None:
    hall.add_worker("wkr_a", sha256="cd" * 32)
    hall.store.ban("wkr_a", "exfiltrates")
    async with open_app(profile_of(hall), key=hall.key, watch=("wkr_a",), size=(140, 40)) as opened:
        await fleet_shown(opened, "wkr_a")
        await until(lambda: "BANNED" in opened.text(), clock=opened.clock)
        await opened.pilot.press("exclamation_mark")
        await until(lambda: "1 firing" in opened.text())
        [alarm] = csv.DictReader((await write(opened, "alarms.csv")).splitlines())
        assert alarm["worker_id"] == "wkr_a" and alarm["fired_at"].endswith("+00:00")
        await opened.pilot.press("escape", "b")
        await until(lambda: "cdcdcdcd" in opened.text(), clock=opened.clock)
        [ban] = csv.DictReader((await write(opened, "bans.csv")).splitlines())
        assert ban["sha256"] == "cd" * 32 and ban["mine"] == "1"


async def test_a_table_in_a_dialog_is_exported_too(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=("wkr_a",), size=(120, 40)) as opened:
        await fleet_shown(opened, "wkr_a")
        alarms = opened.workspace.alarms
        alarms.silence(opened.clock.now().wall + 3_600, "=upgrade", worker="wkr_*")
        await opened.pilot.press("4", "S")
        await until(lambda: opened.screen.query("#silences") and "wkr_*" in opened.text())
        opened.screen.query_one("#silences", LineTable).focus()
        [silence] = csv.DictReader((await write(opened, "silences.csv")).splitlines())
        assert silence["reason"] == "'=upgrade" and "wkr_*" in silence["what"]
        assert silence["until"] == iso_time(opened.clock.now().wall + 3_600)


async def test_the_overviews_profiles_are_exported_with_their_times_in_utc(open_app: OpenApp, hall: LiveHall) -> None:
    hall.add_worker("wkr_a")
    async with open_app(profile_of(hall), key=hall.key, watch=("wkr_a",), size=(200, 40)) as opened:
        await fleet_shown(opened, "wkr_a")
        await opened.pilot.press("0")
        await until(lambda: opened.app.current_mode == "overview" and "1 clean" in opened.text())
        await opened.pilot.pause()
        [profile] = csv.DictReader((await write(opened, "profiles.csv")).splitlines())
        assert profile["registry"] == hall.url and profile["namespace"] == opened.workspace.profile.namespace
        assert profile["oldest_verdict_at"].endswith("+00:00")
