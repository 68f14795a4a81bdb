"""Escape and the key right behind it, which reach a program as the same bytes as alt and that key.

Textual reads escape and `4` in one read (from tmux, a slow line, a quick hand, or alt and 4) as the `¢` of a Mac's
keyboard, and turns most other pairs into a `^` and the key. Here the two are escape, then the key. So alt
and a digit change the screen from everywhere: escape leaves the field or the dialog, and the digit is the screen's key.
"""

import string
from typing import NamedTuple, cast

from textual.keys import Keys

from pyhall_tui.textual_internals import KEY_SEQUENCES

_NOT_APART = frozenset("OPXbf")
"""What begins a longer sequence, and alt with b or f, which many terminals send for a move by one word."""
_NAMES = {"/": "slash", ":": "colon", "?": "question_mark", "\r": "enter"}


class _Named(NamedTuple):
    """A key as Textual's table has it."""

    value: str


def take_escape_apart() -> None:
    """Change Textual's table of key sequences, which is read by every terminal driver, for this process."""
    for character in (*string.ascii_letters, *string.digits, *_NAMES):
        if character not in _NOT_APART:
            behind = cast(Keys, _Named(_NAMES.get(character, character)))
            KEY_SEQUENCES["\x1b" + character] = (Keys.Escape, behind)
