"""Turns what went wrong on the wire into one of our error classes, with a sentence that says what it was."""

import re
import socket
import ssl
from collections.abc import Iterator
from typing import Final

import httpx

from pyhall_tui.registry.errors import (
    AnswerTooLarge,
    BadRequest,
    Forbidden,
    NotARegistrysAnswer,
    NotFound,
    NotSent,
    RateLimited,
    Redirected,
    RegistryError,
    ServerError,
    StatusError,
    TimedOut,
    TlsFailed,
    Unauthorized,
    UnexpectedStatus,
    Unreachable,
)
from pyhall_tui.registry.meter import TooMuchTakenIn
from pyhall_tui.registry.tls import sentence_for

FAULTS: Final = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, RuntimeError, ValueError)
"""What httpx and the layers below it raise; asyncio's time-out is an OSError."""

STALE_CONNECTION: Final = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
"""What happens if the registry closes a kept connection at the same moment."""

_PYTHONS: Final = re.compile(r"bytearray\(b(['\"])(.*)\1\)")
"""How h11 quotes what it can't read."""

_STATUSES: Final[dict[int, type[StatusError]]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    429: RateLimited,
}


def status_class(status: int) -> type[StatusError]:
    """Return the error class of a status that does not mean success."""
    if 500 <= status < 600:
        return ServerError
    return _STATUSES.get(status, UnexpectedStatus)


def tls_fault(fault: BaseException) -> ssl.SSLError | None:
    """Return the TLS error behind a fault, if there is one (but not one that only says to wait for more)."""
    waiting = ssl.SSLWantReadError | ssl.SSLWantWriteError
    roots = (cause for cause in _causes(fault) if isinstance(cause, ssl.SSLError) and not isinstance(cause, waiting))
    return next(roots, None)


def explain(
    fault: BaseException, *, authority: str, proxy: str | None, timeout: float, answered: bool
) -> tuple[type[RegistryError], str]:
    """Return the class of a network fault, and a sentence that says what it was.

    Args:
        authority: the registry's host and port.
        proxy: the proxy's URL, if there is one, because then the proxy is what was not reached. Its login is not shown.
        timeout: the profile's, in seconds.
        answered: whether the head of an answer had arrived.
    """
    if (tls := tls_fault(fault)) is not None:
        return TlsFailed, sentence_for(tls, authority)
    match fault:
        case TooMuchTakenIn():
            return AnswerTooLarge, f"The answer from {authority} does not end: {fault}."
        case TimeoutError() | httpx.TimeoutException():
            return TimedOut, f"No complete answer came from {authority} within {timeout:g} s."
        case httpx.ProxyError():
            return Unreachable, f"The proxy for {authority} refused: {fault}."
        case httpx.ConnectError():
            return Unreachable, _no_connection(fault, _place_of(proxy) if proxy else authority)
        case httpx.RemoteProtocolError():
            return _bad_http(str(fault), authority, answered)
        case httpx.NetworkError():
            return Unreachable, f"The connection to {authority} broke."
        case httpx.InvalidURL() if answered:  # in a redirect: `javascript:…` and the like
            return Redirected, f"{authority} redirects to an address that cannot be read."
        case httpx.LocalProtocolError() | httpx.InvalidURL() | httpx.UnsupportedProtocol() | ValueError() if (
            not answered
        ):
            return NotSent, f"The request cannot be sent as it is: {fault}."
        case _:
            return Unreachable, f"The connection to {authority} failed: {fault or type(fault).__name__}."


def _place_of(proxy: str) -> str:
    return f"the proxy {proxy.rpartition('@')[2].rpartition('//')[2].rstrip('/')}"


def _no_connection(fault: BaseException, authority: str) -> str:
    for cause in _causes(fault):
        if isinstance(cause, socket.gaierror):
            return f"The name in {authority} cannot be resolved."
        if isinstance(cause, ConnectionRefusedError):
            return f"Nothing answers at {authority}: the connection was refused."
        if isinstance(cause, OSError) and cause.strerror:
            return f"Could not connect to {authority}: {cause.strerror}."
    return f"Could not connect to {authority}."


def _bad_http(reason: str, authority: str, answered: bool) -> tuple[type[RegistryError], str]:
    reason = _PYTHONS.sub(r"“\2”", reason)
    if "Receive buffer too long" in reason:
        return AnswerTooLarge, f"The header of the answer from {authority} is larger than 100 kB."
    if "location header" in reason:
        return Redirected, f"{authority} redirects to an address that cannot be read."
    if "disconnected" in reason:
        return Unreachable, f"{authority} closed the connection without an answer."
    if answered:
        return NotARegistrysAnswer, f"The answer from {authority} was truncated: {reason}."
    return NotARegistrysAnswer, f"{authority} sent an invalid HTTP response: {reason}."


def _causes(fault: BaseException) -> Iterator[BaseException]:
    """Yield a fault and everything that caused it, outermost first."""
    seen: set[int] = set()
    rest: list[BaseException | None] = [fault]
    while rest:
        cause = rest.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        rest += [cause.__context__, cause.__cause__]
        if isinstance(cause, BaseExceptionGroup):
            rest += cause.exceptions
