"""What the app sets up after its first frame, because the frame doesn't need it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.app import App

if TYPE_CHECKING:
    from pyhall_tui.profiles.keys import KeyStore


def make_key_store() -> "KeyStore":
    """Return the store of the user's keys; it is first used after the first frame."""
    from pyhall_tui.profiles.keys import KeyStore

    return KeyStore()


async def tell_what_the_log_says(app: App[Any], open_log: Callable[[], str | None]) -> None:
    """Open the log in a thread; if it can't be written, show why."""
    from pyhall_tui.threads.off_loop import off_loop

    note = await off_loop(open_log, name="log")
    if note:
        app.notify(note, severity="warning", timeout=15, markup=False)
