"""The activity screen in the real app: what came, what is shown, what you can do with it."""

import csv
import threading
from pathlib import Path

import pytest
from textual.widgets import Input

from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.screens.activity.screen import ActivityScreen
from pyhall_tui.screens.export import ExportScreen
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.screens.workers.screen import WorkersScreen
from pyhall_tui.widgets.field import Field
from tests.journal.makers import event
from tests.live_hall import WORKER, LiveHall
from tests.open_alarms import open_alarms
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.waiting import until

HOSTILE = 'ok\x1b[2J\x1b]0;PWNED\x07\x9b31m {"flags": [true, false]} [/x]'


def info(worker: str, **fields: object) -> Event:
    return event(Kind.ATTESTED, worker, **{"severity": Severity.INFO, "before": "unattested", "after": "ok", **fields})


async def go_to_activity(opened: OpenedApp) -> ActivityScreen:
    await until(lambda: isinstance(opened.screen, WorkersScreen))
    await opened.pilot.press("4")
    await until(lambda: isinstance(opened.screen, ActivityScreen))
    screen = opened.screen
    assert isinstance(screen, ActivityScreen)
    await until(lambda: screen._feed.is_loaded)
    return screen


def shown(screen: ActivityScreen) -> list[str | None]:
    return [screen._shown[key].worker_id for key in screen.table.keys]


async def test_a_row_says_everything_in_words_and_shows_hostile_texts_as_they_are(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F08, F09, F26."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_app(profile_of(hall), key=hall.key, size=(200, 60)) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events([info(each.name, severity=each) for each in Severity])
        hostile = event(worker_id="last", correlation_id="req-77\x1b[31m", detail=HOSTILE)
        opened.workspace.take_events([hostile])
        screen = await go_to_activity(opened)
        await until(lambda: shown(screen) == ["last", "ALARM", "WARNING", "NOTICE", "INFO"])
        await until(lambda: '{"flags": [true, false]} [/x]' in opened.text())
        row = next(line for line in opened.text().splitlines() if "last" in line)
        for word in ("▎", "✖ ALARM", "clean → banned", "verify", "req-77"):
            assert word in row
        for words in ("▲ warning", "● notice", "· info"):
            assert words in opened.text()
        assert "\x1b" not in opened.text() and "\x9b" not in opened.text()


async def test_a_filter_that_changes_while_the_first_page_is_read_gets_its_own_page(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events([info("calm"), info("loud", severity=Severity.ALARM)])
        asked, may_answer = threading.Event(), threading.Event()
        flush = opened.workspace.journal.flush

        def slow_flush(timeout: float = 2.0) -> bool:
            asked.set()
            may_answer.wait(30.0)
            return flush(timeout)

        monkeypatch.setattr(opened.workspace.journal, "flush", slow_flush)
        await opened.pilot.press("4")
        await until(asked.is_set)
        await until(lambda: isinstance(opened.screen, ActivityScreen))
        screen = opened.screen
        assert isinstance(screen, ActivityScreen)
        await opened.pilot.press("s")
        may_answer.set()
        await until(lambda: shown(screen) == ["loud"])


async def test_what_changed_has_its_room_before_source_and_correlation(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(120, 36)) as opened:
        banned = info(
            "org.yourco.code-review.prod-03",
            before="clean",
            after="BANNED",
            detail="Unreviewed branch",
            correlation_id="req-77",
        )
        opened.workspace.take_events([banned])
        await go_to_activity(opened)
        await until(lambda: "code-review.prod-03" in opened.text())
        assert sum("clean → BANNED: Unreviewed branch" in line for line in opened.text().splitlines()) == 2
        await opened.pilot.resize_terminal(170, 36)
        await opened.pilot.pause()
        assert "CORRELATION" in opened.text() and "clean → BANNED: Unreviewed branch" in opened.text()


async def test_what_happens_now_comes_by_itself_folded_and_while_paused_is_counted(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_activity(opened)
        await until(lambda: "Nothing has happened yet" in opened.text())
        for _ in range(3):
            opened.workspace.take_events([event(worker_id="flaps")])
            opened.workspace.take_events([event(Kind.UNBANNED, "flaps", severity=Severity.NOTICE)])
        await until(lambda: shown(screen) == ["flaps", "flaps"] and "×5" in opened.text())
        await opened.pilot.press("p")
        opened.workspace.take_events([info("held"), event(worker_id="flaps")])
        await until(lambda: "paused · 3 waiting" in opened.text())
        assert shown(screen) == ["flaps", "flaps"]
        await opened.pilot.press("p")
        await until(lambda: shown(screen) == ["flaps", "flaps", "held", "flaps"])
        assert "more than 6 changes in 10 min" in opened.words()


async def test_what_came_while_one_looked_away_is_counted_also_after_a_restart(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_activity(opened)
        opened.workspace.take_events([info("before")])
        await until(lambda: shown(screen) == ["before"])
        await opened.pilot.press("1")
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events([info("while-away"), info("while-away-too")])
        await go_to_activity(opened)
        await until(lambda: "2 came since you last looked" in opened.text())
        await opened.pilot.press("1")
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events([info("then")])
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_activity(opened)
        await until(lambda: "1 came since you last looked" in opened.text())
        assert shown(screen) == ["then", "while-away-too", "while-away", "before"]


@pytest.mark.thorough
async def test_the_marked_all_that_passes_the_filter_or_all_is_acknowledged_older_pages_too(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        workspace = opened.workspace
        workspace.take_events(
            [event(worker_id=f"{'mail' if number < 50 else 'text'}-{number}") for number in range(450)]
        )
        await until(lambda: "✖ 450 alarms" in opened.text())
        screen = await go_to_activity(opened)
        await until(lambda: len(screen.table.keys) == 200)
        await opened.pilot.press("space", "space", "a", *"on it", "enter")
        await until(lambda: workspace.alarms.firing == 448)
        assert {one.note for one in workspace.alarms.book.alarms() if one.is_acknowledged} == {"on it"}
        assert not screen.table.marked
        await until(lambda: "✖ 448 alarms" in opened.text())
        await opened.pilot.press("slash", *"mail", "enter")
        await until(lambda: len(screen.table.keys) == 50)
        await opened.pilot.press("A")
        await until(lambda: workspace.alarms.firing == 398)
        await opened.pilot.press("escape", "A")
        await until(lambda: not workspace.alarms.firing)
        workspace.journal.flush(30)
        assert open_alarms(workspace.journal, "acme") == 0
        await until(lambda: "▎" not in opened.text())


@pytest.mark.thorough
async def test_older_events_come_as_one_goes_down_and_the_filters_reach_them(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        events = [event(worker_id="needle"), *(info(f"w{number:03}") for number in range(449))]
        opened.workspace.take_events(events)
        screen = await go_to_activity(opened)
        await until(lambda: "200+ shown" in opened.text())
        await opened.pilot.press("slash", *"NEEDLE", "enter")
        await until(lambda: shown(screen) == ["needle"])
        await opened.pilot.press("escape", "s", "s", "s")
        await until(lambda: shown(screen) == ["needle"] and "severity: ALARM" in opened.text())
        await opened.pilot.press("escape", "t")
        await until(lambda: "kind: banned" in opened.text() and shown(screen) == ["needle"])
        await opened.pilot.press("escape", "home", "w")
        await until(lambda: "worker: w448" in opened.text() and shown(screen) == ["w448"])
        await opened.pilot.press("w")
        await until(lambda: len(screen.table.keys) == 200)
        await opened.pilot.press("end")
        await until(lambda: len(screen.table.keys) == 400)
        await opened.pilot.press("end")
        await until(lambda: len(screen.table.keys) == 450)
        assert shown(screen) == [one.worker_id for one in reversed(events)]


@pytest.mark.thorough
async def test_no_character_acts_in_the_filter_and_enter_goes_to_the_worker(open_app: OpenApp, hall: LiveHall) -> None:
    """F34."""
    async with open_app(profile_of(hall), key=hall.key, watch=("other", WORKER), size=(80, 24)) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events([info("gone"), event(worker_id=WORKER)])
        screen = await go_to_activity(opened)
        await until(lambda: shown(screen) == [WORKER, "gone"])
        row = next(line for line in opened.text().splitlines() if "✖ ALARM" in line)
        assert WORKER in row and "clean → banned" in row
        await opened.pilot.press("slash", *"quorum?", "slash", "1")
        assert opened.screen is screen and screen.query_one(Input).value == "quorum?/1"
        await opened.pilot.press("escape", "end", "enter")
        await until(lambda: any("gone is not on the watch list" in each for each in opened.said()))
        await opened.pilot.press("4", "home", "enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen) and WORKER in opened.text())
        await opened.pilot.press("escape")
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        assert opened.screen.table.cursor_key == WORKER  # type: ignore[attr-defined]


@pytest.mark.thorough
async def test_export_writes_what_passes_the_filter(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_activity(opened)
        opened.workspace.take_events([info("=cmd()"), info("other")])
        await until(lambda: len(screen.table.keys) == 2)
        await opened.pilot.press("slash", *"cmd", "enter", "E")
        await until(lambda: isinstance(opened.screen, ExportScreen))
        field = opened.screen.query_one(Field)
        assert field.value.endswith(".csv")
        field.input.value = "missing/out.csv"
        await opened.pilot.press("enter")
        await until(lambda: field.has_mistake)
        assert "There is no folder missing" in opened.text()
        field.input.value = "out.csv"
        await opened.pilot.press("enter")
        await until(lambda: not isinstance(opened.screen, ExportScreen))
        header, *rows = csv.reader((tmp_path / "out.csv").read_text().splitlines())
        assert [dict(zip(header, row, strict=True))["worker_id"] for row in rows] == ["'=cmd()"]
