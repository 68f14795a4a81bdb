"""Keeps memory flat while screens and dialogs open and close, and keeps the garbage collector out of the way.

Widgets refer to each other in circles, so only a full collection frees a closed screen. Python's own rules would run
one only after hundreds of closed screens have piled up.
"""

import asyncio
import gc
from typing import Final

from textual.app import App

from pyhall_tui.textual_internals import forget_closed_watchers

_QUIET: Final = 0.5
"""Seconds without a key before garbage is collected: it takes as long as a frame or more."""
_LATEST: Final = 2.0
"""Seconds after which it is collected whatever is pressed: opening one worker after another is never quiet."""
EVERY: Final = 300.0
"""Seconds between collections when nothing is closed: what is drawn again and again leaves circles behind too."""


class Collector:
    """Decides when garbage is collected. Call it on the UI's thread only, while its loop runs."""

    def __init__(self, app: App[None]) -> None:
        """Collect nothing yet."""
        self._app = app
        self._waiting: asyncio.TimerHandle | None = None
        self._latest = 0.0
        self._pressed = 0.0
        self._is_ours = False

    def settle(self) -> None:
        """Begin after the first frame: what exists by now stays for good and is never looked through again.

        Only if the program turned Python's own collection off at its start: where that goes on, nothing is done here.
        """
        if not gc.isenabled():
            self._is_ours = True
            gc.freeze()
            gc.set_threshold(20_000, 25, 25)  # each round stops all threads, and little of ours goes in circles
            gc.enable()

    def was_pressed(self) -> None:
        """Note a key or a click, so that no collection delays the next one."""
        self._pressed = asyncio.get_running_loop().time()

    def collect_soon(self) -> None:
        """Free what has just been closed, as soon as nothing is pressed."""
        if self._is_ours and self._waiting is None:
            loop = asyncio.get_running_loop()
            self._latest = loop.time() + _LATEST
            self._waiting = loop.call_later(_QUIET, self._collect_if_quiet)

    def collect_all_soon(self) -> None:
        """Free what was frozen at the start too, because its screens close; what takes their place is frozen then."""
        if self._is_ours:
            gc.unfreeze()
        self.collect_soon()

    def collect(self) -> None:
        """Free whatever is closed, now."""
        forget_closed_watchers(self._app)
        gc.collect()

    def close(self) -> None:
        """Collect no more."""
        if self._waiting is not None:
            self._waiting.cancel()

    def _collect_if_quiet(self) -> None:
        loop = asyncio.get_running_loop()
        quiet_at = min(self._pressed + _QUIET, self._latest)
        if loop.time() < quiet_at:
            self._waiting = loop.call_at(quiet_at, self._collect_if_quiet)
            return
        self._waiting = None
        self.collect()
        if not gc.get_freeze_count():
            gc.freeze()
