"""What is pasted into the real terminal is text, never keys."""

import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import pyhall_tui

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix"),
    pytest.mark.thorough,
]


def test_a_colored_line_from_a_log_stays_in_the_dialog_it_was_pasted_into(tmp_path: Path) -> None:
    with pyhall_tui(tmp_path, "--demo", columns=120) as terminal:
        terminal.wait_for("● live")
        terminal.press("a")
        terminal.wait_for("Watch workers")
        terminal.press("\x1b[200~one_id \x1b[31mtwo_id three_id\rfour\x1b[201~")
        terminal.wait_for("␛\\[31mtwo_id")
        terminal.wait_for("four")
        assert "Watch workers" in terminal.text
