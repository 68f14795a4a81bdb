"""A crash in a real terminal: one line, an exit code that says so, the terminal restored, and never the key."""

import os
import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, restored

KEY = "phk_live_0123456789abcdefNOTREAL"

PROGRAM = f"""
import sys
from pathlib import Path
from pyhall_tui.app import PyHallApp
from pyhall_tui.hall.late_demo import LateDemo
from pyhall_tui.logs.log_file import configure_logging
from pyhall_tui.logs.masking import register_secret
from pyhall_tui.paths import Home

class Crashing(PyHallApp):
    def key_z(self):
        key = {KEY!r}
        raise RuntimeError(f"boom with {{key}}")

home = Home.below(Path(sys.argv[1]))
configure_logging(home.state / "pyhall-tui.log", "DEBUG")
register_secret({KEY!r})
app = Crashing(home, make_demo=LateDemo, demo=True)
app.run()
sys.exit(app.return_code)
"""


@pytest.mark.thorough
def test_a_crash_is_one_line_and_the_key_is_in_neither_terminal_nor_log(tmp_path: Path) -> None:
    """F41, F79: and where the log is."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    env = {**os.environ, "TERM": "xterm-256color"}
    with Terminal([sys.executable, str(program), str(tmp_path)], env) as terminal:
        terminal.wait_for(r"● live")
        terminal.press("z")
        assert terminal.wait_for_end() == 70
        assert restored(terminal.raw)
        shown = terminal.raw.decode(errors="replace")
    log = (tmp_path / "state" / "pyhall-tui.log").read_text()
    assert "pyhall-tui crashed: RuntimeError: boom with" in shown
    assert str(tmp_path / "state" / "pyhall-tui.log") in shown.replace("\r\n", "")
    assert "Traceback" not in shown
    assert "Traceback" in log
    assert "key_z" in log
    for text in (shown, log):
        assert KEY not in text
        assert KEY[9:] not in text
