"""What a screen shows in a terminal that is too small; everything below stays as it is."""

from typing import Any, Final

from textual import events
from textual.app import App
from textual.widgets import Static

_LEAST: Final = (40, 10)
_ENDS: Final = frozenset({"ctrl+c", "ctrl+q"})


def may_act(app: App[Any], event: events.Event) -> bool:
    """Whether a key, paste or click may do anything: in a terminal that is too small, you can't see what it does.

    The keys that end the program always may. Lists without room are not laid out either, and would fail on page down.
    """
    if app.size.width >= _LEAST[0] and app.size.height >= _LEAST[1]:
        return True
    if not isinstance(event, events.Key):
        return False
    is_text = app.focused is not None and app.focused.check_consume_key(event.key, event.character)
    return event.key in _ENDS or (event.key == "q" and not is_text)


class TooSmall(Static):
    """Covers a screen of the layers `base` and `top` that has the class `-tiny` or `-flat`."""

    SCOPED_CSS = False  # the classes are the screen's
    DEFAULT_CSS = """
    TooSmall { layer: top; width: 100%; height: 100%; background: $background; display: none; }
    .-tiny TooSmall, .-flat TooSmall { display: block; }
    """

    def __init__(self) -> None:
        super().__init__("The terminal is too small: make it at least 40 by 10.", markup=False)
