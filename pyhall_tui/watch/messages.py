"""Alerts in words and as JSON, for webhooks and commands. Pure.

`alert` is for one, `message` for several with a text that chat systems read. `share/webhook.schema.json` is the schema.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pyhall_tui.alarms.alarm import Alarm, Change, Condition, What
from pyhall_tui.alarms.book import AlarmBook
from pyhall_tui.alarms.rules import SEVERITIES
from pyhall_tui.fleet.events import FIRST_SIGHT, Severity
from pyhall_tui.render.alarm import sentence

SCHEMA: Final = 1
_NAMED: Final = 10
"""Alerts that a text names; it counts the others."""
_WORDS: Final = {severity: word for word, severity in SEVERITIES.items()} | {Severity.INFO: "info"}
_MARKUP: Final = str.maketrans({"<": "‹", ">": "›", "@": "＠", "[": "⟦", "]": "⟧", "`": "ˋ", "*": "∗"})
"""What chat systems read as a mention, a link or a format. The exact text is in the fields."""


def calls(change: Change, book: AlarmBook) -> Iterator[Change]:
    """Yield what to send for a change: itself, and what a silence or a flapping that has ended kept back until now."""
    if calls_somebody(change, book):
        yield change
    alarm, silence = change.alarm, change.silence
    if change.what is What.UNSILENCED and silence is not None:
        kept_back = [each for each in book.all_firing() if silence.covers(each.condition, each.subject, each.namespace)]
    elif change.what is What.RESOLVED and alarm is not None and alarm.condition is Condition.FLAPPING:
        kept_back = [each for each in book.firing(alarm.subject).values() if each.streak > 1]
    else:
        return
    again = (Change(what=What.FIRED, at=each.fired_at, by=each.source, alarm=each) for each in kept_back)
    yield from (each for each in again if each.alarm and not each.alarm.is_acknowledged and calls_somebody(each, book))


def calls_somebody(change: Change, book: AlarmBook) -> bool:
    """Whether a change is sent: an alarm fires or is over, and nobody has silenced it.

    Warnings and notes are not sent, as the header doesn't count them. Neither is what comes and goes with its worker's
    flapping, which is an alarm itself.
    """
    alarm = change.alarm
    if alarm is None or change.what not in (What.FIRED, What.RESOLVED) or alarm.severity is not Severity.ALARM:
        return False
    if change.quiet and alarm.before != FIRST_SIGHT:  # the same firing again, less urgent
        return False
    return book.silenced_by(alarm) is None and book.covered_by(alarm) is None


def alert(change: Change, profile: str) -> dict[str, Any]:
    """Return one change of an alarm as JSON: `id` is the same whenever and by whomever it is sent."""
    alarm = change.alarm
    assert alarm is not None
    return {
        "schema": SCHEMA,
        "id": change.id,
        "what": change.what.value,
        "text": text(change),
        "profile": profile,
        "alarm": alarm.id,
        "condition": alarm.condition.key,
        "severity": severity_word(alarm),
        "worker": plain(alarm.subject) or None,
        "namespace": plain(alarm.namespace) or None,
        "times": alarm.times,
        "fired_at": iso(alarm.fired_at),
        "resolved_at": None if alarm.resolved_at is None else iso(alarm.resolved_at),
        "source": plain(alarm.resolved_by if change.what is What.RESOLVED else alarm.source),
        "detail": plain(alarm.detail),
        "correlation_id": plain(alarm.correlation_id),
    }


def message(changes: Sequence[Change], profile: str) -> dict[str, Any]:
    """Return several changes as one JSON message; `text` is for people."""
    lines = [f"{profile}: {text(change)}" for change in changes[:_NAMED]]
    if len(changes) > _NAMED:
        lines.append(f"… and {len(changes) - _NAMED} more")
    return {
        "schema": SCHEMA,
        "text": "\n".join(lines).translate(_MARKUP),
        "profile": profile,
        "alerts": [alert(change, profile) for change in changes],
    }


def text(change: Change) -> str:
    """Return one sentence about a change."""
    assert change.alarm is not None
    said = sentence(change.alarm)
    return f"✔ resolved: {said}" if change.what is What.RESOLVED else f"✖ {said}"


def severity_word(alarm: Alarm) -> str:
    """Return an alarm's severity: alarm, warning, note or info."""
    return _WORDS[alarm.severity]


def plain(value: str) -> str:
    """Return text that UTF-8 can hold: a lone surrogate becomes an escape."""
    return value.encode("utf-8", "backslashreplace").decode()


def iso(wall: float) -> str:
    """Return a wall time in UTC: `2026-11-26T10:00:00.123Z`; the nearest possible one for an absurd clock."""
    at = datetime.fromtimestamp(min(max(wall, 0.0), 253_402_300_799.0), UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
