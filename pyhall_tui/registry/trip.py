"""One request: what it asks for, what is known about it on its way, and what came back."""

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final, Protocol

import httpx
import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.registry.effects import may_have_acted
from pyhall_tui.registry.errors import NotSent, RegistryError
from pyhall_tui.registry.meter import BESIDES_THE_BODY
from pyhall_tui.registry.models import Exchange

BODY_LIMIT: Final = 4 * 1024 * 1024
"""Bytes that an answer may have, after decompression."""


LONGEST_SENTENCE: Final = 2_000
"""Characters that an error's sentence may have; it may repeat what the registry said."""


class TooMuchHeld(Exception):
    """A body that could not be read in pieces as small as they have to be; the message is a sentence."""


class Taker(Protocol):
    """Takes the body of an answer as it comes, so that it is never held whole."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes, on any thread.

        Raises:
            Unreadable: they are not what they should be.
            TooMuchHeld: more would have to be held than is allowed.
        """

    def finish(self) -> None:
        """Do the rest of the work after the last bytes of a long body, on any thread; it raises nothing."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request to make."""

    method: str
    path: str
    """Relative to the base URL, percent-encoded, with its query."""
    correlation_id: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    limit: int = BODY_LIMIT
    """Bytes that the answer's body may have."""
    into: Callable[[Callable[[bytes], bytes]], Taker] | None = None
    """Makes what takes the body of a success, if it is not to be held whole; it is given what masks the key."""
    follow: Callable[[httpx.Headers], Callable[[bytes], None]] | None = None
    """For an endless answer: makes, of a success's headers, what takes each piece of the body at once. Both may raise
    `Unreadable`."""
    accepts: tuple[int, ...] = ()
    """Statuses that are an answer rather than an error, besides those of success."""
    look_first: str = ""
    """For requests that change something or are recorded: what to do if nobody knows whether they had an effect."""

    def refused(self, sentence: str) -> NotSent:
        """Return the error for a request that is not sent."""
        return NotSent(sentence, method=self.method, path=self.path, correlation_id=self.correlation_id)


class Answer:
    """An answer, read completely."""

    def __init__(
        self,
        *,
        status: int,
        headers: Any,
        body: bytes,
        mask: Callable[[bytes], bytes],
        exchange: Callable[[bytes], Exchange],
        taker: Taker | None = None,
    ) -> None:
        """Make one of a body as it came, empty if `taker` took it.

        `mask` takes the key out of it, `exchange` makes the record of it then.
        """
        self.status = status
        self.headers = headers
        """`httpx.Headers`: case does not count."""
        self.taker = taker
        self._came, self._mask, self._exchange = body, mask, exchange

    @cached_property
    def body(self) -> bytes:
        """The body with the key masked in it."""
        return self._mask(self._came)

    def exchange(self) -> Exchange:
        """Make the record for the raw views; most answers need none."""
        return self._exchange(self.body)


class Trip:
    """What is known about one request on its way, even when it fails. It is the transport's `Progress`."""

    def __init__(self, call: Call, clock: Clock) -> None:
        self.call = call
        self._clock = clock
        self.started = clock.now().mono
        self.deadline: asyncio.Timeout | None = None
        self.reset()

    def reset(self) -> None:
        """Start again, for a read that is repeated unnoticed."""
        self.connected_anew = False
        self.sent_at: float | None = None
        self.request: httpx.Request | None = None
        self.response: httpx.Response | None = None
        """Its head has arrived; the body may not have."""
        self.status: int | None = None
        """The answer's status, if any; known even if httpx refuses the head that contains it."""

    def let_go(self) -> None:
        """Let go of what refers to this.

        Otherwise dozens of objects of each request wait for a garbage collection, and at 200 requests a second one
        stops all threads for tens of milliseconds every other second.
        """
        self.request = self.response = self.deadline = None

    @property
    def most(self) -> int:
        """Bytes that may arrive for it."""
        return self.call.limit + BESIDES_THE_BODY

    def connects(self) -> None:
        """A new connection is made for it."""
        self.connected_anew = True

    def sends(self) -> None:
        """Its first byte goes out."""
        self.sent_at = self._clock.now().mono

    def allow_more(self, seconds: float) -> None:
        """Move the deadline: a long answer that comes at a good pace is not too late."""
        if self.deadline is not None and (when := self.deadline.when()) is not None and not self.deadline.expired():
            self.deadline.reschedule(when + seconds)

    def lift_deadline(self) -> None:
        """Remove the deadline: the answer has begun, and is not to end."""
        if self.deadline is not None and not self.deadline.expired():
            self.deadline.reschedule(None)

    def hears(self, status: int) -> None:
        """The head of an answer has arrived."""
        self.status = status

    @property
    def elapsed(self) -> float:
        """Seconds since the request was sent, or since it was started if it was never sent."""
        return self._clock.now().mono - (self.started if self.sent_at is None else self.sent_at)

    @property
    def met_a_stale_connection(self) -> bool:
        """Whether a fault now means that a kept connection ended, before any answer."""
        return not self.connected_anew and self.status is None

    @property
    def may_have_taken_effect(self) -> bool:
        """Whether the registry may have acted on it: see `effects`."""
        return may_have_acted(self.call.method, sent=self.sent_at is not None, status=self.status)

    def error(self, kind: type[RegistryError], sentence: str, **more: Any) -> RegistryError:
        """Make the error that this request ends with. If it may have had an effect, the advice is to check first."""
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
