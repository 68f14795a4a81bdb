"""What the published local hall accepts (contract, part 2): a worker's record, and a decision made elsewhere.

That hall needs no key for it. This one does, unless it is told to accept writes from its own machine.
"""

import hashlib
import json
import re
from copy import copy
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pyhall_tui.hall import audit
from pyhall_tui.hall.errors import BadRequest, Forbidden
from pyhall_tui.hall.gate import BANNED_HASH
from pyhall_tui.hall.models import UNSTATED, Text, Worker, clean_hash, decode
from pyhall_tui.hall.scopes import DELIVERY, ENROLL
from pyhall_tui.hall.store import Store, iso, new_id
from pyhall_tui.hall.wire import admit_write, answer, correlation_id, hall_of, read_body

INGESTED = "ingested"
"""The rule's name in a decision that was made elsewhere."""
TAMPERED = "DENY_WORKER_TAMPERED"
_NAMESPACE = re.compile(r"((?:org|x)\.[a-z0-9-]+)\..+", re.DOTALL)


class _Attestation(msgspec.Struct):
    code_hash: str | None = None


class RecordRequest(msgspec.Struct):
    """`POST /enroll`: a worker's record; it may have more fields, and its hash covers them all."""

    worker_id: Text
    worker_species_id: Text
    capabilities: Annotated[list[Text], msgspec.Meta(min_length=1, max_length=200)]
    artifact_hash: str
    attestation: _Attestation | None = None


class IngestRequest(msgspec.Struct):
    """`POST /decisions/ingest`: another router's decision, with the published hall's field names."""

    capability_id: Text
    decision_id: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    decided_at: str | None = None
    tenant_id: str | None = None
    env: str | None = None
    denied: bool | float = False
    deny_reason: str | None = None
    selected_worker: str | None = None
    blast_score: int | float | None = None
    artifact_hash: str | None = None
    correlation_id: str | None = None


async def enroll(request: Request) -> Response:
    """`POST /enroll`: enroll a worker by its record, or update it if it is enrolled already.

    The record's own hash must be right. The worker is attested with the package hash that the record's attestation
    names; without one its attestation stays as it is, and a new worker stays unattested.
    """
    allowed = admit_write(request, ENROLL)
    body = await read_body(request)
    asked = decode(body, RecordRequest)
    _check_artifact_hash(body, asked.artifact_hash)
    worker, known = await hall_of(request).change(lambda store: _put(store, asked, allowed))
    told = {
        "enrolled": True,
        "enrollment_id": _enrollment_id(worker),
        "worker_id": worker.worker_id,
        "enrolled_at": worker.enrolled_at,
        "artifact_hash_verified": True,
    }
    return answer(request, told | ({"updated": True} if known else {}), 200 if known else 201)


def _put(store: Store, asked: RecordRequest, allowed: str | None) -> tuple[Worker, Worker | None]:
    """Store the worker that a record describes; return it, and what it was before."""
    with store.write():
        known = store.worker(asked.worker_id)
        return store.put_worker(_changed(store, asked, known, _namespace(asked.worker_id, allowed))), known


def _changed(store: Store, asked: RecordRequest, known: Worker | None, namespace: str) -> Worker:
    """Return the worker as the record describes it. Its ban, its status and an unmentioned attestation stay."""
    if known and known.namespace != namespace:
        raise Forbidden(f"worker {asked.worker_id} belongs to another namespace")
    if known and known.status != "active":
        raise BadRequest(f"worker {asked.worker_id} is {known.status}: only an active one can be changed")
    worker = copy(known) if known else Worker(worker_id=asked.worker_id, namespace=namespace)
    worker.display_name = asked.worker_species_id
    worker.capabilities = tuple(dict.fromkeys(asked.capabilities))
    if digest := clean_hash(asked.attestation.code_hash if asked.attestation else None):
        if store.is_hash_banned(digest):
            raise BadRequest(
                "invalid field: attestation.code_hash: this package hash is on the ban list", code=BANNED_HASH
            )
        worker.sha256, worker.attested_at = digest, store.now()
    return worker


def _namespace(worker_id: str, allowed: str | None) -> str:
    """Return a worker's namespace: the first two parts of a dotted id, otherwise the key's.

    Raises:
        BadRequest: there is neither.
        Forbidden: the id and the key are from different namespaces.
    """
    dotted = _NAMESPACE.fullmatch(worker_id)
    if dotted and allowed is not None and dotted[1] != allowed:
        raise Forbidden(f"this key has no access to namespace {dotted[1]}")
    namespace = allowed or (dotted[1] if dotted else None)
    if namespace is None:
        raise BadRequest("invalid field: worker_id: it has no namespace (org.… or x.…), so send a key")
    return namespace


def _check_artifact_hash(body: bytes, stated: str) -> None:
    try:
        record = json.loads(body)
    except (ValueError, RecursionError) as error:  # from a number beyond Python's limit, which the shape does not check
        raise BadRequest(f"body can't be read: {error}") from None
    if clean_hash(stated) != artifact_hash(record):
        raise BadRequest("invalid field: artifact_hash: it is not the hash of this record", code=TAMPERED)


def artifact_hash(record: dict[str, Any]) -> str:
    """Return a record's hash, computed without its `artifact_hash`: 64 hex digits (contract, part 2)."""
    covered = {name: value for name, value in record.items() if name != "artifact_hash"}
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _enrollment_id(worker: Worker) -> str:
    return "enr_" + hashlib.sha256(f"{worker.worker_id} {worker.enrolled_at}".encode()).hexdigest()[:12]


async def ingest(request: Request) -> Response:
    """`POST /decisions/ingest`: log a decision made elsewhere, marked as such and only once."""
    allowed = admit_write(request, DELIVERY)
    hall = hall_of(request)
    asked = decode(await read_body(request), IngestRequest)
    if allowed is not None and asked.tenant_id not in (None, "", allowed):
        raise Forbidden(f"this key has no access to namespace {asked.tenant_id}")
    namespace = allowed or asked.tenant_id or ""
    decision_id = asked.decision_id or new_id("dec")
    receipt = _receipt(asked, hall.store.now()) | {
        "decision_id": decision_id,
        "correlation_id": correlation_id(request, asked.correlation_id),
        "namespace": namespace,
    }
    await hall.change(lambda store: _log_once(store, receipt))
    return answer(request, {"recorded": True, "decision_id": decision_id}, 201)


def _log_once(store: Store, receipt: dict[str, Any]) -> None:
    with store.write():
        if store.log.note_ingested(receipt["namespace"], receipt["decision_id"], store.log.head().seq + 1):
            audit.append(store, receipt)


def _receipt(asked: IngestRequest, now: str) -> dict[str, Any]:
    more = {"env": asked.env, "blast_score": asked.blast_score, "artifact_hash": asked.artifact_hash}
    return {
        "capability": asked.capability_id,
        "worker_id": asked.selected_worker or "",
        "risk_tier": UNSTATED,
        "outcome": "deny" if asked.denied else "allow",
        "rule": INGESTED,
        "deny_code": asked.deny_reason if asked.denied else None,
        "reason": "Decided elsewhere, and reported to this hall",
        "decided_at": _in_utc(asked.decided_at, now),
        "recorded_at": now,
        "latency_ms": None,
    } | {name: value for name, value in more.items() if value is not None}


def _in_utc(at: str | None, now: str) -> str:
    """Return a stated time in the log's format, or now if it is missing, invalid or in the future."""
    try:
        stated = datetime.fromisoformat(at or "")
        told = iso(stated.replace(tzinfo=stated.tzinfo or UTC).timestamp())
    except (ValueError, OverflowError, OSError):
        return now
    return min(told, now)


ROUTES = [
    Route("/enroll", enroll, methods=["POST"]),
    Route("/decisions/ingest", ingest, methods=["POST"]),
]
