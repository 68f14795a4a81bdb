"""An alarm: something is wrong with one worker or the registry. It fires and ends; firing again, it is the same."""

from enum import StrEnum

import msgspec

from pyhall_tui.alarms.silences import Silence
from pyhall_tui.fleet.events import Severity


class Condition(StrEnum):
    """What can be wrong: an alarm's kind."""

    BANNED = "banned"
    REVOKED = "revoked"
    DRIFTED = "drifted"
    VANISHED = "vanished"
    FLAPPING = "flapping"
    REGISTRY_LOST = "registry lost"
    VERIFY_FAILING = "verify failing"
    KEY_REJECTED = "key rejected"
    BAN_LIST_TRUNCATED = "ban list truncated"
    BAN_LIST_FAILING = "ban list failing"
    LOG_REWRITTEN = "log rewritten"
    LOG_REPLACED = "another log"
    ACCOUNT_SUSPENDED = "account suspended"
    HALL_BANNED = "hall banned"

    @property
    def key(self) -> str:
        """Its name in a profile's TOML and on the command line: `registry_lost`."""
        return self.name.lower()


CONDITIONS = {condition.key: condition for condition in Condition}
"""The conditions by their name in TOML."""


class Standing(StrEnum):
    """An alarm's state. The header counts only `FIRING` ones."""

    FIRING = "firing"
    COVERED = "covered"
    """It fires, but comes and goes with its worker's flapping, which is a separate alarm."""
    SILENCED = "silenced"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm. There is one for each profile, condition and subject. Times are seconds since the epoch."""

    id: str
    """The same in every program and after every restart: see `alarm_id`."""
    condition: Condition
    subject: str
    """The worker's id; empty for the registry."""
    namespace: str = ""
    severity: Severity = Severity.ALARM
    times: int = 1
    """How often it has fired, including this time."""
    streak: int = 1
    """How many of these came shortly after each other."""
    first_at: float
    fired_at: float
    event_id: int = 0
    """The event that it fired with; the first one if several programs recorded it."""
    before: str = ""
    """The previous state of the worker or the registry."""
    source: str = ""
    """Who said so: `verify`, `ban list`, `drift`, `client`."""
    detail: str = ""
    """Why, in the registry's words."""
    correlation_id: str = ""
    resolved_at: float | None = None
    resolved_by: str = ""
    """The source of what ended it; `operator` if its worker was taken off the watch list."""
    resolved_event: int = 0
    acknowledged_at: float | None = None
    acknowledged_by: str = ""
    note: str = ""
    act: int = 0
    """Which acknowledgement it was, so that undoing one doesn't affect later ones; 0 for none."""

    @property
    def is_firing(self) -> bool:
        """Whether it is still firing, acknowledged or not."""
        return self.resolved_at is None

    @property
    def is_acknowledged(self) -> bool:
        """Whether somebody has seen this firing."""
        return self.acknowledged_at is not None


class What(StrEnum):
    """What happened to an alarm or a silence."""

    FIRED = "fired"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    SILENCED = "silenced"
    UNSILENCED = "unsilenced"
    RENAMED = "renamed"
    """The profile has another name, which is `by`; its alarms continue under that name."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One step in an alarm's life, or a silence that started or ended, for listeners and the journal."""

    what: What
    at: float
    by: str = ""
    """The source that reported it, or who did it."""
    alarm: Alarm | None = None
    """The alarm after the change; None if a silence changed."""
    silence: Silence | None = None
    quiet: bool = False
    """It fires, but did so before anybody looked, so it needs no notification."""
    seq: int = 0
    """Its number in the journal, increasing in the order of writing across all programs; 0 until it is written."""

    @property
    def id(self) -> str:
        """An id that is the same in every program and after every restart."""
        if self.alarm is not None:
            act = f".{self.alarm.act}" if self.what is What.ACKNOWLEDGED else ""
            stamp = f".{self.at:.3f}" if self.what is What.UNACKNOWLEDGED else act
            return f"{self.alarm.id}.{self.alarm.times}.{self.what}{stamp}"
        return f"{self.silence.id if self.silence else ''}.{self.what}"


def alarm_id(profile: str, condition: str, subject: str) -> str:
    """Return the alarm's id: 12 hex digits derived from its subject, so that all programs agree."""
    import hashlib  # with the first alarm: it loads OpenSSL

    about = "\0".join((profile, condition, subject)).encode("utf-8", "surrogatepass")
    return hashlib.sha256(about).hexdigest()[:12]
