"""Derives events from one verdict to the next."""

from collections.abc import Iterator

from pyhall_tui.fleet.entry import Ban
from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.registry.models import Verdict

_SEVERITY = {
    Kind.BANNED: Severity.ALARM,
    Kind.UNBANNED: Severity.NOTICE,
    Kind.ATTESTED: Severity.INFO,
    Kind.UNATTESTED: Severity.WARNING,
    Kind.HASH_CHANGED: Severity.WARNING,
    Kind.STATUS_CHANGED: Severity.WARNING,
    Kind.APPEARED: Severity.INFO,
    Kind.VANISHED: Severity.ALARM,
    Kind.DRIFTED: Severity.ALARM,
    Kind.DRIFT_ENDED: Severity.INFO,
    Kind.REGISTRY_LOST: Severity.ALARM,
    Kind.REGISTRY_REGAINED: Severity.NOTICE,
    Kind.VERIFY_FAILING: Severity.ALARM,
    Kind.VERIFY_RECOVERED: Severity.NOTICE,
    Kind.RATE_LIMITED: Severity.NOTICE,
    Kind.KEY_REJECTED: Severity.ALARM,
    Kind.KEY_ACCEPTED: Severity.NOTICE,
    Kind.DISPATCH_CHANGED: Severity.WARNING,
    Kind.BAN_LIST_MISSING: Severity.NOTICE,
    Kind.ATTEST_SENT: Severity.NOTICE,
    Kind.HASH_REPORTED: Severity.NOTICE,
    Kind.BAN_LIST_TRUNCATED: Severity.ALARM,
    Kind.BAN_LIST_FAILING: Severity.WARNING,
    Kind.BAN_LIST_RECOVERED: Severity.NOTICE,
    Kind.FLAPPING: Severity.ALARM,
    Kind.CALMED: Severity.NOTICE,
    Kind.UNWATCHED: Severity.NOTICE,
    Kind.NOT_COMPARED: Severity.NOTICE,
    Kind.SILENCED: Severity.NOTICE,
    Kind.SILENCE_ENDED: Severity.NOTICE,
    Kind.LOG_REWRITTEN: Severity.ALARM,
    Kind.LOG_REPLACED: Severity.ALARM,
    Kind.ACCOUNT_SUSPENDED: Severity.ALARM,
    Kind.HALL_BANNED: Severity.ALARM,
    Kind.LOG_UNPROVEN: Severity.WARNING,
    Kind.LOG_ACCEPTED: Severity.NOTICE,
    Kind.ACCOUNT_RESTORED: Severity.NOTICE,
    Kind.HALL_UNBANNED: Severity.NOTICE,
    Kind.REGISTRY_CHANGED: Severity.NOTICE,
    Kind.ALERTS_FAILING: Severity.WARNING,
    Kind.ALERTS_RECOVERED: Severity.NOTICE,
}


def severity_of(kind: Kind) -> Severity:
    """Return how urgent an event of that kind usually is."""
    return _SEVERITY[kind]


def make_event(
    kind: Kind,
    wall: float,
    worker_id: str | None,
    before: str,
    after: str,
    *,
    source: str,
    correlation_id: str = "",
    detail: str = "",
) -> Event:
    """Return the event with the severity of its kind; a revoked worker is an alarm like a banned one."""
    severity = Severity.ALARM if after == "revoked" else _SEVERITY[kind]
    return Event(
        kind=kind,
        severity=severity,
        at=wall,
        worker_id=worker_id,
        before=before,
        after=after,
        source=source,
        correlation_id=correlation_id,
        detail=detail,
    )


def ban_transition(
    before: Ban | None, after: Ban | None, wall: float, worker_id: str, last_word: str, correlation_id: str
) -> Iterator[Event]:
    """Yield `BANNED` or `UNBANNED` if a ban came or went. `last_word` is the state without the ban."""
    if after and not before:
        yield make_event(
            Kind.BANNED,
            wall,
            worker_id,
            last_word,
            "BANNED",
            source=after.source,
            correlation_id=correlation_id,
            detail=after.reason or "",
        )
    if before and not after:
        yield make_event(
            Kind.UNBANNED, wall, worker_id, "BANNED", last_word, source="verify", correlation_id=correlation_id
        )


def verdict_transitions(before: Verdict | None, after: Verdict, wall: float) -> Iterator[Event]:
    """Yield what changed between two verdicts on one worker, apart from bans. A first verdict is not a change."""
    if before is None:
        return
    for kind, old, new in _changes(before, after):
        yield make_event(kind, wall, after.worker_id, old, new, source="verify", correlation_id=after.correlation_id)


def _changes(before: Verdict, after: Verdict) -> Iterator[tuple[Kind, str, str]]:
    if before.known != after.known:
        yield (
            (Kind.APPEARED, "unknown", after.status or "known")
            if after.known
            else (Kind.VANISHED, _word(before), "unknown")
        )
        return
    if before.status != after.status and "banned" not in (before.status, after.status):
        yield Kind.STATUS_CHANGED, before.status or "none", after.status or "none"
    if before.sha256 != after.sha256 and before.sha256 and after.sha256:
        yield Kind.HASH_CHANGED, before.sha256, after.sha256
    if before.attested != after.attested:
        kind = Kind.ATTESTED if after.attested else Kind.UNATTESTED
        words = ("unattested", "attested")
        yield kind, words[before.attested], words[after.attested]


def _word(verdict: Verdict) -> str:
    """Return the status, or for an active worker whether it was attested; it is read back once the worker vanished."""
    return "unattested" if verdict.status == "active" and not verdict.attested else verdict.status or "known"
