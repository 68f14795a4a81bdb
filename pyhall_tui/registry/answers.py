"""Reads the answers to a dispatch, an enrollment and an attestation. An answer has to be about the request.

An answer may repeat little of the request, but whatever it repeats has to be the same. Another worker, capability,
namespace or hash means that it answers somebody else's request: it is `Unreadable`, so the outcome is unknown.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from pyhall_tui.profiles.watch_list import id_mistake
from pyhall_tui.registry.decode import Decision, Unreadable, bounded, read_struct, read_success, short, text
from pyhall_tui.registry.models import DispatchRequest, EnrollRequest, Outcome, plain_sha256

_HASHES: Final = ("sha256", "package_hash", "attest_sha256", "current_hash")
_SESSIONS: Final = ("session_id", "enrollment_id", "session")
_ENDS: Final = ("expires_at", "expires", "expiry", "valid_until", "expires_in")


class Enrolled(NamedTuple):
    """What an enrollment created: a worker that can be watched, or a session, or both."""

    worker_id: str | None
    session: str | None
    fields: dict[str, Any]


class Attested(NamedTuple):
    """The answer to an attestation."""

    worker_id: str | None
    sha256: str | None
    fields: dict[str, Any]


def read_decision(body: bytes, request: DispatchRequest, correlation_id: str) -> tuple[Decision, Outcome]:
    """Read a dispatch's answer. An `allow` that comes back with another correlation id is not a plain allow.

    Raises:
        Unreadable: it is not an answer, or is not about `request`.
    """
    decision = read_struct(body, Decision)
    if decision.error and not decision.word:
        raise Unreadable(f"it says: {short(text(decision.error))}")
    _require("worker", (decision.worker_id,), request.worker_id)
    _require("capability", (decision.capability, decision.capability_id), request.capability)
    _require("namespace", (decision.namespace,), request.namespace)
    outcome = decision.read()
    if outcome is Outcome.ALLOW and text(decision.correlation_id) not in (None, correlation_id):
        outcome = Outcome.OTHER
    return decision, outcome


def read_enrollment(body: bytes, request: EnrollRequest) -> Enrolled:
    """Read an enrollment's answer. The contract says only that it holds a worker id or a session.

    Raises:
        Unreadable: it holds neither, or an impossible id, or is not about `request`.
    """
    fields = read_success(body)
    _require("namespace", (fields.get("namespace"),), request.namespace)
    _require("name", (fields.get("display_name"),), request.display_name)
    _require_hash(fields, request.sha256)
    named = fields.get("capabilities")
    if named is not None and not (isinstance(named, list) and all(each in named for each in request.capabilities)):
        raise Unreadable("it is about different capabilities from the ones sent")
    worker_id, session = fields.get("worker_id"), _session(fields)
    if worker_id is not None and (wrong := _id_mistake(worker_id)):
        raise Unreadable(f"its worker id {wrong}")
    if worker_id is None and session is None:
        raise Unreadable("it names neither a worker nor a session")
    return Enrolled(worker_id, session, bounded(fields, len(body)))


def read_attestation(body: bytes, worker_id: str, sha256: str) -> Attested:
    """Read an attestation's answer, which names the worker or the hash.

    Raises:
        Unreadable: it names neither, or is about another worker or hash.
    """
    fields = read_success(body)
    about, given = fields.get("worker_id"), _hashes(fields)
    _require("worker", (about,), worker_id)
    _require_hash(fields, sha256)
    if about is None and not given:
        raise Unreadable("it names neither the worker nor the hash")
    return Attested(about, next(iter(given), None), bounded(fields, len(body)))


def _require(what: str, named: Iterable[object], asked: str) -> None:
    """Check that each name in an answer is the requested one; None names nothing."""
    for name in named:
        if name is not None and name != asked:
            raise Unreadable(f"it is about another {what} ({short(text(name), 80)})")


def _require_hash(fields: dict[str, Any], asked: str) -> None:
    if any(each != plain_sha256(asked) for each in _hashes(fields)):
        raise Unreadable("it is about a different package hash from the one sent")


def _hashes(fields: dict[str, Any]) -> list[str]:
    return [bare for name in _HASHES if (bare := plain_sha256(fields.get(name)))]


def _session(fields: dict[str, Any]) -> str | None:
    """Return the id of the enrollment session in an answer, in any of the forms seen or likely."""
    within = fields.get("session")
    where = {**fields, **within} if isinstance(within, dict) else fields
    named = [where.get(name) for name in _SESSIONS]
    if isinstance(within, dict) or any(where.get(name) is not None for name in _ENDS):
        named.append(where.get("id"))
    return next((each for each in named if isinstance(each, str) and not id_mistake(each)), None)


def _id_mistake(value: object) -> str | None:
    """Return why a value is not the id of a worker that can be watched; None if it is one."""
    if not isinstance(value, str):
        return f"is {text(value)}, which is not a string" if len(text(value) or "") < 40 else "is not a string"
    return id_mistake(value) if value else "is empty"
