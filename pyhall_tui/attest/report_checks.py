"""What is wrong with a report of a package hash, before it is sent."""

from typing import Final
from urllib.parse import urlsplit

_REASON_LIMIT: Final = 2_000


def mistake_of_reason(reason: str) -> str:
    """Return what is wrong with a reason; empty if nothing is."""
    if not reason:
        return "Say why: the people who review it have nothing else to go by."
    return "" if len(reason) <= _REASON_LIMIT else f"At most {_REASON_LIMIT:,} characters; this has {len(reason):,}."


def mistake_of_link(link: str) -> str:
    """Return what is wrong with a link to evidence; empty if nothing is, or there is none."""
    if not link:
        return ""
    try:
        parts = urlsplit(link)
    except ValueError:
        return "This is not an address."
    is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(map(str.isspace, link))
    return "" if is_web else "The link must be a full address that begins with https:// or http://."
