"""What the registry says, typed. Two shapes of a verify answer become one `Verdict`; the worse reading counts.

Rules from the contract, part 2: a hash may come with `sha256:` before it and in upper case; what is not 64
hex digits equals nothing and is never *attested*; of two fields that disagree the worse one counts.
"""

import re
from enum import StrEnum
from typing import Any

import msgspec

from pyhall_tui.clock import Moment

KEPT = 16_384
"""Bytes of a raw answer that are kept, in memory as in the journal; what is beyond is cut, and said to be."""

NOT_BANNED = ("clean", "not banned")
"""What `Verdict.ban_word` is if the registry says that a worker is not banned."""

SHA256 = re.compile(r"[0-9a-f]{64}")


def plain_sha256(text: object) -> str | None:
    """Return 64 lowercase hex digits without a `sha256:` prefix, or None where `text` is no such hash."""
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
    """Seconds from send to the last byte."""
    correlation_id: str


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it ended, for rates and the log: with a status where one came, else with the kind of error."""

    method: str
    path: str
    status: int | None
    error: str | None
    """`RegistryError.kind` of what it ended with, also where a status came; None where all is well."""
    elapsed: float
    """Seconds from send to the end."""
    correlation_id: str
    at: Moment
    """When it ended."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the registry said of one worker, in one model for both shapes of its answer."""

    worker_id: str
    known: bool
    """False where the registry answered 404: unknown, which is no fault and never clean."""
    namespace: str | None = None
    display_name: str | None = None
    status: str | None = None
    """`active`, `retired`, `revoked`, `banned`, `unknown`, or a word not heard of before, kept as it came."""
    attested: bool = False
    """True only where the registry says so and the hash is a real one."""
    sha256: str | None = None
    """The attested package hash, bare lowercase hex."""
    hash_text: str | None = None
    """The hash field as it came, also where it is no hash."""
    banned: bool = False
    """True where any field says so."""
    ban_word: str | None = None
    """`ban_status` as it came (`clean` and `banned` are known, any other is not taken for clean), else what the older
    shape's `banned` says, in words; None where neither is there."""
    ban_reason: str | None = None
    attested_at: str | None = None
    capabilities: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    """Sentences: why this answer can't be read as clean though it is no ban. Empty where all is plain."""
    correlation_id: str = ""
    raw: bytes = b"{}"
    """The answer's JSON object as it came, the first `KEPT` bytes."""
    raw_size: int = 0
    """Bytes of the whole answer; 0 for one of an earlier version's journal."""

    @property
    def is_cut(self) -> bool:
        """Whether `raw` is only the beginning of the answer."""
        return self.raw_size > KEPT


class BanListEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One confirmed ban: a package hash, not a worker."""

    sha256: str
    reason: str | None = None
    reported_at: str | None = None
    source: str | None = None
    review_status: str | None = None


class BanList(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of the ban list. Where `unchanged`, the entries are those of the last answer, not repeated."""

    entries: dict[str, BanListEntry]
    """By bare lowercase hash."""
    unchanged: bool = False
    besides: bool = False
    """The entries count beside those of the last answer, for they are all that could be made of this one."""
    truncated: bool = False
    """As many entries came as were asked for (or a local hall's cache is empty): it clears nobody, and its
    count is no total."""
    unreadable: int = 0
    """Entries whose hash is none: they match nobody, and are counted rather than dropped silently."""
    correlation_id: str = ""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The registry's own word on itself."""

    ok: bool
    version: str | None
    server_date: str | None
    """The answer's `Date` header, for the clock difference."""


class Outcome(StrEnum):
    """What a dispatch came to. Only a plain `allow` is an allow."""

    ALLOW = "allow"
    DENY = "deny"
    HOLD = "hold"
    """A human has to decide first."""
    OTHER = "other"
    """A word not heard of before: never taken for an allow."""


class DispatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Part 1's dispatch. `context` carries at least `correlation_id` once sent."""

    namespace: str
    capability: str
    worker_id: str
    context: dict[str, Any]


class DispatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The registry's decision on one dispatch."""

    outcome: Outcome
    outcome_text: str
    """The word that came."""
    deny_code: str | None
    reason: str | None
    decision_id: str | None
    correlation_id: str | None
    """As it came back; compare it to the request's."""
    exchange: Exchange


class EnrollRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Part 1's enrollment, to the letter."""

    namespace: str
    display_name: str
    capabilities: tuple[str, ...]
    sha256: str


class EnrollAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an enrollment: documented nowhere, so `fields` holds all of it."""

    worker_id: str | None
    """One that can be watched. None if the answer holds an enrollment session instead: it is shown, not failed."""
    session: str | None
    """The id of the enrollment session, if the answer holds one. There is always a worker id or a session: an answer
    with neither is an error, and its outcome is unknown."""
    fields: dict[str, Any]
    exchange: Exchange


class AttestAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of attesting a package hash anew."""

    worker_id: str | None
    sha256: str | None
    fields: dict[str, Any]
    exchange: Exchange
