"""Verdicts as the fleet holds them for a hundred thousand workers: what many workers share is stored once."""

import sys
from typing import Final

import msgspec

from pyhall_tui.registry.models import Verdict

_MOST_SHARED: Final = 4_096
"""Lists of capabilities that are shared; a fleet has few different ones."""
_shared: dict[tuple[str, ...], tuple[str, ...]] = {}


def lean(verdict: Verdict, worker_id: str) -> Verdict:
    """Return the same verdict, sharing the id's text and the words that others have too."""
    same_hash = verdict.hash_text == verdict.sha256
    return msgspec.structs.replace(
        verdict,
        worker_id=worker_id,
        namespace=_word(verdict.namespace),
        status=_word(verdict.status),
        ban_word=_word(verdict.ban_word),
        hash_text=verdict.sha256 if same_hash else verdict.hash_text,
        capabilities=_capabilities(verdict.capabilities),
    )


def _word(word: str | None) -> str | None:
    return None if word is None else sys.intern(word)


def _capabilities(found: tuple[str, ...]) -> tuple[str, ...]:
    if len(_shared) >= _MOST_SHARED:
        _shared.clear()
    return _shared.setdefault(found, found)
