"""Everything that can go wrong on the wire, each with its own class.

RegistryError
 ├─ StatusError              the registry answered, with an error status
 │   ├─ BadRequest           400
 │   ├─ Unauthorized         401
 │   ├─ Forbidden            403
 │   ├─ NotFound             404
 │   ├─ RateLimited          429, with the seconds to wait
 │   ├─ ServerError          5xx
 │   └─ UnexpectedStatus     any other
 ├─ Redirected               3xx: never followed
 ├─ TimedOut                 no complete answer within the profile's time-out
 ├─ Unreachable              no connection, or one that broke
 ├─ TlsFailed                the certificate is not trusted, or the other side does not use TLS
 ├─ NotARegistrysAnswer      not JSON, or not of the contract's shape
 │   └─ BanListUnclear       a ban list that two readers could read differently
 ├─ AnswerTooLarge           a body or head over its limit
 └─ NotSent                  refused before anything was sent (plain http, a read-only profile, no key)
"""

from typing import Any, ClassVar

from pyhall_tui.registry.models import BanList, Exchange


class RegistryError(Exception):
    """A request that got no usable answer.

    `str(error)` is one sentence that says what is wrong, `advice` one that says what to do. Neither they nor any
    attribute ever hold the key. The registry's text in them is unchanged: `render` cleans it.
    """

    kind: ClassVar[str] = "error"
    advice: str = "Try again."

    def __init__(
        self,
        message: str,
        *,
        method: str,
        path: str,
        correlation_id: str,
        may_have_reached: bool = False,
        advice: str | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        super().__init__(message)
        self.method = method
        self.path = path
        self.correlation_id = correlation_id
        self.may_have_reached = may_have_reached
        """Whether the registry may have acted on a request that changes something or is recorded (see `effects`): check
        first, and never send it again unasked. Always False for a read."""
        self.exchange = exchange
        if advice is not None:
            self.advice = advice


class StatusError(RegistryError):
    """The registry, or something in front of it, answered with an error status."""

    kind = "status"

    def __init__(
        self, message: str, *, status: int, error_text: str, retry_after: float | None = None, **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.status = status
        self.error_text = error_text
        """The answer's `error` field, or its first words if it has none."""
        self.retry_after = retry_after
        """Seconds to wait according to `Retry-After`, from `retry.SHORTEST_RETRY_AFTER` to `LONGEST_RETRY_AFTER`; None
        if it says nothing usable."""


class BadRequest(StatusError):
    """400: missing or invalid fields."""

    kind = "bad request"
    advice = "Correct the field that the registry names."


class Unauthorized(StatusError):
    """401: missing or invalid API key."""

    kind = "key rejected"
    advice = "Put a valid key into the profile."


class Forbidden(StatusError):
    """403: the key has no access to this namespace."""

    kind = "forbidden"
    advice = "Use a key for this namespace, or the namespace of this key."


class NotFound(StatusError):
    """404: the worker or namespace does not exist, or this registry has no such operation."""

    kind = "not found"
    advice = "Check the id and the namespace."


class RateLimited(StatusError):
    """429: slow down."""

    kind = "rate limited"
    advice = "Wait, or lower the profile's request rate."


class ServerError(StatusError):
    """5xx: the registry failed."""

    kind = "registry error"
    advice = "Try again; if it persists, contact whoever runs the registry."


class UnexpectedStatus(StatusError):
    """A status that the contract does not have."""

    kind = "unexpected status"
    advice = "Check the profile's registry URL."


class Redirected(RegistryError):
    """3xx: never followed, so that the key goes only to the profile's own origin."""

    kind = "redirected"
    advice = "Check the profile's registry URL, and whether a portal or proxy is in front of it."

    def __init__(self, message: str, *, location: str = "", base_url: str | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.location = location
        """The new address as an absolute URL; may be empty."""
        self.base_url = base_url
        """The registry URL that follows from the new address; None if it is not the same request elsewhere."""
        if base_url is not None and not self.may_have_reached:
            self.advice = f"Make {base_url} the profile's registry URL, if you trust it."


class TimedOut(RegistryError):
    """No complete answer within the profile's time-out."""

    kind = "timed out"
    advice = "Check the network, or raise the profile's timeout."


class Unreachable(RegistryError):
    """No connection could be made, or it broke."""

    kind = "unreachable"
    advice = "Check the network, the registry URL and the proxy."


class TlsFailed(RegistryError):
    """The certificate is not trusted, or the other side does not use TLS."""

    kind = "not trusted"
    advice = "Add the issuing authority to the system's certificates, or set SSL_CERT_FILE."


class NotARegistrysAnswer(RegistryError):
    """The answer is not JSON or not of the contract's shape (a portal's page, a truncated body)."""

    kind = "not a registry's answer"
    advice = "Check the registry URL, and whether a portal or proxy is in front of it."


class BanListUnclear(NotARegistrysAnswer):
    """A ban list that two readers could read differently, because a key appears twice in it."""

    kind = "ban list unclear"
    advice = "Contact whoever runs the registry: until it is fixed, every hash in it counts as banned here."

    def __init__(self, message: str, *, worst: BanList, **details: Any) -> None:
        super().__init__(message, **details)
        self.worst = worst
        """Every hash in the list; they count as banned in addition to the last list."""


class AnswerTooLarge(RegistryError):
    """The answer is over its limit: 4 MiB, 256 MiB for the ban list."""

    kind = "answer too large"
    advice = "Check that the registry URL leads to a registry. If it does, its answer is too long for this program."


class NotSent(RegistryError):
    """Refused here, before anything was sent."""

    kind = "not sent"
    advice = "Correct the profile or the input."
