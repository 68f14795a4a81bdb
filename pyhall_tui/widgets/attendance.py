"""Whether anybody looks at the screen. If nobody does, ages are drawn rarely, and rows on screen get no priority.

News is shown as fast as ever: only ages wait.
"""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from textual import events
from textual.app import App
from textual.widget import Widget

_PATIENCE: Final = 60.0
"""Seconds without a key or the mouse after which nobody is considered present."""
_SELDOM: Final = 5
"""Seconds between two drawings of ages while nobody is there."""


class Attendance:
    """Follows keys, the mouse and the terminal's focus (which many terminals don't report)."""

    def __init__(self, changed: Callable[[bool], None]) -> None:
        """Start with somebody present; `changed` is called with whether somebody is whenever that changes."""
        self.is_there = True
        self._changed = changed
        self._has_focus = True
        self._touched = 0.0
        self._waiting: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Start waiting for a minute without a key. Call it while the app's loop runs."""
        self._touch()
        self._look()

    def follow(self, event: events.Event) -> None:
        """Note a terminal event: a key, the mouse, a paste, or a change of focus."""
        if isinstance(event, events.AppBlur):
            self._has_focus = False
        elif isinstance(event, events.AppFocus | events.InputEvent | events.Paste):
            self._has_focus = True
            self._touch()
        else:
            return
        if self.is_there is not self._has_focus:
            self._look()

    def close(self) -> None:
        """Stop following."""
        if self._waiting is not None:
            self._waiting.cancel()

    def _touch(self) -> None:
        self._touched = asyncio.get_running_loop().time()

    def _look(self) -> None:
        """Check whether somebody is there, and check again when that may have changed."""
        self.close()
        loop = asyncio.get_running_loop()
        until = self._touched + _PATIENCE
        is_there = self._has_focus and loop.time() < until
        if is_there:
            self._waiting = loop.call_at(until, self._look)
        if is_there is not self.is_there:
            self.is_there = is_there
            self._changed(is_there)


def is_attended(app: App[Any]) -> bool:
    """Whether somebody looks at this app; an app that doesn't track this always counts as watched."""
    attendance = getattr(app, "attendance", None)
    return attendance is None or attendance.is_there


def each_second(node: Widget, draw: Callable[[], object]) -> None:
    """Call `draw` every second, or every few seconds while nobody looks; for ages and countdowns."""
    ticks = count(1)

    def tick() -> None:
        if is_attended(node.app) or next(ticks) % _SELDOM == 0:
            draw()

    node.set_interval(1.0, tick)
