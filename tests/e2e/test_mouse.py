"""The mouse is given to the terminal, so that text can be selected, and taken back."""

import re
from pathlib import Path

from tests.e2e.terminal import pyhall_tui

_ON, _OFF = b"\x1b[?1000h", b"\x1b[?1000l"


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
