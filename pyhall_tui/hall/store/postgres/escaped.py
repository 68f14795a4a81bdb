"""Text as PostgreSQL can hold it, which has no character U+0000.

It and U+0001 are stored as two characters that sort as they do.
"""

from collections.abc import Sequence
from typing import Any

Row = tuple[Any, ...]
_ZERO, _ONE, _AS_ZERO, _AS_ONE = "\0", "\1", "\1\1", "\1\2"


def stored(values: Sequence[Any]) -> list[Any]:
    """Return values as they are stored."""
    return [
        _stored(value) if type(value) is str else [*map(_stored, value)] if type(value) is list else value
        for value in values
    ]


def _stored(value: Any) -> Any:
    return escaped(value) if type(value) is str else value


def escaped(text: str) -> str:
    """Return a text as it is stored."""
    if _ZERO in text or _ONE in text:
        return text.replace(_ONE, _AS_ONE).replace(_ZERO, _AS_ZERO)
    return text


def told(row: Row) -> Row:
    """Return a row as it was before it was stored."""
    for value in row:
        if type(value) is str and _ONE in value:
            return tuple(_told(value) for value in row)
    return row


def _told(value: Any) -> Any:
    if type(value) is not str:
        return value
    return value.replace(_AS_ZERO, _ZERO).replace(_AS_ONE, _ONE)
