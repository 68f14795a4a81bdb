"""Correlation ids: one for each request, the same in the header, the body, the log, the history and the event."""

import secrets
from typing import Final
from urllib.parse import quote

HEADER: Final = "X-Correlation-Id"
_AS_THEY_ARE: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")


def new_correlation_id(prefix: str = "req-") -> str:
    """Return a new id: `prefix` (a profile's `correlation_prefix`) and 12 random hex digits."""
    return f"{prefix}{secrets.token_hex(6)}"


def header_value(correlation_id: str) -> str:
    """Return the id in a form for a header: anything but visible ASCII is percent-encoded."""
    return quote(correlation_id, safe=_AS_THEY_ARE, errors="replace")
