"""An alarm or a silence in words: for the header, the activity list, a toast and the command line."""

from pyhall_tui.alarms.alarm import Alarm, Condition, Standing
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.render.event import moment
from pyhall_tui.render.text import Cell, Style, clean

_SAID = {
    Condition.BANNED: "is BANNED",
    Condition.REVOKED: "is revoked",
    Condition.DRIFTED: "has drifted: its package is not the attested one",
    Condition.VANISHED: "has vanished: the registry no longer knows it",
    Condition.FLAPPING: "is flapping",
    Condition.REGISTRY_LOST: "The registry is lost",
    Condition.VERIFY_FAILING: "Most verifies fail",
    Condition.KEY_REJECTED: "The registry rejects the API key",
    Condition.BAN_LIST_TRUNCATED: "The ban list is truncated",
    Condition.BAN_LIST_FAILING: "The ban list is failing",
}
_STYLES = {Standing.FIRING: Style.ERROR, Standing.RESOLVED: Style.DIM}


def sentence(alarm: Alarm) -> str:
    """Return one sentence: who, what, according to whom, why."""
    said = _SAID[alarm.condition]
    if not alarm.subject:
        why = f": {clean(alarm.detail)}" if alarm.detail else ""
        return said + why
    why = f": {clean(alarm.detail)}" if alarm.detail else ""
    return f"{clean(alarm.subject)} {said} ({clean(alarm.source)}){why}"


def counts(firing: int, silenced: int) -> list[Cell]:
    """Return what the header says about alarms; nothing if there are none."""
    cells = []
    if firing:
        cells.append(Cell(f"✖ {firing} alarm{'s' if firing > 1 else ''}", Style.ERROR))
    if silenced:
        cells.append(Cell(f"{silenced} silenced", Style.WARNING))
    return cells


def standing_cell(alarm: Alarm, standing: Standing, silence: Silence | None, now: float) -> Cell:
    """Return an alarm's state, and by whom, when and why."""
    times = f" ×{alarm.times}" if alarm.times > 1 else ""
    style = _STYLES.get(standing, Style.WARNING)
    if standing is Standing.RESOLVED:
        ended = moment(alarm.resolved_at or 0.0, now)
        seen = f", {_seen(alarm, now)}" if alarm.is_acknowledged else ""
        return Cell(f"resolved {ended} by {clean(alarm.resolved_by)}{times}{seen}", style)
    if standing is Standing.ACKNOWLEDGED:
        return Cell(f"firing{times}, {_seen(alarm, now)}", style)
    if standing is Standing.SILENCED and silence is not None:
        return Cell(f"firing{times}, silenced {silence_words(silence, now)}", style)
    if standing is Standing.COVERED:
        return Cell(f"firing{times}, counted as flapping", style)
    return Cell(f"firing{times} since {moment(alarm.fired_at, now)}", style)


def silence_words(silence: Silence, now: float) -> str:
    """Return until when it lasts, by whom and why: `until 18:00:00 by ada: upgrade`."""
    why = f": {clean(silence.reason)}" if silence.reason else ""
    return f"until {moment(silence.until, now)} by {clean(silence.by)}{why}"


def _seen(alarm: Alarm, now: float) -> str:
    by = f" by {clean(alarm.acknowledged_by)}" if alarm.acknowledged_by else ""
    note = f": {clean(alarm.note)}" if alarm.note else ""
    return f"acknowledged {moment(alarm.acknowledged_at or 0.0, now)}{by}{note}"
