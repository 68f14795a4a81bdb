"""How many alarms a journal says are open."""

from pyhall_tui.fleet.events import Severity
from pyhall_tui.journal.journal import Journal


def open_alarms(journal: Journal, profile: str) -> int:
    """Count the alarms that fire and that nobody has acknowledged, including silenced ones."""
    assert journal.flush(30)
    firing = journal.alarms.begin(profile).firing
    return sum(alarm.severity is Severity.ALARM and not alarm.is_acknowledged for alarm in firing)
