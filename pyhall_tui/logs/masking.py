"""The last line of defense: what looks like a key, or is one, is masked before a text is stored.

No text passed in here should contain a key at all; this is for those that do anyway.
"""

import re
import threading
from collections.abc import Iterator

from pyhall_tui.logs.secret_text import Secrets, Span, unescaped_tokens
from pyhall_tui.profiles.api_key import MASK

_PATTERNS = (
    # A header in any notation: `Authorization: Bearer x`, `'authorization': 'Bearer x'`, `(b'Authorization', b'…')`.
    (
        "authorization",
        re.compile(
            r"""(?i)(authorization\\?["']?\s*[:=,]\s*(?:b(?=["']))?\\?["']?(?:(?:bearer|basic|token)\s+)?)[^\s"'\\,)]+"""
        ),
    ),
    ("api", re.compile(r"""(?i)(api[-_]?key\\?["']?\s*[:=,]\s*(?:b(?=["']))?\\?["']?)[^\s"'\\,)&]+""")),
    ("bearer", re.compile(r"(?i)(bearer(?:\s+|%20))[\w.~+/=%-]{4,}")),
    ("phk_", re.compile(r"(?i)(phk_[a-z]+_)[\w-]+")),
    # Not our own package or its sister, which are in every path of a traceback, and not the variables' names.
    (
        "pyhall_",
        re.compile(
            r"(?i)(pyhall_)(?!(?:tui|wcp|api_key|registry|registry_url|namespace|tui_(?:config|data|state)_dir)\b)[\w-]{6,}"
        ),
    ),
    ("@", re.compile(r"(://)[^/\s@]*:[^/\s@]+(?=@)")),
)
"""Each with a word that must be in the lower-case text for it to match: most texts have none, and pass quickly."""

_AHEAD = 1_024
"""Characters to search beyond a cut, so that a secret that starts before the cut is found completely."""

registered = Secrets()
"""Use the functions below; each test gets a fresh one here."""
_lock = threading.Lock()


def register_secret(text: str) -> None:
    """Mask `text` from now on, whole or in pieces, in every form that `Secrets` knows. If registered twice, it must be
    forgotten twice."""
    with _lock:
        registered.add(text)


def forget_secret(text: str) -> None:
    """Forget a secret whose profile was closed, once nothing that may contain it is written any more."""
    with _lock:
        registered.discard(text)


def mask(text: str, most: int | None = None) -> str:
    """Return `text` with each registered secret, and everything that looks like a key, masked.

    With `most`, only the first `most` characters are searched and returned, and the cut leaves no half of a secret.
    """
    end = len(text) if most is None else min(most, len(text))
    window = text[: end + _AHEAD]
    return masked_spans(window, [*registered.spans(window), *_look_alikes(window)], end)


def masked_spans(text: str, spans: list[Span], end: int) -> str:
    """Return the first `end` characters of `text`, with one mask for each range that the spans cover."""
    if not spans:
        return text[:end]
    parts: list[str] = []
    done = 0
    for start, stop in sorted(spans):
        if start >= end:
            break
        if start > done or not parts:
            parts += [text[done:start], MASK]
        done = max(done, stop)
    return "".join([*parts, text[done:end]])


def _look_alikes(text: str) -> Iterator[Span]:
    yield from _of_patterns(text)
    for token in unescaped_tokens(text):
        for start, stop in _of_patterns(token.text):
            yield token.span(start, stop)


def _of_patterns(text: str) -> Iterator[Span]:
    lowered = text.lower()
    for word, pattern in _PATTERNS:
        if word in lowered:
            for found in pattern.finditer(text):
                yield found.end(1), found.end()
