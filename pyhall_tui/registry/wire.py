"""One request and its answer: limited in time and size, sent once, and ending in a model or one of our errors."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import httpx

from pyhall_tui.clock import Clock
from pyhall_tui.logs.log_file import REPEATS_AS
from pyhall_tui.logs.masking import masked_spans
from pyhall_tui.logs.secret_text import Secrets
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import moved_base_url
from pyhall_tui.registry import correlation
from pyhall_tui.registry.bodies import follow_body, read_body
from pyhall_tui.registry.decode import UnclearBanList, Unreadable, error_text
from pyhall_tui.registry.errors import (
    BanListUnclear,
    NotARegistrysAnswer,
    Redirected,
    RegistryError,
    StatusError,
    TlsFailed,
)
from pyhall_tui.registry.faults import FAULTS, STALE_CONNECTION, explain, status_class, tls_fault
from pyhall_tui.registry.lean_client import LeanClient, RequestMaker, redirected_to
from pyhall_tui.registry.models import KEPT, Exchange, RequestRecord
from pyhall_tui.registry.origin import Origin
from pyhall_tui.registry.retry import http_date, retry_after
from pyhall_tui.registry.tls import issuer_of
from pyhall_tui.registry.transport.direct import CAME_UNASKED
from pyhall_tui.registry.transport.progress import EXTENSION, FRESH
from pyhall_tui.registry.trip import Answer, Call, Taker, Trip

T = TypeVar("T")

_PROXY_LOGIN = "The proxy requires a login: put it into the variable that names it, as http://user:password@host:port."
_READ = httpx.ByteStream(b"")
"""In the place of a body that was read."""
_REDIRECTS = (301, 302, 303, 307, 308)

logger = logging.getLogger("pyhall_tui.registry")
for _name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy"):
    # Their lines repeat ours without the correlation id, and contain the answer's headers, which may repeat a key: they
    # stay off, whatever level anybody sets.
    logging.getLogger(_name).disabled = True


class Wire:
    """A profile's one shared `httpx.AsyncClient`, which talks to one origin only."""

    def __init__(
        self,
        *,
        origin: Origin,
        profile: Profile,
        key: ApiKey | None,
        clock: Clock,
        transport: httpx.AsyncBaseTransport,
        proxy: str | None,
        on_request: Callable[[RequestRecord], None] | None,
        accept: str = "application/json",
    ) -> None:
        self._origin = origin
        self._timeout = profile.timeout
        self._secrets = Secrets() if key is None else Secrets(key.reveal())
        self._clock = clock
        self._proxy = proxy
        self._on_request = on_request
        self._client = LeanClient(transport)
        self._requests = RequestMaker(origin.base_url, None if key is None else key.reveal(), accept)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def ask(self, call: Call, read: Callable[[Answer], T]) -> T:
        """Send one request and return what `read` makes of its answer.

        `read` runs while the connection is still held: if it raises `Unreadable`, the connection is closed, because
        what came may be the answer to another request.

        Raises:
            RegistryError: one of its subclasses, whatever goes wrong.
        """
        if self._client.is_closed:
            raise call.refused("The connection to the registry was closed here.")
        trip = Trip(call, self._clock)
        failure: RegistryError | None = None
        raw: BaseException | None = None
        try:
            async with asyncio.timeout(self._timeout) as deadline:
                trip.deadline = deadline
                result = await self._send(trip, read)
        except RegistryError as error:
            failure = error
        except FAULTS as fault:
            raw = fault
        # Outside the `except`, and without the frames below: their local variables hold the key, or text that repeats
        # it.
        if raw is not None:
            failure = await self._explain(trip, raw)
            raw = None
        if failure is not None:
            failure = self._settled(trip, failure)
        self._tell(trip, failure)
        trip.let_go()
        if failure is not None:
            try:
                raise failure.with_traceback(None)
            finally:
                failure = None  # its traceback refers to this frame
        return result

    def _settled(self, trip: Trip, failure: RegistryError) -> RegistryError:
        """Return the error to report: an error status stays one, whatever happened to its body."""
        response = trip.response
        if response is None or _is_unasked(response):
            pass
        elif response.status_code >= 400 and not isinstance(failure, StatusError):
            failure = self._refusal(trip, response, b"")
        if failure.exchange is None and trip.request is not None:
            failure.exchange = self._exchange(trip, b"")
        return failure

    async def _send(self, trip: Trip, read: Callable[[Answer], T]) -> T:
        try:
            return await self._send_once(trip, read, fresh=trip.call.follow is not None)
        except STALE_CONNECTION:
            if trip.call.method != "GET" or not trip.met_a_stale_connection:
                raise
        logger.debug("%s kept connection was closed: asked again", trip.call.correlation_id)
        trip.reset()
        return await self._send_once(trip, read, fresh=True)

    async def _send_once(self, trip: Trip, read: Callable[[Answer], T], *, fresh: bool = False) -> T:
        call = trip.call
        trip.request = self._requests.make(
            call.method,
            call.path,
            ((correlation.HEADER, correlation.header_value(call.correlation_id)), *call.headers),
            call.body,
            {EXTENSION: trip, FRESH: fresh},
        )
        trip.response = response = await self._client.send(trip.request, stream=True)
        try:
            return await self._receive(trip, response, read)
        except BaseException as error:
            if not isinstance(error, StatusError | Redirected):
                await response.extensions["network_stream"].aclose()
            raise
        finally:
            await response.aclose()
            response.stream = _READ  # its own refers to the response: only a garbage collection would free them

    async def _receive(self, trip: Trip, response: httpx.Response, read: Callable[[Answer], T]) -> T:
        if _is_unasked(response):  # whatever its status says, it says it of another request
            trip.status = None
            raise trip.error(NotARegistrysAnswer, "This is not a registry's answer: it came before it was asked for.")
        status = response.status_code
        is_success = 200 <= status < 300 and status != 206
        into = trip.call.into if is_success else None
        taker = into(self._masked) if into else None
        body = b""
        try:
            if is_success and trip.call.follow is not None:
                await follow_body(trip, response, trip.call.follow(response.headers))
            else:
                body = await read_body(trip, response, taker)
            if is_success or status in trip.call.accepts:
                return self._read(trip, response, read, body, taker)
        except UnclearBanList as reason:
            sentence, worst = f"This ban list cannot be relied on: {reason}.", reason.worst
            failure = trip.error(
                BanListUnclear, sentence, worst=worst, exchange=self._exchange(trip, self._masked(body))
            )
        except Unreadable as reason:
            sentence = f"This is not a registry's answer: {reason}."
            failure = trip.error(NotARegistrysAnswer, sentence, exchange=self._exchange(trip, self._masked(body)))
        else:
            failure = self._failure(trip, response, self._masked(body))
        raise failure

    def _read(
        self, trip: Trip, response: httpx.Response, read: Callable[[Answer], T], body: bytes, taker: Taker | None
    ) -> T:
        """Return what `read` makes of an answer.

        Raises:
            Unreadable: it is not one, or not to this request.
        """
        answer = Answer(
            status=response.status_code,
            headers=response.headers,
            body=body,
            mask=self._masked,
            exchange=partial(self._exchange, trip),
            taker=taker,
        )
        return read(answer)

    def _failure(self, trip: Trip, response: httpx.Response, body: bytes) -> RegistryError:
        tell = self._redirected if response.status_code in _REDIRECTS else self._refusal
        return tell(trip, response, body)

    def _redirected(self, trip: Trip, response: httpx.Response, body: bytes) -> RegistryError:
        goes_to = redirected_to(response, self._origin.base_url + trip.call.path)
        location = self._masked(goes_to.encode()).decode()
        where = f"go to {location}" if location else "go elsewhere, without saying where"
        base_url = moved_base_url(location, trip.call.path)
        return trip.error(
            Redirected,
            f"The registry answered {response.status_code}: {where}.",
            location=location,
            base_url=None if base_url == self._origin.base_url else base_url,
            exchange=self._exchange(trip, body),
        )

    def _refusal(self, trip: Trip, response: httpx.Response, body: bytes) -> RegistryError:
        said = error_text(body)
        advice = {"advice": _PROXY_LOGIN} if response.status_code == 407 else {}
        sentence = f"The registry answered {response.status_code}: {said or 'without a message'}"
        server_time = http_date(response.headers.get("date"))
        now = self._clock.now().wall if server_time is None else server_time
        return trip.error(
            status_class(response.status_code),
            sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}.",  # advice may follow
            status=response.status_code,
            error_text=said,
            retry_after=retry_after(response.headers.get("retry-after"), now),
            exchange=self._exchange(trip, body),
            **advice,
        )

    async def _explain(self, trip: Trip, fault: BaseException) -> RegistryError:
        kind, sentence = explain(
            fault,
            authority=self._origin.authority,
            proxy=self._proxy,
            timeout=self._timeout,
            answered=trip.status is not None,
        )
        if isinstance(fault, httpx.ProxyError) and str(fault).startswith("407"):
            return trip.error(kind, sentence, advice=_PROXY_LOGIN)
        if kind is TlsFailed and "not trusted" not in sentence:
            return trip.error(kind, sentence, advice="Check the profile's registry URL, and what is in front of it.")
        untrusted = kind is TlsFailed and tls_fault(fault) is not None
        if untrusted and (issuer := await issuer_of(self._origin.base_url, self._proxy)):
            sentence = f"{sentence} It was issued by {issuer!r}."
        return trip.error(kind, sentence)

    def _tell(self, trip: Trip, failure: RegistryError | None) -> None:
        call, elapsed = trip.call, trip.elapsed
        outcome = trip.status if failure is None or isinstance(failure, StatusError) else failure.kind
        logger.log(
            logging.INFO if failure is None else logging.WARNING,
            "%s %s %s -> %s %.0f ms",
            correlation.header_value(call.correlation_id),
            call.method,
            call.path,
            outcome,
            elapsed * 1000,
            extra={REPEATS_AS: _shared(call, outcome)} if failure is not None and call.method == "GET" else None,
        )
        if self._on_request is not None:
            self._on_request(
                RequestRecord(
                    method=call.method,
                    path=call.path,
                    status=trip.status,
                    error=None if failure is None else failure.kind,
                    elapsed=elapsed,
                    correlation_id=call.correlation_id,
                    at=self._clock.now(),
                )
            )

    def _exchange(self, trip: Trip, body: bytes) -> Exchange:
        def shown(message: httpx.Request | httpx.Response | None) -> tuple[tuple[str, str], ...]:
            raw = () if message is None else message.headers.raw
            return tuple((name.decode(), self._masked(value).decode(errors="replace")) for name, value in raw)

        return Exchange(
            method=trip.call.method,
            url=self._origin.base_url + trip.call.path,
            request_headers=shown(trip.request),
            request_body=trip.call.body or b"",
            status=trip.status,
            response_headers=shown(trip.response),
            response_body=body[:KEPT],
            response_size=len(body),
            elapsed=trip.elapsed,
            correlation_id=trip.call.correlation_id,
        )

    def _masked(self, data: bytes) -> bytes:
        """Remove the key from the answer: some repeat the request's headers."""
        if not self._secrets:
            return data
        said = data.decode("utf-8", "surrogateescape")
        spans = list(self._secrets.spans(said))
        return masked_spans(said, spans, len(said)).encode("utf-8", "surrogateescape") if spans else data


def _shared(call: Call, outcome: object) -> str:
    """Return what failed reads have in common: that a registry is down is not news again for each worker."""
    about_one = isinstance(outcome, int) and outcome < 500 and outcome not in (401, 429)
    return f"{call.path if about_one else ''} {outcome}"


def _is_unasked(response: httpx.Response) -> bool:
    return bool(response.extensions.get(CAME_UNASKED))
