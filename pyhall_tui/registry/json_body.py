"""Reads a body as JSON, so strictly that no other reader can understand it differently, and with limited depth."""

import html
import json
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

MOST_DEEP: Final = 64
"""Levels of lists and objects that an answer may have; documented answers have three. The limit exists because what is
read is also written, indented and drawn, which recurses level by level."""

_FIRST_WORDS: Final = 120
"""Characters."""
_BOM: Final = b"\xef\xbb\xbf"
_ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
"""One escape in a JSON text; group 1 is half of a surrogate pair without the other half, which is not Unicode."""
_UNSEEN: Final = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1|\Z)", re.DOTALL | re.IGNORECASE)
"""The parts of a page that nobody reads."""

Pairs = list[tuple[str, Any]]


class Unreadable(Exception):
    """A body that is not of the contract's shape; the message is the end of a sentence."""


class TwoReadings(Unreadable):
    """A key appears twice in one object, so each reader may choose another one."""


def decode(body: bytes) -> Any:
    """Decode a body that must be JSON, without a key twice in an object, and with at most `MOST_DEEP` levels.

    Raises:
        TwoReadings: a key appears twice in an object.
        Unreadable: it is not JSON, or is nested too deeply.
    """
    body = plain(body)
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise Unreadable(_not_json(body, error)) from None
    # An answer with fewer brackets is never too deep: only few need the long look.
    if body.count(b"{") + body.count(b"[") > MOST_DEEP and is_too_deep(value):
        raise Unreadable("it is nested too deeply")
    if msgspec.json.encode(value) != body:  # written again it would lack a key that comes twice
        read_pairs(body, _no_key_twice)
    return value


def is_plain_list(body: bytes) -> bool:
    """Return whether JSON that can be decoded is a list of flat values that has one reading only.

    That shows quickly: written again it is the same, so no key came twice. Where this is False, `decode` tells.
    """
    found = msgspec.json.decode(body)
    objects = sum(type(each) is dict for each in found) if isinstance(found, list) else -1
    return body.count(b"{") == objects and body.count(b"[") == 1 and msgspec.json.encode(found) == body


def read_pairs(body: bytes, hook: Callable[[Pairs], Any]) -> Any:
    """Decode JSON that `decode` has accepted; `hook` makes each object from its pairs."""
    return json.loads(plain(body), object_pairs_hook=hook, parse_int=str)


def read_object(body: bytes) -> dict[str, Any]:
    """Decode a body that must be one JSON object.

    Raises:
        Unreadable: it is not one; see `decode`.
    """
    value = decode(body)
    if not isinstance(value, dict):
        raise Unreadable(f"it contains {_name(value)} where an object should be")
    return value


def indented(body: bytes) -> str | None:
    """Return JSON with one line per value, for reading; None if it is not JSON or nested too deeply.

    It accepts any bytes, even from an old journal, and never raises.
    """
    try:
        if is_too_deep(msgspec.json.decode(body)):
            return None
        return msgspec.json.format(body, indent=2).decode()
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None


def is_too_deep(value: Any) -> bool:
    """Return whether a decoded value has more than `MOST_DEEP` levels of lists and objects."""
    level = [value]
    for _ in range(MOST_DEEP + 1):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def text(value: object) -> str | None:
    """Return text unchanged and anything else as its JSON; None if there is nothing."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def short(said: str | None, most: int = 1_000) -> str:
    """Return somebody else's text, cut so that no answer can fill the memory; `…` marks the cut."""
    said = said or ""
    return said if len(said) <= most else f"{said[:most]}…"


def first_words(body: bytes) -> str:
    """Return the first words of a body, without markup, on one line."""
    raw = body[:65_536].decode("utf-8-sig", errors="replace")
    return " ".join(_without_tags(raw).split())[:_FIRST_WORDS]


def _without_tags(raw: str) -> str:
    """Leave out tags, scripts, styles and comments; resolve `&amp;` and the like."""
    if not raw.lstrip().startswith("<"):
        return raw
    return html.unescape(" ".join(part.rpartition(">")[2] for part in _UNSEEN.sub("<>", raw).split("<")))


def plain(body: bytes) -> bytes:
    """Return a body without a byte order mark, and with `\\ufffd` for each half of a surrogate pair.

    Python's own `json` writes such halves, so otherwise one odd name would make the whole answer unreadable.

    Raises:
        Unreadable: it is empty.
    """
    body = body.removeprefix(_BOM)
    if not body or body.isspace():
        raise Unreadable("its body is empty")
    if b"\\ud" in body or b"\\uD" in body:
        body = _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
    return body


def _no_key_twice(pairs: Pairs) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise TwoReadings("it is not valid JSON: a key appears twice in one object")


def _not_json(body: bytes, error: Exception) -> str:
    if isinstance(error, msgspec.DecodeError) and body.lstrip()[:1] not in (b"{", b"["):
        return f"it is not JSON and begins: {first_words(body)}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return f"it is not valid JSON: {error}"


def _name(value: object) -> str:
    return {list: "a list", str: "a string", bool: "a boolean", type(None): "null"}.get(type(value), "a number")
