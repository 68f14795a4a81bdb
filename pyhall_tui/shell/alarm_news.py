"""Notifies you of firing alarms: with toasts, the bell and the desktop, according to the profile's rules."""

from collections.abc import Iterable

from textual.app import App

from pyhall_tui.alarms.alarm import Alarm, Change, Condition, Standing, What
from pyhall_tui.alarms.rules import Tell
from pyhall_tui.clock import Clock
from pyhall_tui.journal.alarms import Alarms
from pyhall_tui.shell.attention import Attention
from pyhall_tui.shell.toasts import AlarmToasts


class AlarmNews:
    """Takes changes of alarms, and calls for attention to newly firing ones, unless they are silenced."""

    def __init__(self, app: App[None], clock: Clock) -> None:
        self._toasts = AlarmToasts(app)
        self._attention = Attention(app, clock)

    def take(self, alarms: Alarms, changes: Iterable[Change], *, are_listed: bool, profile: str = "") -> None:
        """Report changes.

        Args:
            are_listed: the screen that lists them is visible, so a toast would only be in the way.
            profile: the name of their profile, if it is not the one on the screen.
        """
        changes = list(changes)
        news = [change.alarm for change in changes if change.what is What.FIRED and not change.quiet and change.alarm]
        news = [alarm for alarm in news if alarms.book.standing(alarm) is Standing.FIRING]
        self._toasts.keep(lambda alarm: not alarms.book.is_of(alarm) or _is_news(alarms, alarm), _touched(changes))
        ways = [(alarm, alarms.rules.of(alarm.condition).tell) for alarm in news]
        if not are_listed:
            self._toasts.show([alarm for alarm, tell in ways if Tell.LINE in tell], profile)
        for alarm, tell in ways:
            self._attention.call(alarm, bell=Tell.BELL in tell, desktop=Tell.DESKTOP in tell, profile=profile)

    def clear(self) -> None:
        """Remove the toasts, because you have seen them."""
        self._toasts.clear()


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
