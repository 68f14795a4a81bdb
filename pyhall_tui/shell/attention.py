"""Calls for attention besides the line of news: the terminal's bell and a desktop notification, if the rules say so."""

import os

from textual.app import App

from pyhall_tui.alarms.alarm import Alarm
from pyhall_tui.clock import Clock
from pyhall_tui.textual_internals import write_to_terminal

_GATHER = 0.25
"""Seconds for which alarms are collected for one ring of the bell and one desktop notification."""
_QUIET = 5.0
"""Seconds between two of these."""


class Attention:
    """Rings and notifies once for simultaneous alarms."""

    def __init__(self, app: App[None], clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._rings = False
        self._for_desktop: list[Alarm] = []
        self._profiles: dict[str, str] = {}
        self._is_due = False
        self._called_at = -_QUIET

    def call(self, alarm: Alarm, *, bell: bool, desktop: bool, profile: str = "") -> None:
        """Call for attention to an alarm, soon, by the bell and to the desktop, as is wanted.

        `profile` is its profile's name if that is not the one on the screen.
        """
        if not bell and not desktop:
            return
        self._rings = self._rings or bell
        if desktop:
            self._for_desktop.append(alarm)
            self._profiles[alarm.id] = profile
        if not self._is_due:
            self._is_due = True
            quiet_for = self._called_at + _QUIET - self._clock.now().mono
            self._app.set_timer(max(_GATHER, quiet_for), self._ring)

    def _ring(self) -> None:
        from pyhall_tui.render.notification import alarms_in_words, desktop_sequence  # not before the first frame

        rings, alarms, profiles = self._rings, self._for_desktop, self._profiles
        self._rings, self._for_desktop, self._profiles, self._is_due = False, [], {}, False
        self._called_at = self._clock.now().mono
        if self._app.is_headless:
            return
        if rings:
            self._app.bell()
        sequence = desktop_sequence(alarms_in_words(alarms, profiles), os.environ) if alarms else None
        if sequence is not None:
            write_to_terminal(self._app, sequence)
