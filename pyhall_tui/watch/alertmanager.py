"""Alerts for an Alertmanager, by its API v2: what fires is sent again every `RESEND` seconds, what is over once.

Without an end, an Alertmanager takes an alert for over five minutes after it last heard of it. Acknowledged alarms are
sent too, because they still fire; an annotation says who has seen them. Silenced ones are not sent, and neither is what
comes and goes with its worker's flapping: if an alert was sent before, it ends there.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from pyhall_tui.alarms.alarm import Alarm, Change, Standing, What
from pyhall_tui.alarms.book import AlarmBook
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.clock import Moment
from pyhall_tui.fleet.events import FIRST_SIGHT, Severity
from pyhall_tui.render.alarm import sentence
from pyhall_tui.watch.messages import iso, plain

RESEND: Final = 45.0
"""Seconds."""
_SENT: Final = (Standing.FIRING, Standing.ACKNOWLEDGED)
_SEVERITIES: Final = {Severity.ALARM: "critical", Severity.WARNING: "warning"}
"""The words that routes of an Alertmanager usually have; everything else is `info`."""
_LONGEST: Final = 200
"""Characters of a label; `alarm` tells apart what is equal up to there."""
_SHORTEST: Final = 0.001
"""Seconds from an alert's start to its end: it must not end before it starts, even if a clock was set back."""


class Turn(NamedTuple):
    """What to send now, in this order."""

    firing: list[dict[str, Any]]
    over: list[dict[str, Any]]


class Alerts:
    """What an Alertmanager was told about one profile in this run, and what it has to be told next. Pure."""

    def __init__(self, profile: str) -> None:
        self._profile = profile
        self._sent: dict[str, Alarm] = {}
        self._firing: dict[str, Alarm] = {}
        self._whole_at: float | None = None
        """When everything that fires was last sent, on the monotonic clock."""
        self._is_whole = False

    def is_due(self, now: Moment) -> bool:
        """Whether it is time to send again everything that fires."""
        return self._whole_at is None or not 0 <= now.mono - self._whole_at < RESEND

    def turn(self, book: AlarmBook, changes: Sequence[Change], now: Moment) -> Turn:
        """Return what to send; `sent` notes that it was. `changes` are the journal's news."""
        self._firing = {alarm.id: alarm for alarm in book.all_firing() if book.standing(alarm) in _SENT}
        self._is_whole = self.is_due(now)
        firing = [alarm for alarm in self._firing.values() if self._is_whole or self._sent.get(alarm.id) != alarm]
        over = {alarm.id: alarm for alarm in self._over(book, changes, now.wall)}
        short = [alarm for alarm in over.values() if self._was_missed(alarm, changes)]
        return Turn(
            [firing_alert(alarm, self._profile, now.wall) for alarm in (*short, *firing)],
            [over_alert(alarm, self._profile, now.wall, book.silenced_by(alarm)) for alarm in over.values()],
        )

    def sent(self, now: Moment) -> None:
        """Note that the last turn was sent."""
        self._sent = self._firing
        if self._is_whole:
            self._whole_at = now.mono

    def _over(self, book: AlarmBook, changes: Sequence[Change], now: float) -> Iterator[Alarm]:
        """Yield what has ended, or is not sent any more."""
        for change in changes:  # an earlier run may have sent these
            alarm = change.alarm
            if alarm is None or change.what is not What.RESOLVED or alarm.id in self._firing:
                continue
            if alarm.id in self._sent or (book.silenced_by(alarm) is None and book.covered_by(alarm) is None):
                yield alarm
        for one, alarm in self._sent.items():
            if one in self._firing:
                if labels(alarm, self._profile) != labels(self._firing[one], self._profile):  # less urgent now, say
                    yield msgspec.structs.replace(alarm, resolved_at=now)
            else:
                held = book.held(alarm.condition, alarm.subject) or alarm
                yield held if held.resolved_at is not None else msgspec.structs.replace(held, resolved_at=now)

    def _was_missed(self, alarm: Alarm, changes: Sequence[Change]) -> bool:
        """Whether an alarm fired and ended since the last look: it is sent as firing first, or nobody would know."""
        before = self._sent.get(alarm.id)
        if before is not None and before.times == alarm.times:
            return False
        fired = (each for each in changes if each.what is What.FIRED and each.alarm is not None)
        return any(each.alarm.id == alarm.id and not is_repeated(each) for each in fired if each.alarm)


def is_repeated(change: Change) -> bool:
    """Whether it is the same firing again, with another severity."""
    return change.quiet and change.alarm is not None and change.alarm.before != FIRST_SIGHT


def firing_alert(alarm: Alarm, profile: str, now: float) -> dict[str, Any]:
    """Return an alert that fires, as the API takes it."""
    return {
        "labels": labels(alarm, profile),
        "annotations": _annotations(alarm),
        "startsAt": iso(min(alarm.fired_at, now)),
    }


def over_alert(alarm: Alarm, profile: str, now: float, silence: Silence | None = None) -> dict[str, Any]:
    """Return an alert that is over, or that is silenced."""
    start = min(alarm.fired_at, now)
    told = firing_alert(alarm, profile, now)
    if silence is not None:
        told["annotations"]["silenced"] = f"until {iso(silence.until)} by {plain(silence.by)}: {plain(silence.reason)}"
    return told | {"endsAt": iso(max(start + _SHORTEST, min(alarm.resolved_at or now, now)))}


def labels(alarm: Alarm, profile: str) -> dict[str, str]:
    """Return an alert's labels: the same for as long as the alarm exists, and valid whatever an id contains."""
    named = {
        "alertname": "Pyhall" + "".join(word.title() for word in alarm.condition.key.split("_")),
        "alarm": alarm.id,
        "profile": profile,
        "namespace": alarm.namespace,
        "worker": alarm.subject,
        "severity": _SEVERITIES.get(alarm.severity, "info"),
    }
    return {name: label(value) for name, value in named.items() if value}


def label(text: str) -> str:
    """Return text as a label's value: printable, at most `_LONGEST` characters."""
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text[:_LONGEST])
    return shown if len(text) <= _LONGEST and len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _annotations(alarm: Alarm) -> dict[str, str]:
    seen = f"by {alarm.acknowledged_by or 'somebody'}" + (f": {alarm.note}" if alarm.note else "")
    said = {
        "summary": sentence(alarm),
        "source": alarm.source,
        "detail": alarm.detail,
        "correlation_id": alarm.correlation_id,
        "times": str(alarm.times) if alarm.times > 1 else "",
        "acknowledged": seen if alarm.is_acknowledged else "",
    }
    return {name: plain(value) for name, value in said.items() if value}
