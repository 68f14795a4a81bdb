"""The API key as its own type, so that it can't be shown by accident."""

import re
import string
import unicodedata
from typing import Final

MASK: Final = "••••••••"
PREFIXES: Final = ("phk_live_", "pyhall_")
"""How documented keys start; another prefix gets a warning, never a refusal."""

_AROUND: Final = string.whitespace + "\x85\xa0\u2028\u2029\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_QUOTES: Final = "\"'`"

SHORT: Final = 6
"""A key with fewer characters protects nothing, and appears by chance in many words, numbers and hashes."""


def whole(secret: str) -> str:
    """Return the pattern that finds a key in a text: a short key only as a separate word, a single character never."""
    if len(secret) >= SHORT:
        return re.escape(secret)
    return rf"(?<![\w-]){re.escape(secret)}(?![\w-])" if len(secret) > 1 else r"(?!)"


def key_mistake(text: str) -> str | None:
    """Return why `text` can't be sent as a key, as a sentence; None if it can.

    White space and invisible characters at both ends don't count: `ApiKey` drops them. The sentence gives the first
    wrong character's position (from 1) and code point, and nothing else of the text.
    """
    key = text.strip(_AROUND)
    if not key:
        return "The key is empty: paste the key that the registry's dashboard shows."
    lines = key.splitlines()
    if len(lines) > 1:
        return (
            f"The key is broken into {len(lines)} lines, the first after character {len(lines[0])}: "
            "paste it again as one line."
        )
    wrong = next((place for place, each in enumerate(key) if not " " < each <= "~"), None)
    if wrong is not None:
        return f"Character {wrong + 1} of the key is {_name(key[wrong])}, which cannot be sent: paste the key again."
    quoted = next((place for place in (0, len(key) - 1) if key[place] in _QUOTES), None)
    if quoted is not None:
        return f"Character {quoted + 1} of the key is {_name(key[quoted])}: paste the key without quotes."
    return None


def _name(character: str) -> str:
    """Return a character's code point, and its name if it has one."""
    name = unicodedata.name(character, "control character" if unicodedata.category(character) == "Cc" else "")
    return f"U+{ord(character):04X} ({name.lower()})" if name else f"U+{ord(character):04X}"


class ApiKey:
    """A registry's API key, without white space at its ends; never in a repr, a str, a pickle or a format.

    Only `reveal` returns the text; `registry/` calls it to make the header, `profiles/` to store it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Take `text` without the line ends, spaces and invisible characters that pasting may put around it.

        Raises:
            ValueError: it can't be sent, as `key_mistake` says (the text is not in the message).
        """
        if mistake := key_mistake(text):
            raise ValueError(mistake)
        self._text = text.strip(_AROUND)

    def reveal(self) -> str:
        """Return the key itself."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKey) and other._text == self._text

    def __hash__(self) -> int:
        return hash(("ApiKey", self._text))

    def __repr__(self) -> str:
        return f"ApiKey({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce__(self) -> str:
        raise TypeError("An ApiKey is not pickled.")
