"""The mark for a check's result, for the doctor and for a profile's test."""

from typing import Final

from pyhall_tui.probe import CheckResult
from pyhall_tui.render.text import Style

CHECK_MARKS: Final = {
    CheckResult.YES: ("✔", Style.GOOD),
    CheckResult.NO: ("✖", Style.ERROR),
    CheckResult.UNPROVEN: ("?", Style.WARNING),
    CheckResult.NOT_TRIED: ("–", Style.DIM),
}
"""Glyph and style."""
