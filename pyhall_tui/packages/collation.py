"""English collation (CLDR's root order, as `localeCompare` gives it) for ASCII and accented Latin letters.

Three levels, as in the Unicode Collation Algorithm: letters first, then accents, then case (lower before upper). For
names in other scripts this order is a guess, and `decides` says so.
"""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

_BASE = "\t\n\x0b\x0c\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz\u00fe"
_PRIMARY = {character: rank for rank, character in enumerate(_BASE)}
_ORDER_OF_ACCENTS = "\u0301\u0300\u0306\u0302\u030c\u030a\u0308\u030b\u0303\u0307"
_ACCENTS = {accent: rank for rank, accent in enumerate(_ORDER_OF_ACCENTS, 1)}
_ACCENTS |= {"\u0338": 20, "\u0327": 21, "\u0328": 22, "\u0335": 23}
_IGNORED = frozenset(map(chr, [*range(9), *range(0x0E, 0x20), 0x7F]))
_LETTERS = {"\u00f8": "o\u0338", "\u0111": "d\u0335", "\u0142": "l\u0335", "\u0127": "h\u0335"}
"""Letters that collation decomposes but Unicode doesn't (ø đ ł ħ)."""

Key = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


def english_key(text: str) -> Key:
    """Return a sort key that orders like `localeCompare` with `en`."""
    primary: list[int] = []
    secondary: list[int] = []
    tertiary: list[int] = []
    for character in _taken_apart(text):
        if character in _IGNORED:
            continue
        accent = _ACCENTS.get(character)
        if accent is None:
            lower = character.lower()
            primary.append(_PRIMARY.get(lower, len(_BASE) + ord(lower[0])))
        secondary.append(accent or 0)
        tertiary.append(int(character != character.lower()))
    return tuple(primary), tuple(secondary), tuple(tertiary)


def decides(names: Sequence[str]) -> bool:
    """Whether the order of these names is certain: all are ASCII, which locales order alike, and no two are equal."""
    keys = sorted(map(english_key, names))
    return all(name.isascii() for name in names) and all(one != other for one, other in pairwise(keys))


def _taken_apart(text: str) -> str:
    if text.isascii():
        return text
    letters = "".join(_letter(character) for character in unicodedata.normalize("NFC", text))
    return unicodedata.normalize("NFD", letters)


def _letter(character: str) -> str:
    apart = _LETTERS.get(character.lower())
    if apart is None:
        return character
    return apart if character.islower() else apart.upper()
