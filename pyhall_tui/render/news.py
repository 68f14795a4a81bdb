"""How a piece of news is shown: in the line above the keys, and in the log of this run."""

from typing import Final

from pyhall_tui.alarms.alarm import Alarm
from pyhall_tui.feeds.news import Item, Tone
from pyhall_tui.fleet.events import Severity
from pyhall_tui.render.text import Cell, Style

_MARKS: Final = {
    Tone.ALARM: Cell("✖ ALARM", Style.ALARM),
    Tone.ERROR: Cell("✖ error", Style.ERROR),
    Tone.WARNING: Cell("▲ warning", Style.WARNING),
}
_OF_SEVERITY: Final = {Severity.ALARM: Tone.ALARM, Severity.WARNING: Tone.WARNING}


def marked(item: Item) -> list[Cell]:
    """Return the news with the word for how loud it is; a note has none. The word says it without colors too."""
    mark = _MARKS.get(item.tone)
    if mark is None:
        return [Cell(item.text)]
    return [mark, Cell(item.text, Style.ALARM if item.tone is Tone.ALARM else Style.PLAIN)]


def tone_cell(tone: Tone) -> Cell:
    """Return the word for how loud something is; nothing for a note."""
    return _MARKS.get(tone, Cell(""))


def tone_of(alarm: Alarm) -> Tone:
    """Return how loud an alarm is, by the profile's rules."""
    return _OF_SEVERITY.get(alarm.severity, Tone.NOTE)
