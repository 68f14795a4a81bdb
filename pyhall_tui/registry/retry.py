"""How long to wait before repeating a read: within limits, whatever the registry says."""

import random
import re
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from pyhall_tui.clock import Clock
from pyhall_tui.registry.backoff import Backoff
from pyhall_tui.registry.errors import RateLimited, RegistryError, ServerError, StatusError, Unreachable

T = TypeVar("T")

SHORTEST_RETRY_AFTER: Final = 1.0
"""Seconds: `Retry-After: 0` and a date in the past mean this, so that the registry is not hammered."""
LONGEST_RETRY_AFTER: Final = 300.0
"""Seconds: no `Retry-After` makes anyone wait longer."""
LONGEST_WAIT_OF_A_READ: Final = 30.0
"""Seconds that a single read waits at most; if the registry asks for more, the error is reported at once."""
ATTEMPTS: Final = 3
TIMEOUT: Final = 45.0
"""Seconds after which a single read is not repeated."""
FIRST_WAIT: Final = 0.5
LONGEST_BACKOFF: Final = 5.0
"""Seconds between two attempts when the registry doesn't say how long to wait."""
MOST_JITTER: Final = 0.5
"""How many seconds are added at most to what the registry asks for, so that clients don't all return at once."""

_SECONDS: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def retry_after(header: str | None, now: float) -> float | None:
    """Read a `Retry-After` header: seconds to wait, within the limits above; None if it says nothing usable.

    Args:
        header: whole seconds or an HTTP date (RFC 9110, 10.2.3); fractions are accepted too, and the longest
            of several, joined by commas.
        now: seconds since the epoch, by the clock that wrote the header if its `Date` is known.
    """
    text = (header or "").strip()
    if (seconds := _seconds(text, now)) is None:  # several headers joined into one
        given = [each for part in text.split(",") if (each := _seconds(part.strip(), now)) is not None]
        if not given:
            return None
        seconds = max(given)
    return min(LONGEST_RETRY_AFTER, max(SHORTEST_RETRY_AFTER, seconds))


def _seconds(text: str, now: float) -> float | None:
    if _SECONDS.fullmatch(text):
        return float(text)
    date = http_date(text)
    return None if date is None else date - now


def http_date(text: str | None) -> float | None:
    """Return an HTTP date in any of its three formats as seconds since the epoch, or None if it is not one."""
    try:
        date = parsedate_to_datetime(text or "")
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()  # from `asctime`, which has no zone
    except (ValueError, OverflowError, OSError, TypeError):
        return None


async def with_retries(ask: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """Return what `ask` returns; ask again if that may help, up to `ATTEMPTS` times and for `TIMEOUT` seconds.

    Only for reads: nothing that the registry acts on or records may be passed here.

    Raises:
        RegistryError: the last error, when no other attempt is made.
    """
    backoff = Backoff(random.Random(), first=FIRST_WAIT, longest=LONGEST_BACKOFF)
    deadline = clock.now().mono + TIMEOUT
    for _ in range(ATTEMPTS - 1):
        try:
            return await ask()
        except RegistryError as error:
            pause = pause_before_retry(error, backoff)
            if pause is None or clock.now().mono + pause > deadline:
                raise
        await clock.sleep(pause)
    return await ask()


def pause_before_retry(error: RegistryError, backoff: Backoff) -> float | None:
    """Return how many seconds after this error to repeat a read; None if it is not repeated."""
    if isinstance(error, StatusError) and not isinstance(error, RateLimited | ServerError):
        return None  # a refusal is final, whatever `Retry-After` says
    asked_for = error.retry_after if isinstance(error, StatusError) else None
    if asked_for is None and isinstance(error, RateLimited):
        asked_for = SHORTEST_RETRY_AFTER
    if asked_for is not None:
        return None if asked_for > LONGEST_WAIT_OF_A_READ else asked_for + random.uniform(0.0, MOST_JITTER)
    return backoff.next() if isinstance(error, ServerError | Unreachable) else None
