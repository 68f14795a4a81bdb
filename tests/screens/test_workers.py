"""The workers screen, with Pilot, against a real hall, on a clock that the test moves."""

import random

import pytest
from textual.widgets import Input

from pyhall_tui.fleet.order import SortKey
from pyhall_tui.paths import Home
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.screens.workers.screen import WorkersScreen
from pyhall_tui.widgets import line_table
from pyhall_tui.widgets.line_table import LineTable
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.waiting import until

SMALL, LARGE = (80, 24), (200, 60)


def fleet_of(hall: LiveHall, count: int) -> tuple[str, ...]:
    for number in range(count):
        hall.add_worker(f"wkr_{number}", sha256=f"{number:064x}", display_name=f"Worker {number}")
    return tuple(f"wkr_{number}" for number in range(count))


def table(opened: OpenedApp) -> LineTable:
    screen = opened.app.screen_stack[0]
    assert isinstance(screen, WorkersScreen)
    return screen.table


async def all_verified(opened: OpenedApp) -> None:
    fleet = opened.workspace.fleet
    await until(lambda: all(entry.verdict for entry in fleet), clock=opened.clock)
    await opened.pilot.pause()


async def ban_arrives(opened: OpenedApp, worker_id: str) -> None:
    entry = opened.workspace.fleet.get(worker_id)
    assert entry is not None
    await until(lambda: entry.ban is not None, clock=opened.clock)
    await until(lambda: table(opened).keys[0] == worker_id, clock=opened.clock)


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.thorough
async def test_the_fleet_is_shown_with_symbol_word_and_age(
    open_app: OpenApp, hall: LiveHall, size: tuple[int, int]
) -> None:
    hall.add_worker("wkr_new", sha256=None, attested_at=None)
    hall.add_worker("wkr_old", status="retired")
    async with open_app(
        profile_of(hall), key=hall.key, watch=(WORKER, "wkr_new", "wkr_old", "wkr_none"), size=size
    ) as opened:
        await all_verified(opened)
        for words in ("● clean", "? UNKNOWN", "○ UNATTESTED", "– retired", "1 clean", "just now"):
            await until(lambda words=words: words in opened.text(), clock=opened.clock)


async def test_a_ban_is_on_screen_within_the_lists_interval_at_the_top_and_in_the_header(
    open_app: OpenApp, hall: LiveHall
) -> None:
    ids = fleet_of(hall, 12)
    async with open_app(profile_of(hall, ban_list_interval=5), key=hall.key, watch=ids) as opened:
        await all_verified(opened)
        hall.store.ban("wkr_9", "exfiltrates")
        began = opened.clock.now().mono
        await ban_arrives(opened, "wkr_9")
        assert opened.clock.now().mono - began <= 6
        await until(lambda: "✖ BANNED" in opened.text() and "✖ 1 alarm" in opened.text())


async def test_the_cursor_stays_with_its_worker_when_a_ban_moves_it(open_app: OpenApp, hall: LiveHall) -> None:
    """F24: cursor and action stay with the id, never with the row number."""
    ids = fleet_of(hall, 12)
    async with open_app(profile_of(hall), key=hall.key, watch=ids) as opened:
        await all_verified(opened)
        table(opened).move_to("wkr_7")
        hall.store.ban("wkr_7", "exfiltrates")
        await ban_arrives(opened, "wkr_7")
        assert table(opened).cursor_key == "wkr_7"
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
        assert "wkr_7" in opened.text()


async def test_a_key_for_a_worker_that_leaves_the_filter_is_not_for_the_one_in_its_place(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F24: however long the machine takes from the change to the key."""
    monkeypatch.setattr(line_table, "SETTLES", 600.0)
    ids = fleet_of(hall, 6)
    async with open_app(profile_of(hall), key=hall.key, watch=ids) as opened:
        await all_verified(opened)
        opened.screen.query_one("#filter", Input).value = "clean"
        await opened.pilot.pause()
        table(opened).move_to("wkr_3")
        hall.store.ban("wkr_3", "exfiltrates")
        await until(lambda: "wkr_3" not in table(opened).keys, clock=opened.clock)
        await opened.pilot.press("x")
        assert len(opened.workspace.fleet) == 6


async def test_a_dialog_opened_on_a_worker_stays_with_it(open_app: OpenApp, hall: LiveHall) -> None:
    """F24."""
    ids = fleet_of(hall, 6)
    async with open_app(profile_of(hall), key=hall.key, watch=ids) as opened:
        await all_verified(opened)
        table(opened).move_to("wkr_3")
        await opened.pilot.press("enter")
        hall.store.ban("wkr_5", "exfiltrates")
        await ban_arrives(opened, "wkr_5")
        assert "wkr_3" in opened.words()
        assert "wkr_5" not in opened.words().replace("ALARM wkr_5 is BANNED", "")


@pytest.mark.thorough
async def test_every_character_lands_in_the_filter_as_text(open_app: OpenApp, hall: LiveHall) -> None:
    """F25, F34."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        for text in ["(", "[", "[/b]", "c++", "\\", "?", "*", "quorum?/1"]:
            await opened.pilot.press("slash")
            for end, letter in enumerate(text, start=1):
                await opened.pilot.press(letter)
                assert opened.screen.query_one("#filter", Input).value == text[:end]
            await until(lambda text=text: f"No worker matches “{text}”." in opened.words())
            assert len(opened.app.screen_stack) == 1
            await opened.pilot.press("escape")
            await opened.pilot.pause()
            assert list(table(opened).keys) == [WORKER]


async def test_keys_and_clicks_sort_and_the_column_says_so(open_app: OpenApp, hall: LiveHall) -> None:
    """F26: a symbol marks the sorted column."""
    ids = fleet_of(hall, 5)
    async with open_app(profile_of(hall), key=hall.key, watch=ids) as opened:
        await all_verified(opened)
        await opened.pilot.press("s")
        assert "WORKER ▲" in opened.text()
        assert list(table(opened).keys) == sorted(ids)
        await opened.pilot.press("S")
        assert "WORKER ▼" in opened.text()
        assert list(table(opened).keys) == sorted(ids, reverse=True)
        await opened.pilot.click("#fleet", offset=(4, 0))
        assert table(opened).sorted_by == SortKey.STATE


async def test_several_pasted_ids_are_watched_and_nothing_is_dropped_silently(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F33: three ids on three lines, CRLF, an empty line, a trailing comma."""
    from textual import events

    fleet_of(hall, 3)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await opened.pilot.press("slash")
        opened.screen.query_one("#filter").post_message(events.Paste("wkr\r\n\r\nwkr_1\r\nwkr_2\r\n"))
        await until(lambda: "2 more lines left out" in opened.words())
        await opened.pilot.press("escape")
        await opened.pilot.press("a")
        await until(lambda: "Watch workers" in opened.text())
        opened.screen.query_one("#ids").post_message(events.Paste("wkr_0\r\n\r\nwkr_1\r\nwkr_2,\r\n"))
        await until(lambda: "3 to watch" in opened.words())
        await opened.pilot.press("enter")
        await until(lambda: len(opened.workspace.fleet) == 4)
        await all_verified(opened)
        assert {"wkr_0", "wkr_1", "wkr_2"} <= {worker.id for worker in opened.workspace.watch_list.load()}


async def test_a_removal_can_be_undone_with_what_was_known(open_app: OpenApp, hall: LiveHall) -> None:
    ids = fleet_of(hall, 3)
    async with open_app(profile_of(hall), key=hall.key, watch=ids) as opened:
        await all_verified(opened)
        table(opened).move_to("wkr_1")
        await opened.pilot.press("x")
        assert "wkr_1" not in table(opened).keys
        await opened.pilot.press("u")
        entry = opened.workspace.fleet.get("wkr_1")
        assert entry is not None
        assert entry.verdict is not None
        assert "wkr_1" in table(opened).keys


async def test_the_removal_of_the_last_worker_can_be_undone_by_the_next_key(open_app: OpenApp, hall: LiveHall) -> None:
    """The focus must not fall into the filter, where `u` would be typed."""
    async with open_app(profile_of(hall), key=hall.key, watch=fleet_of(hall, 1)) as opened:
        await all_verified(opened)
        await opened.pilot.press("x")
        assert "No workers are watched yet" in opened.words()
        await opened.pilot.press("u")
        await until(lambda: len(table(opened).keys) == 1)
        await until(lambda: table(opened).has_focus)


async def test_an_empty_watch_list_shows_three_ways_on(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key) as opened:
        text = opened.words()
        for words in ("No workers are watched yet", "Watch workers by id", "Enroll a new worker", "Open the demo"):
            assert words in text


@pytest.mark.thorough
async def test_a_lost_registry_keeps_the_table_and_says_since_when_and_what_is_next(
    open_app: OpenApp, hall: LiveHall
) -> None:
    ids = fleet_of(hall, 4)
    async with open_app(profile_of(hall, poll_interval=5), key=hall.key, watch=ids) as opened:
        await all_verified(opened)
        hall.faults.add(path="*", drop="unheard")
        await until(lambda: "Registry lost since" in opened.words(), clock=opened.clock)
        await until(lambda: "4 stale" in opened.words(), clock=opened.clock)
        text = opened.words()
        assert "Next try in" in text
        assert "~ clean" in text


@pytest.mark.thorough
async def test_a_rejected_key_says_so_and_what_to_do(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key="phk_live_wrong", watch=(WORKER,)) as opened:
        await until(lambda: "API key rejected" in opened.words(), clock=opened.clock)
        assert "Put a valid key into the profile" in opened.words()
        assert "phk_live_wrong" not in opened.text()


HOSTILE = [
    '{"flags": [true, false]}',
    "[/x] [red]no[/red]",
    "ok\x1b[2J\x1b]0;PWNED\x07",
    "\x9b31mred",
    "a\u2060b",
    "👩\u200d👩\u200d👧 family",
    "⚠️ warn",
    "日本語の名前がとても長いのでここで切れる",
    "e\u0301clair",
    "\U0001f1e9\U0001f1ea 👍\U0001f3fd",
    "\u202egnitser",
]


@pytest.mark.thorough
async def test_hostile_names_are_shown_as_text_and_columns_stay_in_line(open_app: OpenApp, hall: LiveHall) -> None:
    """F08, F09, F10."""
    from rich.cells import cell_len

    for number, name in enumerate(HOSTILE):
        hall.add_worker(f"wkr_{number}", display_name=name, capabilities=(name,))
    ids = tuple(f"wkr_{number}" for number in range(len(HOSTILE)))
    async with open_app(profile_of(hall), key=hall.key, watch=ids, size=(140, 30)) as opened:
        await all_verified(opened)
        await until(lambda: opened.text().count("● clean") == len(ids), clock=opened.clock)
        text = opened.text()
        assert '{"flags": [true,' in text
        assert "[/x] [red]no[/red]" in text
        assert not any((ord(letter) < 32 and letter != "\n") or 0x7F <= ord(letter) < 0xA0 for letter in text)
        rows = [line for line in text.splitlines() if "● clean" in line]
        assert {cell_len(line[: line.index(" yes ")]) for line in rows} == {cell_len(rows[0][: rows[0].index(" yes ")])}
        table(opened).move_to(ids[2])
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
        await opened.pilot.press("right", "right")
        assert "\x1b" not in opened.text()


async def test_the_fleet_is_painted_from_what_was_last_known_marked_stale_before_any_answer(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F21: and stays so while the registry is unreachable, which is shown with what comes next."""
    ids = fleet_of(hall, 3)
    profile = profile_of(hall)
    async with open_app(profile, key=hall.key, watch=ids) as opened:
        await all_verified(opened)
    hall.faults.add(path="*", drop="unheard")
    async with open_app(profile, key=hall.key) as opened:
        assert "3 stale" in opened.words()
        assert "~ clean" in opened.words()
        await until(lambda: "Registry lost since" in opened.words(), clock=opened.clock)
        assert "Next try in" in opened.words() and "closed the connection without an answer" in opened.words()
        assert "3 stale" in opened.words() and opened.app.is_running


async def test_every_screen_of_the_bar_is_reached_by_number_and_by_mouse(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        for number, mode in enumerate(("overview", "workers", "enroll", "dispatch", "activity", "profiles")):
            await opened.pilot.press("escape", str(number))
            await until(lambda mode=mode: opened.app.current_mode == mode)
        await opened.pilot.click("StatusHeader", offset=(14, 1))
        await until(lambda: opened.app.current_mode == "workers")


async def test_the_question_mark_lists_the_keys_of_this_screen(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await opened.pilot.press("question_mark")
        await until(lambda: "Keys" in opened.text())
        assert "Filter by id, name, status" in opened.words()
        await opened.pilot.press("end")
        await until(lambda: "Quit at once" in opened.words())
        await opened.pilot.press("escape")
        assert len(opened.app.screen_stack) == 1


@pytest.mark.thorough
async def test_marks_of_the_profile_are_on_every_screen_in_words(open_app: OpenApp, hall: LiveHall) -> None:
    """F45."""
    profile = profile_of(hall, production=True, read_only=True)
    async with open_app(profile, key=hall.key, watch=(WORKER,), size=SMALL) as opened:
        for number in "12345":
            await opened.pilot.press("escape", number)
            for size in (LARGE, SMALL):
                await opened.pilot.resize_terminal(*size)
                await until(lambda: "PRODUCTION" in opened.text() and "READ ONLY" in opened.text())


async def test_in_a_field_the_key_bar_shows_no_key_that_would_be_a_character_there(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F34."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await until(lambda: "/ Filter" in opened.words())
        await opened.pilot.press("slash")
        await until(lambda: "/ Filter" not in opened.words())


@pytest.mark.thorough
async def test_a_change_of_theme_and_of_size_reaches_the_screens_that_are_hidden(
    open_app: OpenApp, hall: LiveHall
) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=LARGE) as opened:
        await opened.pilot.press("5")
        await until(lambda: opened.app.current_mode == "profiles")
        await opened.pilot.press("escape", "1", "ctrl+t")
        await until(lambda: opened.app.current_mode == "workers")
        await opened.pilot.resize_terminal(*SMALL)
        await opened.pilot.press("5")
        await until(lambda: opened.screen.styles.background.brightness > 0.9 and opened.screen.has_class("-narrow"))


async def test_a_journal_that_turns_out_to_be_damaged_is_reported_on_screen(
    open_app: OpenApp, hall: LiveHall, home: Home
) -> None:
    """F40: it opened fine; the noise is found after the first frame. The name of the file set aside is shown."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await all_verified(opened)
    path = home.data / "journal.db"
    kept, size = path.read_bytes()[:8192], path.stat().st_size
    path.write_bytes(kept + random.Random(40).randbytes(size - len(kept)))
    async with open_app(key=hall.key, size=LARGE) as opened:
        await until(lambda: "set aside as" in opened.words() and "journal.db.damaged-" in opened.text())
        assert len(list(path.parent.glob("journal.db.damaged-*"))) == 1
