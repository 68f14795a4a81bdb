"""Finds secrets in a text: as they are, encoded, escaped, or only pieces of them.

A search takes the same time for one secret and for a thousand, because each window of the text is looked up in one
table of all their pieces.
"""

import base64
import html
import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import quote

from pyhall_tui.profiles.api_key import SHORT

Span = tuple[int, int]
"""Start and end, the end not included."""

_PIECE: Final = 8
"""This many characters in a row of a secret are masked even if the rest of it is cut off."""
_STRIDE: Final = 4
"""First, one window is looked up every this many characters of a text. Any `_LEAST` characters of a secret contain one,
and only if one is found is every window looked up."""
_LEAST: Final = _PIECE + _STRIDE - 1
_COMMON: Final = ("phk_live_", "phk_test_", "pyhall_tui", "pyhall_wcp")
"""Pieces of these don't indicate a key, and appear elsewhere."""
_LONGEST_LEAD: Final = max(map(len, _COMMON))
_PASSES: Final = 8
"""How many layers of escapes are undone. What we draw was decoded at most twice."""

_UNSEEN: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xad\u034f\u180b-\u180f\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e01ef"
)
"""Characters that are invisible, or left out when drawn."""
_INTRODUCER: Final = re.compile(rf"[\\&%{_UNSEEN}]")
_TOKEN: Final = re.compile(rf'(?<![^\s"])[^\s"\\&%{_UNSEEN}]*+[\\&%{_UNSEEN}][^\s"]*+')
"""A run without spaces and quotes that contains the beginning of an escape."""
_ESCAPE: Final = re.compile(
    r"\\+(?:u\{0*(?P<u>[0-9a-fA-F]{1,6})\}|u(?P<u4>[0-9a-fA-F]{4})|U(?P<u8>[0-9a-fA-F]{8})"
    r"|x(?P<x>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})|(?P<itself>[^\w\s]))"
    r"|%(?:25)*(?P<percent>[0-9a-fA-F]{2})"
    r"|(?P<entity>&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{1,30});?)"
    rf"|(?P<unseen>[{_UNSEEN}]+)"
)


class Secrets:
    """Secrets to look for. One that was added twice stays until it is discarded twice."""

    def __init__(self, *secrets: str) -> None:
        self._counts: dict[str, int] = {}
        self._pieces: dict[int, dict[str, int]] = {}
        """By length, how many forms of secrets each piece belongs to."""
        self._sparse: dict[str, int] = {}
        """Pieces of secrets so long that every `_STRIDE`th window finds them."""
        self._leads: dict[str, int] = {}
        """The first characters of secrets that start like many others."""
        self._words: dict[int, dict[str, int]] = {}
        """Secrets too short to be recognized by a piece, by length."""
        for secret in secrets:
            self.add(secret)

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, secret: str) -> None:
        """Look for `secret` from now on: as it is, in base64, percent-encoded, in hex, as a JSON string.

        One with fewer than `SHORT` characters is found only unchanged, as a separate word; one with a single character
        never.
        """
        self._counts[secret] = self._counts.get(secret, 0) + 1
        if self._counts[secret] == 1:
            self._count(secret, 1)

    def discard(self, secret: str) -> None:
        """Forget a secret; an unknown one is ignored."""
        if secret not in self._counts:
            return
        self._counts[secret] -= 1
        if not self._counts[secret]:
            del self._counts[secret]
            self._count(secret, -1)

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where secrets or pieces of them are, in any order; spans may overlap."""
        if not self._counts:
            return
        yield from self._plain_spans(text)
        for token in unescaped_tokens(text):
            for start, stop in self._plain_spans(token.text):
                yield token.span(start, stop)

    def _plain_spans(self, text: str) -> Iterator[Span]:
        last = len(text) - _PIECE + 1
        if self._sparse and any(text[at : at + _PIECE] in self._sparse for at in range(0, last, _STRIDE)):
            yield from (
                (self._lead(text, at), at + _PIECE) for at in range(last) if text[at : at + _PIECE] in self._sparse
            )
        for size, pieces in list(self._pieces.items()):
            yield from ((at, at + size) for at in range(len(text) - size + 1) if text[at : at + size] in pieces)
        for size, words in list(self._words.items()):
            for at in range(len(text) - size + 1):
                if text[at : at + size] in words and _is_word(text, at, at + size):
                    yield at, at + size

    def _lead(self, text: str, at: int) -> int:
        """Return where a secret starts whose first characters are common: they are not a piece by themselves."""
        sizes = range(1, min(at, _LONGEST_LEAD) + 1)
        return next((at - size for size in reversed(sizes) if text[at - size : at] in self._leads), at)

    def _count(self, secret: str, by: int) -> None:
        for prefix in _COMMON:
            if secret.startswith(prefix):
                for size in range(1, len(prefix) + 1):
                    _change(self._leads, prefix[:size], by)
        if len(secret) >= SHORT:
            for form in _forms(secret):
                self._count_pieces(form, by)
        elif len(secret) > 1:
            _change(self._words.setdefault(len(secret), {}), secret, by)
        for tables in (self._pieces, self._words):
            for size in [size for size, table in tables.items() if not table]:
                del tables[size]

    def _count_pieces(self, form: str, by: int) -> None:
        size = min(_PIECE, len(form))
        table = self._sparse if len(form) >= _LEAST else self._pieces.setdefault(size, {})
        for piece in {form[start : start + size] for start in range(len(form) - size + 1)}:
            if not any(piece in common for common in _COMMON):
                _change(table, piece, by)


class Token(NamedTuple):
    """A piece of a text with its escapes undone."""

    text: str
    starts: list[int]
    """Where each character started in the original text, and where the last one ended."""

    def span(self, start: int, stop: int) -> Span:
        """Return where that part of the token is in the original text."""
        while stop < len(self.starts) - 1 and self.starts[stop] == self.starts[stop - 1]:
            stop += 1  # a character whose escape stands for several
        return self.starts[start], self.starts[stop]


def unescaped_tokens(text: str) -> Iterator[Token]:
    """Yield each run of characters that contains escapes (JSON, HTML, percent), with the escapes undone."""
    if _INTRODUCER.search(text) is None:
        return
    for found in _TOKEN.finditer(text):
        token = Token(found[0], list(range(found.start(), found.end() + 1)))
        for _ in range(_PASSES):
            undone = _undone(token)
            if undone is None:
                break
            token = undone
        if token.text != found[0]:
            yield token


def _undone(token: Token) -> Token | None:
    """Return a token with one layer of escapes undone, or None if it has none."""
    parts: list[str] = []
    starts: list[int] = []
    done = 0
    for found in _ESCAPE.finditer(token.text):
        stands_for = _meaning(found)
        if stands_for == found[0]:
            continue
        begin, end = found.span()
        parts += [token.text[done:begin], stands_for]
        starts += token.starts[done:begin] + [token.starts[begin]] * len(stands_for)
        done = end
    if not done:
        return None
    return Token("".join([*parts, token.text[done:]]), starts + token.starts[done:])


def _meaning(found: re.Match[str]) -> str:
    kind, value = found.lastgroup, found[found.lastgroup or 0]
    if kind == "unseen":
        return ""
    if kind == "itself":
        return value
    if kind == "entity":
        return html.unescape(value)
    code = int(value, 8 if kind == "octal" else 16)
    return chr(code) if code <= 0x10FFFF else found[0]


def _is_word(text: str, start: int, stop: int) -> bool:
    around = text[max(0, start - 1) : start] + text[stop : stop + 1]
    return not any(each.isalnum() or each in "_-" for each in around)


def _change(table: dict[str, int], key: str, by: int) -> None:
    left = table.get(key, 0) + by
    if left > 0:
        table[key] = left
    else:
        table.pop(key, None)


def _forms(secret: str) -> set[str]:
    """Return the ways in which a secret may be written."""
    import json  # needed for the first key, which comes after the first frame

    data = secret.encode("utf-8", "surrogateescape")
    forms = {
        secret,
        quote(data, safe=""),
        quote(data, safe="").lower(),
        json.dumps(secret)[1:-1],
        data.hex(),
        data.hex().upper(),
    }
    for lead, dropped in ((0, 0), (1, 2), (2, 3)):
        # Within a longer encoded text (`user:key`), its base64 depends on where it starts; the characters at both ends
        # that also depend on its neighbors are left out.
        shifted = base64.b64encode(b"\0" * lead + data).decode().rstrip("=")
        whole = len(shifted) if (lead + len(data)) % 3 == 0 else len(shifted) - 1
        inner = shifted[dropped:whole]
        forms |= {inner, inner.translate(str.maketrans("+/", "-_"))}
    return forms
