"""`f` on any correlation id, against the real hall: all that it touched."""

import pytest
from textual.widgets import Input

from pyhall_tui.screens.correlation.screen import CorrelationScreen
from pyhall_tui.screens.hall.decision import DecisionScreen
from pyhall_tui.screens.hash_reports import hash_sender, sent_reports
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.test_ban_list import open_list
from tests.screens.test_hall import dispatch, go_to_hall, reads
from tests.waiting import until


async def trace(opened: OpenedApp) -> str:
    """Press the key, and return the id that is looked up."""
    await opened.pilot.press("f")
    await until(lambda: isinstance(opened.screen, CorrelationScreen), clock=opened.clock)
    return opened.screen.query_one("#trace-id", Input).value


def verify_ids(hall: LiveHall) -> list[str]:
    """Return the correlation ids of all verify requests so far; while a screen opens, a newer verdict may come."""
    return [dict(seen.headers)["x-correlation-id"] for seen in hall.requests if "/verify/" in seen.raw_path]


async def test_an_alarm_leads_to_its_verdict(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(120, 40)) as opened:
        await until(lambda: opened.workspace.fleet.get(WORKER).verdict, clock=opened.clock)  # type: ignore[union-attr]
        hall.store.ban(WORKER, "sends mail")
        await until(lambda: opened.workspace.alarms.firing, clock=opened.clock)
        await opened.pilot.press("4")
        await reads(opened, "BANNED")
        await opened.pilot.press("home")
        asked = await trace(opened)
        assert asked.startswith("req-")
        await reads(opened, "EVENTS", WORKER, "None of the hall's last 500 decisions has this id.")


async def test_a_long_line_goes_on_below_its_own_beginning(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 30)) as opened:
        await until(lambda: opened.workspace.fleet.get(WORKER).verdict, clock=opened.clock)  # type: ignore[union-attr]
        hall.store.ban(WORKER, "sends mail " * 12 + "at night")
        await until(lambda: opened.workspace.alarms.firing, clock=opened.clock)
        await opened.pilot.press("4")
        await reads(opened, "BANNED")
        await opened.pilot.press("home")
        await trace(opened)
        await reads(opened, "EVENTS", "at night")
        lines = opened.text().splitlines()
        first = next(at for at, line in enumerate(lines) if WORKER in line and "BANNED" in line)
        last = next(at for at, line in enumerate(lines) if "at night" in line and at > first)
        start = lines[first].index("✖")
        assert first < last
        for line in lines[first + 1 : last + 1]:
            assert line[:start].strip("│ ") == "" and line[start] != " "


@pytest.mark.thorough
async def test_a_decision_of_the_hall_is_found_by_its_id(open_app: OpenApp, hall: LiveHall) -> None:
    dispatch(hall, "critical", "req-\x1b[31mtwo")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(120, 40)) as opened:
        await go_to_hall(opened)
        await reads(opened, "POLICY_BLOCKED")
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.screen, DecisionScreen), clock=opened.clock)
        await trace(opened)
        await reads(opened, "DECISIONS OF THE HALL", "POLICY_BLOCKED", "deny-critical")
        assert "\x1b" not in opened.text()


@pytest.mark.thorough
async def test_the_id_under_the_cursor_is_taken_from_every_screen(open_app: OpenApp, hall: LiveHall) -> None:
    dispatch(hall, "low", "req-one")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(160, 40)) as opened:
        await until(lambda: opened.workspace.fleet.get(WORKER).verdict, clock=opened.clock)  # type: ignore[union-attr]
        assert await trace(opened) in verify_ids(hall)
        await reads(opened, "VERDICTS")
        await opened.pilot.press("escape", "enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen), clock=opened.clock)
        assert (await trace(opened)).startswith("req-")
        await opened.pilot.press("escape", "escape")
        await open_list(opened)
        assert (await trace(opened)).startswith("req-")
        await opened.pilot.press("escape", "escape")
        await go_to_hall(opened)
        await reads(opened, "req-one")
        assert await trace(opened) == "req-one"


async def test_what_was_typed_and_left_is_not_put_over_the_id_under_the_cursor(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(120, 40)) as opened:
        await until(lambda: opened.workspace.fleet.get(WORKER).verdict, clock=opened.clock)  # type: ignore[union-attr]
        await trace(opened)
        field = opened.screen.query_one("#trace-id", Input)
        await until(lambda: field.has_focus)
        await opened.pilot.press(*"typed")
        await until(lambda: field.value.endswith("typed"))
        await opened.pilot.press("escape")
        await until(lambda: any("What you typed is kept" in each for each in opened.said()))
        assert await trace(opened) in verify_ids(hall)


@pytest.mark.parametrize(
    ("status", "said"), [(404, "Nothing recorded here"), (500, "The hall's decisions could not be read")]
)
@pytest.mark.thorough
async def test_a_registry_without_decisions_or_one_that_fails(
    open_app: OpenApp, hall: LiveHall, status: int, said: str
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(120, 40)) as opened:
        hall.faults.add(path="/dispatches", status=status)
        await opened.pilot.press("3", "escape")
        opened.app.set_focus(None)
        await trace(opened)
        opened.screen.query_one("#trace-id", Input).value = "req-nowhere"
        await opened.pilot.press("enter")
        await reads(opened, said)


async def test_a_report_is_shown_as_one(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(120, 40)) as opened:
        workspace = opened.workspace
        await until(lambda: workspace.fleet.listing, clock=opened.clock)
        sender = hash_sender(workspace)
        sent = await sender.report_once(sent_reports(workspace), None, "cd" * 32, "sends mail", "")
        await until(lambda: workspace.journal.by_correlation_id(sent.correlation_id).events, clock=opened.clock)
        await opened.pilot.press("4")
        await reads(opened, "report cdcdcdcd")
        await opened.pilot.press("home")
        assert await trace(opened) == sent.correlation_id
        await reads(opened, "ATTESTATIONS AND REPORTS", "report cdcdcdcd")
