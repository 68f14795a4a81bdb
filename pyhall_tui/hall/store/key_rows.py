"""API keys as rows: those without scopes are in the table `keys`, those with scopes in `scoped_keys`.

A hall of a version before scopes may still be running on the store. It knows `keys` only, so it refuses a key with
scopes, instead of letting it do everything.
"""

from collections.abc import Sequence
from typing import Any

from pyhall_tui.hall.models import Key

TABLES = ("keys", "scoped_keys")
_COLUMNS = ("key_id", "key_hash", "namespace", "label", "created_at", "revoked_at")
COLUMNS = {"keys": _COLUMNS, "scoped_keys": (*_COLUMNS, "scopes")}
KEY_COLUMNS = ", ".join(COLUMNS["scoped_keys"])
"""What `key_of` takes, as `every_key` has it."""


def every_key(number: str) -> str:
    """Return the query for all keys; `number` is the column by which a table is in the order in which it was filled."""
    columns = ", ".join(_COLUMNS)
    return (
        f"SELECT {columns}, '' AS scopes, {number} AS number FROM keys "
        f"UNION ALL SELECT {columns}, scopes, {number} FROM scoped_keys"
    )


def keys_in_use(number: str, mark: str) -> str:
    """Return the query for `Store.keys_in_use`; `mark` stands for a value, `number` is as in `every_key`."""
    return (
        f"SELECT {KEY_COLUMNS}, used_at FROM ({every_key(number)}) AS every LEFT JOIN key_uses USING (key_id) "
        f"WHERE namespace = {mark} AND revoked_at IS NULL ORDER BY created_at DESC, scopes, number DESC LIMIT {mark}"
    )


def key_of(row: Sequence[Any]) -> Key:
    """Return a key, read as `KEY_COLUMNS`."""
    *values, scopes = row
    return Key(**dict(zip(_COLUMNS, values, strict=True)), scopes=tuple(scopes.split()))


def row_of(key: Key) -> tuple[str, dict[str, Any]]:
    """Return the table that a key belongs in, and its row."""
    row = {column: getattr(key, column) for column in _COLUMNS}
    return ("scoped_keys", row | {"scopes": " ".join(key.scopes)}) if key.scopes else ("keys", row)
