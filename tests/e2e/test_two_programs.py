"""Two real programs on one profile, each in its own pseudo-terminal."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, pyhall_tui
from tests.live_hall import WORKER, LiveHall

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix")


def keep_reading(terminal: Terminal, stop: threading.Event) -> None:
    while not stop.is_set() and terminal.read():
        pass


@contextmanager
def read_aside(terminal: Terminal) -> Iterator[None]:
    """Read what a program writes while another is waited for: otherwise its terminal is full in the end."""
    stop = threading.Event()
    reader = threading.Thread(target=keep_reading, args=(terminal, stop))
    reader.start()
    try:
        yield
    finally:
        stop.set()
        reader.join()


def profile_file(folder: Path, hall: LiveHall) -> None:
    (folder / "config").mkdir()
    text = f'[profiles.acme]\nnamespace = "{hall.namespace}"\nregistry_url = "{hall.url}"\nban_list_interval = 1.0\n'
    (folder / "config" / "profiles.toml").write_text(text + 'operator = "night shift"\n')
    (folder / "data").mkdir()


@pytest.mark.thorough
def test_what_one_acknowledges_the_other_knows_and_a_kill_loses_nothing(tmp_path: Path, hall: LiveHall) -> None:
    """F56."""
    profile_file(tmp_path, hall)
    key = {"PYHALL_API_KEY": hall.key, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    with pyhall_tui(tmp_path, **key) as one:
        one.wait_for("● live")
        one.press("a")
        one.wait_for("Watch workers")
        one.press(f"{WORKER}\r")
        one.wait_for("1 clean")
        with pyhall_tui(tmp_path, **key) as two:
            two.wait_for("1 clean")
            hall.store.ban(WORKER, "exfiltrates")
            one.wait_for("✖ 1 alarm")
            two.wait_for("✖ 1 alarm")
            one.press("4")
            one.wait_for("clean → BANNED")
            one.press("aon it\r")
            one.wait_until_gone("✖ 1 alarm")
            with read_aside(one):
                two.wait_until_gone("✖ 1 alarm", two.at_once(10))
                two.press("4")
                two.wait_for("acknowledged .* by night shift: on it")
            os.kill(one.pid, signal.SIGKILL)
            hall.store.unban(WORKER)
            two.wait_for("BANNED → clean")
            two.press("1")
            two.wait_for("1 clean")
            hall.store.ban(WORKER, "exfiltrates")
            two.wait_for("✖ 1 alarm")
            two.wait_for("is BANNED")
            os.kill(two.pid, signal.SIGKILL)
    with pyhall_tui(tmp_path, **key) as again:
        again.wait_for("✖ 1 alarm")
        again.wait_for("1 banned")
        again.press("q")
        assert again.wait_for_end() == 0


@pytest.mark.thorough
def test_an_acknowledgement_a_silence_and_an_undo_are_seen_in_the_other_within_two_seconds(
    tmp_path: Path, hall: LiveHall
) -> None:
    """Both look at the list of alarms."""
    profile_file(tmp_path, hall)
    hall.store.ban(WORKER, "exfiltrates")
    key = {"PYHALL_API_KEY": hall.key, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    with pyhall_tui(tmp_path, **key) as one, pyhall_tui(tmp_path, **key) as two:
        one.wait_for("● live")
        one.press("a")
        one.wait_for("Watch workers")
        one.press(f"{WORKER}\r")
        for program in (one, two):
            program.wait_for("✖ 1 alarm")
            program.press("!")
            program.wait_for("1 firing")
        one.press("aon it\r")
        with read_aside(one):
            two.wait_for("1 acknowledged", two.at_once(2))
            two.wait_for("by night shift: on it")
        one.press("u")
        with read_aside(one):
            two.wait_for("1 firing", two.at_once(2))
            two.wait_for("✖ 1 alarm")
        two.press("S")
        two.wait_for("a silenced worker stays in the table")
        two.press("2h\trollout\r\x1b")
        with read_aside(two):
            one.wait_for("1 silenced", one.at_once(2))
            one.wait_for("Silenced: banned of .* by night shift: rollout")
            one.wait_until_gone("✖ 1 alarm")
        one.press("S")
        one.wait_for("a silenced worker stays in the table")
        one.press("\x1b[Z" * 4)
        one.press("x")
        one.wait_for("Nothing is silenced")
        with read_aside(one):
            two.wait_for("1 firing", two.at_once(2))
        for program in (one, two):
            program.press("\x03")
            assert program.wait_for_end() == 0
