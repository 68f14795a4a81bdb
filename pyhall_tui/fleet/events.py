"""An event: what changed, when, from what, to what, and according to whom."""

from enum import IntEnum, StrEnum

import msgspec

FIRST_SIGHT = "not known yet"
"""`before` of a worker that is seen for the first time: its state may be older than that."""

BANNED_OTHERWISE = "banned for another reason"
"""`before` of a ban that was lifted and set again between two answers: only its reason shows it."""


class Kind(StrEnum):
    """What happened."""

    BANNED = "banned"
    UNBANNED = "unbanned"
    ATTESTED = "attested"
    UNATTESTED = "unattested"
    HASH_CHANGED = "hash changed"
    STATUS_CHANGED = "status changed"
    APPEARED = "appeared"
    VANISHED = "vanished"
    DRIFTED = "drifted"
    DRIFT_ENDED = "drift ended"
    REGISTRY_LOST = "registry lost"
    REGISTRY_REGAINED = "registry regained"
    VERIFY_FAILING = "verify failing"
    VERIFY_RECOVERED = "verify recovered"
    RATE_LIMITED = "rate limited"
    KEY_REJECTED = "key rejected"
    KEY_ACCEPTED = "key accepted"
    DISPATCH_CHANGED = "dispatch changed"
    BAN_LIST_MISSING = "no ban list"
    ATTEST_SENT = "attestation sent"
    HASH_REPORTED = "hash reported"
    BAN_LIST_TRUNCATED = "ban list truncated"
    BAN_LIST_FAILING = "ban list failing"
    BAN_LIST_RECOVERED = "ban list recovered"
    FLAPPING = "flapping"
    CALMED = "calm again"
    UNWATCHED = "unwatched"
    """Taken off the watch list while one of its alarms was firing."""
    NOT_COMPARED = "no longer compared"
    """Its folder was taken away while it had drifted."""
    SILENCED = "silenced"
    SILENCE_ENDED = "silence ended"
    LOG_REWRITTEN = "log rewritten"
    """The hall's decision log does not contain what this program saw in it, or another key signs it."""
    LOG_REPLACED = "another log"
    """Another decision log is served at the same address."""
    LOG_UNPROVEN = "log not proven"
    """What was seen of the log has been removed from it, by retention: nothing proves that it is the same log."""
    LOG_ACCEPTED = "log accepted"
    """Somebody has acknowledged the alarm, so the log counts as it is now."""
    ACCOUNT_SUSPENDED = "account suspended"
    ACCOUNT_RESTORED = "account restored"
    HALL_BANNED = "hall banned"
    HALL_UNBANNED = "hall no longer banned"
    REGISTRY_CHANGED = "registry changed"
    """The profile has another registry, so what the one before said of the account and of itself counts no more."""
    ALERTS_FAILING = "alerts failing"
    """A receiver of alerts does not take them; they are sent again."""
    ALERTS_RECOVERED = "alerts recovered"


class Severity(IntEnum):
    """How urgent it is. The header counts what an `ALARM` starts until it ends or is acknowledged."""

    INFO = 0
    NOTICE = 1
    WARNING = 2
    ALARM = 3


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One transition. `count` is above 1 if a flapping worker's events were folded into this one."""

    kind: Kind
    severity: Severity
    at: float
    """Wall time in seconds since the epoch."""
    worker_id: str | None = None
    """None if it concerns the registry."""
    before: str = ""
    after: str = ""
    source: str = "verify"
    """`verify`, `ban list`, `drift`, `dispatch`, `client`, `operator`."""
    correlation_id: str = ""
    detail: str = ""
    count: int = 1
    acknowledged: bool = False
    id: int = 0
    """The journal's row; 0 until it is written."""
