"""One request: what it asks for, what is known of it on its way, and what came."""

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

import httpx
import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.registry.effects import may_have_acted
from pyhall_tui.registry.errors import NotSent, RegistryError
from pyhall_tui.registry.meter import BESIDES_THE_BODY
from pyhall_tui.registry.models import Exchange

BODY_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of an answer, after decompression."""


LONGEST_SENTENCE: Final = 2_000
"""Characters of an error's sentence, which may repeat what the registry said."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request to make."""

    method: str
    path: str
    """Below the base URL, percent-encoded, with its query."""
    correlation_id: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    limit: int = BODY_LIMIT
    """Bytes that the answer's body may have."""
    accepts: tuple[int, ...] = ()
    """Statuses beyond those of success that are an answer and no error."""
    look_first: str = ""
    """For what changes something or is recorded: what to do when nobody knows whether it had an effect."""

    def refused(self, sentence: str) -> NotSent:
        """Return the error for a request that is not sent."""
        return NotSent(sentence, method=self.method, path=self.path, correlation_id=self.correlation_id)


class Answer:
    """What came, read whole."""

    def __init__(
        self,
        *,
        status: int,
        headers: Any,
        body: bytes,
        mask: Callable[[bytes], bytes],
        exchange: Callable[[bytes], Exchange],
    ) -> None:
        """Make one of a body as it came. `mask` takes the key out of it, `exchange` makes the record of it then."""
        self.status = status
        self.headers = headers
        """`httpx.Headers`: case does not count."""
        self._came, self._mask, self._exchange = body, mask, exchange

    @cached_property
    def body(self) -> bytes:
        """The body with the key masked in it. Looking for it takes a while in a long one: see `digest`."""
        return self._mask(self._came)

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the body as it came, by which an answer is known again without being read."""
        return hashlib.sha256(self._came).digest()

    def exchange(self) -> Exchange:
        """Make the record for the raw views; most answers need none."""
        return self._exchange(self.body)


class Trip:
    """What is known of one request on its way, also when it fails. A transport tells it: it is a `Progress`."""

    def __init__(self, call: Call, clock: Clock) -> None:
        self.call = call
        self._clock = clock
        self.started = clock.now().mono
        self.reset()

    def reset(self) -> None:
        """Begin anew, for a read that is repeated unseen."""
        self.connected_anew = False
        self.sent_at: float | None = None
        self.request: httpx.Request | None = None
        self.response: httpx.Response | None = None
        """Its head has come; the body may not have."""
        self.status: int | None = None
        """The status that was answered, if any; known also where httpx refuses the head that it stands in."""

    @property
    def most(self) -> int:
        """Bytes that may come off the wire for it."""
        return self.call.limit + BESIDES_THE_BODY

    def connects(self) -> None:
        """A new connection is made for it."""
        self.connected_anew = True

    def sends(self) -> None:
        """Its first byte goes out."""
        self.sent_at = self._clock.now().mono

    def hears(self, status: int) -> None:
        """The head of an answer has come."""
        self.status = status

    @property
    def elapsed(self) -> float:
        """Seconds since the request was sent, or since it was begun where it never was."""
        return self._clock.now().mono - (self.started if self.sent_at is None else self.sent_at)

    @property
    def met_a_stale_connection(self) -> bool:
        """Whether a fault now is one of a kept connection's end, before any answer."""
        return not self.connected_anew and self.status is None

    @property
    def may_have_taken_effect(self) -> bool:
        """Whether the registry may have acted on it: see `effects`."""
        return may_have_acted(self.call.method, sent=self.sent_at is not None, status=self.status)

    def error(self, kind: type[RegistryError], sentence: str, **more: Any) -> RegistryError:
        """Make the error that this request ends with. If it may have had an effect, the advice is to look first."""
        reached = self.may_have_taken_effect
        if reached and self.call.look_first:
            more["advice"] = self.call.look_first
        return kind(
            sentence if len(sentence) <= LONGEST_SENTENCE else f"{sentence[:LONGEST_SENTENCE]}…",
            method=self.call.method,
            path=self.call.path,
            correlation_id=self.call.correlation_id,
            may_have_reached=reached,
            **more,
        )
