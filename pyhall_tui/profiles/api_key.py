"""The API key as a type of its own, so that it cannot be shown by accident."""

import re
import string
from typing import Final

MASK: Final = "••••••••"
PREFIXES: Final = ("phk_live_", "pyhall_")
"""How documented keys begin; another prefix is worth a warning, never a refusal."""

_AROUND: Final = string.whitespace + "\x85\xa0\u2028\u2029\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"


SHORT: Final = 6
"""A key of fewer signs than this guards nothing, and stands by chance within many a word, number and hash."""


def whole(secret: str) -> str:
    """Return the pattern of where a key stands in a text; a short one only as a word of its own, one sign nowhere."""
    if len(secret) >= SHORT:
        return re.escape(secret)
    return rf"(?<![\w-]){re.escape(secret)}(?![\w-])" if len(secret) > 1 else r"(?!)"


class ApiKey:
    """A registry's API key: white space at both ends dropped, never in a repr, a str, a pickle or a format.

    `reveal` is the one way to the text; `registry/` calls it to make the header, `profiles/` to store it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Take `text` (a pasted newline or blank around it is dropped, so are the unseen signs that pages put there).

        Raises:
            ValueError: it is empty, or holds what no HTTP header can carry (the text is not in the message).
        """
        text = text.strip(_AROUND)
        if not text:
            raise ValueError("The key is empty: paste the key that the registry's dashboard shows.")
        if not all(" " < letter <= "~" for letter in text):
            raise ValueError("The key holds a blank or a sign that no HTTP header can carry: paste it again.")
        self._text = text

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
