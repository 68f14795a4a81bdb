"""What is loaded after the first frame: everything that every run uses; and what happens if it can't be loaded."""

import subprocess
import sys

import pytest

from tests.live_hall import WORKER, LiveHall
from tests.screens.conftest import OpenApp, profile_of
from tests.waiting import until


@pytest.mark.parametrize("part", ["profile_alarms", "shell.alarm_news"])
async def test_a_part_that_cant_be_loaded_is_said_and_nothing_is_asked(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """The program was replaced while it started, say: verdicts would come, but no alarm for them."""
    monkeypatch.setitem(sys.modules, f"pyhall_tui.{part}", None)  # as Python marks what can't be imported
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await until(lambda: "can't be loaded" in opened.text(), clock=opened.clock)
        await opened.pilot.press("slash", "x", "escape", "j", "question_mark", "escape")
        for _ in range(5):
            await opened.clock.advance(2.0)
            await opened.pilot.pause()
        assert WORKER in opened.text()
        assert not opened.workspace.connection.is_connected
        assert "can't be loaded" in opened.text()
        assert opened.app.return_code is None


def test_what_is_loaded_after_the_frame_exists() -> None:
    script = "import asyncio; from pyhall_tui.shell.late_start import load_rest; print(asyncio.run(load_rest()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
