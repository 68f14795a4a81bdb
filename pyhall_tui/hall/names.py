"""Which host names and web pages a hall answers: no foreign page can reach it through a visitor's browser.

A page can point its own name at this machine (DNS rebinding) and then read whatever needs no key. The `Host` header
reveals it, because it holds the name that the browser used. Requests that a page sends to another site without reading
the answer have `Sec-Fetch-Site` and `Origin`.
"""

import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from pyhall_tui.hall.wire import answer, correlation_id
from pyhall_tui.hosts import is_own, name_of

_OWN = ("same-origin", "none")  # a page of this hall, or not a page at all


def guard(app: ASGIApp, names: Iterable[str] = ()) -> ASGIApp:
    """Return `app`, answering only to this machine's names, the address that was connected to, and `names`."""
    known = frozenset(name for each in (*names, socket.gethostname()) if (name := name_of(each)))

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        refused = _why_refused(scope, known)
        if refused is None:
            await app(scope, receive, send)
            return
        status, said = refused
        request = Request(scope)
        body = {"error": said, "correlation_id": correlation_id(request)}
        await answer(request, body, status)(scope, receive, send)

    return guarded


def _why_refused(scope: Scope, known: frozenset[str]) -> tuple[int, str] | None:
    host, pages = "", []
    for name, value in scope["headers"]:
        if name == b"host":
            host = value.decode("latin-1").strip()
        elif name in (b"sec-fetch-site", b"origin"):
            pages.append((name, value.decode("latin-1").strip().lower()))
    name = name_of(host)
    if name is None:
        return 400, f"{host!r} is not a host: send the hall's name in the Host header"
    server = scope.get("server")
    if not is_own(name, known, server[0] if server else ""):
        return 421, f"this hall does not answer for {name}: start it with --allow-host {name} to allow that"
    if any(value not in _OWN if header == b"sec-fetch-site" else not _is_of(value, host) for header, value in pages):
        return 403, "pages of other sites may not use this hall"
    return None


def _is_of(origin: str, host: str) -> bool:
    """Whether a page's origin is this hall, under the requested name."""
    try:
        return urlsplit(origin).netloc == host.lower()
    except ValueError:
        return False
