"""Sends alerts to a receiver that is not the registry: an Alertmanager, or a webhook.

It stands here because it uses the registry's wire: the same certificates, proxies, limits and sentences. A receiver
gets no key of ours. Its URL often holds a secret itself (a login, a token in the path), so only its host is ever shown.
"""

import asyncio
import base64
import re
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import httpx

from pyhall_tui import __version__
from pyhall_tui.clock import Clock
from pyhall_tui.logs.masking import mask, register_secret
from pyhall_tui.registry.faults import FAULTS, explain
from pyhall_tui.registry.lean_client import TARGET
from pyhall_tui.registry.meter import BESIDES_THE_BODY
from pyhall_tui.registry.origin import Origin, read_origin
from pyhall_tui.registry.proxy import choose_proxy
from pyhall_tui.registry.retry import http_date, retry_after
from pyhall_tui.registry.tls import trust_context
from pyhall_tui.registry.transport.direct import DirectTransport
from pyhall_tui.registry.transport.progress import EXTENSION, FRESH
from pyhall_tui.registry.transport.proxied import ProxiedTransport

TIMEOUT: Final = 10.0
"""Seconds that one request may take."""
_AT_ONCE: Final = 16
"""Requests at the same time: each profile sends one."""
_BODY: Final = 64 * 1024
"""Bytes of an answer that are read; it only says what is wrong."""
_SAID: Final = 300
"""Characters of it that are repeated."""
_SECRET: Final = 8
"""A part of a path with at least this many characters may be a token."""
_SAFE: Final = "/%:@!$&'()*+,;=~"


class Receiver(NamedTuple):
    """A receiver's URL, taken apart. Show only `shown`."""

    origin: Origin
    path: str
    """Percent-encoded, without a slash at its end unless the URL has one."""
    query: str
    authorization: str
    """The header for the login in the URL; empty without one."""

    @property
    def shown(self) -> str:
        """Scheme, host and port: what may be shown and logged."""
        return f"{self.origin.scheme}://{self.origin.authority}"

    def __repr__(self) -> str:
        return f"Receiver({self.shown})"

    def below(self, path: str) -> "Receiver":
        """Return what is at `path` below this URL."""
        return self._replace(path=self.path.rstrip("/") + path)


class Reply(NamedTuple):
    """An answer: its status, what it says, and for how many seconds it asks to wait."""

    status: int
    text: str
    retry_after: float | None


class NotPosted(Exception):
    """There is no answer; the message is a sentence."""


class Moved(NotPosted):
    """The receiver redirects. Alerts are not sent elsewhere, because nobody here has named that place."""


def read_receiver(text: str) -> Receiver:
    """Take a receiver's URL apart, and mask its secrets in logs from now on.

    Raises:
        ValueError: it can't be used; the message is a sentence without the URL.
    """
    text = text.strip()
    if not re.match(r"https?://", text, re.IGNORECASE):
        raise ValueError("The URL must begin with https:// or http://.")
    try:
        parts = urlsplit(text)
        place = parts.netloc.rpartition("@")[2]
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    except ValueError:
        raise ValueError("The URL's host or port cannot be read.") from None
    if parts.fragment:
        raise ValueError("The URL has a fragment (#…): leave it out.")
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError("The URL contains a space or a control character.")
    origin = read_origin(f"{parts.scheme}://{place}")
    if (user or password) and origin.scheme == "http" and not origin.is_loopback:
        raise ValueError("The URL's login would be sent in clear text to another machine: use https://.")
    _mask_secrets(password, parts.path, parts.query)
    login = base64.b64encode(f"{user}:{password}".encode()).decode() if user or password else ""
    if login:
        register_secret(login)
    return Receiver(
        origin, quote(parts.path, safe=_SAFE), quote(parts.query, safe=_SAFE + "?"), f"Basic {login}" if login else ""
    )


def _mask_secrets(password: str, path: str, query: str) -> None:
    words = [password, *path.split("/"), *re.split("[&=]", query)]
    for word in words:
        if len(word) >= _SECRET and re.search(r"[0-9]|.{24}", word):  # not `services` and `webhook`
            register_secret(word)
    if password and len(password) < _SECRET:
        register_secret(password)


class Poster:
    """Sends requests to one receiver, each over its own connection, and follows no redirect.

    Belongs to the running loop.
    """

    def __init__(self, receiver: Receiver, clock: Clock, *, timeout: float = TIMEOUT) -> None:
        """Connect to nothing yet.

        Raises:
            ValueError: the proxy for it can't be used; the message is a sentence.
        """
        self.receiver = receiver
        self._clock, self._timeout = clock, timeout
        self._proxy, _ = choose_proxy(receiver.origin)
        context, _ = trust_context(receiver.origin.scheme)
        base = receiver.origin.base_url
        self._url = httpx.URL(base)
        self._transport: httpx.AsyncBaseTransport = (
            DirectTransport(base, connections=_AT_ONCE, context=context)
            if self._proxy is None
            else ProxiedTransport(connections=_AT_ONCE, context=context, proxy=self._proxy)
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def post(self, body: bytes) -> Reply:
        """Send JSON; return the answer, whatever its status.

        Raises:
            NotPosted: there is none, or it is a redirect.
        """
        return await self.ask("POST", body)

    async def ask(self, method: str, body: bytes = b"", path: str | None = None) -> Reply:
        """Send any request, by default to the receiver's own path. Raises as `post`."""
        step = _Step()
        try:
            async with asyncio.timeout(self._timeout):
                return await self._send(method, body, path, step)
        except FAULTS as fault:
            _, sentence = explain(
                fault,
                authority=self.receiver.origin.authority,
                proxy=self._proxy,
                timeout=self._timeout,
                answered=step.status is not None,
            )
        raise NotPosted(sentence)

    async def _send(self, method: str, body: bytes, path: str | None, step: "_Step") -> Reply:
        target = (self.receiver.path if path is None else path) or "/"
        if self.receiver.query and path is None:
            target += f"?{self.receiver.query}"
        request = httpx.Request(
            method,
            self._url,
            headers=self._headers(body),
            stream=httpx.ByteStream(body),
            extensions={TARGET: target.encode("ascii"), EXTENSION: step, FRESH: True},
        )
        response = await self._transport.handle_async_request(request)
        try:
            text = await _beginning(response)
        finally:
            await response.aclose()
        if response.status_code in (301, 302, 303, 307, 308):
            raise Moved(self._moved(response))
        now = http_date(response.headers.get("date")) or self._clock.now().wall
        return Reply(response.status_code, text, retry_after(response.headers.get("retry-after"), now))

    def _headers(self, body: bytes) -> list[tuple[bytes, bytes]]:
        headers = [
            (b"Host", self._url.netloc),
            (b"User-Agent", f"pyhall-tui/{__version__}".encode()),
            (b"Accept", b"*/*"),
            (b"Connection", b"close"),
        ]
        if body:
            headers += [(b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(body))]
        if self.receiver.authorization:
            headers.append((b"Authorization", self.receiver.authorization.encode("ascii")))
        return headers

    def _moved(self, response: httpx.Response) -> str:
        """Return a sentence that names the place without what may be secret in it."""
        location = response.headers.get("location", "")
        where = "to another path there" if re.match("/(?!/)", location) else "elsewhere"
        try:
            place = read_receiver(location)
            where = "to another path there" if place.shown == self.receiver.shown else f"to {place.shown}"
        except ValueError:
            pass
        return (
            f"{self.receiver.shown} answers {response.status_code}, a redirect {where}: give the URL that it redirects"
            " to. Alerts are sent only where you say."
        )


class _Step:
    """The transport's `Progress`."""

    def __init__(self) -> None:
        self.most = _BODY + BESIDES_THE_BODY
        self.status: int | None = None

    def connects(self) -> None: ...
    def sends(self) -> None: ...
    def hears(self, status: int) -> None:
        self.status = status


async def _beginning(response: httpx.Response) -> str:
    """Return the beginning of a body as text, for a sentence."""
    held = bytearray()
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for piece in response.stream:
        held += piece
        if len(held) > _BODY:
            break
    return mask(bytes(held).decode("utf-8", "replace"), _SAID).strip()
