"""An alarm: something is wrong with one worker or the registry. It fires, ends, and is the same if it fires again."""

from enum import StrEnum

import msgspec

from pyhall_tui.alarms.silences import Silence
from pyhall_tui.fleet.events import Severity


class Condition(StrEnum):
    """What can be wrong for a while: an alarm's kind."""

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

    @property
    def key(self) -> str:
        """Its name in a profile's TOML and on the command line: `registry_lost`."""
        return self.name.lower()


CONDITIONS = {condition.key: condition for condition in Condition}
"""The conditions by their name in TOML."""


class Standing(StrEnum):
    """How an alarm stands now. Only a `FIRING` one is counted in the header."""

    FIRING = "firing"
    COVERED = "covered"
    """It fires, and comes and goes with its worker's flapping, which is an alarm of its own."""
    SILENCED = "silenced"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm: there is one for each profile, condition and subject. Times are seconds since the epoch."""

    id: str
    """The same in every program and after every restart: see `alarm_id`."""
    condition: Condition
    subject: str
    """The worker's id; empty for the registry."""
    namespace: str = ""
    severity: Severity = Severity.ALARM
    times: int = 1
    """How often it has fired, this time included."""
    streak: int = 1
    """How often of these shortly after one another."""
    first_at: float
    fired_at: float
    event_id: int = 0
    """The event that it fired by; of several programs' events for the same, the first."""
    before: str = ""
    """What the worker or the registry was before."""
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
    """Which acknowledgement it was, so that undoing one leaves later ones alone; 0 for none."""

    @property
    def is_firing(self) -> bool:
        """Whether it still holds, acknowledged or not."""
        return self.resolved_at is None

    @property
    def is_acknowledged(self) -> bool:
        """Whether somebody has seen this firing."""
        return self.acknowledged_at is not None


class What(StrEnum):
    """What became of an alarm or a silence."""

    FIRED = "fired"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    SILENCED = "silenced"
    UNSILENCED = "unsilenced"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One step in an alarm's life, or a silence that began or ended: what listeners are told, and the journal keeps."""

    what: What
    at: float
    by: str = ""
    """The source that said so, or who did it."""
    alarm: Alarm | None = None
    """The alarm as it is after the change; None if it is a silence that changed."""
    silence: Silence | None = None
    quiet: bool = False
    """It fires, but was so before anybody looked: nobody has to be called."""
    seq: int = 0
    """The journal's number of it, rising in the order of writing, over all programs; 0 until it is written."""

    @property
    def id(self) -> str:
        """A name that is the same in every program and after every restart."""
        if self.alarm is not None:
            act = f".{self.alarm.act}" if self.what is What.ACKNOWLEDGED else ""
            stamp = f".{self.at:.3f}" if self.what is What.UNACKNOWLEDGED else act
            return f"{self.alarm.id}.{self.alarm.times}.{self.what}{stamp}"
        return f"{self.silence.id if self.silence else ''}.{self.what}"


def alarm_id(profile: str, condition: str, subject: str) -> str:
    """Return the alarm's id: 12 hex digits that follow from what it is about, so that no two programs disagree."""
    import hashlib  # with the first alarm: it loads OpenSSL

    about = "\0".join((profile, condition, subject)).encode("utf-8", "surrogatepass")
    return hashlib.sha256(about).hexdigest()[:12]
