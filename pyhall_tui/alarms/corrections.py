"""What the newest answers show but the alarms don't: changes missed because no program ran or a row was lost.

Each becomes an event like any other. An answer requested before the alarm fired ends nothing.
"""

from collections.abc import Iterator, Mapping

from pyhall_tui.alarms.alarm import Alarm, Condition
from pyhall_tui.alarms.fold import REVOKED
from pyhall_tui.clock import Moment
from pyhall_tui.fleet.drift_state import BAD_DRIFT
from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.events import FIRST_SIGHT, Event, Kind
from pyhall_tui.fleet.transitions import make_event
from pyhall_tui.registry.models import Verdict

Firing = Mapping[Condition, Alarm]


def by_verdict(entry: Entry, firing: Firing, asked: Moment, now: Moment, list_as_of: float) -> Iterator[Event]:
    """Yield the events that a worker's newest verdict calls for.

    Args:
        firing: the worker's firing alarms.
        asked: when the verdict was requested.
        list_as_of: wall time of the ban list's last answer; infinite if there is no list to wait for.
    """
    verdict = entry.verdict
    if verdict is None or entry.restored:
        return
    if not (firing or verdict.banned or verdict.status == REVOKED):
        return  # as almost always: each verdict is looked at
    if verdict.banned and Condition.BANNED not in firing:
        yield _event(Kind.BANNED, entry, FIRST_SIGHT, "BANNED", now, verdict.ban_reason or "")
    if verdict.known and verdict.status == REVOKED and Condition.REVOKED not in firing:
        yield _event(Kind.STATUS_CHANGED, entry, FIRST_SIGHT, REVOKED, now)
    ended = {condition for condition, alarm in firing.items() if alarm.fired_at < asked.wall}
    if Condition.BANNED in ended and entry.ban is None and list_as_of > firing[Condition.BANNED].fired_at:
        yield _event(Kind.UNBANNED, entry, "BANNED", entry.last_state().name.lower(), now)
    if verdict.known:
        yield from _of_known(verdict, entry, ended, now)


def _of_known(verdict: Verdict, entry: Entry, ended: set[Condition], now: Moment) -> Iterator[Event]:
    if Condition.VANISHED in ended:
        yield _event(Kind.APPEARED, entry, "unknown", verdict.status or "known", now)
    elif Condition.REVOKED in ended and verdict.status not in (REVOKED, "banned", None):
        yield _event(Kind.STATUS_CHANGED, entry, REVOKED, verdict.status or "", now)


def by_ban_list(entry: Entry, firing: Firing, now: Moment) -> Iterator[Event]:
    """Yield a ban that is in the newest ban list, but has no alarm."""
    if entry.listed is not None and Condition.BANNED not in firing:
        yield _event(Kind.BANNED, entry, FIRST_SIGHT, "BANNED", now, entry.listed.reason or "", source="ban list")


def by_drift(entry: Entry, firing: Firing, now: Moment) -> Iterator[Event]:
    """Yield what comparing the worker's folder shows, but its alarm doesn't."""
    drifts = entry.drift in BAD_DRIFT
    if drifts and Condition.DRIFTED not in firing:
        yield _event(Kind.DRIFTED, entry, FIRST_SIGHT, (entry.drift or ""), now, entry.drift_detail, source="drift")
    if not drifts and Condition.DRIFTED in firing:
        compared = entry.drift is not None
        kind, source = (Kind.DRIFT_ENDED, "drift") if compared else (Kind.NOT_COMPARED, "operator")
        yield _event(kind, entry, "drifted", entry.drift or "not compared", now, source=source)


def _event(
    kind: Kind, entry: Entry, before: str, after: str, now: Moment, detail: str = "", *, source: str = "verify"
) -> Event:
    correlation_id = entry.verdict.correlation_id if entry.verdict and source == "verify" else ""
    return make_event(
        kind, now.wall, entry.worker_id, before, after, source=source, correlation_id=correlation_id, detail=detail
    )
