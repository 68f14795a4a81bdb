"""The hall's routes: the contract's operations, exactly as documented."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pyhall_tui import __version__
from pyhall_tui.hall import gate, insight, intake, key_list, local, log_head, routing, stream_routes
from pyhall_tui.hall.context import Hall, SeenRequest
from pyhall_tui.hall.decided import decided
from pyhall_tui.hall.errors import BadRequest, HallError, StoreError
from pyhall_tui.hall.ledger import Ledger
from pyhall_tui.hall.models import (
    AttestRequest,
    EnrollRequest,
    ReportRequest,
    Worker,
    decode,
    decode_dispatch,
    require_hash,
    verify_both,
    verify_documented,
    verify_older,
)
from pyhall_tui.hall.openapi import document
from pyhall_tui.hall.scopes import ANY_KEY, DELIVERY, ENROLL
from pyhall_tui.hall.store import new_id
from pyhall_tui.hall.wire import (
    admit,
    admit_read,
    answer,
    answer_in_pages,
    check_namespace,
    correlation_id,
    fail,
    fail_without_store,
    find_worker,
    gone,
    hall_of,
    read_body,
    refuse,
    refuse_route,
    whole_number,
)

_DISPATCH = "/api/v1/dispatch"
_VERIFY = "/api/v1/verify/"
_SHAPES = {"both": verify_both, "documented": verify_documented, "older": verify_older}


def build_app(hall: Hall) -> ASGIApp:
    """Return the hall as an ASGI app behind its faults."""
    routes = [
        Route("/health", health),
        Route(_DISPATCH, dispatch, methods=["POST"]),
        Route(_VERIFY + "{worker_id}", verify),
        Route("/api/v1/hall/enroll", enroll, methods=["POST"]),
        Route("/api/v1/workers/{worker_id}/attest", attest, methods=["PUT"]),
        Route("/api/v1/ban-list", ban_list),
        Route("/api/v1/ban-list/report", report, methods=["POST"]),
        Route("/api/v1/telemetry/decisions", telemetry, methods=["POST"]),
        Route("/api/account/standing", standing),
        Route("/openapi.json", openapi),
        *local.ROUTES,
        *routing.ROUTES,
        *intake.ROUTES,
        *insight.ROUTES,
        *key_list.ROUTES,
        *log_head.ROUTES,
        *stream_routes.ROUTES,
    ]
    handlers: dict[Any, Any] = {HallError: refuse, HTTPException: refuse_route, ClientDisconnect: gone}
    handlers |= {StoreError: fail_without_store, Exception: fail}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    app.state.hall = hall
    beside = partial(gate.dispatch_all_beside, hall) if hall.store.log.waits else None
    app.state.ledger = Ledger(hall.store, partial(gate.dispatch_all, hall), beside)
    hall.store.serve()
    return _entry(hall, hall.faults.wrap(_short_cut(app)))


def _short_cut(app: Starlette) -> ASGIApp:
    """Return `app`, with what a fleet asks all day led past the framework's layers, which cost more than the answer."""

    async def short_cut(scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = _asked_all_day(scope)
        if endpoint is None:
            await app(scope, receive, send)
            return
        scope["app"] = app
        request = Request(scope, receive)
        try:
            response = await endpoint(request)
        except HallError as error:
            response = refuse(request, error)
        except ClientDisconnect as error:
            response = gone(request, error)
        except StoreError as error:
            response = fail_without_store(request, error)
        except Exception as error:
            await fail(request, error)(scope, receive, send)
            raise  # the server notices it
        await response(scope, receive, send)

    return short_cut


def _asked_all_day(scope: Scope) -> Callable[[Request], Awaitable[Response]] | None:
    method, path = scope["method"], scope["path"]
    if method == "POST" and path == _DISPATCH:
        return dispatch
    if method == "GET" and path.startswith(_VERIFY):
        worker_id = path[len(_VERIFY) :]
        if worker_id and "/" not in worker_id:
            scope["path_params"] = {"worker_id": worker_id}
            return verify
    return None


def _entry(hall: Hall, app: ASGIApp) -> ASGIApp:
    """Record requests, and route by the path as it was sent: a worker's id is one segment, whatever it contains."""

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"] = scope["raw_path"].decode("ascii", "replace")
        try:
            await app(scope, _recorded(hall, scope, receive) if hall.requests.maxlen else receive, send)
        except asyncio.CancelledError:  # the hall is shutting down, and this request has used up its grace
            await _cut_off(scope, receive, send)

    return entry


async def _cut_off(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a request that the shutdown interrupts; if its answer has begun, close the connection."""
    try:
        await JSONResponse({"error": "the hall is shutting down: this request was not answered"}, 503)(
            scope, receive, send
        )
    except RuntimeError:
        scope["state"]["transport"].abort()
        await asyncio.sleep(0)  # lets the server notice that it is closed, so it doesn't log an incomplete answer


def _recorded(hall: Hall, scope: Scope, receive: Receive) -> Receive:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    seen = SeenRequest(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers)
    hall.requests.append(seen)

    async def recording() -> Message:
        message = await receive()
        seen.body += message.get("body", b"")
        return message

    return recording


# The documented operations


async def dispatch(request: Request) -> Response:
    """`POST /api/v1/dispatch`: may this worker do this? The decision is in the log before it is sent."""
    hall = hall_of(request)
    await hall.look()
    key = admit(request, DELIVERY)
    asked, stated = decode_dispatch(await read_body(request), hall.clock.now().wall)
    await hall.store.know_beside(asked.worker_id)
    correlation = correlation_id(request, stated)
    check_namespace(key, asked.namespace)
    return answer(request, _told(await decided(request, asked, correlation)))


_ALLOWED = ("outcome", "worker_id", "capability", "correlation_id", "decision_id")
_DENIED = ("outcome", "deny_code", "reason", "correlation_id", "decision_id")


def _told(receipt: dict[str, Any]) -> dict[str, Any]:
    """Return a decision in the documented shape of its kind; a deny has the decision id in addition."""
    told = {name: receipt[name] for name in (_ALLOWED if receipt["outcome"] == "allow" else _DENIED)}
    if receipt["outcome"] == "hold":
        told["supervisor_required"] = True
    return told


async def verify(request: Request) -> Response:
    """`GET /api/v1/verify/{worker_id}`: any key may read any namespace, as at the public registry."""
    hall = hall_of(request)
    await hall.store.know_beside(unquote(request.path_params["worker_id"]))
    await hall.look()
    admit_read(request)
    return answer(request, _SHAPES[hall.verify_shape](find_worker(request)), headers=_aged(hall))


async def enroll(request: Request) -> Response:
    """`POST /api/v1/hall/enroll`: a new worker, active and attested with the hash that the key's holder sent."""
    hall = hall_of(request)
    key = admit(request, ENROLL)
    asked = decode(await read_body(request), EnrollRequest)
    check_namespace(key, asked.namespace)
    digest = _hash_in_good_standing(request, asked.sha256)
    worker = Worker(
        worker_id=new_id("wkr"),
        namespace=asked.namespace,
        display_name=asked.display_name,
        capabilities=tuple(dict.fromkeys(asked.capabilities)),
        sha256=digest,
        attested_at=hall.store.now(),
    )
    await hall.change(lambda store: store.put_worker(worker))
    told = {"worker_id": worker.worker_id, "sha256": digest, "enrolled": True}
    return answer(request, verify_both(worker) | told | {"correlation_id": correlation_id(request)}, 201)


async def attest(request: Request) -> Response:
    """`PUT /api/v1/workers/{worker_id}/attest`: a new package for an active worker."""
    hall = hall_of(request)
    key = admit(request, ENROLL)
    asked = decode(await read_body(request), AttestRequest)
    worker = find_worker(request)
    check_namespace(key, worker.namespace)
    digest = _hash_in_good_standing(request, asked.sha256 or asked.package_hash)
    ai: dict[str, Any] = {
        "ai_generated": asked.ai_generated,
        "ai_service": asked.ai_service,
        "ai_model": asked.ai_model,
        "ai_session_fingerprint": asked.ai_session_id,
    }
    attested = await hall.change(lambda store: store.attest(worker.worker_id, digest, **ai))
    if not attested:
        raise BadRequest(f"worker {worker.worker_id} is {worker.status}: only an active one can be attested")
    now = hall.store.worker(worker.worker_id) or worker
    told = {"id": new_id("att"), "sha256": digest, "package_hash": digest, "attested_at": now.attested_at}
    return answer(request, told | {"worker_id": now.worker_id, "namespace": now.namespace, "status": now.status})


def _hash_in_good_standing(request: Request, value: str | None) -> str:
    """Return a package's hash as 64 lowercase hex digits.

    Raises:
        BadRequest: it is missing, is not a hash, or is on the ban list.
    """
    digest = require_hash(value, "sha256")
    if hall_of(request).store.is_hash_banned(digest):
        raise BadRequest("invalid field: sha256: this package hash is on the ban list", code=gate.BANNED_HASH)
    return digest


# What the published clients also ask for


async def health(request: Request) -> Response:
    """`GET /health`: needs no key. What is not known about the hall's own code is null.

    With `?ready` it is 503 while the store can't be read: then the hall decides nothing. Without, it says only that the
    program is up: a container is not to be restarted because its database is away.
    """
    hall = hall_of(request)
    if "ready" in request.query_params:
        await hall.store.state_beside()
    own = {"hall_hash": await hall.own_code.hash(), "hall_hash_banned": await hall.own_code.banned()}
    return answer(request, {"ok": True, "version": __version__, "status": "ok", "timestamp": hall.store.now()} | own)


async def ban_list(request: Request) -> Response:
    """`GET /api/v1/ban-list?limit=…`: the confirmed bans, newest first; 304 if the client already has this list."""
    hall = hall_of(request)
    if not hall.ban_list:
        raise HTTPException(404, "Not Found")
    admit_read(request)
    limit = whole_number(request, "limit", default=0, most=1_000_000)
    tag = f'"{hall.store.ban_tag()}-{limit or "all"}"'
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"ETag": tag} | _aged(hall))
    pages = hall.long_reads.bans(limit or None)
    return await answer_in_pages(request, "[", pages, lambda _: "]", headers={"ETag": tag} | _aged(hall))


def _aged(hall: Hall) -> dict[str, str]:
    """Return the header that says how old the upstream's bans are, if it has been unreachable for too long."""
    age = hall.upstream.age if hall.upstream else None
    return {} if age is None else {"Age": str(age)}


async def report(request: Request) -> Response:
    """`POST /api/v1/ban-list/report`: kept for review; bans nothing by itself."""
    key = admit(request)
    asked = decode(await read_body(request), ReportRequest)
    digest = require_hash(asked.sha256, "sha256")
    report_id = await hall_of(request).change(
        lambda store: store.report(digest, asked.reason, asked.evidence_url, key.namespace)
    )
    return answer(request, {"id": report_id, "sha256": digest, "review_status": "pending"}, 202)


async def telemetry(request: Request) -> Response:
    """`POST /api/v1/telemetry/decisions`: accepted and ignored."""
    admit(request, DELIVERY)
    await read_body(request)
    return answer(request, {"ok": True})


async def standing(request: Request) -> Response:
    """`GET /api/account/standing`: what the upstream says, if there is one; a local hall itself has no accounts."""
    admit(request, ANY_KEY)
    hall = hall_of(request)
    known = local.standing_of(hall)
    told = {"standing": known["account_standing"] or "unknown", "tier_id": "local", "github_login": None}
    return answer(request, told | {"checked_at": known["standing_checked_at"] or hall.store.now()})


async def openapi(request: Request) -> Response:
    """`GET /openapi.json`: a description of the API for machines; needs no key."""
    return answer(request, document())
