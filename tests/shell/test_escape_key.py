"""Escape and a key in one read are those two keys; what a terminal sends for one key stays one."""

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from pyhall_tui.shell.escape_key import take_escape_apart


def keys(sent: str) -> list[str]:
    take_escape_apart()
    return [event.key for event in XTermParser().feed(sent) if isinstance(event, events.Key)]


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("\x1b4", ["escape", "alt+4"]),
        ("\x1bq", ["escape", "q"]),
        ("\x1b/queue\r", ["escape", "slash", "q", "u", "e", "u", "e", "enter"]),
        ("\x1b\r", ["escape", "enter"]),
        ("\x1b:", ["escape", "colon"]),
        ("x\x1b1x", ["x", "escape", "alt+1", "x"]),
        ("\x1b[A", ["up"]),
        ("\x1bOA", ["up"]),
        ("\x1b[3~", ["delete"]),
        ("\x1bb", ["ctrl+left"]),
        ("\x1bOP", ["f1"]),
        ("\x1b[52;3u", ["alt+4"]),
    ],
)
def test_what_a_terminal_sends_is_read_as_the_keys_that_were_pressed(sent: str, read: list[str]) -> None:
    """F46, F51: escape and 4, or alt and 4, were the character ¢ in a field."""
    assert keys(sent) == read


def test_the_key_behind_escape_can_be_typed() -> None:
    """F46: it has its character, where the field below a dialog takes it."""
    take_escape_apart()
    typed = [event.character for event in XTermParser().feed("\x1bw") if isinstance(event, events.Key)]
    assert typed[-1] == "w"
