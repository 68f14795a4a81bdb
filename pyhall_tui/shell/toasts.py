"""The toasts for alarms: they stay until you handle them, and never cover the screen."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence

from textual.app import App
from textual.notifications import Notification
from textual.widget import Widget

from pyhall_tui.alarms.alarm import Alarm, Condition
from pyhall_tui.render.alarm import sentence
from pyhall_tui.render.text import clean
from pyhall_tui.textual_internals import Toast, ToastHolder, raise_toast, take_toast_away, toasts_up

_STAYS = 7 * 86_400.0
_MOST, _MOST_ON_SHORT, _SHORT = 3, 1, 30
"""Toasts at once; on a terminal with fewer lines than `_SHORT`, one."""
_MOST_LETTERS = 240


def with_its_holder(widget: Widget) -> Widget:
    """Return what to remove instead of a widget: for a toast also its holder, which Textual would never remove."""
    holder = widget.parent
    return holder if isinstance(widget, Toast) and isinstance(holder, ToastHolder) else widget


class AlarmToasts:
    """The toasts that are shown for alarms. One more toast counts those beyond the first few."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._up: dict[str, tuple[Alarm, Notification]] = {}
        """By alarm."""
        self._beyond: dict[str, Alarm] = {}
        self._count: Notification | None = None

    def show(self, alarms: Sequence[Alarm], profile: str = "") -> None:
        """Show a toast for each, as long as there is room; `profile` is named if it is not the one on the screen."""
        if not alarms:
            return
        notifications = toasts_up(self._app)
        self._up = {one: told for one, told in self._up.items() if told[1] in notifications}
        if self._count is not None and self._count not in notifications:
            self._beyond.clear()
        most = _MOST if self._app.size.height >= _SHORT else _MOST_ON_SHORT
        for alarm in alarms:
            if (before := self._up.pop(alarm.id, None)) is not None:
                take_toast_away(self._app, before[1])
            if len(self._up) < most:
                title = "Banned" if alarm.condition is Condition.BANNED else "Alarm"
                self._up[alarm.id] = (alarm, self._raise(clean(sentence(alarm, profile), _MOST_LETTERS), title))
            else:
                self._beyond[alarm.id] = alarm
        self._tell_beyond()

    def keep(self, is_news: Callable[[Alarm], bool], among: Collection[str] | None = None) -> None:
        """Remove the toasts of alarms that are over, acknowledged or silenced; only those of these ids, if given."""
        up = {one: alarm for one, (alarm, _) in self._up.items()}
        looked_at = up | self._beyond if among is None else {one: up.get(one) or self._beyond.get(one) for one in among}
        over = [one for one, alarm in looked_at.items() if alarm is not None and not is_news(alarm)]
        for one in over:
            if one in self._up:
                take_toast_away(self._app, self._up.pop(one)[1])
            self._beyond.pop(one, None)
        if over:
            self._tell_beyond()

    def clear(self) -> None:
        """Remove them all."""
        self.keep(lambda _: False)

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
