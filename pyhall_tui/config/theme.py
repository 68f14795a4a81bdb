"""`[theme]`: which colors the app has."""

from collections.abc import Iterator
from typing import NamedTuple

from pyhall_tui.config.known import Known
from pyhall_tui.config.table import Table


class ThemeChoice(NamedTuple):
    """The themes to use."""

    name: str = ""
    """The theme's name; empty for ours."""


def read(table: Table, known: Known) -> ThemeChoice:
    """Read the section."""
    return ThemeChoice(table.string("name") or "")


def reference(known: Known) -> Iterator[str]:
    """Yield the section with all defaults."""
    yield "[theme]"
