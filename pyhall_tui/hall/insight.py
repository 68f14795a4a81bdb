"""Routes for the operator of this machine's own hall: what the policy is and does, and the faults in force.

The published hall has only `go-online` and `go-offline` of these. Requests from other machines are refused, whatever
their key. A fault for every path does not affect the faults' own, so that whoever set it can remove it.
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.errors import BadRequest, Forbidden
from pyhall_tui.hall.explain import explain
from pyhall_tui.hall.explain import request as asked_about
from pyhall_tui.hall.faults import ADMIN, Fault
from pyhall_tui.hall.models import UNSTATED, decode
from pyhall_tui.hall.policy import TIERS, Policy
from pyhall_tui.hall.wire import admit, admit_read, admit_write, answer, hall_of, is_here, read_body, whole_number


class _FaultList(msgspec.Struct, forbid_unknown_fields=True):
    faults: list[Fault]


def _only_here(request: Request) -> None:
    """Refuse another machine.

    Raises:
        Forbidden: the request came over the network.
    """
    if not is_here(request):
        raise Forbidden("only the hall's own machine may ask this")


async def policy(request: Request) -> Response:
    """`GET /policy`: the rules in order, how many logged decisions each made, and which are unreachable."""
    namespace = admit_read(request)
    _only_here(request)
    hall = hall_of(request)
    await hall.tally.count_on(hall.store)
    return answer(request, _told(hall, hall.policy.current(), hall.tally.by_rule(namespace)))


def _told(hall: Hall, rules: Policy, hits: dict[str, int]) -> dict[str, Any]:
    hidden = {found.rule: found for found in hall.hidden_rules()}
    listed = []
    for rule in rules.rule:
        found = hidden.get(rule.id)
        told = {"hits": hits.pop(rule.id, 0), "hidden": str(found) if found else None}
        listed.append(msgspec.to_builtins(rule) | told | {"hidden_by": list(found.by) if found else []})
    return {
        "rules": listed,
        "default": rules.default,
        "default_hits": hits.pop("default", 0),
        "error": hall.policy.error,
        "other_hits": hits,  # the registry's own refusals, those while the upstream was unreachable, deleted rules
    }


async def explanation(request: Request) -> Response:
    """`GET /policy/explain?worker_id=&capability=[&namespace=][&risk_tier=][&at=][&context=]`: which decides?

    `at` is in seconds since the epoch, by default now; `context` is a JSON object with whatever else a rule checks.
    Nothing is dispatched or logged, and no rate is used. For any time but now, used rates and an unreachable upstream
    are not considered.
    """
    namespace = admit_read(request)
    _only_here(request)
    hall = hall_of(request)
    worker_id, capability = (_stated(request, name) for name in ("worker_id", "capability"))
    worker = hall.store.worker(worker_id)
    asked_for = request.query_params.get("namespace") or namespace or (worker.namespace if worker else "")
    if namespace is not None and asked_for != namespace:
        raise Forbidden(f"this key has no access to namespace {asked_for}")
    tier = request.query_params.get("risk_tier", UNSTATED)
    if tier not in TIERS:
        raise BadRequest(f"invalid field: risk_tier: expected one of {', '.join(TIERS)}")
    wall, grounds = hall.clock.now().wall, hall.grounds()
    if "at" in request.query_params:  # another time, for which the upstream's state and the rates are unknown
        wall = float(whole_number(request, "at", default=0, most=10**11, least=0))
        grounds = hall.grounds_of_another_time()
    asked = asked_about(
        namespace=asked_for,
        capability=capability,
        worker_id=worker_id,
        risk_tier=None if tier == UNSTATED else tier,
        context=request.query_params.get("context", "{}"),
        wall=wall,
    )
    return answer(request, explain(grounds, asked))


def _stated(request: Request, name: str) -> str:
    value = request.query_params.get(name)
    if not value:
        raise BadRequest(f"missing field: {name}")
    return value


async def faults(request: Request) -> Response:
    """`GET /admin/faults`: those in force; `PUT` with `{"faults": […]}` replaces them, `DELETE` removes them all."""
    admit(request)
    _only_here(request)
    hall = hall_of(request)
    if request.method == "DELETE":
        hall.faults.clear()
    elif request.method == "PUT":
        hall.faults.replace(decode(await read_body(request), _FaultList).faults)
    return answer(request, {"faults": hall.faults.in_force})


async def go_online(request: Request) -> Response:
    """`POST /api/server/go-online`: decide dispatches again."""
    return await _go(request, online=True)


async def go_offline(request: Request) -> Response:
    """`POST /api/server/go-offline`: deny every dispatch until `go-online`."""
    return await _go(request, online=False)


async def _go(request: Request, *, online: bool) -> Response:
    admit_write(request)
    _only_here(request)
    since = await hall_of(request).service.go(online=online)
    return answer(request, {"ok": True, "online": online, "offline_since": since})


ROUTES = [
    Route("/api/server/go-online", go_online, methods=["POST"]),
    Route("/api/server/go-offline", go_offline, methods=["POST"]),
    Route("/policy", policy),
    Route("/policy/explain", explanation),
    Route(ADMIN, faults, methods=["GET", "PUT", "DELETE"]),
]
