"""Separates escape from the key right after it, which reach a program as the same bytes as alt and that key.

If escape and `4` arrive in one read (from tmux, a slow line, fast typing, or alt and 4), Textual understands the `¢` of
a Mac's keyboard, and turns most other pairs into a `^` and the key. Here they are escape, then the key. So alt and a
digit change the screen from everywhere: escape leaves the field or the dialog, and the digit, kept with alt, goes
to the screen even if a field has the focus then.
"""

import string
from typing import NamedTuple, cast

from textual.keys import Keys

from pyhall_tui.textual_internals import KEY_SEQUENCES

_NOT_APART = frozenset("OPXbf")
"""What starts a longer sequence, and alt with b or f, which many terminals send to move by one word."""
_SCREENS = "012345"
"""The digits of the screens: behind escape they are alt and the digit, which also works if a field has the focus."""
_NAMES = {"/": "slash", ":": "colon", "?": "question_mark", "\r": "enter"}


class _Named(NamedTuple):
    """A key as in Textual's table."""

    value: str


def take_escape_apart() -> None:
    """Change Textual's table of key sequences, which every terminal driver reads, for this process."""
    for character in (*string.ascii_letters, *string.digits, *_NAMES):
        if character not in _NOT_APART:
            alone = f"alt+{character}" if character in _SCREENS else character
            behind = cast(Keys, _Named(_NAMES.get(character, alone)))
            KEY_SEQUENCES["\x1b" + character] = (Keys.Escape, behind)
