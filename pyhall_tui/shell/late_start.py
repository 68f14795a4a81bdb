"""What the app sets up after its first frame, because the frame doesn't need it."""

import asyncio
import importlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pyhall_tui.shell.news import NewsApp

if TYPE_CHECKING:
    from pyhall_tui.profiles.keys import KeyStore


_log = logging.getLogger(__name__)

_REST: Final = (
    *("alarms.rules", "alarms.book", "alarms.corrections", "monitor.registry_events"),
    *("journal.reader", "journal.statements", "journal.writer", "journal.journal", "journal.alarms", "profile_alarms"),
    *("files.drafts", "logs.masking", "render.alarm", "shell.alarm_news"),
    *("fleet.query", "fleet.searched", "widgets.field", "widgets.too_small", "widgets.news_line"),
    *("threads.in_turn", "threads.steps", "watched_workers"),
)
"""What every run uses, but no first frame, in the order in which the parts depend on each other."""


async def load_rest() -> str:
    """Load it, a part at a time, so that no key waits long. If something can't be loaded, return a sentence."""
    for part in _REST:
        try:
            importlib.import_module(f"pyhall_tui.{part}")
        except Exception as error:  # also a file that was replaced meanwhile, and fits no more
            _log.exception("a part of the program can't be loaded")
            return f"A part of the program can't be loaded, so nothing is asked: {error}. Start it again."
        await asyncio.sleep(0)
    return ""


def make_key_store() -> "KeyStore":
    """Return the store of the user's keys; it is first used after the first frame."""
    from pyhall_tui.profiles.keys import KeyStore

    return KeyStore()


async def open_late_log(app: NewsApp, open_log: Callable[[], str | None]) -> None:
    """Open the log's file in a thread; if it can't be written, a band says why. Then faults go to both logs."""
    from pyhall_tui.threads.off_loop import off_loop

    app.follow_faults()
    app.run_log.file_trouble = await off_loop(open_log, name="log")
