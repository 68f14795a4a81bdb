"""The ban list's screen, against the real hall."""

import json
from pathlib import Path

import pytest
from textual.widgets import Input

from pyhall_tui.screens.ban_list.check_dialog import CheckScreen
from pyhall_tui.screens.ban_list.screen import BanListScreen
from pyhall_tui.screens.worker.report_dialog import ReportScreen
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.screens.workers.screen import WorkersScreen
from pyhall_tui.widgets.clipboard import SelectTextScreen
from tests.live_hall import HASH, WORKER, LiveHall
from tests.pictures import Picture
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.waiting import until

LIST = "/api/v1/ban-list"
OTHER = "cd" * 32
LONG = "ef" * 32


def serve(hall: LiveHall, *entries: dict[str, object], **more: object) -> None:
    hall.faults.clear()
    hall.faults.add(path=LIST, status=200, body=json.dumps(entries), **more)


def entry(sha256: str, reason: str, at: str = "2026-01-01T00:00:00Z", source: str = "community") -> dict[str, object]:
    return {"sha256": sha256, "reason": reason, "reported_at": at, "source": source, "review_status": "confirmed"}


THREE = (
    entry(HASH.upper(), "Sends \x1b[31mmail [bold]out", "2026-01-01T00:00:00Z"),
    entry(f"sha256:{OTHER}", "Reads secrets", "2026-03-01T00:00:00Z", "acme"),
    entry(LONG, "Mines coins", "2026-02-01T00:00:00Z"),
)


async def reads(opened: OpenedApp, *words: str) -> None:
    await until(lambda: all(word in opened.words() for word in words), clock=opened.clock)


async def open_list(opened: OpenedApp) -> BanListScreen:
    await until(lambda: opened.workspace.fleet.listing is not None, clock=opened.clock)
    await opened.pilot.press("b")
    await until(lambda: isinstance(opened.screen, BanListScreen), clock=opened.clock)
    assert isinstance(opened.screen, BanListScreen)
    return opened.screen


async def type_in(opened: OpenedApp, text: str) -> None:
    focused = opened.app.focused
    assert isinstance(focused, Input)
    focused.value = text


async def test_b_opens_it_newest_first_with_what_is_mine_by_name(open_app: OpenApp, hall: LiveHall) -> None:
    serve(hall, *THREE)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(120, 30)) as opened:
        screen = await open_list(opened)
        await reads(opened, "3 hashes · ● whole · read", "Reads secrets", "Mines coins", "✖ 1", "3 entries")
        assert list(screen.table.keys) == [OTHER, LONG, HASH]
        assert "\x1b" not in opened.text() and "[bold]" in opened.text()
        await opened.pilot.press("m")
        await reads(opened, f"1: {WORKER} (My Worker) BANNED", "mine · 1 of 3 shown")
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen), clock=opened.clock)


async def test_a_hash_that_several_carry_leads_to_them(open_app: OpenApp, hall: LiveHall) -> None:
    hall.add_worker("wkr_too")
    serve(hall, *THREE)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER, "wkr_too"), size=(120, 30)) as opened:
        await open_list(opened)
        await until(lambda: opened.workspace.fleet.get("wkr_too").last_sha256 == HASH, clock=opened.clock)  # type: ignore[union-attr]
        await reads(opened, "✖ 2")
        await opened.pilot.press("m", "enter")
        await until(lambda: isinstance(opened.screen, WorkersScreen), clock=opened.clock)
        await reads(opened, "2 banned")
        assert opened.screen.query_one("#filter", Input).value == f"sha256:{HASH}"


async def test_it_is_searched_by_reason_source_and_hash(open_app: OpenApp, hall: LiveHall) -> None:
    serve(hall, *THREE)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        screen = await open_list(opened)
        await reads(opened, "Mines coins")
        for query, found in (("ACME", [OTHER]), ("mines", [LONG]), (HASH.upper()[:12], [HASH]), ("nothing", [])):
            await opened.pilot.press("slash")
            await type_in(opened, query)
            await until(lambda found=found: list(screen.table.keys) == found, clock=opened.clock)  # type: ignore[misc]
        await reads(opened, "No entry has “nothing”")
        await opened.pilot.press("escape")
        await until(lambda: len(screen.table.keys) == 3, clock=opened.clock)
        await opened.pilot.press("escape")
        await until(lambda: not isinstance(opened.screen, BanListScreen), clock=opened.clock)


async def test_a_new_list_is_shown_as_it_comes(open_app: OpenApp, hall: LiveHall) -> None:
    serve(hall, THREE[0])
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        screen = await open_list(opened)
        await reads(opened, "1 hash · ● whole")
        serve(hall, *THREE[1:])
        await until(lambda: list(screen.table.keys) == [OTHER, LONG], clock=opened.clock)


async def test_a_list_that_is_not_whole_says_so_and_clears_nothing(open_app: OpenApp, hall: LiveHall) -> None:
    serve(hall, *THREE, headers={"Link": '<https://x.example/2>; rel="next"'})
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await open_list(opened)
        await reads(opened, "▲ not whole", "a hash that is not in it may still be banned")
        await check(opened, "12" * 32)
        await reads(opened, "? unknown", "that list may be truncated")
        await opened.pilot.press("escape")
        await check(opened, OTHER.upper())
        await reads(opened, "✖ LISTED", "Reads secrets")


async def check(opened: OpenedApp, text: str) -> None:
    await opened.pilot.press("c")
    await until(lambda: isinstance(opened.screen, CheckScreen), clock=opened.clock)
    await type_in(opened, text)
    await opened.pilot.press("enter")


async def test_a_list_that_fails_says_since_when_and_clears_nothing(open_app: OpenApp, hall: LiveHall) -> None:
    serve(hall, *THREE)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await open_list(opened)
        await reads(opened, "● whole")
        hall.faults.clear()
        hall.faults.add(path=LIST, status=500)
        await reads(opened, "The ban list is failing", "500", "A hash banned since")
        assert opened.words().count("injected fault 500") == 1
        await check(opened, "12" * 32)
        await reads(opened, "? unknown", "The ban list can't be read any more", "500")


async def test_a_lost_registry_is_named_once_above_the_list(open_app: OpenApp, hall: LiveHall) -> None:
    serve(hall, *THREE)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 24)) as opened:
        screen = await open_list(opened)
        await reads(opened, "● whole")
        hall.faults.clear()
        hall.faults.add(status=503)
        await reads(opened, "Registry lost since", "A hash banned since")
        reason = opened.workspace.connection.state.ban_list_sentence
        above = opened.text().splitlines()[: screen.table.region.y]
        assert sum(line.count("lost since") for line in above) == 1
        assert reason and reason not in " ".join(above[2:])


@pytest.mark.thorough
async def test_a_hash_and_a_package_are_checked(open_app: OpenApp, hall: LiveHall, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "run.py").write_text("print(1)\n")
    serve(hall, *THREE)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await open_list(opened)
        await reads(opened, "● whole")
        await check(opened, "12" * 32)
        await reads(opened, "● not listed", "none of your workers carries it")
        await type_in(opened, f"sha256:{HASH}")
        await opened.pilot.press("enter")
        await reads(opened, "✖ LISTED", WORKER)
        await type_in(opened, str(package))
        await opened.pilot.press("enter")
        await reads(opened, "● not listed", "package")
        await type_in(opened, str(tmp_path / "nowhere"))
        await opened.pilot.press("enter")
        await reads(opened, "could not be checked")


@pytest.mark.thorough
async def test_a_hash_is_reported_and_the_second_time_it_says_so(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await open_list(opened)
        for _ in range(2):
            await opened.pilot.press("r")
            await until(lambda: isinstance(opened.screen, ReportScreen), clock=opened.clock)
            opened.screen.query_one("#sha256", Input).value = OTHER.upper()
            opened.screen.query_one("#reason", Input).value = "Reads secrets"
            await opened.pilot.press("ctrl+s")
            await reads(opened, "again?" if _ else "Send this report?")
            assert ("accepted by the registry" in opened.words()) == bool(_)
            await opened.pilot.press("n" if _ else "y")
            await until(lambda: sent(hall) == 1, clock=opened.clock)
            if not _:
                await until(lambda: isinstance(opened.screen, BanListScreen), clock=opened.clock)
        assert sent(hall) == 1


def sent(hall: LiveHall) -> int:
    return sum(request.raw_path == f"{LIST}/report" for request in hall.requests)


async def test_a_read_only_profile_reports_nothing(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall, read_only=True), key=hall.key, watch=(WORKER,)) as opened:
        await open_list(opened)
        await opened.pilot.press("r")
        await reads(opened, "This profile is read-only")
        assert isinstance(opened.screen, BanListScreen)


async def test_a_registry_without_a_ban_list(open_app: OpenApp, hall: LiveHall) -> None:
    hall.hall.ban_list = False
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await opened.pilot.press("b")
        await reads(opened, "This registry has no ban list")
        await check(opened, OTHER)
        await reads(opened, "? unknown", "This registry has no ban list")


async def test_b_is_a_character_in_a_field_and_twice_opens_one(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await opened.pilot.press("slash", "b")
        assert opened.screen.query_one("#filter", Input).value == "b"
        await opened.pilot.press("escape", "4", "b")
        await until(lambda: isinstance(opened.screen, BanListScreen), clock=opened.clock)
        await opened.pilot.press("b")
        await until(lambda: not isinstance(opened.screen, BanListScreen), clock=opened.clock)


async def test_without_a_profile_it_says_what_to_do(open_app: OpenApp) -> None:
    async with open_app() as opened:
        opened.app.set_focus(None)
        await opened.pilot.press("b")
        await reads(opened, "Open a profile first")


async def test_the_hash_is_copied_whole(open_app: OpenApp, hall: LiveHall) -> None:
    serve(hall, *THREE)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await open_list(opened)
        await reads(opened, "Reads secrets")
        await opened.pilot.press("y", "C")
        await until(lambda: isinstance(opened.screen, SelectTextScreen), clock=opened.clock)
        assert OTHER in opened.words().replace(" ", "")


@pytest.mark.thorough
async def test_pictures(open_app: OpenApp, hall: LiveHall, picture: Picture) -> None:
    serve(hall, *THREE)
    profile = profile_of(hall)
    async with open_app(profile, key=hall.key, watch=(WORKER,), size=(120, 30)) as opened:
        await open_list(opened)
        await reads(opened, "Reads secrets", "✖ 1")
        opened.workspace.profile = profile.named("acme")
        hidden = type(profile)(name="acme", namespace="org.acme", registry_url="https://registry.example")
        opened.workspace.profile = hidden
        await opened.pilot.press("m")
        await reads(opened, "from https://registry.example", "(My Worker) BANNED", "just now")
        await picture(opened.pilot, "mine", (120, 30), (80, 24))
