"""The activity screen on the real app: what came, what is shown, what is done with it."""

import csv
from pathlib import Path

import pytest
from textual.widgets import Input

from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.screens.activity.export_dialog import ExportScreen
from pyhall_tui.screens.activity.screen import ActivityScreen
from pyhall_tui.screens.worker_detail import WorkerDetailScreen
from pyhall_tui.screens.workers.screen import WorkersScreen
from pyhall_tui.widgets.field import Field
from tests.journal.makers import NOW, event
from tests.live_hall import WORKER, LiveHall
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


def toasts(opened: OpenedApp) -> list[str]:
    return [toast.message for toast in opened.app._notifications]


def shown(screen: ActivityScreen) -> list[str | None]:
    return [screen._shown[key].worker_id for key in screen.table.keys]


async def test_the_newest_is_on_top_with_severity_change_source_and_correlation_id(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events(
            [info("first"), event(worker_id="second", correlation_id="req-77", detail="leaks")]
        )
        screen = await go_to_activity(opened)
        await until(lambda: shown(screen) == ["second", "first"])
        await opened.pilot.pause()
        text = opened.text()
        row = next(line for line in text.splitlines() if "second" in line)
        for word in ("▎", "✖ ALARM", "clean → banned", "verify", "req-77"):
            assert word in row
        assert "clean → banned: leaks" in text


async def test_an_event_that_happens_now_comes_without_a_key(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_activity(opened)
        assert "Nothing has happened yet" in opened.text()
        opened.workspace.take_events([info("now")])
        await until(lambda: shown(screen) == ["now"])


async def test_a_flapping_worker_is_one_row_with_a_count(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_activity(opened)
        for _ in range(3):
            opened.workspace.take_events([event()])
            opened.workspace.take_events([event(Kind.UNBANNED, severity=Severity.NOTICE)])
        await until(lambda: len(screen.table.keys) == 2)
        await until(lambda: "×5" in opened.text())


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
        screen = await go_to_activity(opened)
        await until(lambda: "2 came since you last looked" in opened.text())
        await opened.pilot.press("1")
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events([info("then")])
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_activity(opened)
        await until(lambda: "1 came since you last looked" in opened.text())
        assert shown(screen) == ["then", "while-away-too", "while-away", "before"]


async def test_acknowledging_takes_bar_alarm_and_toast_away(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events([event(worker_id=f"org.acme.w{number}") for number in range(3)])
        await until(lambda: "✖ 3 alarms" in opened.text())
        screen = await go_to_activity(opened)
        await until(lambda: len(screen.table.keys) == 3)
        await opened.pilot.press("space", "space", "a")
        assert len(opened.workspace.open_alarms) == 1
        assert not screen.table.marked
        await until(lambda: "✖ 1 alarm" in opened.text() and opened.text().count("▎") == 1)
        opened.workspace.journal.flush()
        kept = opened.workspace.journal.events("acme")
        assert [one.acknowledged for one in kept] == [True, True, False]


async def test_all_that_passes_the_filter_is_acknowledged_and_nothing_else(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events([event(worker_id="mail"), event(worker_id="text"), event(worker_id="mail-2")])
        screen = await go_to_activity(opened)
        await until(lambda: len(screen.table.keys) == 3)
        await opened.pilot.press("slash", *"mail", "enter", "A")
        await until(lambda: len(opened.workspace.open_alarms) == 1)
        await opened.pilot.press("escape", "A")
        await until(lambda: not opened.workspace.open_alarms)


async def test_acknowledging_all_counts_older_pages_too(open_app: OpenApp, hall: LiveHall, home: object) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events([event(worker_id=f"w{number}") for number in range(450)])
        screen = await go_to_activity(opened)
        await until(lambda: len(screen.table.keys) == 200)
        await opened.pilot.press("A")
        await until(lambda: not opened.workspace.open_alarms)
        opened.workspace.journal.flush()
        assert opened.workspace.journal.unacknowledged_alarms("acme") == 0


async def test_older_events_come_as_one_goes_down(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events([info(f"w{number:03}") for number in range(450)])
        screen = await go_to_activity(opened)
        await until(lambda: "200+ shown" in opened.text())
        await opened.pilot.press("end")
        await until(lambda: len(screen.table.keys) == 400)
        await opened.pilot.press("end")
        await until(lambda: len(screen.table.keys) == 450)
        assert shown(screen) == [f"w{number:03}" for number in reversed(range(450))]
        assert "450 shown" in opened.text()


async def test_while_paused_new_events_are_counted_and_not_shown(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_activity(opened)
        opened.workspace.take_events([info("before")])
        await until(lambda: shown(screen) == ["before"])
        await opened.pilot.press("p")
        opened.workspace.take_events([info("held"), info("held-too")])
        await until(lambda: "paused · 2 waiting" in opened.text())
        assert shown(screen) == ["before"]
        await opened.pilot.press("p")
        await until(lambda: shown(screen) == ["held-too", "held", "before"])


async def test_the_filter_reaches_events_that_were_not_loaded(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        events = [info("needle"), *(info(f"w{number}") for number in range(400))]
        opened.workspace.take_events(events)
        screen = await go_to_activity(opened)
        await until(lambda: len(screen.table.keys) == 200)
        await opened.pilot.press("slash", *"needle")
        await until(lambda: shown(screen) == ["needle"])
        await opened.pilot.press("escape")
        await until(lambda: len(screen.table.keys) == 200)


async def test_keys_narrow_to_a_severity_a_kind_and_a_worker(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events([info("a"), event(worker_id="a"), info("b"), event(worker_id="b")])
        screen = await go_to_activity(opened)
        await until(lambda: len(screen.table.keys) == 4)
        await opened.pilot.press("s", "s", "s")
        assert shown(screen) == ["b", "a"]
        assert "severity: ALARM" in opened.text()
        await opened.pilot.press("escape", "t", "t")
        assert {screen._shown[key].kind for key in screen.table.keys} == {Kind.ATTESTED}
        await opened.pilot.press("escape", "home", "w")
        assert shown(screen) == ["b", "b"]
        await opened.pilot.press("w")
        assert len(screen.table.keys) == 4


async def test_no_letter_acts_while_one_types_the_filter(open_app: OpenApp, hall: LiveHall) -> None:
    """F34."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_activity(opened)
        await opened.pilot.press("slash", *"quorum?", "slash", "1")
        assert opened.screen is screen
        assert screen.query_one(Input).value == "quorum?/1"


async def test_enter_goes_to_the_worker_and_opens_it(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=("other", WORKER)) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events([event(worker_id=WORKER)])
        screen = await go_to_activity(opened)
        await until(lambda: shown(screen)[:1] == [WORKER])
        await opened.pilot.press("home", "enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
        assert WORKER in opened.text()
        await opened.pilot.press("escape")
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        assert opened.screen.table.cursor_key == WORKER  # type: ignore[attr-defined]


async def test_an_event_of_a_worker_that_is_watched_no_more_says_so(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_activity(opened)
        opened.workspace.take_events([info("gone")])
        await until(lambda: shown(screen) == ["gone"])
        await opened.pilot.press("enter")
        await until(lambda: any("gone is not on the watch list" in toast for toast in toasts(opened)))


async def test_hostile_texts_are_shown_letter_by_letter(open_app: OpenApp, hall: LiveHall) -> None:
    """F08, F09."""
    async with open_app(profile_of(hall), key=hall.key, size=(160, 40)) as opened:
        screen = await go_to_activity(opened)
        opened.workspace.take_events([info("w", detail=HOSTILE, correlation_id="req-\x1b[31m")])
        await until(lambda: shown(screen) == ["w"])
        await until(lambda: '{"flags": [true, false]} [/x]' in opened.text())
        assert "\x1b" not in opened.text() and "\x9b" not in opened.text()


async def test_without_colours_each_severity_is_a_word(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F26."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_activity(opened)
        opened.workspace.take_events([info(severity.name, severity=severity) for severity in Severity])
        await until(lambda: len(screen.table.keys) == 4)
        await opened.pilot.pause()
        for words in ("✖ ALARM", "▲ warning", "● notice", "· info", "▎"):
            assert words in opened.text()


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_it_is_usable_at_both_sizes(open_app: OpenApp, hall: LiveHall, size: tuple[int, int]) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=size) as opened:
        screen = await go_to_activity(opened)
        opened.workspace.take_events([event(worker_id=WORKER)])
        await until(lambda: shown(screen) == [WORKER])
        await opened.pilot.pause()
        row = next(line for line in opened.text().splitlines() if "✖ ALARM" in line)
        assert WORKER in row and "clean → banned" in row


async def test_export_writes_what_passes_the_filter(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_activity(opened)
        opened.workspace.take_events([info("=cmd()"), info("other")])
        await until(lambda: len(screen.table.keys) == 2)
        await opened.pilot.press("slash", *"cmd", "enter", "e")
        await until(lambda: isinstance(opened.screen, ExportScreen))
        field = opened.screen.query_one(Field)
        assert field.value.endswith(".jsonl")
        field.input.value = "missing/out.csv"
        await opened.pilot.press("enter")
        await until(lambda: field.has_mistake)
        assert "There is no folder missing" in opened.text()
        field.input.value = "out.csv"
        await opened.pilot.press("enter")
        await until(lambda: not isinstance(opened.screen, ExportScreen))
        header, *rows = csv.reader((tmp_path / "out.csv").read_text().splitlines())
        assert [dict(zip(header, row, strict=True))["worker_id"] for row in rows] == ["'=cmd()"]


async def test_a_week_of_a_lost_registry_is_few_rows(open_app: OpenApp, hall: LiveHall) -> None:
    """F42: what repeats is folded into rows with a count, and the list stays short."""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        screen = await go_to_activity(opened)
        for second in range(0, 7 * 86_400, 1_200):
            for kind in (Kind.REGISTRY_LOST, Kind.REGISTRY_REGAINED):
                opened.workspace.take_events(
                    [event(kind, None, severity=Severity.WARNING, at=NOW + second, before="live", after="lost")]
                )
        await until(lambda: screen.table.keys and not screen._redraw_pending)
        await opened.pilot.press("end")
        assert len(screen.table.keys) <= 2 * 7 * 86_400 / 1_200


async def test_toasts_of_many_bans_leave_room_and_go_when_one_looks(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        for number in range(20):
            opened.workspace.take_events([event(worker_id=f"w{number}")])
        assert len(toasts(opened)) == 4
        assert toasts(opened)[-1] == "and 17 more alarms: press 4 for all of them."
        await go_to_activity(opened)
        assert not toasts(opened)


async def test_acknowledging_elsewhere_takes_that_toast_away(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        opened.workspace.take_events([event(worker_id="seen"), event(worker_id="not-seen")])
        assert len(toasts(opened)) == 2
        opened.workspace.acknowledge([min(opened.workspace.open_alarms)])
        assert toasts(opened) == ["not-seen is BANNED (verify)"]
