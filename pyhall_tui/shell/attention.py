"""Calls for attention besides the toast: the terminal's bell and a desktop notification, if the profile says so."""

import os

from textual.app import App

from pyhall_tui.clock import Clock
from pyhall_tui.fleet.events import Event
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.textual_internals import write_to_terminal

_GATHER = 0.25
"""Seconds for which bans are collected for one ring of the bell and one desktop notification."""
_QUIET = 5.0
"""Seconds between two of these."""


class Attention:
    """Rings and notifies once for simultaneous bans."""

    def __init__(self, app: App[None], clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._bans: list[Event] = []
        self._called_at = -_QUIET

    def call(self, bans: list[Event], profile: Profile) -> None:
        """Call for attention to these bans soon, if the profile says so."""
        if not bans or not (profile.bell or profile.desktop_notifications):
            return
        if not self._bans:
            quiet_for = self._called_at + _QUIET - self._clock.now().mono
            self._app.set_timer(max(_GATHER, quiet_for), lambda: self._ring(profile))
        self._bans += bans

    def _ring(self, profile: Profile) -> None:
        from pyhall_tui.render.notification import bans_in_words, desktop_sequence  # not before the first frame

        bans, self._bans = self._bans, []
        self._called_at = self._clock.now().mono
        if self._app.is_headless:
            return
        if profile.bell:
            self._app.bell()
        sequence = desktop_sequence(bans_in_words(bans), os.environ) if profile.desktop_notifications else None
        if sequence is not None:
            write_to_terminal(self._app, sequence)
