"""`[terminal]`: what the app takes of the terminal when it starts."""

from collections.abc import Iterator
from typing import NamedTuple

from pyhall_tui.config.known import Known
from pyhall_tui.config.table import Table


class TerminalChoice(NamedTuple):
    """What to take."""

    mouse: bool = True


def read(table: Table, known: Known) -> TerminalChoice:
    """Read the section."""
    for name in table:
        if name not in TerminalChoice._fields:
            table.unknown(name, "setting of the terminal", TerminalChoice._fields)
    mouse = table.boolean("mouse")
    return TerminalChoice() if mouse is None else TerminalChoice(mouse)


def reference(known: Known) -> Iterator[str]:
    """Return the section with its defaults."""
    yield "[terminal]"
    yield "# false leaves the mouse to the terminal from the next start on, to select text with it; M takes it."
    yield f"mouse = {str(TerminalChoice().mouse).lower()}"
