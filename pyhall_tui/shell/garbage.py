"""Keeps memory constant while screens and dialogs open and close, and keeps garbage collection out of the way.

Widgets refer to each other in cycles, so only a full collection frees a closed screen. Python by itself would run one
only after hundreds of closed screens.
"""

import asyncio
import gc
from typing import Final

from textual.app import App

from pyhall_tui.textual_internals import forget_closed_watchers

_QUIET: Final = 0.5
"""Seconds without a key before a collection, which takes at least as long as a frame."""
_LATEST: Final = 2.0
"""Seconds after which it runs even if keys are pressed: opening one worker after another is never quiet."""
_MOST_SEARCHED: Final = 50_000
"""Objects that a collection may go through: it takes 10 ms or more, in which no key is handled."""
EVERY: Final = 300.0
"""Seconds between collections when nothing is closed: repeated drawing leaves cycles behind too."""


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
        """Start after the first frame: what exists by now stays, and is never examined again.

        This does nothing unless the program turned off Python's own collection at its start.
        """
        if not gc.isenabled():
            self._is_ours = True
            gc.freeze()
            gc.set_threshold(20_000, 25, 25)  # each round stops all threads, and we make few cycles
            gc.enable()

    def was_pressed(self) -> None:
        """Note a key or a click, so that no collection delays the next one."""
        self._pressed = asyncio.get_running_loop().time()

    def collect_soon(self) -> None:
        """Free what was just closed, as soon as no key is pressed."""
        if self._is_ours and self._waiting is None:
            loop = asyncio.get_running_loop()
            self._latest = loop.time() + _LATEST
            self._waiting = loop.call_later(_QUIET, self._collect_if_quiet)

    def collect_all_soon(self) -> None:
        """Also free what was frozen at the start, because its screens close; then freeze what replaces them."""
        if self._is_ours:
            gc.unfreeze()
        self.collect_soon()

    def collect(self) -> None:
        """Free everything closed, now."""
        forget_closed_watchers(self._app)
        gc.collect()

    def close(self) -> None:
        """Stop collecting."""
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
        if not gc.get_freeze_count() or self._has_grown():
            gc.freeze()

    def _has_grown(self) -> bool:
        """Whether so much has come to stay, such as modules, that going through it at each collection takes too long.

        Not while anything is open over a screen: frozen, it would stay in memory after it has closed.
        """
        return self._is_ours and len(self._app.screen_stack) == 1 and len(gc.get_objects()) > _MOST_SEARCHED
