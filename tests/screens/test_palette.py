"""The command palette: the same commands as the keys and the bar."""

import re

import pytest
from textual.command import CommandPalette
from textual.widgets import Input, OptionList

from pyhall_tui.hall.policy import Policy, Rule, save_rules
from pyhall_tui.profiles.saved_filters import SavedFilters
from pyhall_tui.screens.ban_list.screen import BanListScreen
from pyhall_tui.screens.hall.screen import HallScreen
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.shell import mouse
from pyhall_tui.shell.palette import commands
from pyhall_tui.widgets.line_table import LineTable
from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.test_overview import Several, other_hall, several  # noqa: F401 (fixtures)
from tests.typist import settled, write
from tests.waiting import until


@pytest.mark.thorough
async def test_it_offers_screens_profiles_and_the_keys_of_the_screen_as_text(open_app: OpenApp, hall: LiveHall) -> None:
    """F08: a profile's name is text here too."""
    profiles = (profile_of(hall), profile_of(hall, name="[/x] odd"))
    async with open_app(*profiles, key=hall.key, watch=(WORKER,), size=(120, 50)) as opened:
        await opened.pilot.press("colon")
        await until(lambda: isinstance(opened.screen, CommandPalette))
        await until(lambda: "A command, or:" in opened.text())
        assert "🔎" not in opened.text()  # terminals differ about its width
        for words in ("Go to Dispatch", "Open profile [/x] odd"):
            await until(lambda words=words: words in opened.words())
        await opened.pilot.press(*"godisp", "enter")
        await until(lambda: opened.app.current_mode == "dispatch")


async def test_a_profile_is_found_by_its_exact_name(open_app: OpenApp, hall: LiveHall) -> None:
    """F74: `[…]` in a name is neither markup nor a link."""
    names = ("[prod] acme", "[/x]", "[@click=app.quit]go[/]", "[link=https://x.invalid]y", "$primary [b]")
    profiles = (profile_of(hall), *(profile_of(hall, name=name) for name in names))
    async with open_app(*profiles, key=hall.key, size=(120, 50)) as opened:
        await opened.pilot.press("colon")
        await until(lambda: isinstance(opened.screen, CommandPalette))
        for name in names:
            field = opened.screen.query_one(Input)
            field.value = f"Open profile {name}"
            await until(lambda name=name: opened.words().count(f"Open profile {name}") == 2)  # typed, and found
            found = opened.screen.query_one(OptionList).get_option_at_index(0).prompt
            assert "@click" not in repr(getattr(found, "spans", "")) and "link" not in repr(getattr(found, "spans", ""))
        await opened.pilot.press("enter")
        await until(lambda: opened.app.workspace and opened.workspace.profile.name == names[-1])
        await until(lambda: opened.app.current_mode == "workers")
        await settled(opened.app)


async def test_the_characters_that_work_everywhere_are_characters_in_a_field(open_app: OpenApp, hall: LiveHall) -> None:
    """F52, F80."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await opened.pilot.press("slash", "C", "M", "enter")
        assert opened.screen.query_one(Input).value == "CM"
        await opened.pilot.press("M")
        assert mouse.is_the_terminals(opened.app)
        await opened.pilot.press("M")
        assert not mouse.is_the_terminals(opened.app)


async def test_workers_are_found_by_hash_capability_model_and_name(open_app: OpenApp, hall: LiveHall) -> None:
    """F59"""
    hall.add_worker("wkr_mails", display_name="[b]Post\x1b[31m", capabilities=("mail.send",), sha256="cd" * 32)
    body = '{"worker_id": "wkr_old", "status": "active", "current_hash": null, "banned": false, "ai_model": "gpt-x"}'
    hall.faults.add(path="/api/v1/verify/wkr_old", status=200, body=body)
    watch = (WORKER, "wkr_mails", "wkr_old")
    async with open_app(profile_of(hall), key=hall.key, watch=watch, size=(120, 50)) as opened:
        fleet = opened.workspace.fleet
        await until(lambda: all(each.verdict for each in fleet) and fleet.listing, clock=opened.clock)
        await opened.pilot.press("colon")
        await until(lambda: isinstance(opened.screen, CommandPalette))
        for query, found in (
            ("mail.se", "wkr_mails"),
            ("SHA256:CDCD", "wkr_mails"),
            ("cdcdcdcd", "wkr_mails"),
            ("gpt-x", "wkr_old"),
            ("My Wor", WORKER),
        ):
            opened.screen.query_one(Input).value = query
            await until(lambda found=found: f"Worker {found}" in opened.words())
            assert "\x1b" not in opened.text()
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))


async def test_a_hash_is_searched_in_the_ban_list(open_app: OpenApp, hall: LiveHall) -> None:
    """F59"""
    sha256 = "ef" * 32
    hall.add_worker("wkr_elsewhere", sha256=sha256)
    hall.store.ban("wkr_elsewhere", "mines coins")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(120, 50)) as opened:
        await until(lambda: opened.workspace.fleet.listing, clock=opened.clock)
        await opened.pilot.press("colon")
        await until(lambda: isinstance(opened.screen, CommandPalette))
        opened.screen.query_one(Input).value = sha256[:12]
        await until(lambda: "Search the ban list for" in opened.words())
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.screen, BanListScreen) and "mines coins" in opened.words())


async def look_for(opened: OpenedApp, text: str) -> None:
    await opened.pilot.press("colon")
    await until(lambda: isinstance(opened.screen, CommandPalette))
    opened.screen.query_one(Input).value = text


async def test_each_action_is_listed_once_and_moving_the_cursor_is_not_one(open_app: OpenApp, hall: LiveHall) -> None:
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(120, 50)) as opened:
        for number in range(6):
            await opened.pilot.press(f"alt+{number}")
            await opened.pilot.pause()
            bindings = opened.screen.active_bindings.values()
            titles = [each.title for each in commands(opened.app, bindings)]
            assert len(titles) == len(set(titles))
            assert not [title for title in titles if title.startswith(("Move", "Next"))]
            assert {"Search the ban list", "Everything a correlation id touched", "Quit"} <= {*titles}


async def test_enter_right_after_the_text_acts_on_what_that_text_finds(open_app: OpenApp, hall: LiveHall) -> None:
    hall.add_worker("wkr_embedder")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER, "wkr_embedder")) as opened:
        await until(lambda: all(each.verdict for each in opened.workspace.fleet), clock=opened.clock)
        write(opened.app, "colon", "worker emb", "enter")
        await settled(opened.app)
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen) and "wkr_embedder" in opened.text())
        write(opened.app, "colon", "worker abc", "enter")
        await settled(opened.app)
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen) and WORKER in opened.text())
        assert len(opened.app.screen_stack) == 2, "the first worker is not left below"


@pytest.mark.thorough
async def test_events_rules_and_saved_filters_are_gone_to_by_their_kind(open_app: OpenApp, hall: LiveHall) -> None:
    save_rules(hall.store, Policy(rule=(Rule(id="[b]mails", capability="mail.send", outcome="deny"),)))
    hall.add_worker("wkr_bad", sha256="cd" * 32)
    hall.store.ban("wkr_bad", "mines [b]coins")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER, "wkr_bad"), size=(120, 50)) as opened:
        await until(lambda: opened.workspace.connection.is_hall, clock=opened.clock)
        await until(lambda: opened.workspace.alarms.firing == 1, clock=opened.clock)
        SavedFilters(opened.app.profile_store, "acme").save("[b]mine", "id:wkr_abc")
        await look_for(opened, "event coins")
        await until(lambda: "wkr_bad is BANNED" in opened.words())
        await opened.pilot.press("enter")
        await until(lambda: opened.app.current_mode == "activity" and "mines [b]coins" in opened.words())
        await look_for(opened, "filter mine")
        await until(lambda: "Filter [b]mine id:wkr_abc" in opened.words())
        await opened.pilot.press("enter")
        await until(lambda: opened.app.current_mode == "workers" and "1 of 2 shown" in opened.words())
        await look_for(opened, "rule mails")
        await until(lambda: "Rule [b]mails deny · capability mail.send" in opened.words(), clock=opened.clock)
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.screen, HallScreen))
        await until(
            lambda: opened.screen.query_one("#rules-table", LineTable).cursor_key == "rule [b]mails", clock=opened.clock
        )


async def test_a_worker_of_another_profile_opens_that_profile(
    open_app: OpenApp,
    hall: LiveHall,
    other_hall: LiveHall,  # noqa: F811
    several: Several,  # noqa: F811
) -> None:
    other_hall.add_worker("wkr_theirs")
    several.add(hall, "acme", watch=(WORKER,))
    several.add(other_hall, "other", watch=("wkr_theirs",))
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock, size=(120, 50)) as opened:
        await until(lambda: sum(kept.workspace is not None for kept in opened.app.fleets.kept) == 2, clock=opened.clock)
        await look_for(opened, "worker theirs")
        await until(lambda: "Worker wkr_theirs in other" in opened.words())
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
        assert opened.workspace.profile.name == "other" and "wkr_theirs" in opened.text()


async def test_an_event_of_another_profile_opens_that_profile_at_the_event(
    open_app: OpenApp,
    hall: LiveHall,
    other_hall: LiveHall,  # noqa: F811
    several: Several,  # noqa: F811
) -> None:
    other_hall.add_worker("wkr_theirs")
    other_hall.store.ban("wkr_theirs", "mines coins")
    several.add(hall, "acme", watch=(WORKER,))
    several.add(other_hall, "other", watch=("wkr_theirs",))
    async with open_app(*several.profiles, keys=several.keys, clock=several.clock, size=(120, 50)) as opened:
        await until(lambda: sum(kept.workspace is not None for kept in opened.app.fleets.kept) == 2, clock=opened.clock)
        other = next(kept.workspace for kept in opened.app.fleets.kept if not kept.is_open)
        await until(lambda: other is not None and other.alarm_counts[0] == 1, clock=opened.clock)
        await look_for(opened, "event coins")
        await until(lambda: re.search("wkr_theirs is BANNED .*in other", opened.words()))
        await opened.pilot.press("enter")
        await until(lambda: opened.app.current_mode == "activity" and opened.workspace.profile.name == "other")
        await until(lambda: "wkr_theirs → BANNED: mines coins" in opened.words())
