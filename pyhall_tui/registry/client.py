"""A profile's one shared async client. Imports httpx: import this module lazily, in a thread or a command."""

import re
import ssl
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.answers import read_attestation, read_decision, read_enrollment
from pyhall_tui.registry.ban_stream import BanListReader
from pyhall_tui.registry.correlation import new_correlation_id
from pyhall_tui.registry.decode import (
    read_object,
    read_success,
    read_verdict,
    short,
    text,
    unknown_verdict,
)
from pyhall_tui.registry.errors import StatusError
from pyhall_tui.registry.event_stream import MEDIA_TYPE, EventStream
from pyhall_tui.registry.models import (
    OLDEST,
    AttestAnswer,
    BanList,
    DispatchAnswer,
    DispatchRequest,
    EnrollAnswer,
    EnrollRequest,
    Exchange,
    Health,
    RequestRecord,
    Verdict,
    plain_sha256,
)
from pyhall_tui.registry.origin import Origin, read_origin, segment
from pyhall_tui.registry.proxy import choose_proxy
from pyhall_tui.registry.retry import with_retries
from pyhall_tui.registry.tls import trust_context
from pyhall_tui.registry.transport.direct import DirectTransport
from pyhall_tui.registry.transport.proxied import ProxiedTransport
from pyhall_tui.registry.trip import Answer, Call
from pyhall_tui.registry.verify_form import LOCAL_BANS, VerifyForm, read_local_bans
from pyhall_tui.registry.wire import Wire

T = TypeVar("T")

BAN_LIST_BODY_LIMIT: Final = 256 * 1024 * 1024
"""Bytes of a ban list, after decompression: a million entries of some 250 bytes. It may be so long because it is read
as it comes, in some 60 bytes an entry (`ban_stream`)."""
BAN_LIST_LIMIT: Final = 1_000_000
"""Entries to request: as many as the embedded hall gives. The contract's example says 500; the maximum is not
documented."""

_LOCAL_BANS_LIMIT: Final = 16 * 1024 * 1024

_NEXT_PAGE: Final = re.compile(r"""\brel\s*=\s*"?[^",;]*\bnext\b""", re.IGNORECASE)
"""What a `Link` header says about an incomplete answer (RFC 8288)."""

_LOOK_FOR_DECISION: Final = "Check the registry's decision log first: it may have been decided."
_LOOK_FOR_WORKER: Final = "Check first: verify the worker if you know its id; it may be enrolled."
_LOOK_FOR_HASH: Final = "Check first: verify the worker to see which hash is attested."
_LOOK_FOR_REPORT: Final = "Check first: ask whoever reviews the ban list if your report has arrived."

_JSON: Final = (("Content-Type", "application/json"),)
_OLD: Final = (
    f"It is over {OLDEST / 60:.0f} minutes old, from a cache or a hall that can't reach its upstream: a newer ban may"
    " be missing."
)
_NOT_FROM_A_CACHE: Final = (("Cache-Control", "no-cache"),)


class _LastBanList(msgspec.Struct, frozen=True):
    """What is kept of the last ban list, so that the same list is not decoded again."""

    digest: bytes
    etag: str | None
    truncated: bool
    unreadable: int


class RegistryClient:
    """The registry of one profile, over one shared `httpx.AsyncClient`. Belongs to the event loop that uses it.

    Every operation raises a `RegistryError` and nothing else. A read (`verify`, `ban_list`, `health`) is repeated with
    backoff and jitter after 429, 5xx and broken connections, unless `retry=False`. What changes anything or is recorded
    (`dispatch`, `enroll`, `attest`, `report`) is sent once, over its own connection, and
    `RegistryError.may_have_reached` says whether it may have taken effect.
    """

    def __init__(
        self,
        profile: Profile,
        key: ApiKey | None,
        clock: Clock,
        *,
        on_request: Callable[[RequestRecord], None] | None = None,
    ) -> None:
        """Make a client without connecting. Call it where reading certificates (a few ms) does not hurt.

        Args:
            key: sent as a bearer token, only to the profile's own origin; None sends none (a local hall may need none).
            on_request: called after every request, on the client's loop.
        """
        self._profile = profile
        self._clock = clock
        self._wire: Wire | None = None
        self._stream: EventStream | None = None
        has_bans = partial(self.read, LOCAL_BANS, read_local_bans, limit=_LOCAL_BANS_LIMIT, retry=False)
        self._form = VerifyForm(self._verify, has_bans, clock)
        self.refusal = ""
        """Why this profile's registry can't be asked, as a sentence; empty if it can."""
        self._last: _LastBanList | None = None
        self._limit: int | None = BAN_LIST_LIMIT
        self.warnings: tuple[str, ...] = ()
        """Sentences for the screen: an unreadable `NO_PROXY` entry, plain http, a certificate file not found."""
        try:
            self._wire = self._open(read_origin(profile.registry_url), key, clock, on_request)
        except ValueError as error:
            self.refusal = str(error)

    def _open(
        self,
        origin: Origin,
        key: ApiKey | None,
        clock: Clock,
        on_request: Callable[[RequestRecord], None] | None,
    ) -> Wire:
        """Build the wire.

        Raises:
            ValueError: this profile's registry can't be asked; the message is a sentence.
        """
        if origin.scheme == "http" and not origin.is_loopback:
            if not self._profile.allow_insecure:
                raise ValueError(
                    f"Plain http:// to {origin.authority} would send the key unprotected: use https://, or set"
                    " allow_insecure = true in the profile."
                )
            risk = "Answers can be read and changed on the way" if key is None else "The key travels unprotected"
            self.warnings += (f"{risk}: {origin.authority} is reached over plain http://.",)
        proxy, proxy_warnings = choose_proxy(origin)
        context, tls_warnings = trust_context(origin.scheme)
        self.warnings += (*proxy_warnings, *tls_warnings)
        try:
            connections = self._profile.requests_in_flight + 1  # the ban list never waits for hanging requests
            transport = _transport(origin, connections, context, proxy)
            streams = _transport(origin, 1, context, proxy)
        except Exception:  # httpx raises several; they are not repeated here, because the URL may hold a password
            raise ValueError(
                f"The proxy that {origin.scheme.upper()}_PROXY, ALL_PROXY or the system names cannot be used: it must"
                " be an http:// address."
            ) from None
        wire = partial(Wire, origin=origin, profile=self._profile, key=key, clock=clock, proxy=proxy)
        self._stream = EventStream(wire(transport=streams, on_request=None, accept=MEDIA_TYPE), self._new_id)
        return wire(transport=transport, on_request=on_request)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection. May be called repeatedly."""
        for each in (self._wire, self._stream):
            if each is not None:
                await each.aclose()

    @property
    def stream(self) -> EventStream:
        """The registry's stream of changes, on its own connection. Only for a client without a `refusal`."""
        assert self._stream is not None
        return self._stream

    async def verify(self, worker_id: str, *, retry: bool = True) -> Verdict:
        """Ask what the registry says about one worker. A 404 is a verdict too: `known` is False.

        A local hall without the documented address is asked at its own (`verify_form`).

        Raises:
            RegistryError: no usable answer came; an answer about another worker is `NotARegistrysAnswer`.
        """
        return await self._form.verify(worker_id, retry=retry)

    async def _verify(self, path: str, worker_id: str, retry: bool) -> Verdict:
        call = self._call("GET", path, worker_id, headers=_NOT_FROM_A_CACHE, accepts=(404,))

        def read(answer: Answer) -> Verdict:
            make = unknown_verdict if answer.status == 404 else read_verdict
            verdict = make(worker_id, answer.body, call.correlation_id)
            if _age(answer) > OLDEST:
                return msgspec.structs.replace(verdict, doubts=(*verdict.doubts, _OLD))
            return verdict

        return await self._read(call, read, retry)

    async def ban_list(self, *, retry: bool = True) -> BanList:
        """Ask for all confirmed bans. The answer is compared with the last one before it is decoded.

        Raises:
            NotFound, UnexpectedStatus: this registry has no ban list (404, 405).
            RegistryError: no usable answer came.
        """
        try:
            return await self._ban_list(retry)
        except StatusError as error:
            if self._limit is None or error.status not in (400, 422):
                raise
        self._limit = self._last = None  # this registry doesn't accept such a limit; its own may truncate the list
        return await self._ban_list(retry)

    def forget_ban_list(self) -> None:
        """Make the next answer bring the whole list, even if it is the same as the last one."""
        self._last = None

    async def _ban_list(self, retry: bool) -> BanList:
        last, limit, correlation_id = self._last, self._limit, self._new_id()
        known = (("If-None-Match", last.etag),) if last is not None and last.etag else ()
        call = self._call(
            "GET",
            "/api/v1/ban-list" if limit is None else f"/api/v1/ban-list?limit={limit}",
            headers=_NOT_FROM_A_CACHE + known,
            limit=BAN_LIST_BODY_LIMIT,
            accepts=(304,) if known else (),
            into=lambda mask: BanListReader(limit, correlation_id, mask, known=last.digest if last else b""),
            correlation_id=correlation_id,
        )

        def read(answer: Answer) -> BanList:
            taken = answer.taker
            assert taken is None or isinstance(taken, BanListReader)
            if last is not None and (taken is None or taken.digest == last.digest):
                return BanList(
                    entries={},
                    unchanged=True,
                    truncated=last.truncated,
                    unreadable=last.unreadable,
                    size=0 if taken is None else taken.size,
                    age=_age(answer),
                    correlation_id=call.correlation_id,
                )
            assert taken is not None
            result = msgspec.structs.replace(taken.end(), age=_age(answer))
            if _NEXT_PAGE.search(answer.headers.get("link", "")):
                result = msgspec.structs.replace(result, truncated=True)
            etag = answer.headers.get("etag", "")
            usable = etag if etag.isascii() and etag.isprintable() else None
            self._last = _LastBanList(taken.digest, usable, result.truncated, result.unreadable)
            return result

        return await self._read(call, read, retry)

    async def health(self, *, retry: bool = True) -> Health:
        """Ask the registry about its health.

        Raises:
            NotFound: it has no such operation.
            RegistryError: no usable answer came.
        """
        return await self._read(self._call("GET", "/health", headers=_NOT_FROM_A_CACHE), _read_health, retry)

    async def read(self, path: str, read: Callable[[bytes], T], *, limit: int, retry: bool = True) -> T:
        """Ask for something that only a local hall has: `GET path`, with `read` to read the body.

        Args:
            path: relative to the base URL, with its query encoded.
            read: raises `Unreadable` if the body does not have its shape.
            limit: bytes of the body, after decompression.

        Raises:
            RegistryError: no usable answer came.
        """
        call = self._call("GET", path, headers=_NOT_FROM_A_CACHE, limit=limit)
        return await self._read(call, lambda answer: read(answer.body), retry)

    async def dispatch(self, request: DispatchRequest) -> DispatchAnswer:
        """Ask for a decision. Sent once; the correlation id in `context` (made if missing) is also the request's.

        Raises:
            NotSent: the profile is read-only, or the context can't be written as JSON.
            RegistryError: no usable answer came; if `may_have_reached`, the outcome is unknown.
        """
        correlation_id = text(request.context.get("correlation_id")) or self._new_id()
        body = msgspec.structs.asdict(request)
        body["context"] = {**request.context, "correlation_id": correlation_id}

        def read(answer: Answer) -> DispatchAnswer:
            decision, outcome = read_decision(answer.body, request, correlation_id)
            return DispatchAnswer(
                outcome=outcome,
                outcome_text=short(decision.word),
                deny_code=_kept(decision.code),
                reason=_kept(decision.why, 4_000),
                decision_id=_kept(text(decision.decision_id)),
                correlation_id=_kept(text(decision.correlation_id), max(1_000, len(correlation_id))),
                exchange=answer.exchange(),
            )

        return await self._change(
            "POST", "/api/v1/dispatch", body, read, correlation_id=correlation_id, look_first=_LOOK_FOR_DECISION
        )

    async def enroll(self, request: EnrollRequest, *, correlation_id: str | None = None) -> EnrollAnswer:
        """Enroll a worker. Sent once; a caller with a journal passes the id that it has recorded.

        Raises:
            RegistryError: no usable answer came; if `may_have_reached`, it may be enrolled anyway.
        """

        def read(answer: Answer) -> EnrollAnswer:
            worker_id, session, fields = read_enrollment(answer.body, request)
            return EnrollAnswer(worker_id=worker_id, session=session, fields=fields, exchange=answer.exchange())

        body = msgspec.structs.asdict(request)
        return await self._change(
            "POST", "/api/v1/hall/enroll", body, read, correlation_id=correlation_id, look_first=_LOOK_FOR_WORKER
        )

    async def attest(self, worker_id: str, sha256: str, *, correlation_id: str | None = None) -> AttestAnswer:
        """Submit a package hash for a worker. Sent once.

        Raises:
            NotSent: `sha256` is not a hash, or the profile is read-only.
            RegistryError: no usable answer came.
        """
        body = {"sha256": sha256, "ai_generated": False}

        def read(answer: Answer) -> AttestAnswer:
            about, given, fields = read_attestation(answer.body, worker_id, sha256)
            return AttestAnswer(worker_id=about, sha256=given, fields=fields, exchange=answer.exchange())

        return await self._change(
            "PUT",
            "/api/v1/workers/{}/attest",
            body,
            read,
            worker_id=worker_id,
            correlation_id=correlation_id,
            look_first=_LOOK_FOR_HASH,
        )

    async def report(
        self, sha256: str, reason: str, evidence_url: str | None = None, *, correlation_id: str | None = None
    ) -> Exchange:
        """Report a package hash for review. Sent once. With only a key it may get 401 or 403, because it needs a login.

        Raises:
            RegistryError: it was not accepted.
        """
        body = {"sha256": sha256, "reason": reason}
        if evidence_url:
            body["evidence_url"] = evidence_url

        def read(answer: Answer) -> Exchange:
            if answer.body.strip():
                read_success(answer.body)
            return answer.exchange()

        path = "/api/v1/ban-list/report"
        return await self._change("POST", path, body, read, correlation_id=correlation_id, look_first=_LOOK_FOR_REPORT)

    def _call(self, method: str, path: str, worker_id: str | None = None, **more: Any) -> Call:
        """Make a call; `{}` in `path` becomes the worker's encoded id.

        Raises:
            NotSent: this profile's registry can't be asked, or not about that id.
        """
        more.setdefault("correlation_id", self._new_id())
        call = Call(method=method, path=path, **more)
        refusal = self.refusal
        if worker_id is not None:
            try:
                call = msgspec.structs.replace(call, path=path.format(segment(worker_id)))
            except ValueError as error:
                refusal = str(error)
        if refusal:
            raise call.refused(refusal)
        return call

    async def _read(self, call: Call, read: Callable[[Answer], T], retry: bool) -> T:
        """Ask, and unless `retry` is False ask again if that may help."""
        assert self._wire is not None and call.method == "GET"  # everything else goes through `_change`, once
        wire = self._wire
        if not retry:
            return await wire.ask(call, read)
        return await with_retries(lambda: wire.ask(call, read), self._clock)

    async def _change(
        self,
        method: str,
        path: str,
        body: dict[str, Any],
        read: Callable[[Answer], T],
        *,
        worker_id: str | None = None,
        correlation_id: str | None = None,
        look_first: str,
    ) -> T:
        """Send, once, a request that changes something or is recorded.

        Raises:
            NotSent: the profile is read-only, or `body` can't be written as JSON.
        """
        call = self._call(
            method,
            path,
            worker_id,
            headers=_JSON,
            correlation_id=correlation_id or self._new_id(),
            look_first=look_first,
        )
        if self._profile.read_only:
            raise call.refused("This profile is read-only: nothing that the registry records is sent.")
        if "sha256" in body:
            body["sha256"] = plain_sha256(body["sha256"])
            if body["sha256"] is None:
                raise call.refused("The package hash is not a SHA-256: it must be 64 hex digits.")
        try:
            call = msgspec.structs.replace(call, body=msgspec.json.encode(body))
        except (TypeError, ValueError, RecursionError) as error:
            refusal = f"The request cannot be written as JSON: {error}."
        else:
            assert self._wire is not None
            return await self._wire.ask(call, read)
        raise call.refused(refusal)

    def _new_id(self) -> str:
        return new_correlation_id(self._profile.correlation_prefix)


def _transport(
    origin: Origin, connections: int, context: ssl.SSLContext, proxy: str | None
) -> DirectTransport | ProxiedTransport:
    if proxy is None:
        return DirectTransport(origin.base_url, connections=connections, context=context)
    return ProxiedTransport(connections=connections, context=context, proxy=proxy)


def _age(answer: Answer) -> float:
    """Return the seconds since a cache, or a hall that can't reach its upstream, got this answer; 0 if none says so."""
    age = answer.headers.get("age", "").strip()
    return float(age[:12]) if age.isascii() and age.isdecimal() else 0.0


def _read_health(answer: Answer) -> Health:
    fields = read_object(answer.body)
    return Health(
        ok=fields.get("ok") is True or fields.get("status") == "ok",
        version=_text_in(fields, "version"),
        server_date=answer.headers.get("date"),
    )


def _kept(said: str | None, most: int = 1_000) -> str | None:
    """Return the part of a text that is kept: its beginning."""
    return None if said is None else short(said, most)


def _text_in(fields: dict[str, Any], name: str) -> str | None:
    return _kept(text(fields.get(name)))
