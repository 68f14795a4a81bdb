"""An alarm or a silence in words: for the header, the lists, the line of news and the command line."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from pyhall_tui.alarms.alarm import Alarm, Condition, Standing
from pyhall_tui.alarms.listing import Listed
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.render.event import GLYPHS, WORDS, moment
from pyhall_tui.render.text import Cell, Style, clean, full_time, id_text, iso_time

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
    Condition.LOG_REWRITTEN: "The hall's decision log is not the one that was seen before",
    Condition.LOG_REPLACED: "Another decision log is served at this address",
    Condition.ACCOUNT_SUSPENDED: "The account is suspended",
    Condition.HALL_BANNED: "The hall's own code is on the ban list",
}
_STYLES = {Standing.FIRING: Style.ERROR, Standing.RESOLVED: Style.DIM}
STANDING_WORDS: Final = {standing: standing.value for standing in Standing} | {Standing.COVERED: "flaps along"}
"""An alarm's state in one or two words."""


class AlarmRow(NamedTuple):
    """The cells of one alarm, by column."""

    severity: tuple[Cell, Cell]
    standing: Cell
    condition: Cell
    worker: Cell
    since: Cell
    times: Cell
    source: Cell
    how: Cell


def sentence(alarm: Alarm, profile: str = "") -> str:
    """Return one sentence: who, what, according to whom, why; with the profile if it is not the one on the screen."""
    said = _SAID[alarm.condition]
    why = f": {clean(alarm.detail)}" if alarm.detail else ""
    if not alarm.subject:
        return of_profile(said + why, profile)
    return of_profile(f"{clean(alarm.subject)} {said} ({clean(alarm.source)}){why}", profile)


def of_profile(text: str, profile: str) -> str:
    """Return a text about another profile than the one on the screen, with its name; without a name, only the text."""
    return f"{clean(profile)}: {text}" if profile else text


def counts(firing: int, silenced: int, elsewhere: int = 0) -> list[Cell]:
    """Return what the header says about alarms; nothing if there are none. `elsewhere`: those of other profiles."""
    cells = []
    if firing:
        cells.append(Cell(f"✖ {firing} alarm{'s' if firing > 1 else ''}", Style.ERROR))
    if elsewhere:
        cells.append(Cell(f"+{elsewhere} elsewhere", Style.ERROR))
    if silenced:
        cells.append(Cell(f"{silenced} silenced", Style.WARNING))
    return cells


def alarm_row(one: Listed, silence: Silence | None, now: float) -> AlarmRow:
    """Return one alarm's cells; `silence` is the one that covers it."""
    alarm, standing = one
    glyph = GLYPHS[alarm.severity]
    shade = Style.DIM if standing is Standing.RESOLVED else glyph.style
    style = _STYLES.get(standing, Style.WARNING)
    return AlarmRow(
        severity=(
            Cell("–" if standing is Standing.RESOLVED else glyph.text, shade),
            Cell(WORDS[alarm.severity], shade),
        ),
        standing=Cell(STANDING_WORDS[standing], style),
        condition=Cell(alarm.condition.value, shade),
        worker=Cell(id_text(alarm.subject) or "registry"),
        since=Cell(moment(alarm.fired_at, now), Style.DIM),
        times=Cell(f"×{alarm.times}" if alarm.times > 1 else "", Style.DIM),
        source=Cell(clean(alarm.source), Style.DIM),
        how=Cell(_how(alarm, standing, silence, now), Style.DIM),
    )


def alarm_values(one: Listed) -> dict[str, Any]:
    """Return what an export says of an alarm, by column; `how` is in its words on the screen."""
    alarm, standing = one
    return {
        "severity": WORDS[alarm.severity],
        "standing": STANDING_WORDS[standing],
        "condition": alarm.condition.value,
        "worker": alarm.subject or None,
        "since": iso_time(alarm.fired_at),
        "times": alarm.times,
        "source": alarm.source,
    }


def _how(alarm: Alarm, standing: Standing, silence: Silence | None, now: float) -> str:
    if standing is Standing.RESOLVED:
        return f"{moment(alarm.resolved_at or 0.0, now)} by {clean(alarm.resolved_by)}"
    if standing is Standing.ACKNOWLEDGED:
        return _seen(alarm, now).removeprefix("acknowledged ")
    if standing is Standing.SILENCED and silence is not None:
        return silence_words(silence, now)
    return clean(alarm.detail)


def alarm_lines(one: Listed, silence: Silence | None, now: float) -> list[list[Cell]]:
    """Return everything about one alarm, in lines."""
    alarm, standing = one
    first = f" · first {full_time(alarm.first_at)}" if alarm.times > 1 else ""
    before = f" · before: {clean(alarm.before)}" if alarm.before else ""
    namespace = f" · {clean(alarm.namespace)}" if alarm.namespace else ""
    ids = f"alarm {alarm.id}" + (f" · correlation {clean(alarm.correlation_id)}" if alarm.correlation_id else "")
    return [
        [Cell(sentence(alarm), Style.STRONG)],
        [standing_cell(alarm, standing, silence, now)],
        [Cell(f"fired {full_time(alarm.fired_at)} · {clean(alarm.source)}{first}{before}{namespace}", Style.DIM)],
        [Cell(ids, Style.DIM)],
    ]


def alarm_line(one: Listed, silence: Silence | None, now: float) -> str:
    """Return one alarm as a line of text for the clipboard."""
    alarm, standing = one
    glyph, state = GLYPHS[alarm.severity].text, standing_cell(alarm, standing, silence, now).text
    return f"{full_time(alarm.fired_at)}  {glyph} {WORDS[alarm.severity]}  {sentence(alarm)}  [{state}]"


def standing_counts(counted: Mapping[Standing, int], profile: str) -> list[Cell]:
    """Return whose alarms these are, and how many are in each state: `acme`, `2 firing`, `14 resolved`."""
    cells = [
        Cell(f"{counted[standing]:,} {STANDING_WORDS[standing]}", _STYLES.get(standing, Style.WARNING))
        for standing in Standing
        if counted.get(standing)
    ]
    return [Cell(profile, Style.STRONG), *(cells or [Cell("nothing has fired yet", Style.GOOD)])]


def silences_line(silences: Sequence[Silence], now: float, *, key: str = "S") -> list[Cell]:
    """Return what is silenced, the first to end in full, and how to end it; nothing if there is none."""
    if not silences:
        return []
    first, more = silences[0], len(silences) - 1
    others = f" (+{more} more)" if more else ""
    said = f"Silenced: {clean(first.what)} {silence_words(first, now)}{others}"
    return [Cell(said, Style.WARNING), Cell(f" · {key} lists and ends silences", Style.DIM)]


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
