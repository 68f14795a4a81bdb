"""The hall's own reading of the contract: what a request must hold, what the store knows of a worker."""

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from pyhall_tui.hall.errors import BadRequest

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
# the schema states what `require_hash` requires, which has the plainer message
_AS_HASH = msgspec.Meta(extra_json_schema={"pattern": "^([sS][hH][aA]256:)?[0-9a-fA-F]{64}$"})
Hash = Annotated[str, _AS_HASH]
RiskTier = Literal["low", "medium", "high", "critical"]
Status = Literal["active", "retired", "revoked"]

UNSTATED = "unstated"  # the tier of a dispatch that names none; rules can use it
_HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)
_MISSING = re.compile(r"missing required field `(\w+)`(?: - at `\$\.?(.*)`)?")
_WRONG = re.compile(r"(.*) - at `\$\.?(.*)`")


class Context(msgspec.Struct):
    """The documented fields of a dispatch's optional `context`; it may have more, for the policy's rules."""

    risk_tier: RiskTier | None = None
    correlation_id: str | None = None


class DispatchRequest(msgspec.Struct):
    """`POST /api/v1/dispatch`."""

    namespace: Text
    capability: Text
    worker_id: Text
    context: Context | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A dispatch as the gate and the policy see it.

    `tier` is `unstated` if the request names none; `context` has everything in it, including undocumented fields;
    `wall` is when it was requested, in seconds since the epoch.
    """

    namespace: str
    capability: str
    worker_id: str
    tier: str = UNSTATED
    wall: float = 0.0
    context: dict[str, Any] = {}


class EnrollRequest(msgspec.Struct):
    """`POST /api/v1/hall/enroll`."""

    namespace: Text
    display_name: Text
    capabilities: Annotated[list[Text], msgspec.Meta(min_length=1, max_length=200)]
    sha256: Hash


class AttestRequest(msgspec.Struct):
    """`PUT /api/v1/workers/{id}/attest`: Python sends `sha256`, TypeScript and Go send `package_hash`."""

    sha256: Hash | None = None
    package_hash: Hash | None = None
    ai_generated: bool = False
    ai_service: str | None = None
    ai_model: str | None = None
    ai_session_id: str | None = None


class ReportRequest(msgspec.Struct):
    """`POST /api/v1/ban-list/report`."""

    sha256: Hash
    reason: Text
    evidence_url: str | None = None


class Worker(msgspec.Struct, kw_only=True):
    """One enrolled worker as the store keeps it; times are ISO 8601 in UTC."""

    worker_id: str
    namespace: str
    display_name: str = ""
    capabilities: tuple[str, ...] = ()
    status: Status = "active"
    sha256: str | None = None
    attested_at: str | None = None
    ban_reason: str | None = None  # for a ban on the worker itself
    banned_at: str | None = None
    ai_generated: bool = False
    ai_service: str | None = None
    ai_model: str | None = None
    ai_session_fingerprint: str | None = None
    enrolled_at: str = ""
    hash_ban_reason: str | None = None  # for a ban on its hash; read with the worker, stored in the ban list

    @property
    def attested(self) -> bool:
        """Whether there is an attestation with a real hash, which is 64 hex digits."""
        return self.attested_at is not None and clean_hash(self.sha256) is not None

    @property
    def banned(self) -> bool:
        """Whether the worker itself or its current hash is banned."""
        return self.ban_reason is not None or self.hash_ban_reason is not None


class Ban(msgspec.Struct, kw_only=True):
    """One entry of the ban list, in the wire's shape."""

    sha256: str
    reason: str
    reported_at: str
    source: str = "local-hall"
    review_status: str | None = "confirmed"


class Key(msgspec.Struct, kw_only=True):
    """An API key as the store keeps it: its SHA-256, never the key itself."""

    key_id: str
    key_hash: str
    namespace: str
    label: str = ""
    created_at: str = ""
    revoked_at: str | None = None
    scopes: tuple[str, ...] = ()
    """What it may be used for (`scopes`); empty: everything."""


def clean_hash(value: str | None) -> str | None:
    """Return the 64 lowercase hex digits of `value` (bare or `sha256:…`), or None if it is not a hash."""
    match = _HASH.fullmatch(value or "")
    return match[1].lower() if match else None


def require_hash(value: str | None, field: str) -> str:
    """Return `value` as 64 lowercase hex digits.

    Raises:
        BadRequest: it is missing or is not a SHA-256; the message names `field`.
    """
    if value is None:
        raise BadRequest(f"missing field: {field}")
    digest = clean_hash(value)
    if digest is None:
        raise BadRequest(f"invalid field: {field}: expected 64 hex digits")
    return digest


T = TypeVar("T")


def decode(body: bytes, shape: type[T]) -> T:
    """Read a request's JSON body.

    Raises:
        BadRequest: it is not JSON, or a field is missing or invalid; the message names the field.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise BadRequest(_name_the_field(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"body is not valid JSON: {error}") from None
    except RecursionError:
        raise BadRequest("body is not valid JSON: it is nested too deeply") from None


class _WholeContext(msgspec.Struct):
    context: dict[str, Any]


def decode_dispatch(body: bytes, wall: float) -> tuple[Asked, str | None]:
    """Read a dispatch requested at `wall`; return it and its correlation id. Raises as `decode`."""
    request = decode(body, DispatchRequest)
    known = request.context or Context()
    asked = Asked(
        namespace=request.namespace,
        capability=request.capability,
        worker_id=request.worker_id,
        tier=known.risk_tier or UNSTATED,
        wall=wall,
        context=msgspec.json.decode(body, type=_WholeContext).context if request.context else {},
    )
    return asked, known.correlation_id


def _name_the_field(complaint: str) -> str:
    """Turn msgspec's message into the contract's `missing or invalid fields`, with the field first."""
    if missing := _MISSING.search(complaint):
        inside = f"{missing[2]}." if missing[2] else ""
        return f"missing field: {inside}{missing[1]}"
    if wrong := _WRONG.fullmatch(complaint):
        return f"invalid field: {wrong[2]}: {wrong[1][0].lower()}{wrong[1][1:]}"
    return f"invalid body: {complaint}"


def verify_documented(worker: Worker) -> dict[str, Any]:
    """Return the documented shape of a verify answer (contract, part 1)."""
    return {
        "worker_id": worker.worker_id,
        "namespace": worker.namespace,
        "status": "banned" if worker.banned else worker.status,
        "attested": worker.attested,
        "attest_sha256": worker.sha256,
        "ban_status": "banned" if worker.banned else "clean",
    }


def verify_older(worker: Worker) -> dict[str, Any]:
    """Return the shape that the published clients read (contract, part 2): `banned` is all it says about a ban."""
    return {
        "worker_id": worker.worker_id,
        "status": "banned" if worker.banned else worker.status,
        "current_hash": worker.sha256 if worker.attested else None,
        "banned": worker.banned,
        "ban_reason": worker.ban_reason or worker.hash_ban_reason,
        "attested_at": worker.attested_at,
        "ai_generated": worker.ai_generated,
        "ai_service": worker.ai_service,
        "ai_model": worker.ai_model,
        "ai_session_fingerprint": worker.ai_session_fingerprint,
    }


def verify_both(worker: Worker) -> dict[str, Any]:
    """Return both shapes in one object, and everything else known, so that old and new clients see the same ban."""
    extras = {
        "display_name": worker.display_name,
        "capabilities": worker.capabilities,
        "enrolled_at": worker.enrolled_at,
    }
    return verify_older(worker) | verify_documented(worker) | extras
