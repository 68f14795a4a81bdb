"""An alarm's life on the real app: what the header counts, who has seen it, what is silenced and what is undone."""

import tomllib
from pathlib import Path

import pytest

from pyhall_tui.alarms.alarm import CONDITIONS, Condition
from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.screens.activity.silences_dialog import SilencesScreen
from tests.journal.makers import event
from tests.live_hall import WORKER, LiveHall
from tests.open_alarms import open_alarms
from tests.screens.conftest import OpenApp, profile_of
from tests.waiting import until

LIFT = {"before": "BANNED", "after": "clean", "severity": Severity.NOTICE}


@pytest.mark.thorough
async def test_a_ban_that_is_lifted_is_counted_no_more_and_says_so(open_app: OpenApp, hall: LiveHall) -> None:
    """F56, F57: by the list and by verify it is one; set again it is a new firing of the same."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(160, 45)) as opened:
        await until(lambda: "1 clean" in opened.text(), clock=opened.clock)
        hall.store.ban(WORKER, "exfiltrates")
        await until(lambda: "✖ 1 alarm" in opened.text() and "is BANNED" in opened.words(), clock=opened.clock)
        await opened.clock.advance(30)
        assert opened.workspace.alarms.firing == 1
        hall.store.unban(WORKER)
        await until(lambda: "✖ 1 alarm" not in opened.text() and "is BANNED" not in opened.words(), clock=opened.clock)
        await opened.pilot.press("4")
        await until(lambda: "clean → BANNED" in opened.text())
        await opened.pilot.press("end")
        await until(lambda: "resolved" in opened.words() and "by verify" in opened.words())
        hall.store.ban(WORKER, "mines coins")
        await until(lambda: "✖ 1 alarm" in opened.text(), clock=opened.clock)
        (alarm,) = opened.workspace.alarms.book.alarms()
        assert (alarm.times, alarm.detail) == (2, "mines coins")


@pytest.mark.thorough
async def test_a_silenced_worker_is_counted_as_such_and_stays_at_the_top_of_the_table(
    open_app: OpenApp, hall: LiveHall
) -> None:
    hall.add_worker("wkr_other", sha256="ab" * 32)
    profile = profile_of(hall)
    async with open_app(profile, key=hall.key, watch=(WORKER, "wkr_other"), size=(120, 45)) as opened:
        await until(lambda: "2 clean" in opened.text(), clock=opened.clock)
        await opened.pilot.press("4", "S")
        await until(lambda: isinstance(opened.screen, SilencesScreen))
        await opened.pilot.press(*WORKER, "tab", "tab", "tab", "enter")
        await until(lambda: "Give a time" in opened.text())
        await opened.pilot.press(*"10m", "tab", *"upgrade", "enter")
        await until(lambda: f"all of {WORKER}" in opened.words() and "upgrade" in opened.words())
        await opened.pilot.press("escape", "1")
        hall.store.ban(WORKER, "exfiltrates")
        await until(lambda: "1 silenced" in opened.text(), clock=opened.clock)
        assert "alarm" not in opened.text().splitlines()[0] and "is BANNED" not in opened.words()
        first = next(line for line in opened.text().splitlines() if "▌" in line)
        assert "✖ BANNED" in first and WORKER in first
        hall.store.ban("wkr_other", "exfiltrates")
        await until(lambda: "✖ 1 alarm · 1 silenced" in opened.text(), clock=opened.clock)
        opened.clock.skip(600)
        await until(lambda: "✖ 2 alarms" in opened.text() and "silenced" not in opened.text(), clock=opened.clock)
        await opened.pilot.press("4")
        await until(lambda: "no longer silenced: its time is over" in opened.words(), clock=opened.clock)


async def test_down_lists_the_kinds_that_can_be_silenced_and_enter_takes_one(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(80, 24)) as opened:
        await opened.pilot.press("4", "S")
        await until(lambda: isinstance(opened.screen, SilencesScreen))
        await opened.pilot.press("tab", "down")
        await until(lambda: all(kind in opened.text() for kind in tuple(CONDITIONS)[:6]))
        await opened.pilot.press("down", "enter")
        await until(lambda: "revoked" in opened.text() and "vanished" not in opened.text())
        assert "Give a time" not in opened.text()  # nothing was sent
        await opened.pilot.press("tab", "tab", *"10m", "enter")
        await until(lambda: [silence.what for silence in opened.workspace.alarms.book.silences] == ["revoked"])


async def test_an_acknowledgement_of_all_can_be_undone(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=(120, 40)) as opened:
        workspace = opened.workspace
        workspace.take_events([event(worker_id=f"w{number}") for number in range(30)])
        await opened.pilot.press("4")
        await until(lambda: "30 alarms not acknowledged" in opened.text())
        await opened.pilot.press("home", "a", "escape", "a", *"mine", "enter")
        await until(lambda: workspace.alarms.firing == 29)
        await opened.pilot.press("A")
        await until(lambda: workspace.alarms.firing == 0 and "▎" not in opened.text())
        workspace.take_events([event(Kind.UNBANNED, "w3", **LIFT), event(worker_id="w3", detail="again")])
        await until(lambda: workspace.alarms.firing == 1)
        await opened.pilot.press("u")
        await until(lambda: workspace.alarms.firing == 29 and "▎" in opened.text())
        seen = [alarm for alarm in workspace.alarms.book.alarms() if alarm.is_acknowledged]
        assert [alarm.note for alarm in seen] == ["mine"]
        await opened.pilot.press("u")
        await until(lambda: workspace.alarms.firing == 30)
        await opened.pilot.press("u")
        await until(lambda: any("nothing to undo" in each for each in opened.said()))
        assert workspace.journal.flush(30)
        assert open_alarms(workspace.journal, "acme") == 30


@pytest.mark.thorough
async def test_after_a_restart_it_is_as_it_was(open_app: OpenApp, hall: LiveHall) -> None:
    hall.add_worker("wkr_other", sha256="ab" * 32)
    profile = profile_of(hall, operator="night shift")
    async with open_app(profile, key=hall.key, watch=(WORKER, "wkr_other"), size=(120, 40)) as opened:
        await until(lambda: "2 clean" in opened.text(), clock=opened.clock)
        hall.store.ban(WORKER, "exfiltrates")
        await until(lambda: "✖ 1 alarm" in opened.text(), clock=opened.clock)
        await opened.pilot.press("4")
        await until(lambda: "clean → BANNED" in opened.text())
        await opened.pilot.press("a", *"on it", "enter")
        await until(lambda: "alarm" not in opened.text().splitlines()[0])
    async with open_app(profile, key=hall.key, size=(120, 40)) as opened:
        await until(lambda: "1 banned" in opened.text(), clock=opened.clock)
        await opened.clock.advance(60)
        assert opened.workspace.alarms.firing == 0
        (alarm,) = opened.workspace.alarms.book.alarms()
        assert (alarm.acknowledged_by, alarm.note, alarm.times) == ("night shift", "on it", 1)
        await opened.pilot.press("4")
        await until(lambda: "by night shift: on it" in opened.words())
        await opened.pilot.press("1", "x")
        await until(lambda: not opened.workspace.alarms.book.firing(WORKER))
        await opened.pilot.press("u")
        await until(lambda: "✖ 1 alarm" in opened.text(), clock=opened.clock)


async def test_rules_say_what_is_an_alarm_and_how_one_is_told(open_app: OpenApp, hall: LiveHall) -> None:
    """A mistake in one is said with its line, and the others hold."""
    profile = profile_of(hall)
    async with open_app(profile, key=hall.key) as opened:
        path = opened.home.config / "profiles.toml"
    with path.open("a") as file:
        file.write('\n[profiles.acme.alarms]\ndrifted = "note"\nrevoked = {tell = []}\nbanned = "loud"\n')
    assert tomllib.loads(path.read_text())
    line = path.read_text().splitlines().index('banned = "loud"') + 1
    async with open_app(key=None, keys=opened.keys, size=(160, 45)) as opened:
        await until(lambda: f"line {line}," in opened.words())
        opened.workspace.take_events(
            [
                event(Kind.DRIFTED, "w1"),
                event(Kind.STATUS_CHANGED, "w2", before="active", after="revoked"),
                event(Kind.BANNED, "w3"),
            ]
        )
        assert opened.workspace.alarms.firing == 2
        assert opened.workspace.alarms.book.firing("w1")[Condition.DRIFTED].severity is Severity.NOTICE
        told = [each for each in opened.said() if each.startswith("w")]
        assert told == ["w3 is BANNED (verify)"]


async def test_a_lost_registry_is_one_alarm_that_ends_though_the_program_was_closed_meanwhile(
    open_app: OpenApp, hall: LiveHall
) -> None:
    profile = profile_of(hall)
    async with open_app(profile, key=hall.key, watch=(WORKER,)) as opened:
        await until(lambda: "1 clean" in opened.text(), clock=opened.clock)
        hall.faults.add(path="*", drop="unheard")
        await until(lambda: "✖ 1 alarm" in opened.text(), clock=opened.clock)
        assert set(opened.workspace.alarms.book.firing("")) == {Condition.REGISTRY_LOST}
    hall.faults.clear()
    async with open_app(profile, key=hall.key) as opened:
        assert opened.workspace.alarms.firing == 1
        await until(lambda: "● live" in opened.text() and "alarm" not in opened.text(), clock=opened.clock)


def test_the_dialogs_module_is_not_in_the_way_of_the_first_frame() -> None:
    screen = (Path(__file__).parents[2] / "pyhall_tui/screens/activity/screen.py").read_text()
    assert "silences_dialog" not in screen.partition("\nclass ")[0]
