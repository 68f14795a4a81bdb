"""Keeps what is pasted together, as text, on its way from the terminal to Textual's parser.

A terminal puts a paste between two markers. Textual's parser takes any escape character in between as the beginning of
a key: what follows it in the paste is then typed, and the first line end submits the dialog. It does the same with the
second marker if a slow line delivers that in two parts. A line copied from a log with its colors is enough.
"""

from typing import Final

_ESC: Final = "\x1b"
_START: Final = "\x1b[200~"
_END: Final = "\x1b[201~"
_SHOWN: Final = "␛"
"""What stands for an escape character, as in all text that we show: a field's check then names it."""


class PasteStream:
    """What comes from one terminal, in order; a paste in it has no escape character any more."""

    def __init__(self) -> None:
        self._in_paste = False
        self._before = ""
        """Outside a paste: what was passed on last, in which the first marker may have begun."""
        self._kept = ""
        """In a paste: what came last, if the second marker may have begun with it."""

    def take(self, data: str) -> str:
        """Take what came; return what is passed on now, which may be less or nothing."""
        passed, rest = "", self._kept + data
        self._kept = ""
        while rest:
            part, rest = self._paste_of(rest) if self._in_paste else self._keys_of(rest)
            passed += part
        return passed

    def _keys_of(self, text: str) -> tuple[str, str]:
        """Return what is passed on up to where a paste begins, and the rest."""
        seen = self._before + text
        at = seen.find(_START)
        if at < 0:
            self._before = seen[1 - len(_START) :]
            return text, ""
        self._in_paste = True
        end = at + len(_START) - len(self._before)
        self._before = ""
        return text[:end], text[end:]

    def _paste_of(self, text: str) -> tuple[str, str]:
        """Return what is passed on up to the end of the paste, and the rest."""
        pasted, end, rest = text.partition(_END)
        if end:
            self._in_paste = False
        else:
            begun = next((n for n in range(len(_END) - 1, 0, -1) if pasted.endswith(_END[:n])), 0)
            cut = len(pasted) - begun
            pasted, self._kept = pasted[:cut], pasted[cut:]
        return pasted.replace(_ESC, _SHOWN) + end, rest
