"""What the app sets up after its first frame, because the frame doesn't need it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyhall_tui.shell.news import NewsApp

if TYPE_CHECKING:
    from pyhall_tui.profiles.keys import KeyStore


def make_key_store() -> "KeyStore":
    """Return the store of the user's keys; it is first used after the first frame."""
    from pyhall_tui.profiles.keys import KeyStore

    return KeyStore()


async def open_late_log(app: NewsApp, open_log: Callable[[], str | None]) -> None:
    """Open the log's file in a thread; if it can't be written, a band says why. Then faults go to both logs."""
    from pyhall_tui.threads.off_loop import off_loop

    app.follow_faults()
    app.run_log.file_trouble = await off_loop(open_log, name="log")
