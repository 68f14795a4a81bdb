"""What a field says of a name that it does not know, and what it offers instead."""

from collections.abc import Sequence
from difflib import get_close_matches

from pyhall_tui.render.text import clean

_MOST_COMPARED = 2_000
"""Names that are compared by likeness; of more, only those with the same first letter."""


def offered(typed: str, known: Sequence[str]) -> str | None:
    """Return the name that a field completes to: the first that begins so; None for nothing, or for a known name."""
    if not typed or typed in known:
        return None
    return next((name for name in known if name.startswith(typed)), None)


def meant(typed: str, known: Sequence[str]) -> str | None:
    """Return the known name that a new one was perhaps meant to be."""
    if (completed := offered(typed, known)) is not None:
        return completed
    some = known if len(known) <= _MOST_COMPARED else [name for name in known if name[:1] == typed[:1]]
    return next(iter(get_close_matches(typed, some[:_MOST_COMPARED], n=1)), None)


def said_of_new(typed: str, known: Sequence[str]) -> str:
    """Return the sentence on a capability that was never seen before; empty for one that was, or if none was."""
    if not typed or not known or typed in known:
        return ""
    like = meant(typed, known)
    hint = f" Did you mean {clean(like, 80)}?" if like else ""
    return f"{clean(typed, 80)} is new here.{hint}"
