"""The real program in a real pseudo-terminal."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import pyhall_tui, restored

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix")


def test_in_the_demo_one_sees_a_ban_arrive_enrolls_a_worker_tries_a_dispatch_and_quits_clean(tmp_path: Path) -> None:
    with pyhall_tui(tmp_path, "--demo") as terminal:
        terminal.wait_for(r"● live")
        terminal.wait_for(r"\d+ clean")
        terminal.wait_for(r"✖ BANNED +\S+")
        terminal.wait_for(r"is BANNED \((ban list|verify)\)")
        terminal.press("4")
        terminal.wait_until_gone(r"ALARM .*is BANNED \(")
        terminal.press("2")
        terminal.wait_for("Display name")
        terminal.press("Summarizer EU\tllm.text.generate\r\t\t" + "ab" * 32)
        terminal.wait_for("ababab")
        terminal.press("\x13")
        terminal.wait_for(r"worker_id +wkr_\w+")
        terminal.wait_until_gone("q Quit")  # the emptied form has the focus
        terminal.press("\x1b")
        terminal.wait_for("q Quit")
        terminal.press("3")
        terminal.wait_for("Risk tier")
        terminal.press("llm.text.generate\twkr_abc123\x13")
        terminal.wait_for(r"● ALLOW")
        terminal.press("\x1b")
        terminal.wait_for("q Quit")
        terminal.press("q")
        assert terminal.wait_for_end(terminal.at_once(5)) == 0
        assert restored(terminal.raw)


@pytest.mark.thorough
def test_the_demo_leaves_nothing_behind_in_the_users_own_folders(tmp_path: Path) -> None:
    with pyhall_tui(tmp_path, "--demo") as terminal:
        terminal.wait_for(r"● live")
        terminal.press("q")
        terminal.wait_for_end(terminal.at_once(5))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("key", ["q", "\x03"])
@pytest.mark.thorough
def test_quitting_is_at_once_also_in_the_middle_of_requests(tmp_path: Path, key: str) -> None:
    with pyhall_tui(tmp_path, "--demo") as terminal:
        terminal.wait_for(r"waiting")
        terminal.press(key)
        assert terminal.wait_for_end(terminal.at_once(3)) == 0


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGQUIT, 131)],
)
@pytest.mark.thorough
def test_a_signal_ends_it_with_the_terminal_restored_and_its_exit_code(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """F29."""
    with pyhall_tui(tmp_path, "--demo") as terminal:
        terminal.wait_for(r"● live")
        os.kill(terminal.pid, number)
        assert terminal.wait_for_end(terminal.at_once(5)) == code
        assert restored(terminal.raw)


@pytest.mark.thorough
def test_a_signal_at_the_very_start_restores_the_terminal_too(tmp_path: Path) -> None:
    """F29."""
    with pyhall_tui(tmp_path, "--demo") as terminal:
        terminal.wait_for_bytes(re.compile(rb"\x1b\[\?1049h"))
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait_for_end() == 143
        assert terminal.raw.rfind(b"\x1b[?1049l") > terminal.raw.rfind(b"\x1b[?1049h")
        assert terminal.raw.rfind(b"\x1b[?25h") > terminal.raw.rfind(b"\x1b[?25l")


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGTSTP])
@pytest.mark.thorough
def test_after_a_stop_it_continues_and_ends_with_the_terminal_restored(tmp_path: Path, number: signal.Signals) -> None:
    """F29: also after a stop without notice."""
    with pyhall_tui(tmp_path, "--demo") as terminal:
        terminal.wait_for(r"● live")
        os.kill(terminal.pid, number)
        while os.waitid(os.P_PID, terminal.pid, os.WSTOPPED | os.WNOHANG) is None:
            terminal.read()  # what it draws before it stops has to go somewhere
        drawn = len(terminal.raw)
        os.kill(terminal.pid, signal.SIGCONT)
        keys_are_read_again = rb"(?s).{%d}.*\x1b\[\?1049h.*\x1b\[\?2004h" % drawn
        terminal.wait_for_bytes(re.compile(keys_are_read_again))
        terminal.press("?")
        terminal.wait_for("esc closes")
        terminal.press("\x03")
        assert terminal.wait_for_end(terminal.at_once(5)) == 0
        assert restored(terminal.raw)


@pytest.mark.thorough
def test_it_does_not_stop_if_no_shell_could_resume_it(tmp_path: Path) -> None:
    """F29"""
    with pyhall_tui(tmp_path, "--demo") as terminal:
        terminal.wait_for(r"● live")
        terminal.press("\x1a")
        terminal.wait_for("Not suspended")
        terminal.press("q")
        assert terminal.wait_for_end(terminal.at_once(5)) == 0


@pytest.mark.parametrize("keys", ["q5", "qo", "jq", "\x112"])
@pytest.mark.thorough
def test_keys_typed_around_the_quitting_one_crash_nothing(tmp_path: Path, keys: str) -> None:
    """F34: a screen that opens while the program ends is never complete."""
    with pyhall_tui(tmp_path, "--demo") as terminal:
        terminal.wait_for(r"● live")
        terminal.press(keys)
        assert terminal.wait_for_end(terminal.at_once(5)) == 0
        assert restored(terminal.raw)


@pytest.mark.thorough
def test_quitting_is_at_once_while_a_huge_package_is_hashed(tmp_path: Path) -> None:
    """F30."""
    package = tmp_path / "package"
    package.mkdir()
    with (package / "weights.bin").open("wb") as file:
        file.truncate(64 << 30)
    with pyhall_tui(tmp_path, "--demo") as terminal:
        terminal.wait_for(r"● live")
        terminal.press("2")
        terminal.wait_for("Display name")
        terminal.press("\x0f")
        terminal.wait_for("Hash a package")
        terminal.press(f"\x15{package}\r")
        terminal.wait_for(r"Hashing .* of 64.0 GiB")
        terminal.press("1")
        terminal.press("\x11")
        assert terminal.wait_for_end(terminal.at_once(3)) == 0
        assert restored(terminal.raw)


@pytest.mark.thorough
def test_a_closed_terminal_ends_the_program_within_seconds(tmp_path: Path) -> None:
    """F29: the window is gone before the signal is handled, so nothing can be written any more."""
    with pyhall_tui(tmp_path, "--demo") as terminal:
        terminal.wait_for(r"● live")
        assert terminal.hang_up(terminal.at_once(8))


@pytest.mark.thorough
def test_the_filter_takes_characters_that_are_keys_elsewhere(tmp_path: Path) -> None:
    """F34, F25."""
    with pyhall_tui(tmp_path, "--demo") as terminal:
        terminal.wait_for(r"● live")
        terminal.press("/")
        terminal.press("quorum?/1")
        terminal.wait_for(r"quorum\?/1")
        terminal.wait_for(r"No worker matches .quorum\?/1")
        terminal.press("\x1b")
        terminal.wait_for(r"clean +org\.yourco")


@pytest.mark.thorough
def test_a_window_too_small_says_so_and_all_is_back_when_it_grows(tmp_path: Path) -> None:
    """F28."""
    with pyhall_tui(tmp_path, "--demo", columns=20, lines=5) as terminal:
        terminal.wait_for(r"too\s+small")
        terminal.resize(100, 30)
        terminal.wait_for(r"● live")
        terminal.press("a")
        terminal.wait_for("Watch workers")
        terminal.press("wkr_typed")
        terminal.wait_for("wkr_typed")
        terminal.resize(1, 1)
        terminal.wait_until_gone("wkr_typed")
        terminal.resize(100, 30)
        terminal.wait_for(r"Open.*Verify")
        terminal.wait_for("wkr_typed")
        terminal.press("\x1b")
        terminal.wait_until_gone("Watch workers")
        terminal.press("q")
        assert terminal.wait_for_end(terminal.at_once(5)) == 0


@pytest.mark.parametrize("env", [{"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, {"LANG": ""}, {"NO_COLOR": "1"}])
@pytest.mark.thorough
def test_it_starts_in_any_locale_and_without_colour_and_every_state_has_a_word(
    tmp_path: Path, env: dict[str, str]
) -> None:
    """F26, F27."""
    with pyhall_tui(tmp_path, "--demo", **env) as terminal:
        terminal.wait_for(r"✖ BANNED")
        terminal.wait_for(r"● clean")
        assert "?????" not in terminal.text and "\\u" not in terminal.text
        terminal.press("q")
        assert terminal.wait_for_end(terminal.at_once(5)) == 0


@pytest.mark.thorough
def test_a_dead_proxy_does_not_stand_between_the_app_and_the_embedded_hall(tmp_path: Path) -> None:
    """F11."""
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "localhost,::1/128,[::1],10.0.0.0/8"}
    with pyhall_tui(tmp_path, "--demo", **proxies) as terminal:
        terminal.wait_for(r"● live")
        terminal.wait_for(r"\d+ clean")


def test_without_a_terminal_it_says_what_to_use_and_exits_as_wrong_use(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pyhall_tui"], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 64
    assert "--help" in done.stderr


@pytest.mark.parametrize(("args", "code"), [(["--version"], 0), (["--help"], 0), (["--no-such"], 64), (["nope"], 64)])
def test_help_version_and_wrong_use_have_their_exit_codes(args: list[str], code: int) -> None:
    done = subprocess.run([sys.executable, "-m", "pyhall_tui", *args], capture_output=True, text=True)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
