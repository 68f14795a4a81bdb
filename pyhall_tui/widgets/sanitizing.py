"""The last guard of the terminal: fields show what was put into them as it is, a suggestion of the registry's too."""

from rich.segment import Segment
from textual.strip import Strip

from pyhall_tui.render.text import clean


def without_controls(strip: Strip) -> Strip:
    """Return a line of a field with a visible substitute for each letter that would drive the terminal or hide."""
    if all(segment.text.isprintable() for segment in strip):
        return strip
    shown = (Segment("".join(map(_shown, segment.text)), segment.style) for segment in strip)
    return Strip(shown).adjust_cell_length(strip.cell_length)


def _shown(letter: str) -> str:
    return letter if letter.isprintable() else clean(letter)
