"""What every route of the hall needs: the key, the body, the correlation id, and answers in JSON."""

import ipaddress
import logging
import math
import re
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.errors import (
    BadRequest,
    Forbidden,
    HallError,
    NotFound,
    RateLimited,
    StoreError,
    TooLarge,
    Unauthorized,
)
from pyhall_tui.hall.guests import source_of
from pyhall_tui.hall.models import Key, Worker
from pyhall_tui.hall.proxies import PROXIED
from pyhall_tui.hall.scopes import ANY_KEY, WHOLE_KEY, refusal
from pyhall_tui.hosts import LOCALHOST, is_this_machine, name_of

_log = logging.getLogger(__name__)
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]{0,254}[!-~])?")  # what every client accepts in a header
_KEY_OR_PAGE = {"authorization", "origin", "sec-fetch-site"}
_PASSED_ON = re.compile(  # what proxies add to what they pass on
    r"forwarded|via|x-(?:original-)?forwarded.*|x-real-ip|(?:x-(?:cluster-)?|true-|cf-|fly-|fastly-)client-ip"
    r"|cf-connecting-ip|x-envoy-.*"
)
_SLOWED = "more than 20 wrong API keys came from one address: further ones from there are answered with 429"
MAX_BODY = 1024 * 1024  # bytes; no request of the contract comes close


def hall_of(request: Request) -> Hall:
    """Return the hall that a request came to."""
    hall: Hall = request.app.state.hall
    return hall


def admit(request: Request, needed: str = WHOLE_KEY) -> Key:
    """Check a request's key, its rate, and whether its scopes allow what needs `needed` (`scopes`).

    Raises:
        Unauthorized: there is no key, or it is not one of this hall's.
        RateLimited: the key is over its rate.
        Forbidden: its scopes don't allow it.
    """
    hall = hall_of(request)
    key = _key(hall, request)
    _take(hall, key.key_id)
    hall.key_uses.used(key.key_id)
    if key.scopes and (refused := refusal(key.scopes, needed)):
        raise Forbidden(refused)
    return key


def admit_read(request: Request) -> str | None:
    """As `admit`, but a hall with public reads also admits a request without a key.

    Returns the key's namespace; None without a key.
    """
    hall = hall_of(request)
    if hall.public_reads and "authorization" not in request.headers:
        _take(hall, f"address {address_of(request)}")
        return None
    return admit(request, ANY_KEY).namespace


def admit_write(request: Request, needed: str = WHOLE_KEY) -> str | None:
    """As `admit`, but a hall with local writes also admits a request without a key from its own machine.

    That excludes a browser's requests: any page open here could send them. Returns the key's namespace; None without
    one.
    """
    hall = hall_of(request)
    if hall.local_writes and is_here(request) and not _KEY_OR_PAGE & set(request.headers.keys()):
        _take(hall, "this machine")
        return None
    return admit(request, needed).namespace


def is_here(request: Request) -> bool:
    """Whether the request came from the hall's own machine, and no proxy on it passed it on.

    A proxy is named as trusted, or says so in a header, or asks for the name that its own clients asked for, which may
    be this machine's name in the network, or speaks HTTP/1.0. One that does none of this can't be told from a program
    here: it has to be named.
    """
    by_proxy = request.scope["http_version"] == "1.0" or any(map(_PASSED_ON.fullmatch, request.headers.keys()))
    name = name_of(request.headers.get("host", ""))
    if by_proxy or request.scope.get("state", {}).get(PROXIED) or name is None or not _is_localhost(name):
        return False
    host = request.client.host if request.client else ""
    try:
        there = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return (getattr(there, "ipv4_mapped", None) or there).is_loopback


def _is_localhost(name: str) -> bool:
    return is_this_machine(name) or name.endswith(f".{LOCALHOST}")


def _key(hall: Hall, request: Request) -> Key:
    header = request.headers.get("authorization")
    asks = {"WWW-Authenticate": "Bearer"}
    if header is None:
        raise Unauthorized("missing API key: send Authorization: Bearer <key>", headers=asks)
    scheme, _, token = header.partition(" ")
    key = hall.state().key(token.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        _slow_down(hall, request)
        raise Unauthorized("invalid API key", headers=asks)
    return key


def _slow_down(hall: Hall, request: Request) -> None:
    """Refuse for a while whoever sends many wrong keys; a right one is always answered, from whatever address.

    Programs on this machine are not slowed down. What came through a proxy that is not trusted counts together.
    """
    if is_here(request):
        return
    if wait := hall.wrong_keys.wait(address_of(request)):
        seconds = str(max(1, math.ceil(wait)))
        if hall.is_news(_SLOWED):
            _log.warning("%s", _SLOWED)
        raise RateLimited(
            f"too many wrong API keys from this address: try again in {seconds} s", headers={"Retry-After": seconds}
        )


def address_of(request: Request) -> str:
    """Return what counts as one client: see `source_of`."""
    return source_of(request.client.host) if request.client else ""


def _take(hall: Hall, who: str) -> None:
    if wait := hall.limiter.wait(who):
        seconds = str(max(1, math.ceil(wait)))
        raise RateLimited(f"rate limit exceeded: try again in {seconds} s", headers={"Retry-After": seconds})


def check_namespace(key: Key, namespace: str) -> None:
    """Check that a key is used for its own namespace.

    Raises:
        Forbidden: it is another namespace. The message doesn't reveal whether the hall knows it.
    """
    if key.namespace != namespace:
        raise Forbidden(f"this key has no access to namespace {namespace}")


def whole_number(request: Request, name: str, default: int, most: int, least: int = 1) -> int:
    """Return a number from the query.

    Raises:
        BadRequest: it is not a whole number from `least` to `most`.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 16 and least <= int(text) <= most):
        raise BadRequest(f"invalid field: {name}: expected a whole number from {least} to {most}")
    return int(text)


async def read_body(request: Request) -> bytes:
    """Return the request's body.

    Raises:
        TooLarge: it is longer than `MAX_BODY`.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            raise TooLarge(f"the body is longer than {MAX_BODY} bytes", headers={"Connection": "close"})
    return bytes(body)


def find_worker(request: Request) -> Worker:
    """Return the worker that the path names; its id is one percent-encoded segment.

    Raises:
        BadRequest: the segment is not UTF-8.
        NotFound: there is no such worker.
    """
    try:
        worker_id = unquote(request.path_params["worker_id"], errors="strict")
    except UnicodeDecodeError:
        raise BadRequest("invalid field: worker_id: not UTF-8") from None
    worker = hall_of(request).state().worker(worker_id)
    if worker is None:
        raise NotFound(f"worker not found: {worker_id}")
    return worker


def correlation_id(request: Request, stated: str | None = None) -> str:
    """Return the request's correlation id: as `stated` in its body, else its header's, else a new one, kept."""
    known: str | None = stated or getattr(request.state, "correlation_id", None)
    known = known or request.headers.get("x-correlation-id") or f"hall-{uuid.uuid4()}"
    request.state.correlation_id = known
    return known


def answer(request: Request, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer in JSON; the correlation id is also in a header, if a header can hold it."""
    sent = dict(headers or {}) | correlation(request)
    return Response(msgspec.json.encode(content), status, sent, "application/json")


def correlation(request: Request) -> dict[str, str]:
    """Return the header with the correlation id, if a header can hold it."""
    known = correlation_id(request)
    return {"X-Correlation-Id": known} if _HEADER_VALUE.fullmatch(known) else {}


async def answer_in_pages(
    request: Request,
    begin: str,
    pages: AsyncIterator[list[bytes]],
    end: Callable[[int], str],
    headers: dict[str, str] | None = None,
) -> Response:
    """Answer a list in JSON, holding only the page that is being sent; `end` gets the number of entries.

    A list of a single page states its length. If a later page can't be read, the connection is closed, so that half a
    list is never taken for the whole.
    """
    ahead = [page async for page in _first_two(pages)]
    sent = dict(headers or {}) | correlation(request)
    if len(ahead) < 2:
        whole = ahead[0] if ahead else []
        body = begin.encode() + b",".join(whole) + end(len(whole)).encode()
        return Response(body, 200, sent, "application/json")
    return StreamingResponse(_joined(request, begin, ahead, pages, end), 200, sent, "application/json")


async def _first_two(pages: AsyncIterator[list[bytes]]) -> AsyncIterator[list[bytes]]:
    for _ in range(2):
        page = await anext(pages, None)
        if page is not None:
            yield page


async def _joined(
    request: Request,
    begin: str,
    ahead: list[list[bytes]],
    pages: AsyncIterator[list[bytes]],
    end: Callable[[int], str],
) -> AsyncIterator[bytes]:
    if request.method == "HEAD":
        return
    count = 0
    try:
        for page in ahead:
            yield (b"," if count else begin.encode()) + b",".join(page)
            count += len(page)
        async for page in pages:
            yield b"," + b",".join(page)
            count += len(page)
    except (StoreError, sqlite3.Error) as error:
        _log.warning("an answer to %s was cut short: %s", request.url.path, error)
        request.scope["state"]["transport"].abort()
        return
    yield end(count).encode()


def refuse(request: Request, error: Exception) -> Response:
    """Answer a refusal: `{"error": …}` with the contract's status."""
    assert isinstance(error, HallError)
    body = {"error": str(error), "correlation_id": correlation_id(request)}
    if error.code:
        body["code"] = error.code
    return answer(request, body, error.status, error.headers)


def refuse_route(request: Request, error: Exception) -> Response:
    """Answer what the router refuses (no such path or method), in JSON like everything else."""
    assert isinstance(error, HTTPException)
    said = f"{request.method} {request.url.path}: {error.detail}"
    return answer(
        request,
        {"error": said, "correlation_id": correlation_id(request)},
        error.status_code,
        dict(error.headers or {}),
    )


def gone(request: Request, error: Exception) -> Response:
    """End a request whose client hung up in the middle of its body: nobody would read an answer."""
    return Response(status_code=400)


def fail(request: Request, error: Exception) -> Response:
    """Answer for a fault of the hall itself; the server's log has the details."""
    return _failed(request, 500)


def _failed(request: Request, status: int) -> Response:
    return answer(request, {"error": "registry error: try again", "correlation_id": correlation_id(request)}, status)


def fail_without_store(request: Request, error: Exception) -> Response:
    """Answer if the store can't be used, such as on a full disk. The log says why: once a minute, not per request.

    503 if the store itself says that it failed: it may be over in a second.
    """
    if hall_of(request).is_news(str(error)):
        _log.error("%s", error)
    return _failed(request, 503 if isinstance(error, StoreError) else 500)
