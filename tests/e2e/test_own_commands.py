"""A command of your own gets the real terminal, and gives it back whatever it does to it."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, pyhall_tui, restored
from tests.programs.rig import script

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix"),
    pytest.mark.thorough,
]


def configure(folder: Path, program: str, more: str = "") -> None:
    """Let ctrl+l run that script, with the worker's id as its argument."""
    (folder / "config").mkdir()
    run = f'["{script(folder, program)}", "$WORKER"]'
    (folder / "config" / "config.toml").write_text(f'[commands.logs]\nkey = "ctrl+l"\nrun = {run}\n{more}\n')


def begin(terminal: Terminal) -> None:
    """Press the command's key once workers are there."""
    terminal.wait_for("● live")
    terminal.wait_for(r"\^l logs")
    terminal.press("j\x0c")  # a cursor that you have moved stays on its row


def has_ended(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_program_reads_keys_and_writes_and_the_screen_returns_after_enter(tmp_path: Path) -> None:
    configure(tmp_path, 'printf "your name? "; read name; echo "hello $name and $1"; exit 3')
    with pyhall_tui(tmp_path, "--demo", columns=200) as terminal:
        begin(terminal)
        terminal.wait_for("your name?")
        terminal.press("q\r")
        terminal.wait_for(r"hello q and \S+")
        terminal.wait_for(r"program exited with 3\. Press enter to return")
        terminal.press("\r")
        terminal.wait_for(r"logs: .*program exited with 3 on")
        terminal.press("q")
        assert terminal.wait_for_end(terminal.at_once(5)) == 0
        assert restored(terminal.raw)


def test_ctrl_c_ends_the_program_and_not_the_app_and_ctrl_z_does_not_stop_it_for_good(tmp_path: Path) -> None:
    configure(tmp_path, "echo here I am; while :; do sleep 0.1; done")
    with pyhall_tui(tmp_path, "--demo", columns=200) as terminal:
        begin(terminal)
        terminal.wait_for("here I am")
        terminal.press("\x1a")
        terminal.press("\x03")
        terminal.wait_for(r"was ended by SIGINT\. Press enter")
        terminal.press("\x03")
        terminal.wait_for(r"logs: .*was ended by SIGINT on")
        terminal.press("q")
        assert terminal.wait_for_end(terminal.at_once(5)) == 0


def test_a_terminal_that_a_program_left_raw_and_without_a_cursor_is_as_before(tmp_path: Path) -> None:
    configure(tmp_path, "stty raw -echo; printf '\\033[?25l\\033[?1000h\\033[31m'; echo ready; kill -9 $$")
    with pyhall_tui(tmp_path, "--demo", columns=200) as terminal:
        begin(terminal)
        terminal.wait_for(r"was ended by SIGKILL\. Press enter")
        terminal.press("\r")
        terminal.wait_for(r"logs: .*was ended by SIGKILL on")
        terminal.press("q")
        assert terminal.wait_for_end(terminal.at_once(5)) == 0
        assert restored(terminal.raw)


def test_without_a_wait_the_screen_returns_at_once_and_the_line_says_how_it_ended(tmp_path: Path) -> None:
    configure(tmp_path, "exit 0", "wait = false")
    with pyhall_tui(tmp_path, "--demo", columns=200) as terminal:
        begin(terminal)
        terminal.wait_for(r"logs: .*program exited with 0 on")
        assert b"Press enter" not in terminal.raw


def test_a_signal_while_a_program_has_the_terminal_ends_both_and_restores_it(tmp_path: Path) -> None:
    configure(tmp_path, f"stty raw; echo $$ > {tmp_path}/pid; echo there; sleep 600")
    with pyhall_tui(tmp_path, "--demo", columns=200) as terminal:
        begin(terminal)
        terminal.wait_for("there")
        child = int((tmp_path / "pid").read_text())
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait_for_end(terminal.at_once(5)) == 143
        assert restored(terminal.raw)
        end = time.monotonic() + 30
        while not has_ended(child) and time.monotonic() < end:
            time.sleep(0.05)  # another process's end: there is nothing to wait on but time
        assert has_ended(child)


def test_a_program_that_is_not_there_gives_the_screen_back_with_a_sentence(tmp_path: Path) -> None:
    configure(tmp_path, "true")
    (tmp_path / "program").unlink()
    with pyhall_tui(tmp_path, "--demo", columns=200) as terminal:
        begin(terminal)
        terminal.wait_for(r"logs is not run: There is no program")
        terminal.press("q")
        assert terminal.wait_for_end(terminal.at_once(5)) == 0
        assert restored(terminal.raw)
