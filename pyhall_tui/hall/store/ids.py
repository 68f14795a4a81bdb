"""The ids, hashes and times in a store's rows."""

import hashlib
import secrets
from datetime import UTC, datetime


def hash_key(token: str) -> str:
    """Return what is stored for an API key. A key is long and random, so it can't be guessed from a plain SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_id(prefix: str) -> str:
    """Return a new id such as `wkr_3f9c…`."""
    return f"{prefix}_{secrets.token_hex(6)}"


def iso(wall: float) -> str:
    """Return seconds since the epoch as ISO 8601 in UTC."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
