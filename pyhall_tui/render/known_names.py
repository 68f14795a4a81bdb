"""What a field says about an unknown name, and what it offers instead."""

from collections.abc import Sequence
from difflib import get_close_matches

from pyhall_tui.render.text import clean

_MOST_COMPARED = 2_000
"""How many names are compared for similarity; if there are more, only those with the same first character."""


def offered(typed: str, known: Sequence[str]) -> str | None:
    """Return the first name that starts with what was typed; None if nothing, or a known name, was typed."""
    if not typed or typed in known:
        return None
    return next((name for name in known if name.startswith(typed)), None)


def fitting(typed: str, known: Sequence[str]) -> list[str]:
    """Return the names that contain what was typed: itself first, then those that start with it."""
    wanted = typed.casefold()
    found = [name for name in known if wanted in name.casefold()]
    return sorted(found, key=lambda name: (name != typed, not name.casefold().startswith(wanted)))


def meant(typed: str, known: Sequence[str]) -> str | None:
    """Return the known name that you may have meant by a new one."""
    if (completed := offered(typed, known)) is not None:
        return completed
    some = known if len(known) <= _MOST_COMPARED else [name for name in known if name[:1] == typed[:1]]
    return next(iter(get_close_matches(typed, some[:_MOST_COMPARED], n=1)), None)


def said_of_new(typed: str, known: Sequence[str]) -> str:
    """Return a sentence about a capability that was never seen before; otherwise, or if none was ever seen, nothing."""
    if not typed or not known or typed in known:
        return ""
    like = meant(typed, known)
    hint = f" Did you mean {clean(like, 80)}?" if like else ""
    return f"{clean(typed, 80)} is new here.{hint}"
