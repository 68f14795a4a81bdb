"""What fires and what stands at profiles that run beside the open one, on the screens about the open one."""

import pytest

from pyhall_tui.screens.alarms.screen import AlarmsScreen
from pyhall_tui.screens.run_log.screen import RunLogScreen
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp
from tests.screens.test_overview import Several, nobody, other_hall, several  # noqa: F401 (fixtures)
from tests.waiting import until


async def test_the_list_of_alarms_names_its_profile_and_goes_to_the_alarms_of_the_others(
    open_app: OpenApp,
    hall: LiveHall,
    other_hall: LiveHall,  # noqa: F811
    several: Several,  # noqa: F811
) -> None:
    other_hall.add_worker("wkr_there", sha256="ab" * 32)
    other_hall.store.ban("wkr_there", "exfiltrates")
    several.add(hall, "acme", watch=(WORKER,))
    several.add(other_hall, "staging", watch=("wkr_there",))
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock, size=(80, 24)) as opened:
        await until(lambda: "1 clean" in opened.text(), clock=opened.clock)
        await opened.pilot.press("exclamation_mark")
        await until(lambda: isinstance(opened.screen, AlarmsScreen))
        await until(
            lambda: "Elsewhere: staging ✖ 1 alarm · o opens staging" in opened.words(),
            clock=opened.clock,
        )
        assert "acme · nothing has fired yet" in opened.words()
        await until(lambda: "No alarm of acme has fired yet." in opened.words(), clock=opened.clock)
        await opened.pilot.press("o")
        await until(lambda: opened.workspace.profile.name == "staging" and isinstance(opened.screen, AlarmsScreen))
        await until(lambda: "staging · 1 firing" in opened.words() and "wkr_there" in opened.text())
        assert "Elsewhere" not in opened.words()
        await opened.pilot.press("o")
        await until(lambda: "No alarms fire in other profiles." in opened.said())


@pytest.mark.thorough
async def test_the_log_of_this_run_names_what_stands_at_other_profiles(
    open_app: OpenApp,
    hall: LiveHall,
    several: Several,  # noqa: F811
    nobody: str,  # noqa: F811
) -> None:
    several.add(hall, "acme", watch=(WORKER,))
    several.add(hall, "dead", registry_url=nobody, watch=("wkr_1",))
    several.add_without_key("keyless")
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock, size=(120, 36)) as opened:
        await until(lambda: "1 clean" in opened.text(), clock=opened.clock)
        await opened.pilot.press("L")
        await until(lambda: isinstance(opened.screen, RunLogScreen))
        await until(lambda: "▲ dead: Registry lost since" in opened.words(), clock=opened.clock)
        await until(lambda: "▲ keyless: " in opened.words(), clock=opened.clock)
        assert "▲ acme" not in opened.words()
