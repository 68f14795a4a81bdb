"""Notifies you of firing alarms: with the line, the bell and the desktop, according to the profile's rules."""

from collections.abc import Iterable

from pyhall_tui.alarms.alarm import Alarm, Change, Condition, Standing, What
from pyhall_tui.alarms.rules import Tell
from pyhall_tui.clock import Clock
from pyhall_tui.journal.alarms import Alarms
from pyhall_tui.shell.attention import Attention
from pyhall_tui.shell.news import NewsApp


class AlarmNews:
    """Takes changes of alarms, and calls for attention to newly firing ones, unless they are silenced."""

    def __init__(self, app: NewsApp, clock: Clock) -> None:
        self._app = app
        self._attention = Attention(app, clock)

    def take(self, alarms: Alarms, changes: Iterable[Change], *, profile: str = "") -> None:
        """Report changes; `profile` is the name of theirs, if it is not the open one."""
        changes = list(changes)
        news = [change.alarm for change in changes if change.what is What.FIRED and not change.quiet and change.alarm]
        news = [alarm for alarm in news if alarms.book.standing(alarm) is Standing.FIRING]
        self._app.keep_alarms(lambda alarm: _is_news(alarms, alarm), _touched(changes), alarms)
        ways = [(alarm, alarms.rules.of(alarm.condition).tell) for alarm in news]
        self._app.say_alarms([alarm for alarm, tell in ways if Tell.LINE in tell], alarms, profile)
        for alarm, tell in ways:
            self._attention.call(alarm, bell=Tell.BELL in tell, desktop=Tell.DESKTOP in tell, profile=profile)


def _is_news(alarms: Alarms, alarm: Alarm) -> bool:
    """Whether an alarm that was reported is still firing, and nobody has acknowledged it."""
    now = alarms.book.firing(alarm.subject).get(alarm.condition)
    if now is None or (now.times, now.severity) != (alarm.times, alarm.severity):
        return False
    return alarms.book.standing(now) is Standing.FIRING


def _touched(changes: list[Change]) -> set[str] | None:
    """Return the alarms that the changes are about; None if they may be about any: silences, flapping workers."""
    alarms = [change.alarm for change in changes]
    if any(alarm is None or alarm.condition is Condition.FLAPPING for alarm in alarms):
        return None
    return {alarm.id for alarm in alarms if alarm is not None}
