"""The terminal's last protection: fields show their content unchanged, even a suggestion from the registry."""

from rich.segment import Segment
from textual.strip import Strip

from pyhall_tui.render.text import clean


def without_controls(strip: Strip) -> Strip:
    """Return a field's line with a visible substitute for each character that controls the terminal or is invisible."""
    if all(segment.text.isprintable() for segment in strip):
        return strip
    shown = (Segment("".join(map(_shown, segment.text)), segment.style) for segment in strip)
    return Strip(shown).adjust_cell_length(strip.cell_length)


def _shown(letter: str) -> str:
    return letter if letter.isprintable() else clean(letter)
