"""How long to wait before a read is asked again: bounded on both sides, whatever the registry says."""

import random
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from pyhall_tui.registry.errors import RateLimited, ServerError, StatusError, Unreachable

SHORTEST_RETRY_AFTER: Final = 1.0
"""Seconds: `Retry-After: 0` and a date in the past mean this, so that nobody is hammered."""
LONGEST_RETRY_AFTER: Final = 300.0
"""Seconds: no `Retry-After` makes anyone wait longer."""
LONGEST_WAIT_OF_A_READ: Final = 30.0
"""Seconds that a single read waits by itself; where more is asked for, the error is told at once."""
ATTEMPTS: Final = 3
TIMEOUT: Final = 45.0
"""Seconds after which a single read is not asked again."""

_SECONDS: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def retry_after(header: str | None, now: float) -> float | None:
    """Read a `Retry-After` header: seconds to wait, within the bounds above; None where it says nothing usable.

    Args:
        header: whole seconds or an HTTP date (RFC 9110, 10.2.3); fractions are taken too, and of several,
            joined by commas, the longest.
        now: seconds since the epoch, by the clock that wrote the header where its `Date` is known.
    """
    text = (header or "").strip()
    if (seconds := _seconds(text, now)) is None:  # several headers in one, or their parts
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
    """Return an HTTP date in any of its three formats as seconds since the epoch, or None where it is none."""
    try:
        date = parsedate_to_datetime(text or "")
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()  # of `asctime`, which names no zone
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def pause_before_retry(error: Exception) -> bool | float:
    """Say whether a read that failed so is asked again, and after how many seconds.

    False: it is not. True: after the usual backoff. A number: after that many seconds.
    """
    if isinstance(error, StatusError) and not isinstance(error, RateLimited | ServerError):
        return False  # no `Retry-After` makes a refusal pass
    asked_for = error.retry_after if isinstance(error, StatusError) else None
    if asked_for is None and isinstance(error, RateLimited):
        asked_for = SHORTEST_RETRY_AFTER
    if asked_for is not None:
        return asked_for <= LONGEST_WAIT_OF_A_READ and asked_for + random.uniform(0.0, 0.5)
    return isinstance(error, ServerError | Unreachable)
