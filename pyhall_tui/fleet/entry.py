"""What is known about one watched worker, and the one state that follows from it."""

from enum import IntEnum

import msgspec

from pyhall_tui.fleet.drift_state import BAD_DRIFT, DriftState
from pyhall_tui.registry.models import BanListEntry, Verdict


class State(IntEnum):
    """A worker's state, ordered by rank: the lowest is the most urgent. Only `CLEAN` is clean."""

    BANNED = 0
    REVOKED = 1
    DRIFTED = 2
    UNKNOWN = 3
    UNATTESTED = 4
    STALE = 5
    WAITING = 6
    """Never verified yet, in any run."""
    RETIRED = 7
    CLEAN = 8


class Ban(msgspec.Struct, gc=False):
    """A ban in force: reported by either source, until a verify newer than `seen` says otherwise."""

    source: str
    """`verify` or `ban list`."""
    seen: float
    """When it was last seen, on the monotonic clock."""
    reason: str | None = None


class Entry(msgspec.Struct, gc=False):
    """One watched worker. Times are on the monotonic clock unless their name has `wall` in it."""

    worker_id: str
    verdict: Verdict | None = None
    asked: float = 0.0
    """When the request for the verdict was sent: its age counts from here."""
    asked_wall: float = 0.0
    restored: bool = False
    """The verdict is from an earlier run: stale until it is verified again."""
    ban: Ban | None = None
    last_sha256: str = ""
    """The last real hash. The ban list is matched by it even if the registry no longer knows the worker."""
    listed: BanListEntry | None = None
    """The ban list's entry for its package hash, as of the list's last answer."""
    list_reason: str | None = None
    """The reason that the ban list last gave for the ban in force, even after it was removed from the list."""
    told_reason: str | None = None
    """The reason in the last event of the ban in force."""
    drift: DriftState | None = None
    """None if no folder is known."""
    drift_detail: str = ""
    error: str = ""
    """Why the last verify failed; empty after a successful one."""
    known_since_wall: float = 0.0
    """When the oldest verdict known to this run was requested, including an earlier run's last one."""
    changed_wall: float = 0.0
    """When its state last changed, in wall time; 0 if no change was seen."""
    revision: int = 0
    haystack: str = ""
    """What the filter searches besides the hash: id, name, status, capabilities and model, case-folded."""

    @property
    def sha256(self) -> str | None:
        """The attested package hash, bare lowercase hex."""
        return self.verdict.sha256 if self.verdict else None

    def age(self, mono: float) -> float | None:
        """Return the verdict's age in seconds, never negative, or None if there is no verdict."""
        return max(0.0, mono - self.asked) if self.verdict else None

    def is_stale(self, mono: float, stale_after: float) -> bool:
        """Whether the verdict is too old to rely on, or from an earlier run."""
        return self.verdict is not None and (self.restored or mono - self.asked > stale_after)

    def last_state(self) -> State:
        """Return the state regardless of its age."""
        if self.ban:
            return State.BANNED
        if self.verdict is None:
            return State.WAITING
        return _verdict_state(self.verdict, drifted=self.drift in BAD_DRIFT)

    def state(self, mono: float, stale_after: float) -> State:
        """Return the state at that moment. Age only hides good states: a stale ban is still a ban."""
        last = self.last_state()
        if last > State.STALE and self.is_stale(mono, stale_after):
            return State.STALE
        return last


def _verdict_state(verdict: Verdict, *, drifted: bool) -> State:
    if verdict.banned:
        return State.BANNED
    if not verdict.known:
        return State.UNKNOWN
    if verdict.status == "revoked":
        return State.REVOKED
    if drifted:
        return State.DRIFTED
    if verdict.status == "retired":
        return State.RETIRED
    if verdict.status != "active" or verdict.doubts:
        return State.UNKNOWN
    return State.CLEAN if verdict.attested else State.UNATTESTED
