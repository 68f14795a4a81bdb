"""The key on the profiles screen: pasted whole or refused."""

import pytest
from textual import events
from textual.widgets import Input

from pyhall_tui.paths import Home
from pyhall_tui.profiles.keys import KeyStore
from tests.clock import ManualClock
from tests.live_hall import LiveHall
from tests.profiles.test_keys import FakeKeyring
from tests.screens.conftest import OpenApp, OpenedApp
from tests.screens.profile_form import KEY, answer, fill, go_to_profiles, opens, profiles_screen, store_of
from tests.screens.test_profiles import profile_of
from tests.typist import write
from tests.waiting import until


async def paste(opened: OpenedApp, text: str) -> Input:
    """Paste into the key's field as a terminal does."""
    field = opened.screen.query_one("#key", Input)
    field.focus()
    await until(lambda: opened.app.focused is field)
    opened.app.post_message(events.Paste(text))
    await until(lambda: field.value != "")
    await opened.pilot.pause()
    return field


BROKEN = [
    ("phk_live_5ecret0\nfTheHouse", "The key is broken into 2 lines, the first after character 16"),
    ("phk_live_5ecret0\rfTheHouse\r", "The key is broken into 2 lines"),
    (f"{KEY}\n{KEY}", "The key is broken into 2 lines"),
    ("phk_live_\u200b5ecret", "Character 10 of the key is U+200B (zero width space)"),
    (f'"{KEY}"', "Character 1 of the key is U+0022 (quotation mark)"),
]


@pytest.mark.thorough
async def test_a_key_that_came_in_pieces_is_refused_at_its_field_and_the_sentence_stays(
    open_app: OpenApp, home: Home
) -> None:
    """F48, F70: no part of it is stored."""
    keyring = FakeKeyring()
    keys = KeyStore(ManualClock(), find_keyring=lambda: keyring)
    async with open_app(keys=keys, size=(120, 60)) as opened:
        await fill(opened, name="acme", namespace="org.yourco", registry_url="http://127.0.0.1:1")
        for pasted, sentence in BROKEN:
            field = await paste(opened, pasted)
            await until(lambda sentence=sentence: sentence in opened.words())  # type: ignore[misc]
            assert field.value == pasted.strip()
            await opened.pilot.press("tab", "ctrl+s")
            await until(lambda: "Not saved: 1 field to correct." in opened.words())
            assert sentence in opened.words()
            assert store_of(home).load().profiles == () and keyring.entries == {}
            field.value = ""
        await paste(opened, f" {KEY}\r\n")
        await until(lambda: sentence not in opened.words())
        await opened.pilot.press("ctrl+s")
        await answer(opened, "save")
        await until(lambda: keyring.entries == {"acme@http://127.0.0.1:1": KEY})
        await opens(opened, "acme")


async def test_a_key_pasted_into_another_key_is_inserted(open_app: OpenApp, hall: LiveHall) -> None:
    """F48"""
    async with open_app(profile_of(hall)) as opened:
        await go_to_profiles(opened)
        field = await paste(opened, "phk_live_ef")
        field.cursor_position = len("phk_live_")
        opened.app.post_message(events.Paste("abcd"))
        await until(lambda: field.value == "phk_live_abcdef")


@pytest.mark.parametrize("line_end", ["enter", "ctrl+j"])
@pytest.mark.thorough
async def test_no_line_of_a_key_gets_into_the_next_field_if_the_terminal_does_not_mark_pastes(
    open_app: OpenApp, line_end: str
) -> None:
    """F48: it sends the line end as a key, with the rest in the same read."""
    async with open_app(size=(120, 60)) as opened:
        form = profiles_screen(opened).form
        form.query_one("#key", Input).focus()
        await until(lambda: opened.app.focused is form.query_one("#key", Input))
        before = form.values()
        write(opened.app, "phk_live_5ecret0", line_end, "fTheHouse", line_end)
        await until(lambda: form.query_one("#key", Input).value == "phk_live_5ecret0\nfTheHouse")
        await until(lambda: "The key is broken into 2 lines, the first after character 16" in opened.words())
        await until(lambda: opened.app.focused is not form.query_one("#key", Input))
        assert form.values() == before


async def test_enter_behind_a_whole_key_leads_to_the_next_field(open_app: OpenApp) -> None:
    async with open_app(size=(120, 60)) as opened:
        form = profiles_screen(opened).form
        key, following = form.query_one("#key", Input), form.query_one("#poll_interval", Input)
        key.focus()
        await until(lambda: opened.app.focused is key)
        write(opened.app, KEY, "enter")
        await until(lambda: opened.app.focused is following)
        assert key.value == KEY
        key.focus()
        await until(lambda: opened.app.focused is key)
        write(opened.app, "enter", "tab")
        await until(lambda: opened.app.focused is form.query_one("#ban_list_interval", Input))
        assert key.value == KEY
