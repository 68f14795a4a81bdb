"""How long to wait before a read is asked again: bounded on both sides, whatever the registry says."""

import random
import re
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

_SECONDS: Final = re.compile(r"\d{1,300}(?:\.\d{1,9})?")


def retry_after(header: str | None, now: float) -> float | None:
    """Read a `Retry-After` header: seconds to wait, within the bounds above; None where it says nothing usable.

    Args:
        header: whole seconds or an HTTP date (RFC 9110, 10.2.3); fractions are taken too.
        now: seconds since the epoch, by the clock that wrote the header where its `Date` is known.
    """
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
    elif (date := http_date(text)) is not None:
        seconds = date - now
    else:
        return None
    return min(LONGEST_RETRY_AFTER, max(SHORTEST_RETRY_AFTER, seconds))


def http_date(text: str | None) -> float | None:
    """Return an HTTP date as seconds since the epoch, or None where it is none."""
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def pause_before_retry(error: Exception) -> bool | float:
    """Say whether a read that failed so is asked again, and after how many seconds.

    False: it is not. True: after the usual backoff. A number: after that many seconds.
    """
    asked_for = error.retry_after if isinstance(error, StatusError) else None
    if asked_for is None and isinstance(error, RateLimited):
        asked_for = SHORTEST_RETRY_AFTER
    if asked_for is not None:
        return asked_for <= LONGEST_WAIT_OF_A_READ and asked_for + random.uniform(0.0, 0.5)
    return isinstance(error, ServerError | Unreachable)
