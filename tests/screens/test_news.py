"""One place for news: a line above the keys, the log that has all of it, and bands for what stands."""

import re
from pathlib import Path

import pytest
from textual.widgets import Input

from pyhall_tui.files.drafts import Drafts
from pyhall_tui.hall.policy import PolicyFile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.screens.alarms.screen import AlarmsScreen
from pyhall_tui.screens.correlation.screen import CorrelationScreen
from pyhall_tui.screens.messages import Go
from pyhall_tui.screens.run_log.screen import RunLogScreen
from pyhall_tui.screens.workers.add_workers import AddWorkersScreen
from pyhall_tui.screens.workers.screen import WorkersScreen
from pyhall_tui.widgets.line_table import LineTable
from pyhall_tui.widgets.news_line import NewsLine
from tests.clock import ManualClock
from tests.journal.makers import event
from tests.live_hall import WORKER, LiveHall
from tests.pictures import Picture
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.waiting import until

SMALL, TALL = (80, 24), (120, 40)


def line(opened: OpenedApp) -> str:
    """Return what is in the row of the news, whatever it is."""
    rows = opened.text().splitlines()
    return rows[-1 if opened.screen.is_modal else -2].strip()


async def says(opened: OpenedApp, *words: str) -> None:
    await until(lambda: all(word in line(opened) for word in words))


# -- the line ------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
async def test_of_thirty_news_in_a_second_the_newest_is_shown_and_all_are_in_the_log(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=SMALL) as opened:
        for number in range(30):
            opened.app.notify(f"News {number}.")
        await says(opened, "News 29.", "+29 more", "L log")
        await opened.clock.advance(6)
        await until(lambda: "News" not in opened.text())
        await opened.pilot.press("L")
        await until(lambda: isinstance(opened.screen, RunLogScreen))
        await opened.pilot.press("/", *"news 1.", "enter")
        await until(lambda: "News 1." in opened.text() and "1 of " in opened.words())
        assert [each for each in opened.said() if each.startswith("News")] == [f"News {each}." for each in range(30)]


@pytest.mark.thorough
async def test_an_alarm_stays_until_it_is_seen_though_other_news_comes_and_goes(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=SMALL) as opened:
        opened.workspace.take_events([event(worker_id=f"w{number}") for number in range(3)])
        await says(opened, "✖ ALARM w2 is BANNED (verify)", "+2 more", "! alarms", "L log")
        opened.app.notify("The worker id is on the clipboard.", timeout=2)
        await says(opened, "✖ ALARM", "The worker id is on the clipboard.")
        await opened.clock.advance(3)
        await until(lambda: "clipboard" not in line(opened))
        await opened.pilot.press("escape")
        await opened.pilot.press("2")
        await says(opened, "✖ ALARM w2 is BANNED (verify)")


@pytest.mark.parametrize("key", ["4", "!", "L"])
async def test_a_screen_that_shows_the_alarm_makes_it_seen(open_app: OpenApp, hall: LiveHall, key: str) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=SMALL) as opened:
        opened.workspace.take_events([event(worker_id="w1")])
        await says(opened, "✖ ALARM w1 is BANNED")
        await opened.pilot.press(key)
        await until(lambda: not isinstance(opened.screen, WorkersScreen))
        await opened.pilot.press("escape", "1")
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        await opened.pilot.pause()
        assert "ALARM" not in line(opened)
        assert opened.said() == ["w1 is BANNED (verify)"]


async def test_an_alarm_that_fires_while_alarms_are_listed_is_only_in_the_log(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=SMALL) as opened:
        await opened.pilot.press("!")
        await until(lambda: isinstance(opened.screen, AlarmsScreen))
        opened.workspace.take_events([event(worker_id="w1")])
        await until(lambda: opened.said() == ["w1 is BANNED (verify)"])
        await opened.pilot.press("escape")
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        await opened.pilot.pause()
        assert "ALARM" not in line(opened)


async def test_an_alarm_that_is_acknowledged_leaves_the_line(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=SMALL) as opened:
        opened.workspace.take_events([event(worker_id="w0"), event(worker_id="w1")])
        await says(opened, "w1 is BANNED", "+1 more")
        assert opened.workspace.journal.flush(30)
        opened.workspace.alarms.acknowledge(opened.workspace.journal.events("acme", worker="w1"))
        await says(opened, "w0 is BANNED")
        assert "more" not in line(opened)


async def test_the_table_keeps_its_place_and_the_focus_when_news_comes_and_goes(
    open_app: OpenApp, hall: LiveHall
) -> None:
    ids = tuple(f"wkr_{number:03}" for number in range(60))
    async with open_app(profile_of(hall), key=hall.key, watch=ids, size=SMALL) as opened:
        table = opened.screen.query_one("#fleet", LineTable)
        await until(lambda: len(table.keys) == 60)
        await opened.pilot.press(*["down"] * 8)
        cursor = table.cursor_key or ""

        def place() -> tuple[object, ...]:
            rows = opened.text().splitlines()
            return (opened.app.focused, table.scroll_offset, [cursor in row for row in rows].index(True))

        before, height = place(), table.size.height
        opened.app.notify("One.", timeout=2)
        await says(opened, "One.")
        assert table.size.height == height - 1
        assert (table.cursor_key, *place()) == (cursor, *before)
        await opened.clock.advance(3)
        await until(lambda: table.size.height == height)
        assert (table.cursor_key, *place()) == (cursor, *before)


async def test_on_a_tall_terminal_the_row_stays_so_that_nothing_moves_again(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=TALL) as opened:
        table = opened.screen.query_one("#fleet", LineTable)
        opened.app.notify("One.", timeout=2)
        await says(opened, "One.")
        height = table.size.height
        await opened.clock.advance(3)
        await until(lambda: "One." not in opened.text())
        await opened.pilot.pause()
        assert table.size.height == height and line(opened) == ""


@pytest.mark.thorough
async def test_news_while_a_dialog_is_open_is_below_it_and_covers_nothing(open_app: OpenApp, hall: LiveHall) -> None:
    """Of the screen below it is said once: by the dialog."""
    async with open_app(profile_of(hall), key=hall.key, size=SMALL) as opened:
        opened.workspace.take_events([event(worker_id="w1")])
        await says(opened, "w1 is BANNED")
        await opened.pilot.press("a")
        await until(lambda: isinstance(opened.screen, AddWorkersScreen))
        await says(opened, "✖ ALARM w1 is BANNED (verify)")
        opened.app.notify("Copied.")
        await says(opened, "✖ ALARM", "Copied.")
        assert opened.text().count("w1 is BANNED") == 1
        bottom = opened.screen.query_one("Dialog").region.bottom
        assert bottom < opened.screen.query_one(NewsLine).region.bottom
        await opened.pilot.press("L")
        assert isinstance(opened.screen, AddWorkersScreen)
        assert "L log" not in line(opened), "the key is a character in a field"
        await opened.pilot.press("escape")
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        await says(opened, "✖ ALARM w1", "│ What you typed is kept", "L log")
        await opened.clock.advance(6)
        await says(opened, "✖ ALARM w1 is BANNED (verify)")


@pytest.mark.thorough
async def test_a_click_opens_the_log_from_a_dialog_too_and_the_line_never_has_the_focus(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=SMALL) as opened:
        opened.app.notify("One.")
        await says(opened, "One.")
        assert not opened.screen.query_one(NewsLine).focusable
        focused = opened.app.focused
        await opened.pilot.click(NewsLine)
        await until(lambda: isinstance(opened.screen, RunLogScreen))
        await opened.pilot.press("L")
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        assert opened.app.focused is focused
        await opened.pilot.press("a")
        await until(lambda: isinstance(opened.screen, AddWorkersScreen))
        opened.app.notify("Two.")
        await says(opened, "Two.")
        await opened.pilot.click(NewsLine)
        await until(lambda: isinstance(opened.screen, RunLogScreen))
        await opened.pilot.press("escape")
        await until(lambda: isinstance(opened.screen, AddWorkersScreen))


async def test_in_a_field_the_line_says_how_to_reach_its_keys(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=SMALL) as opened:
        opened.workspace.take_events([event(worker_id="w1")])
        await opened.pilot.press("/")
        await says(opened, "esc, then ! alarms L log")
        await opened.pilot.press("L")
        assert isinstance(opened.screen, WorkersScreen)
        assert opened.screen.query_one("#filter", Input).value == "L"


@pytest.mark.thorough
async def test_hostile_text_is_cut_cleaned_and_no_markup_and_whole_in_the_log(
    open_app: OpenApp, hall: LiveHall
) -> None:
    hostile = "[bold]x[/] [/nothing] \x1b[31m\u202e\n 漢字" + "long " * 60 + "end"
    async with open_app(profile_of(hall), key=hall.key, size=SMALL) as opened:
        opened.app.notify(hostile, severity="error")
        await says(opened, "✖ error [bold]x[/] [/nothing] ␛[31m·", "…", "L log")
        assert "\x1b" not in opened.text() and "\u202e" not in opened.text()
        await opened.pilot.press("L")
        await until(lambda: isinstance(opened.screen, RunLogScreen))
        await opened.pilot.press("t", "t", "t", "enter")
        await until(lambda: "long end" in opened.words())


async def test_a_terminal_too_small_shows_only_that_and_the_news_when_it_grows(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=SMALL) as opened:
        await opened.pilot.resize_terminal(30, 8)
        opened.workspace.take_events([event(worker_id="w1")])
        opened.app.notify("One.")
        await opened.pilot.pause()
        assert "BANNED" not in opened.text() and "too small" in opened.words()
        for size in ((40, 10), (1, 1), SMALL):
            await opened.pilot.resize_terminal(*size)
            await opened.pilot.pause()
        await says(opened, "✖ ALARM w1", "One.")


@pytest.mark.thorough
async def test_without_a_profile_there_is_news_and_a_log_too(open_app: OpenApp) -> None:
    async with open_app(size=SMALL) as opened:
        await opened.pilot.press("escape", "b")
        await says(opened, "▲ warning Open a profile first, or the demo.")
        await opened.pilot.press("L")
        await until(lambda: isinstance(opened.screen, RunLogScreen))
        await until(lambda: "Open a profile first" in opened.words())


async def test_the_line_looks_so(open_app: OpenApp, hall: LiveHall, picture: Picture) -> None:
    nothing_is_sent = profile_of(hall, registry_url="https://registry.example")
    async with open_app(nothing_is_sent, size=SMALL) as opened:
        await says(opened, "The OS keyring cannot be used")
        await opened.clock.advance(30)
        opened.workspace.take_events([event(worker_id=f"w{number}", detail="exfiltrates") for number in range(3)])
        await says(opened, "w2 is BANNED")
        await picture(opened.pilot, "alarms", SMALL, TALL)
        opened.app.notify("The journal lost 3 rows: it could not be written for too long.", severity="warning")
        await says(opened, "lost 3 rows")
        await picture(opened.pilot, "alarms-and-a-warning", (60, 20), SMALL, TALL)


# -- the log -------------------------------------------------------------------------------------------------------


async def open_log(opened: OpenedApp) -> RunLogScreen:
    await opened.pilot.press("L")
    await until(lambda: isinstance(opened.screen, RunLogScreen))
    assert isinstance(opened.screen, RunLogScreen)
    return opened.screen


@pytest.mark.thorough
async def test_the_log_lists_requests_with_status_and_time_and_f_traces_one(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(160, 40)) as opened:
        await until(lambda: "1 clean" in opened.text(), clock=opened.clock)
        screen = await open_log(opened)
        await opened.pilot.press("/", *f"verify/{WORKER}", "enter")
        await until(lambda: re.search(rf"request +GET /api/v1/verify/{WORKER} +200 +\d+ ms +acme", opened.text()))
        wanted = screen.correlation_id
        assert wanted
        await opened.pilot.press("f")
        await until(lambda: isinstance(opened.screen, CorrelationScreen))
        assert opened.screen.query_one("#trace-id", Input).value == wanted


async def test_a_request_that_fails_is_a_fault(open_app: OpenApp, hall: LiveHall) -> None:
    hall.faults.add(path="/api/v1/verify/*", status=403, count=1)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(120, 40)) as opened:
        await until(lambda: hall.requests and opened.app.run_log.newest > 2, clock=opened.clock)
        await open_log(opened)
        await opened.pilot.press("t", "t")
        await until(lambda: re.search(rf"verify/{WORKER} +403 forbidden", opened.text()), clock=opened.clock)


@pytest.mark.thorough
async def test_the_log_waits_while_you_read_an_older_row(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=TALL) as opened:
        log = opened.app.run_log
        for number in range(5):
            opened.app.notify(f"News {number}.")
        screen = await open_log(opened)
        await opened.pilot.press("t", "t", "t")
        await until(lambda: len(screen.table.keys) == 5)
        assert "● live" in opened.text()
        await opened.pilot.press("down")
        opened.app.notify("Late.")
        await until(lambda: "‖ 1 waiting while you read · g newest" in opened.words())
        assert len(screen.table.keys) == 5
        await opened.pilot.press("g")
        await until(lambda: len(screen.table.keys) == 6 and "● live" in opened.text())
        assert screen.table.cursor_key == str(log.newest)
        await opened.pilot.press("p")
        opened.app.notify("Later.")
        await until(lambda: "‖ paused · 1 waiting" in opened.words())
        await opened.pilot.press("p")
        await until(lambda: len(screen.table.keys) == 7 and "● live" in opened.text())


async def test_a_row_and_all_that_is_listed_can_be_copied(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []

    async def take(text: str) -> str:
        copied.append(text)
        return "xclip"

    monkeypatch.setattr("pyhall_tui.widgets.clipboard.copied_by_tool", take)
    async with open_app(profile_of(hall), key=hall.key, size=TALL) as opened:
        for number in range(3):
            opened.app.notify(f"News {number}.", severity="warning")
        screen = await open_log(opened)
        await opened.pilot.press("t", "t", "t")
        await until(lambda: len(screen.table.keys) == 3)
        await opened.pilot.press("down", "y")
        await until(lambda: len(copied) == 1)
        await opened.pilot.press("Y")
        await until(lambda: len(copied) == 2)
    assert copied[0].endswith("news  ▲ warning  News 1.") and copied[0].startswith("2026-")
    assert [row.rpartition("  ")[2] for row in copied[1].splitlines()] == ["News 2.", "News 1.", "News 0."]


async def test_what_the_program_logs_as_an_error_is_in_the_log_without_keys(open_app: OpenApp, hall: LiveHall) -> None:
    async def fail() -> None:
        raise OSError(f"the disk refused {hall.key}")

    async with open_app(profile_of(hall), key=hall.key, size=TALL) as opened:
        await opened.pilot.pause()
        opened.screen.run_worker(fail(), exit_on_error=False)
        await says(opened, "That failed: the disk refused")
        await open_log(opened)
        await opened.pilot.press("t", "t")
        await until(lambda: "✖ error background work failed: OSError: the disk refused" in opened.words())
        assert hall.key[9:] not in opened.text()


async def test_the_log_looks_so(open_app: OpenApp, hall: LiveHall, picture: Picture) -> None:
    nothing_is_sent = profile_of(hall, registry_url="https://registry.example")
    async with open_app(nothing_is_sent, size=TALL) as opened:
        await opened.pilot.pause()
        opened.app.notify("The worker id is on the clipboard.")
        opened.app.notify("Put together without a key.", severity="warning")
        opened.workspace.take_events([event(worker_id="w1", detail="exfiltrates")])
        await open_log(opened)
        await opened.pilot.press("t", "t", "t")
        await picture(opened.pilot, "log", SMALL, TALL)


# -- what stands ---------------------------------------------------------------------------------------------------


async def test_a_broken_watch_list_has_a_band_until_it_is_mended(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=TALL) as opened:
        path = WatchList(opened.home.data, "acme").path
    whole = path.read_text()
    path.write_text(whole + "not json\n")
    async with open_app(keys=opened.keys, size=TALL) as opened:
        await until(lambda: "▲ 1 line of the watch list" in opened.words(), clock=opened.clock)
        assert not opened.said(), "a band says it"
        path.write_text(whole)
        opened.workspace.watch(["wkr_other"])
        await until(lambda: path.name not in opened.words(), clock=opened.clock)


@pytest.mark.thorough
async def test_a_draft_that_was_set_aside_has_a_band_until_its_file_is_gone(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, size=TALL) as opened:
        folder = Drafts(opened.home.state, "acme").folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "enroll.json").write_bytes('{"display_name": "W"}'.encode("utf-16"))
        opened.app.post_message(Go("enroll"))
        await until(lambda: "It was set aside as" in opened.words(), clock=opened.clock)
        for aside in folder.glob("*.unreadable-*"):
            aside.unlink()
        await until(lambda: "set aside" not in opened.words(), clock=opened.clock)
        await opened.pilot.press("escape")
        await open_log(opened)
        await opened.pilot.press("t", "t")
        await until(lambda: "Over: " in opened.words())


@pytest.mark.thorough
async def test_a_halls_broken_policy_file_has_a_band_on_every_screen_until_it_is_mended(
    open_app: OpenApp, hall: LiveHall, tmp_path: Path
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('default = "allow"\n')
    hall.hall.policy = PolicyFile(path, clock := ManualClock())
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=TALL) as opened:
        await until(lambda: "local hall" in opened.text(), clock=opened.clock)
        path.write_text('default = "perhaps"\n')
        hall.hall.policy.current()
        clock.skip(3)
        await until(lambda: "The hall decides by its last good policy" in opened.words(), clock=opened.clock)
        await opened.pilot.press("4")
        await until(lambda: "The hall decides by its last good policy" in opened.words(), clock=opened.clock)
        path.write_text('default = "deny"\n')
        hall.hall.policy.current()
        clock.skip(3)
        await until(lambda: "last good policy" not in opened.words(), clock=opened.clock)


async def test_a_log_file_that_cannot_be_written_has_a_band(open_app: OpenApp, hall: LiveHall) -> None:
    why = "No log is kept: /nowhere can't be written (Read-only file system)."
    async with open_app(profile_of(hall), key=hall.key, size=TALL, open_log=lambda: why) as opened:
        await until(lambda: why in opened.words(), clock=opened.clock)


async def test_if_more_stands_than_fits_the_band_says_how_much_more_and_the_log_has_all(
    open_app: OpenApp, hall: LiveHall
) -> None:
    profile = profile_of(hall)
    async with open_app(profile, key=hall.key, watch=(WORKER,), size=SMALL) as opened:
        path = opened.home.config / "profiles.toml"
    names = ["banned", "revoked", "drifted", "vanished", "flapping"]
    with path.open("a") as file:
        file.write("\n[profiles.acme.alarms]\n" + "".join(f'{name} = "loud"\n' for name in names))
    async with open_app(key=None, keys=opened.keys, size=SMALL) as opened:
        await until(lambda: "▲ 5 problems (L shows all): " in opened.words())
        await opened.pilot.resize_terminal(160, 45)
        await open_log(opened)
        await until(lambda: all(name in opened.words() for name in names))
