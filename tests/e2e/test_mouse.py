"""The mouse is given to the terminal, so that you can select text, and taken back."""

import re
from pathlib import Path

import pytest

from tests.e2e.terminal import pyhall_tui

_ON, _OFF = b"\x1b[?1000h", b"\x1b[?1000l"


@pytest.mark.thorough
def test_one_key_gives_the_mouse_to_the_terminal_and_takes_it_back(tmp_path: Path) -> None:
    """F80: while the terminal has it, the screen says so and how to take it back, and a stop changes nothing."""
    with pyhall_tui(tmp_path, "--demo", columns=140) as terminal:
        terminal.wait_for("org[.]|wrk_")
        assert terminal.raw.rfind(_ON) > terminal.raw.rfind(_OFF)

        terminal.press("M")
        terminal.wait_for("M Mouse back")
        assert terminal.raw.rfind(_OFF) > terminal.raw.rfind(_ON)
        before = len(terminal.raw)
        terminal.press("4")
        terminal.wait_for("Acknowledge|acknowledge")
        assert _ON not in terminal.raw[before:]

        terminal.wait_for("M Mouse back")
        terminal.press("M")
        terminal.wait_until_gone("M Mouse back")
        terminal.wait_for_bytes(re.compile(re.escape(_OFF) + b".*" + re.escape(_ON), re.DOTALL))


@pytest.mark.thorough
def test_on_a_dialog_too_and_at_80_columns_the_screen_below_says_so(tmp_path: Path) -> None:
    """F80."""
    with pyhall_tui(tmp_path, "--demo", columns=80, lines=24) as terminal:
        terminal.wait_for("org[.]|wrk_")
        terminal.press("?")
        terminal.wait_for("esc closes")
        terminal.press("M")
        terminal.wait_for_bytes(re.compile(re.escape(_ON) + b".*" + re.escape(_OFF), re.DOTALL))
        terminal.press("\x1b")
        terminal.wait_for("M Mouse back")


@pytest.mark.thorough
def test_a_program_without_the_mouse_never_asks_for_it_until_you_take_it(tmp_path: Path) -> None:
    with pyhall_tui(tmp_path, "--demo", "--no-mouse", columns=140) as terminal:
        terminal.wait_for("org[.]|wrk_")
        terminal.wait_for("M Mouse back")
        assert _ON not in terminal.raw

        terminal.press("M")
        terminal.wait_until_gone("M Mouse back")
        terminal.wait_for_bytes(re.compile(re.escape(_ON)))


@pytest.mark.thorough
def test_your_config_leaves_the_mouse_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("[terminal]\nmouse = false\n")
    with pyhall_tui(tmp_path, "--demo", columns=140) as terminal:
        terminal.wait_for("M Mouse back")
        assert _ON not in terminal.raw
