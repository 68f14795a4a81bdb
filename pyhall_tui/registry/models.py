"""What the registry says, typed. The two shapes of a verify answer become one `Verdict`; the worse reading counts.

Rules from the contract, part 2: a hash may have the prefix `sha256:` and be in upper case; anything but 64 hex digits
equals nothing and is never *attested*; if two fields disagree, the worse one counts.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from pyhall_tui.clock import Moment

KEPT = 16_384
"""Bytes of a raw answer that are kept, in memory and in the journal; the rest is cut off, and marked as cut."""

NOT_BANNED = ("clean", "not banned")
"""The values of `Verdict.ban_word` if the registry says that a worker is not banned."""

SHA256 = re.compile(r"[0-9a-f]{64}")


def plain_sha256(text: object) -> str | None:
    """Return 64 lowercase hex digits without a `sha256:` prefix, or None if `text` is not such a hash."""
    if not isinstance(text, str):
        return None
    bare = text.strip().lower().removeprefix("sha256:")
    return bare if SHA256.fullmatch(bare) else None


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its answer as they crossed the wire, for the raw views. The key is masked in it."""

    method: str
    url: str
    request_headers: tuple[tuple[str, str], ...]
    request_body: bytes
    status: int | None
    response_headers: tuple[tuple[str, str], ...]
    response_body: bytes
    """The first `KEPT` bytes."""
    response_size: int = 0
    """Bytes of the whole body."""
    elapsed: float
    """Seconds from sending to the last byte."""
    correlation_id: str


OLDEST: Final = 300.0
"""Seconds that a cache may have kept an answer; an older one clears nobody."""


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One finished request, for rates and the log: with its status if one came, otherwise the kind of error."""

    method: str
    path: str
    status: int | None
    error: str | None
    """`RegistryError.kind` of the error it ended with, even if a status came; None if it succeeded."""
    elapsed: float
    """Seconds from sending to the end."""
    correlation_id: str
    at: Moment
    """When it ended."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the registry said about one worker, in one model for both shapes of its answer."""

    worker_id: str
    known: bool
    """False if the registry answered 404: unknown, which is not a fault but never clean."""
    namespace: str | None = None
    display_name: str | None = None
    status: str | None = None
    """`active`, `retired`, `revoked`, `banned`, `unknown`, or an unknown word, as received."""
    attested: bool = False
    """True only if the registry says so and the hash is a real one."""
    sha256: str | None = None
    """The attested package hash, bare lowercase hex."""
    hash_text: str | None = None
    """The hash field as received, even if it is not a hash."""
    banned: bool = False
    """True if any field says so."""
    ban_word: str | None = None
    """`ban_status` as received (`clean` and `banned` are known; no other word counts as clean), otherwise the older
    shape's `banned` in words; None if there is neither."""
    ban_reason: str | None = None
    attested_at: str | None = None
    capabilities: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    """Sentences that say why this answer can't be read as clean although it is not a ban. Usually empty."""
    correlation_id: str = ""
    raw: bytes = b"{}"
    """The answer's JSON object as received, the first `KEPT` bytes."""
    raw_size: int = 0
    """Bytes of the whole answer; 0 for one from an earlier version's journal."""

    @property
    def is_cut(self) -> bool:
        """Whether `raw` is only the beginning of the answer."""
        return self.raw_size > KEPT


class BanListEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One confirmed ban: a package hash, not a worker."""

    sha256: str
    reason: str | None = None
    reported_at: str | None = None
    source: str | None = None
    review_status: str | None = None


class BanList(msgspec.Struct, frozen=True, kw_only=True):
    """One ban list. If `unchanged`, the entries are those of the last answer, and not repeated."""

    entries: Mapping[str, BanListEntry]
    """By bare lowercase hash."""
    unchanged: bool = False
    besides: bool = False
    """The entries count in addition to the last answer's, because nothing else in this one is readable."""
    truncated: bool = False
    """As many entries came as were requested (or a local hall's cache is empty): it clears nobody, and its count is not
    a total."""
    unreadable: int = 0
    """Entries without a real hash: they match nobody, and are counted rather than dropped silently."""
    size: int = 0
    """Bytes of the list; 0 if the registry said that it is unchanged without sending it."""
    age: float = 0.0
    """Seconds that caches kept this answer, as they say."""
    correlation_id: str = ""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The registry's own health report."""

    ok: bool
    version: str | None
    server_date: str | None
    """The answer's `Date` header, for the clock difference."""


class Outcome(StrEnum):
    """The outcome of a dispatch. Only a plain `allow` is an allow."""

    ALLOW = "allow"
    DENY = "deny"
    HOLD = "hold"
    """A human has to decide first."""
    OTHER = "other"
    """An unknown word: never taken for an allow."""


class DispatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Part 1's dispatch. `context` has at least `correlation_id` once sent."""

    namespace: str
    capability: str
    worker_id: str
    context: dict[str, Any]


class DispatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The registry's decision on one dispatch."""

    outcome: Outcome
    outcome_text: str
    """The word as received."""
    deny_code: str | None
    reason: str | None
    decision_id: str | None
    correlation_id: str | None
    """As it came back; compare it with the request's."""
    exchange: Exchange


class EnrollRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Part 1's enrollment, exactly."""

    namespace: str
    display_name: str
    capabilities: tuple[str, ...]
    sha256: str


class EnrollAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an enrollment. It is not documented, so `fields` holds everything."""

    worker_id: str | None
    """An id that can be watched. None if the answer holds an enrollment session instead, which is not a failure."""
    session: str | None
    """The id of the enrollment session, if the answer holds one. There is always a worker id or a session: an answer
    with neither is an error, and its outcome is unknown."""
    fields: dict[str, Any]
    exchange: Exchange


class AttestAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The result of attesting a package hash again."""

    worker_id: str | None
    sha256: str | None
    fields: dict[str, Any]
    exchange: Exchange


class StreamEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of one event of the registry's stream: a hint at what to ask about, and never a verdict."""

    type: str
    """`connected`, `ban`, `unban`, `worker`, `policy`, `decisions`, `reset`, `heartbeat`, or one that we don't know."""
    id: int | None = None
    """The revision after which the stream can be resumed."""
    revision: int | None = None
    heartbeat: float | None = None
    """Seconds between two heartbeats."""
    worker_id: str | None = None
    decision: str | None = None
    """The outcome of a `dispatch`, in the stream that has only these."""
