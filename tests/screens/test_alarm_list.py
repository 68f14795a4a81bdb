"""The list of alarms: one row for each, with its state, whoever reported it and whatever became of it."""

from textual.widgets import Input

from pyhall_tui.alarms.alarm import Condition
from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.screens.alarms.screen import AlarmsScreen
from pyhall_tui.screens.correlation.screen import CorrelationScreen
from tests.journal.makers import event
from tests.live_hall import LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.waiting import until

LIFT = {"before": "BANNED", "after": "clean", "severity": Severity.NOTICE}
BANNED = {"before": "clean", "after": "BANNED"}


async def open_list(opened: OpenedApp) -> AlarmsScreen:
    await opened.pilot.press("exclamation_mark")
    await until(lambda: isinstance(opened.screen, AlarmsScreen))
    screen = opened.screen
    assert isinstance(screen, AlarmsScreen)
    return screen


def row(opened: OpenedApp, worker: str) -> str:
    """Return the row of the table about a worker."""
    table = opened.text().partition("SEVERITY")[2]
    return next((line for line in table.splitlines() if f" {worker} " in line), "")


async def test_every_alarm_is_a_row_with_its_state(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(170, 45)) as opened:
        alarms, wall = opened.workspace.alarms, opened.clock.now().wall
        opened.workspace.take_events(
            [
                event(worker_id="w-fires", detail="exfiltrates", source="ban list", **BANNED),
                event(worker_id="w-seen", **BANNED),
                event(worker_id="w-quiet", **BANNED),
                event(worker_id="w-over", **BANNED),
                event(Kind.UNBANNED, "w-over", source="verify", **LIFT),
                event(Kind.REGISTRY_LOST, None, before="live", after="lost", source="client", detail="no answer"),
            ]
        )
        alarms.operator = "ada"
        alarms.acknowledge_alarms(alarms.book.firing("w-seen").values(), "ticket 4711")
        alarms.silence(wall + 3_600, "upgrade", worker="w-quiet")
        await opened.pilot.press("4")
        await until(lambda: "! Alarms" in opened.text())
        await open_list(opened)
        await until(lambda: "1 resolved" in opened.text())
        assert "2 firing · 1 silenced · 1 acknowledged · 1 resolved" in opened.text()
        assert all(
            part in row(opened, "w-fires") for part in ("✖ ALARM", "firing", "banned", "ban list", "exfiltrates")
        )
        assert all(part in row(opened, "registry") for part in ("✖ ALARM", "firing", "registry lost", "no answer"))
        assert all(part in row(opened, "w-seen") for part in ("acknowledged", "by ada: ticket 4711"))
        assert all(part in row(opened, "w-quiet") for part in ("silenced", "until", "by ada: upgrade"))
        assert all(part in row(opened, "w-over") for part in ("resolved", "by verify"))
        assert "Silenced: all of w-quiet until" in opened.text() and "S lists and ends silences" in opened.text()


async def test_an_alarm_is_acknowledged_with_a_note_and_that_is_undone(open_app: OpenApp, hall: LiveHall) -> None:
    """The cursor goes on to what still needs somebody, and the events behind the alarm are seen as well."""
    async with open_app(profile_of(hall), key=hall.key, size=(150, 40)) as opened:
        workspace = opened.workspace
        workspace.take_events([event(worker_id=each, **BANNED) for each in ("w1", "w2", "w3")])
        await opened.pilot.press("4")
        screen = await open_list(opened)
        await until(lambda: "3 firing" in opened.text())
        first = screen.table.cursor_key
        await opened.pilot.press("a", *"on it", "enter")
        await until(lambda: "2 firing · 1 acknowledged" in opened.text())
        assert "on it" in opened.text() and workspace.alarms.firing == 2
        assert screen.table.cursor_key not in (first, None)
        await opened.pilot.press("home", "space", "space", "a", "enter")
        await until(lambda: "3 acknowledged" in opened.text())
        await opened.pilot.press("escape")
        await until(lambda: "▎" not in opened.text() and "w1" in opened.text())
        await open_list(opened)
        await opened.pilot.press("u")
        await until(lambda: "2 firing · 1 acknowledged" in opened.text())
        await opened.pilot.press("u")
        await until(lambda: "3 firing" in opened.text() and workspace.alarms.firing == 3)


async def test_an_alarm_is_silenced_from_its_row(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(150, 45)) as opened:
        opened.workspace.take_events([event(worker_id="w1", **BANNED), event(Kind.DRIFTED, "w1")])
        screen = await open_list(opened)
        await until(lambda: "2 firing" in opened.text())
        screen.table.move_to(opened.workspace.alarms.book.firing("w1")[Condition.BANNED].id)
        await opened.pilot.press("S")
        await until(lambda: opened.screen.query_one("#kind", Input).value == "banned")
        await opened.pilot.press(*"2h", "tab", *"rollout", "enter", "escape")
        await until(lambda: "1 firing · 1 silenced" in opened.text())
        assert "Silenced: banned of w1" in opened.text()
        await opened.pilot.press("S", "shift+tab", "shift+tab", "shift+tab", "shift+tab")
        await opened.pilot.press("x", "escape")
        await until(lambda: "2 firing" in opened.text() and "Silenced:" not in opened.text())


async def test_the_list_is_narrowed_by_text_state_and_kind(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(150, 40)) as opened:
        opened.workspace.take_events(
            [event(worker_id="w1", detail="mines coins", **BANNED), event(Kind.DRIFTED, "w2"), event(worker_id="w3")]
        )
        screen = await open_list(opened)
        await until(lambda: "3 firing" in opened.text() and "3 alarms" in opened.text())
        await opened.pilot.press("slash", *"COINS w1", "enter")
        await until(lambda: len(screen.table.keys) == 1 and "1 of 3 shown" in opened.text())
        await opened.pilot.press("escape")
        await until(lambda: len(screen.table.keys) == 3)
        await opened.pilot.press("s", "s", "s")
        await until(lambda: "state: silenced" in opened.text() and "No alarm matches" in opened.text())
        assert "0 of 3 shown" in opened.text()
        await opened.pilot.press("escape", "t")
        await until(lambda: "kind: banned" in opened.text() and len(screen.table.keys) == 2)
        await opened.pilot.press("escape", "escape")
        await until(lambda: not isinstance(opened.screen, AlarmsScreen))


async def test_what_ended_in_an_earlier_run_is_listed_too(open_app: OpenApp, hall: LiveHall) -> None:
    profile = profile_of(hall)
    async with open_app(profile, key=hall.key) as opened:
        opened.workspace.take_events([event(worker_id="w1", **BANNED), event(Kind.UNBANNED, "w1", **LIFT)])
        assert opened.workspace.journal.flush(30)
    async with open_app(profile, key=hall.key, size=(150, 40)) as opened:
        await open_list(opened)
        await until(lambda: "1 resolved" in opened.text() and "by verify" in row(opened, "w1"))


async def test_f_traces_what_the_alarm_fired_with(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(150, 40)) as opened:
        opened.workspace.take_events([event(worker_id="w1", correlation_id="corr-17", **BANNED)])
        await open_list(opened)
        await until(lambda: "corr-17" in opened.text())
        await opened.pilot.press("f")
        await until(lambda: isinstance(opened.screen, CorrelationScreen) and "corr-17" in opened.text())
        await opened.pilot.press("escape")
        await until(lambda: isinstance(opened.screen, AlarmsScreen))
        await opened.pilot.press("exclamation_mark")
        await until(lambda: not isinstance(opened.screen, AlarmsScreen))


async def test_all_that_matters_fits_on_a_small_screen_without_color(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(80, 24)) as opened:
        opened.workspace.take_events(
            [event(worker_id="wkr_" + "x" * 60, detail="e" * 300, **BANNED), event(Kind.BAN_LIST_TRUNCATED, None)]
        )
        await open_list(opened)
        await until(lambda: "2 firing" in opened.text())
        shown = next(line for line in opened.text().splitlines() if "wkr…xxx" in line)
        assert all(part in shown for part in ("✖ ALARM", "firing", "banned"))
        assert "ban list truncated" in opened.text() and "esc" in opened.text()


async def test_a_hostile_alarm_shows_as_text(open_app: OpenApp, hall: LiveHall) -> None:
    hostile = "\x1b]0;owned\x07[bold]\u202ew"
    async with open_app(profile_of(hall), key=hall.key, size=(150, 40)) as opened:
        opened.workspace.take_events([event(worker_id=hostile, detail=hostile, **BANNED)])
        await open_list(opened)
        await until(lambda: "1 firing" in opened.text())
        assert "\x1b" not in opened.text() and "\u202e" not in opened.text() and "[bold]" in opened.text()
