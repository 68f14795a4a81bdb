"""`POST /api/route`, the documented way to ask a local hall for a decision (contract, part 2).

It is the same decision as a dispatch's, but its fields are named differently, and it may leave the worker to the hall.
"""

import re
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pyhall_tui.hall import gate
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.decided import decided
from pyhall_tui.hall.errors import Forbidden
from pyhall_tui.hall.models import UNSTATED, Asked, RiskTier, Text, Worker, decode
from pyhall_tui.hall.scopes import DELIVERY
from pyhall_tui.hall.wire import admit, answer, correlation_id, hall_of, read_body

_NAMESPACE = re.compile(r"(?:org|x)\.[a-z0-9-]+")
_CANDIDATES = 50
"""Workers that are tried until one may do it."""
_PAGE = 500
_NOT_CONTEXT = ("capability_id", "worker_id", "correlation_id")


class RouteRequest(msgspec.Struct):
    """`POST /api/route`: everything but `capability_id` and `worker_id` is the context that rules can check."""

    capability_id: Text
    env: Literal["dev", "staging", "stage", "prod", "edge"]
    data_label: Literal["PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED", "SECRET"]
    tenant_id: Text
    worker_id: Text | None = None
    risk_tier: RiskTier | None = None
    correlation_id: str | None = None


async def route(request: Request) -> Response:
    """`POST /api/route`: may this worker do this, or if none is named, which may? In the namespace of the key."""
    hall = hall_of(request)
    key = admit(request, DELIVERY)
    body = await read_body(request)
    stated = decode(body, RouteRequest)
    if _NAMESPACE.fullmatch(stated.tenant_id) and stated.tenant_id != key.namespace:
        raise Forbidden(f"this key has no access to namespace {stated.tenant_id}")
    context: dict[str, Any] = msgspec.json.decode(body)
    asked = Asked(
        namespace=key.namespace,
        capability=stated.capability_id,
        worker_id=stated.worker_id or "",
        tier=stated.risk_tier or UNSTATED,
        wall=hall.clock.now().wall,
        context={name: value for name, value in context.items() if name not in _NOT_CONTEXT},
    )
    correlation = correlation_id(request, stated.correlation_id)
    if stated.worker_id is None:
        asked = msgspec.structs.replace(asked, worker_id=await _chosen(hall, asked))
    receipt = await decided(request, asked, correlation)
    return answer(request, _told(receipt, hall.state().worker(receipt["worker_id"])))


def _told(receipt: dict[str, Any], worker: Worker | None) -> dict[str, Any]:
    """Return a decision in both forms that clients read. Only an allow names a worker."""
    allowed = receipt["outcome"] == "allow"
    told = {
        "decision_id": receipt["decision_id"],
        "allowed": allowed,
        "denied": not allowed,
        "worker_id": receipt["worker_id"] if allowed else None,
        "selected_worker_species_id": _species(receipt["worker_id"], worker) if allowed else None,
        "artifact_hash": None,  # that of the worker's record, which the hall does not keep
        "deny_reason": None if allowed else receipt["deny_code"],
        "reason": receipt["reason"],
        "outcome": receipt["outcome"],
        "correlation_id": receipt["correlation_id"],
    }
    return told | ({"supervisor_required": True} if receipt["outcome"] == "hold" else {})


def _species(worker_id: str, worker: Worker | None) -> str:
    """Return a worker's species, which is the name of one enrolled by its record; any other has only its id."""
    return worker.display_name if worker and worker.display_name.startswith("wrk.") else worker_id


async def _chosen(hall: Hall, asked: Asked) -> str:
    """Return the worker to decide about: the first that may do it, or is held, or fits at all; "" if none fits.

    The decision itself is made afterwards, at its place in the log: a worker that was banned meanwhile is denied.
    """
    best: dict[str, str] = {}
    for worker_id in await _fitting(hall, asked):
        one = msgspec.structs.replace(asked, worker_id=worker_id)
        outcome = gate.decide(hall.grounds(), one, take=False).outcome
        if outcome == "allow":
            return worker_id
        best.setdefault(outcome, worker_id)
    return best.get("hold") or best.get("deny") or ""


async def _fitting(hall: Hall, asked: Asked) -> list[str]:
    """Return workers of the namespace whom only the policy may keep from it, in the order of their enrollment."""
    found: list[str] = []
    last: Worker | None = None
    while len(found) < _CANDIDATES:
        page = await hall.long_reads.workers_after(last, _PAGE, asked.namespace)
        found += [each.worker_id for each in page if gate.refusal(each, asked) is None]
        if len(page) < _PAGE:
            break
        last = page[-1]
    return found[:_CANDIDATES]


ROUTES = [Route("/api/route", route, methods=["POST"])]
