"""The overview, with Pilot, against several real halls at once, on a clock that the test moves."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from textual.widgets import Input, TextArea

from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.ids import worker_and_fleet
from pyhall_tui.paths import Home
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.keys import KeyStore
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.screens.overview.profiles_table import ProfilesTable
from pyhall_tui.screens.overview.screen import OverviewScreen
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.widgets import clipboard
from pyhall_tui.widgets.clipboard import SelectTextScreen
from tests.clock import ManualClock
from tests.live_hall import WORKER, LiveHall, live_hall
from tests.screens.conftest import OpenApp, OpenedApp, no_keyring, profile_of
from tests.typist import settled, write
from tests.waiting import until

WIDE = (200, 40)


@pytest.fixture
def other_hall() -> Iterator[LiveHall]:
    with live_hall() as live:
        yield live


@pytest.fixture
def nobody() -> Iterator[str]:
    """The address of a port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


class Several:
    """Profiles with their keys and watch lists, for `open_app`."""

    def __init__(self, home: Home) -> None:
        self.clock = ManualClock()
        self.keys = KeyStore(self.clock, find_keyring=no_keyring)
        self.profiles: list[Any] = []
        self._home = home

    def add(
        self, hall: LiveHall, name: str, *, key: str | None = None, watch: tuple[str, ...] = (), **fields: Any
    ) -> None:
        profile = profile_of(hall, name=name, **({"overview": True} | fields))
        self.profiles.append(profile)
        self.keys.hold_for_this_run(profile, ApiKey(key or hall.key))
        WatchList(self._home.data, name).add(watch)

    def add_without_key(self, name: str) -> None:
        self.profiles.append(
            Profile(name=name, namespace="org.nokey", registry_url="https://registry.example", overview=True)
        )


@pytest.fixture
def several(home: Home) -> Several:
    return Several(home)


async def show_overview(opened: OpenedApp) -> OverviewScreen:
    await opened.pilot.press("0")
    await until(lambda: opened.app.current_mode == "overview")
    await opened.pilot.pause()
    screen = opened.app.screen
    assert isinstance(screen, OverviewScreen)
    return screen


def row_of(opened: OpenedApp, name: str) -> str:
    """Return a profile's row as it is on the screen."""
    lines = [line for line in opened.text().splitlines() if line.startswith("│") and f" {name} " in line[:24]]
    return lines[0] if lines else ""


def everywhere(opened: OpenedApp, holds: Callable[[str, str], bool], *names: str) -> Callable[[], bool]:
    return lambda: all(holds(name, row_of(opened, name)) for name in names)


@pytest.mark.thorough
async def test_each_profile_says_how_its_own_registry_is(
    open_app: OpenApp, hall: LiveHall, other_hall: LiveHall, several: Several, nobody: str
) -> None:
    """One is well, one is dead, one rejects the key, one has no key: none of them looks like another, or clean."""
    several.add(hall, "well", watch=(WORKER,))
    several.add(hall, "dead", registry_url=nobody, watch=("wkr_1",))
    several.add(other_hall, "rejecting", key="phk_wrong", watch=("wkr_2",))
    several.add_without_key("keyless")
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock, size=WIDE) as opened:
        await show_overview(opened)
        await until(lambda: "● live" in row_of(opened, "well"), clock=opened.clock)
        await until(lambda: "✖ lost" in row_of(opened, "dead"), clock=opened.clock)
        await until(lambda: "✖ key rejected" in row_of(opened, "rejecting"), clock=opened.clock)
        await until(lambda: "✖ no key" in row_of(opened, "keyless"), clock=opened.clock)
        await until(lambda: "1 clean" in row_of(opened, "well"), clock=opened.clock)
        for name in ("dead", "rejecting", "keyless"):
            assert "live" not in row_of(opened, name)
            assert "clean" not in row_of(opened, name)
        assert "list ✔" in row_of(opened, "well") and "verify ✔" in row_of(opened, "well")
        assert "✖ 1" in row_of(opened, "dead") and "✖ 1" in row_of(opened, "rejecting")


@pytest.mark.thorough
async def test_counts_and_alarms_are_those_of_each_profiles_own_screens(
    open_app: OpenApp, hall: LiveHall, other_hall: LiveHall, several: Several
) -> None:
    hall.add_worker("wkr_new", sha256=None, attested_at=None)
    hall.store.ban(WORKER, "exfiltrates")
    other_hall.add_worker("wkr_old", status="retired")
    several.add(hall, "acme", watch=(WORKER, "wkr_new"))
    several.add(other_hall, "other", watch=(WORKER, "wkr_old", "wkr_none"))
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock, size=WIDE) as opened:
        screen = await show_overview(opened)
        shown = {"acme": "1 banned 1 unattested", "other": "1 unknown 1 retired 1 clean"}
        await until(everywhere(opened, lambda name, row: shown[name] in row, *shown), clock=opened.clock)
        await until(lambda: "✖ 1" in row_of(opened, "acme"), clock=opened.clock)
        assert "5 workers of 2 profiles" in opened.text()
        assert worker_and_fleet(screen.workers_table.keys[0]) == (WORKER, "acme")
        for name, states in (("acme", "1 banned · 1 unattested"), ("other", "1 unknown · 1 retired · 1 clean")):
            if name == "other":
                await opened.pilot.press("down", "enter")
                await until(lambda: opened.workspace.profile.name == "other")
            else:
                await opened.pilot.press("1")
            await until(lambda: opened.app.current_mode == "workers")
            await until(lambda states=states: states in opened.text(), clock=opened.clock)
            await show_overview(opened)


@pytest.mark.thorough
async def test_enter_opens_a_profile_or_a_worker_in_its_profile(
    open_app: OpenApp, hall: LiveHall, other_hall: LiveHall, several: Several
) -> None:
    other_hall.add_worker("wkr_theirs")
    several.add(hall, "acme", watch=(WORKER,))
    several.add(other_hall, "other", watch=("wkr_theirs",))
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock) as opened:
        screen = await show_overview(opened)
        await until(lambda: "2 clean" in opened.text(), clock=opened.clock)
        await opened.pilot.press("tab")
        assert screen.workers_table.has_focus
        screen.workers_table.move_to(next(key for key in screen.workers_table.keys if key.startswith("wkr_theirs")))
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.app.screen, WorkerDetailScreen))
        assert opened.workspace.profile.name == "other"
        assert "wkr_theirs" in opened.text()
        await opened.pilot.press("escape", "0")
        await until(lambda: opened.app.current_mode == "overview")
        await until(lambda: len(opened.app.screen.query_one(ProfilesTable).keys) == 2, clock=opened.clock)
        await opened.pilot.press("home", "enter")
        await until(lambda: opened.workspace.profile.name == "acme" and opened.app.current_mode == "workers")


@pytest.mark.thorough
async def test_one_filter_and_one_order_for_all_workers(
    open_app: OpenApp, hall: LiveHall, other_hall: LiveHall, several: Several, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        hall.add_worker(f"wkr_{number}")
        other_hall.add_worker(f"wkr_{number}", display_name="Mailer")
    ids = tuple(f"wkr_{number}" for number in range(3))
    several.add(hall, "acme", watch=ids)
    several.add(other_hall, "other", watch=ids)
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock) as opened:
        screen = await show_overview(opened)
        await until(lambda: "6 clean" in opened.text(), clock=opened.clock)
        table = screen.workers_table
        await opened.pilot.press("slash", *"other")
        await until(lambda: {name for _, name in map(worker_and_fleet, table.keys)} == {"other"})
        assert "3 of 6 shown of 2 profiles" in opened.text()
        screen.query_one("#filter", Input).value = "MAILER 1"
        await until(lambda: [worker_and_fleet(key) for key in table.keys] == [("wkr_1", "other")])
        await opened.pilot.press("escape", "s")
        assert [worker_and_fleet(key) for key in table.keys] == [
            (each, name) for each in ids for name in ("acme", "other")
        ]
        await opened.pilot.press("S")
        assert worker_and_fleet(table.keys[0]) == ("wkr_2", "other")
        await opened.pilot.press("s")
        assert "PROFILE ▲" in opened.text()
        assert [worker_and_fleet(key) for key in table.keys] == [
            (each, name) for name in ("acme", "other") for each in ids
        ]
        await opened.pilot.press("S")
        assert worker_and_fleet(table.keys[0]) == ("wkr_2", "other")
        monkeypatch.setattr(clipboard, "tools", lambda *_: [])  # not on the clipboard of whoever runs the tests
        table.move_to(table.keys[0])  # a key is not taken while a row has just come under the cursor by itself
        write(opened.app, "y", "C")
        await until(lambda: isinstance(opened.screen, SelectTextScreen))
        assert opened.screen.query_one(TextArea).text == "wkr_2"


async def test_a_ban_anywhere_is_on_screen_at_the_top_within_its_lists_interval(
    open_app: OpenApp, hall: LiveHall, other_hall: LiveHall, several: Several
) -> None:
    several.add(hall, "acme", watch=(WORKER,))
    several.add(other_hall, "other", watch=(WORKER,), ban_list_interval=5.0)
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock) as opened:
        screen = await show_overview(opened)
        await until(lambda: "2 clean" in opened.text(), clock=opened.clock)
        other_hall.store.ban(WORKER, "exfiltrates")
        began = opened.clock.now().mono
        await until(lambda: "1 banned" in row_of(opened, "other"), clock=opened.clock)
        assert opened.clock.now().mono - began <= 7
        await until(lambda: worker_and_fleet(screen.workers_table.keys[0]) == (WORKER, "other"), clock=opened.clock)


async def test_space_chooses_a_profile_and_the_file_says_so(open_app: OpenApp, hall: LiveHall, home: Home) -> None:
    """What else is in the file stays, comments too."""
    path = home.config / "profiles.toml"
    async with open_app(profile_of(hall, name="acme"), key=hall.key) as opened:
        path.write_text(f"# mine\n{path.read_text()}")
        screen = await show_overview(opened)
        assert "Press a to choose the profiles that are listed." in opened.text()
        await opened.pilot.press("space")
        store = ProfileStore(path)
        await until(lambda: store.load().profiles[0].overview)
        assert path.read_text().startswith("# mine\n")
        await until(lambda: screen.profiles.marked == {"acme"}, clock=opened.clock)
        await opened.pilot.press("space")
        await until(lambda: not store.load().profiles[0].overview)


async def test_a_profile_that_is_not_listed_is_chosen_from_all(open_app: OpenApp, hall: LiveHall, home: Home) -> None:
    profiles = [profile_of(hall, name="acme"), profile_of(hall, name="other", namespace="org.other")]
    async with open_app(*profiles, key=hall.key) as opened:
        screen = await show_overview(opened)
        assert list(screen.profiles.keys) == ["acme"]
        await opened.pilot.press("a")
        await until(lambda: "org.other" in opened.text())
        await opened.pilot.press("down", "enter")
        await until(lambda: ProfileStore(home.config / "profiles.toml").load().profiles[1].overview)
        await opened.pilot.press("escape")
        await until(lambda: list(screen.profiles.keys) == ["acme", "other"], clock=opened.clock)


async def test_a_hidden_overview_costs_nothing(
    open_app: OpenApp, hall: LiveHall, several: Several, monkeypatch: pytest.MonkeyPatch
) -> None:
    several.add(hall, "acme", watch=(WORKER,))
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock) as opened:
        screen = await show_overview(opened)
        await until(lambda: "1 clean" in opened.text(), clock=opened.clock)
        await opened.pilot.press("1")
        await until(lambda: opened.app.current_mode == "workers")
        drawn: list[str] = []
        monkeypatch.setattr(screen.profiles, "refresh_rows", drawn.extend)
        monkeypatch.setattr(screen.workers_table, "refresh_rows", drawn.extend)
        hall.store.ban(WORKER, "exfiltrates")
        await until(lambda: "✖ BANNED" in opened.text(), clock=opened.clock)
        await until(lambda: "just now" not in opened.text().replace("✖", ""), clock=opened.clock)
        assert drawn == []
        await opened.pilot.press("0")
        await until(lambda: drawn)


async def test_hostile_names_and_ids_are_cleaned(open_app: OpenApp, hall: LiveHall, several: Several) -> None:
    """F07: what a registry answers is text, never markup or a control sequence."""
    hall.add_worker("wkr_[red]", display_name="[bold]\x1b[2J\u202eevil")
    several.add(hall, "[red]acme[/]", watch=("wkr_[red]",))
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock, size=WIDE) as opened:
        await show_overview(opened)
        await until(lambda: "[bold]␛[2J·evil" in opened.text(), clock=opened.clock)
        assert "[red]acme[/]" in opened.text()
        assert all(line.isprintable() for line in opened.text().splitlines())


@pytest.mark.parametrize("lines", [10, 12, 16, 17, 24])
async def test_the_workers_have_rows_however_low_the_terminal_is(open_app: OpenApp, hall: LiveHall, lines: int) -> None:
    hall.add_worker("wkr_a")
    hall.store.ban("wkr_a", "exfiltrates")
    async with open_app(profile_of(hall), key=hall.key, watch=("wkr_a", "wkr_b"), size=(100, lines)) as opened:
        await show_overview(opened)
        await until(lambda: "BANNED" in opened.text(), clock=opened.clock)
        assert "wkr_a" in opened.text()


async def test_without_a_profile_it_says_how_to_begin(open_app: OpenApp) -> None:
    async with open_app(size=(80, 24)) as opened:
        await until(lambda: opened.app.current_mode == "profiles")
        await opened.pilot.press("escape")
        await show_overview(opened)
        assert "press a to choose profiles, or make one on Profiles (5)" in opened.words()


async def test_the_demo_is_listed_while_it_is_open_and_runs_by_itself(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall, name="demo"), demo=True, size=WIDE) as opened:
        screen = await show_overview(opened)
        await until(lambda: screen.workers_table.roster.counts[State.CLEAN] > 10, clock=opened.clock)
        assert list(screen.profiles.keys) == ["demo"]
        await opened.pilot.press("a")
        await until(lambda: "[ ]" in opened.text())
        await opened.pilot.press("enter", "escape")
        await until(lambda: "✖ not running" in opened.text())
        await opened.pilot.press("down")
        await until(lambda: "The demo runs by itself. Open a profile to watch those of the overview." in opened.text())


@pytest.mark.thorough
async def test_a_second_enter_does_not_open_the_profile_again(
    open_app: OpenApp, hall: LiveHall, other_hall: LiveHall, several: Several
) -> None:
    several.add(hall, "acme", watch=(WORKER,))
    several.add(other_hall, "other", watch=(WORKER,))
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock) as opened:
        screen = await show_overview(opened)
        await until(lambda: "2 clean" in opened.text(), clock=opened.clock)
        running = next(kept.workspace for kept in opened.app.fleets.kept if kept.profile.name == "other")
        table = screen.profiles
        table.move_to("other")
        table.post_message(ProfilesTable.Opened(table, "other"))
        table.post_message(ProfilesTable.Opened(table, "other"))
        await until(lambda: opened.app.current_mode == "workers")
        await opened.pilot.pause()
        assert opened.workspace is running


async def test_a_profiles_file_with_a_mistake_is_named_when_you_choose(
    open_app: OpenApp, hall: LiveHall, home: Home
) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await show_overview(opened)
        (home.config / "profiles.toml").write_text("[profiles.acme\nname=")
        await opened.pilot.press("space")
        await until(lambda: "Not saved:" in opened.words())
        await opened.pilot.press("a")
        await until(lambda: "Profiles of the overview" in opened.text())
        assert "acme" in opened.text()


async def test_news_of_another_profile_names_it_and_the_overview_makes_it_seen(
    open_app: OpenApp, several: Several, hall: LiveHall, other_hall: LiveHall
) -> None:
    other_hall.add_worker("wkr_there", sha256="ab" * 32)
    several.add(hall, "acme", watch=(WORKER,))
    several.add(other_hall, "staging", watch=("wkr_there",))
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock, size=WIDE) as opened:
        await until(lambda: "1 clean" in opened.text(), clock=opened.clock)
        other_hall.store.ban("wkr_there", "exfiltrates")
        await until(
            lambda: "✖ ALARM staging: wkr_there is BANNED" in opened.text() and "0 overview" in opened.text(),
            clock=opened.clock,
        )
        await opened.pilot.press("4")
        await until(lambda: opened.app.current_mode == "activity")
        await opened.pilot.pause()
        assert "✖ ALARM staging: wkr_there is BANNED" in opened.text(), "Activity lists only the open profile's alarms"
        await show_overview(opened)
        await opened.pilot.press("1")
        await until(lambda: opened.app.current_mode == "workers")
        await opened.pilot.pause()
        assert "ALARM" not in opened.text()


async def test_hidden_marks_are_counted_and_verified_once_with_the_number_of_each_profile(
    open_app: OpenApp,
    hall: LiveHall,
    other_hall: LiveHall,
    several: Several,
) -> None:
    hall.add_worker("wkr_2", sha256="ab" * 32)
    several.add(hall, "acme", watch=(WORKER, "wkr_2"))
    several.add(other_hall, "other", watch=(WORKER,))
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock, size=WIDE) as opened:
        screen = await show_overview(opened)
        await until(lambda: "3 workers of 2 profiles" in opened.text(), clock=opened.clock)
        screen.workers_table.focus()
        write(opened.app, "ctrl+a")
        await settled(opened.app)
        screen.query_one("#filter", Input).value = "wkr_2"
        await until(lambda: "• 3 marked (2 hidden)" in opened.text(), clock=opened.clock)
        write(opened.app, "v")
        await until(lambda: "Verify 3 workers?" in opened.text())
        words = opened.words()
        assert "2 of them are hidden by the filter." in words
        assert "2 of acme" in words and "1 of other" in words
        write(opened.app, "y", "y")
        await until(lambda: "Verifying 3 workers now." in "\n".join(opened.said()))


async def test_marks_of_one_profile_go_to_its_matrix_and_those_of_several_are_explained(
    open_app: OpenApp,
    hall: LiveHall,
    other_hall: LiveHall,
    several: Several,
) -> None:
    other_hall.add_worker("wkr_2", sha256="ab" * 32)
    several.add(hall, "acme", watch=(WORKER,))
    several.add(other_hall, "other", watch=(WORKER, "wkr_2"))
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock, size=WIDE) as opened:
        screen = await show_overview(opened)
        await until(lambda: "3 workers of 2 profiles" in opened.text(), clock=opened.clock)
        screen.workers_table.focus()
        write(opened.app, "ctrl+a", "t")
        await until(lambda: "The marked workers are of several profiles" in "\n".join(opened.said()))
        screen.workers_table.unmark()
        screen.query_one("#filter", Input).value = "profile:other"
        await until(lambda: len(screen.workers_table.keys) == 2, clock=opened.clock)
        write(opened.app, "ctrl+a", "t")
        await until(lambda: opened.app.current_mode == "dispatch", clock=opened.clock)
        await until(lambda: "2 workers × 1 tier" in opened.words(), clock=opened.clock)
        assert opened.workspace.profile.name == "other"


@pytest.mark.thorough
async def test_the_header_counts_the_alarms_of_other_profiles_where_there_is_room(
    open_app: OpenApp, hall: LiveHall, other_hall: LiveHall, several: Several
) -> None:
    """It counted only those of the open profile."""
    several.add(hall, "acme", watch=(WORKER,))
    several.add(other_hall, "other", watch=(WORKER, "wkr_bad"))
    other_hall.add_worker("wkr_bad", sha256="ba" * 32)
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock, size=WIDE) as opened:
        await show_overview(opened)
        await until(lambda: "3 clean" in opened.text(), clock=opened.clock)
        other_hall.store.ban_hash("ba" * 32, "malware")
        running = next(kept.workspace for kept in opened.app.fleets.kept if kept.profile.name == "other")
        assert running is not None
        await until(lambda: running.alarm_counts[0], clock=opened.clock)
        firing = running.alarm_counts[0]
        await opened.pilot.press("1")
        await until(lambda: f"+{firing} elsewhere" in opened.text().splitlines()[0], clock=opened.clock)
        await opened.pilot.resize_terminal(80, 24)
        await opened.pilot.pause()
        assert "acme" in opened.text().splitlines()[0]
        assert "live" in opened.text()
