"""What the app sets up behind its first frame, because the frame needs none of it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.app import App

if TYPE_CHECKING:
    from pyhall_tui.profiles.keys import KeyStore


def make_key_store() -> "KeyStore":
    """Return the store of the user's keys; it is first asked after the first frame."""
    from pyhall_tui.profiles.keys import KeyStore

    return KeyStore()


async def tell_what_the_log_says(app: App[Any], open_log: Callable[[], str | None]) -> None:
    """Open the log in a thread, and show why it can't be kept, if it can't."""
    from pyhall_tui.threads.off_loop import off_loop

    note = await off_loop(open_log, name="log")
    if note:
        app.notify(note, severity="warning", timeout=15, markup=False)
