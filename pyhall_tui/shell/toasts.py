"""The toasts for alarms: they stay until you handle them, and never cover the screen."""

import re
from collections.abc import Collection, Iterable

from textual.app import App
from textual.notifications import Notification
from textual.widget import Widget

from pyhall_tui.fleet.events import FIRST_SIGHT, Event, Kind, Severity
from pyhall_tui.render.event import sentence
from pyhall_tui.render.text import clean
from pyhall_tui.textual_internals import Toast, ToastHolder, raise_toast, take_toast_away, toasts_up

_STAYS = 7 * 86_400.0
_MOST, _MOST_ON_SHORT, _SHORT = 3, 1, 30
"""Toasts at once; on a terminal with fewer lines than `_SHORT`, one."""
_MOST_LETTERS = 240


_GOOD_NEWS = (Kind.UNBANNED, Kind.APPEARED, Kind.KEY_ACCEPTED, Kind.VERIFY_RECOVERED)


def is_bad_news(event: Event) -> bool:
    """Whether to tell the user: an open alarm that came while the app was watching.

    What was already true at first sight is at the top of the table and counted in the header. A flapping worker's row
    stays an alarm when it ends well.
    """
    if event.acknowledged or event.kind in _GOOD_NEWS or event.before == FIRST_SIGHT:
        return False
    return event.severity is Severity.ALARM


def with_its_holder(widget: Widget) -> Widget:
    """Return what to remove instead of a widget: for a toast also its holder, which Textual would never remove."""
    holder = widget.parent
    return holder if isinstance(widget, Toast) and isinstance(holder, ToastHolder) else widget


class AlarmToasts:
    """The toasts that are shown for alarms. One more toast counts those beyond the first few."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._up: dict[int, Notification] = {}
        self._beyond: set[int] = set()
        self._count: Notification | None = None

    def show(self, alarms: Iterable[Event]) -> None:
        """Show a toast for each, as long as there is room."""
        notifications = toasts_up(self._app)
        self._up = {event_id: toast for event_id, toast in self._up.items() if toast in notifications}
        if self._count is not None and self._count not in notifications:
            self._beyond.clear()
        most = _MOST if self._app.size.height >= _SHORT else _MOST_ON_SHORT
        for event in alarms:
            if len(self._up) < most:
                title = "Banned" if event.kind is Kind.BANNED else "Alarm"
                self._up[event.id] = self._raise(clean(sentence(event), _MOST_LETTERS), title)
            else:
                self._beyond.add(event.id)
        self._tell_beyond()

    def keep(self, open_alarms: Collection[int]) -> None:
        """Remove the toasts of alarms that were acknowledged, or folded into newer ones."""
        seen = [event_id for event_id in self._up if event_id not in open_alarms]
        beyond = {event_id for event_id in self._beyond if event_id in open_alarms}
        if not seen and beyond == self._beyond:
            return
        for event_id in seen:
            take_toast_away(self._app, self._up.pop(event_id))
        self._beyond = beyond
        self._tell_beyond()

    def clear(self) -> None:
        """Remove them all."""
        self.keep(())

    def _tell_beyond(self) -> None:
        """Show how many are not shown, as the last toast."""
        before, self._count = self._count, None
        if self._beyond:
            count = len(self._beyond)
            self._count = self._raise(
                f"and {count} more alarm{'s' * (count > 1)}: press 4 for all of them (in a field: esc, then 4).", ""
            )
        if before is not None:
            take_toast_away(self._app, before)

    def _raise(self, message: str, title: str) -> Notification:
        toast = Notification(message, title, "error", _STAYS, markup=False)
        raise_toast(self._app, toast)
        return toast


class TroubleToasts:
    """Toasts about what could not be saved or read, once for each problem; many appear long after the start."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._told: set[str] = set()

    def show(self, sentences: Iterable[str]) -> None:
        """Show a toast for each new one; one that differs only in its numbers is not new."""
        present = {re.sub(r"\d[\d,]*", "", told): told for told in sentences if told}
        for trouble, told in present.items():
            if trouble not in self._told:
                self._app.notify(told, severity="warning", timeout=15, markup=False)
        self._told = set(present)
