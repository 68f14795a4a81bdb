"""The bell and the desktop notification, as bytes in a real pseudo-terminal."""

import re
import sys
from pathlib import Path

import pytest

from pyhall_tui.paths import Home
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.profiles.watch_list import WatchList
from tests.e2e.terminal import Terminal, pyhall_tui
from tests.live_hall import HASH, WORKER, LiveHall, live_hall

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix")

HOSTILE = "stop\x07\x1b\\\x9c\x1b]0;PWNED\x07;4;[/x]"
OSC_9 = re.compile(rb"\x1b\]9;([^\x07]*)\x07")
OSC = re.compile(rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


def save(
    folder: Path, hall: LiveHall, *, bell: bool, desktop: bool, name: str = "acme", overview: bool = False
) -> None:
    home = Home.below(folder)
    profile = Profile(
        name=name,
        overview=overview,
        namespace=hall.namespace,
        registry_url=hall.url,
        ban_list_interval=0.5,
        bell=bell,
        desktop_notifications=desktop,
    )
    ProfileStore(home.config / "profiles.toml").save(profile, None)
    WatchList(home.data, profile.name).add([WORKER])


def ban_and_wait(terminal: Terminal, hall: LiveHall) -> None:
    terminal.wait_for(r"● clean")
    hall.store.ban_hash(HASH, HOSTILE, source="hall-monitor")
    terminal.wait_for(r"is BANNED \(")


def end(terminal: Terminal) -> bytes:
    terminal.press("q")
    assert terminal.wait_for_end() == 0
    return terminal.raw


@pytest.mark.thorough
def test_a_ban_rings_and_notifies_and_its_reason_ends_no_sequence(tmp_path: Path, hall: LiveHall) -> None:
    """F09."""
    save(tmp_path, hall, bell=True, desktop=True)
    with pyhall_tui(tmp_path, TERM_PROGRAM="iTerm.app", PYHALL_API_KEY=hall.key) as terminal:
        ban_and_wait(terminal, hall)
        terminal.wait_for_bytes(OSC_9)
        raw = end(terminal)
    (told,) = OSC_9.findall(raw)
    text = told.decode()
    assert text.startswith(f"PyHall: {WORKER} is BANNED")
    assert text.isprintable() and "PWNED" in text and ";" not in text
    assert b"\x1b]0;PWNED" not in raw
    assert b"\x07" in OSC.sub(b"", raw), "the bell is no part of a sequence"


@pytest.mark.thorough
def test_unless_the_profile_says_so_nothing_rings_or_notifies(tmp_path: Path, hall: LiveHall) -> None:
    save(tmp_path, hall, bell=False, desktop=False)
    with pyhall_tui(tmp_path, TERM_PROGRAM="iTerm.app", PYHALL_API_KEY=hall.key) as terminal:
        ban_and_wait(terminal, hall)
        raw = end(terminal)
    assert not OSC_9.search(raw)
    assert b"\x07" not in OSC.sub(b"", raw)


@pytest.mark.thorough
def test_an_unknown_terminal_gets_only_the_bell(tmp_path: Path, hall: LiveHall) -> None:
    save(tmp_path, hall, bell=True, desktop=True)
    with pyhall_tui(tmp_path, PYHALL_API_KEY=hall.key) as terminal:
        ban_and_wait(terminal, hall)
        terminal.wait_for_bytes(re.compile(rb"\x07"))
        raw = end(terminal)
    assert not re.search(rb"\x1b\](?:9|777|99);", raw)


@pytest.mark.thorough
def test_a_ban_on_a_profile_that_is_not_open_rings_and_is_said_with_its_name(tmp_path: Path, hall: LiveHall) -> None:
    with live_hall() as other:
        other.store.add_key(other.namespace, token=hall.key)
        save(tmp_path, hall, bell=False, desktop=False)
        save(tmp_path, other, bell=True, desktop=True, name="staging", overview=True)
        with pyhall_tui(tmp_path, TERM_PROGRAM="iTerm.app", PYHALL_API_KEY=hall.key) as terminal:
            terminal.wait_for(r"● clean")
            other.store.ban_hash(HASH, "leaks")
            terminal.wait_for(rf"staging: {WORKER} is BANNED")
            terminal.wait_for_bytes(OSC_9)
            terminal.wait_for(r"● clean")
            raw = end(terminal)
        assert OSC_9.findall(raw)[0].decode().startswith(f"PyHall: staging: {WORKER} is BANNED")
        assert b"\x07" in OSC.sub(b"", raw), "the bell is no part of a sequence"
