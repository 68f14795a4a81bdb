"""Who is told of alarms that fire, and how: toasts, the bell, the desktop, as the profile's rules have it."""

from collections.abc import Iterable

from textual.app import App

from pyhall_tui.alarms.alarm import Alarm, Change, Standing, What
from pyhall_tui.alarms.rules import Tell
from pyhall_tui.clock import Clock
from pyhall_tui.journal.alarms import Alarms
from pyhall_tui.shell.attention import Attention
from pyhall_tui.shell.toasts import AlarmToasts


class AlarmNews:
    """Takes what becomes of alarms; calls for attention to those that fire anew, unless they are silenced."""

    def __init__(self, app: App[None], clock: Clock) -> None:
        self._toasts = AlarmToasts(app)
        self._attention = Attention(app, clock)

    def take(self, alarms: Alarms, changes: Iterable[Change], *, are_listed: bool) -> None:
        """Tell of changes. `are_listed`: the screen that lists them is on show, so a toast would only be in the way."""
        news = [change.alarm for change in changes if change.what is What.FIRED and not change.quiet and change.alarm]
        news = [alarm for alarm in news if alarms.book.standing(alarm) is Standing.FIRING]
        self._toasts.keep(lambda alarm: _is_news(alarms, alarm))
        for alarm in news:
            ways = alarms.rules.of(alarm.condition).tell
            if Tell.LINE in ways and not are_listed:
                self._toasts.show([alarm])
            self._attention.call(alarm, bell=Tell.BELL in ways, desktop=Tell.DESKTOP in ways)

    def clear(self) -> None:
        """Take away what is up: one has seen it."""
        self._toasts.clear()


def _is_news(alarms: Alarms, alarm: Alarm) -> bool:
    """Whether an alarm that was told of still fires, for that time, and nobody has seen to it."""
    now = alarms.book.firing(alarm.subject).get(alarm.condition)
    return now is not None and now.times == alarm.times and alarms.book.standing(now) is Standing.FIRING
