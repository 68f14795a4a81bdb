"""The last line of defence: what looks like a key, or is one, is masked before a text is kept.

No text that is handed in here should hold a key at all; this is for the one that does all the same.
"""

import base64
import re
import threading
from urllib.parse import quote

from pyhall_tui.profiles.api_key import MASK, SHORT, whole

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
    # Not our own package nor its sister's, which stand in every path of a traceback; nor the variables' names.
    (
        "pyhall_",
        re.compile(
            r"(?i)(pyhall_)(?!(?:tui|wcp|api_key|registry|registry_url|namespace|tui_(?:config|data|state)_dir)\b)[\w-]{6,}"
        ),
    ),
    ("@", re.compile(r"(://)[^/\s@:]*:[^/\s@]+(?=@)")),
)
"""Each with a word that must stand in the lower-case text for it to match: most texts are none's, and pass quickly."""

_PIECE = 8
"""So many signs in a row of a key are masked also where the rest of it is cut off."""
_COMMON = "phk_live_ phk_test_ pyhall_tui pyhall_wcp"
"""Pieces of these say nothing of a key, and stand elsewhere."""

_STRIDE = 4
"""Every so many signs of a key is an anchor, one of which stands in any 11 signs of it: looked for first."""

_lock = threading.Lock()
_pieces: dict[int, frozenset[str]] = {}
_anchors: frozenset[str] = frozenset()
_words: frozenset[str] = frozenset()
"""Patterns of the keys that are too short to be told from other text by a piece."""


def register_secret(text: str) -> None:
    """Mask `text` from now on, whole or a piece of it: as it is, in base64, percent-encoded, in hex.

    One of fewer than `SHORT` signs is masked only where it stands as it is, as a word.
    """
    global _pieces, _anchors, _words
    with _lock:
        if len(text) < SHORT:
            _words |= {whole(text)}
            return
        pieces = {size: set(known) for size, known in _pieces.items()}
        anchors = set(_anchors)
        for form in _forms(text):
            size = min(_PIECE, len(form))
            cut = [form[start : start + size] for start in range(len(form) - size + 1)]
            pieces.setdefault(size, set()).update(cut)
            anchors.update([*cut[::_STRIDE], cut[-1]])
        _pieces = {size: frozenset(piece for piece in known if piece not in _COMMON) for size, known in pieces.items()}
        _anchors = frozenset(anchor for anchor in anchors if anchor not in _COMMON)


def forget_secrets() -> None:
    """Forget what was registered (a test's own clean-up)."""
    global _pieces, _anchors, _words
    with _lock:
        _pieces, _anchors, _words = {}, frozenset(), frozenset()


def mask(text: str) -> str:
    """Return `text` with each registered secret, and all that looks like a key, masked."""
    if any(anchor in text for anchor in _anchors):
        text = _without_pieces(text)
    for word in _words:
        text = re.sub(word, MASK, text)
    lowered = text.lower()
    for word, pattern in _PATTERNS:
        if word in lowered:
            text = pattern.sub(rf"\g<1>{MASK}", text)
    return text


def _forms(secret: str) -> set[str]:
    """Return the ways in which a secret may be written."""
    import json  # with the first key, which comes after the first frame

    data = secret.encode("utf-8", "surrogateescape")
    forms = {
        secret,
        quote(secret, safe=""),
        quote(secret, safe="").lower(),
        json.dumps(secret)[1:-1],
        data.hex(),
        data.hex().upper(),
    }
    for lead, dropped in ((0, 0), (1, 2), (2, 3)):
        # Within a longer text that is encoded (`user:key`) its base64 depends on where it starts; the signs
        # at both ends that also depend on its neighbours are left out.
        shifted = base64.b64encode(b"\0" * lead + data).decode().rstrip("=")
        whole = len(shifted) if (lead + len(data)) % 3 == 0 else len(shifted) - 1
        inner = shifted[dropped:whole]
        forms |= {inner, inner.translate(str.maketrans("+/", "-_"))}
    return forms


def _without_pieces(text: str) -> str:
    """Mask each stretch of `text` that is covered by pieces of registered secrets."""
    spans: list[tuple[int, int]] = []
    for size, pieces in _pieces.items():
        spans.extend(
            (start, start + size) for start in range(len(text) - size + 1) if text[start : start + size] in pieces
        )
    if not spans:
        return text
    parts: list[str] = []
    end = 0
    for start, stop in sorted(spans):
        if start > end or not parts:
            parts += [text[end:start], MASK]
        end = max(end, stop)
    return "".join([*parts, text[end:]])
