"""Types like a terminal that delivers many keys in one read: nothing waits in between."""

import asyncio
from typing import Any

from textual import events
from textual.app import App

from pyhall_tui.widgets.typed_ahead import TypedAhead
from tests.waiting import until

_CHARACTERS = {
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "exclamation_mark": "!",
    "asterisk": "*",
    "space": " ",
    "minus": "-",
    "underscore": "_",
}
_NAMES = {character: name for name, character in _CHARACTERS.items()}
_NAMED = {"escape", "backspace", "delete", "up", "down", "left", "right", "home", "end", "pageup", "pagedown"}
_BYTES = {"enter": "\r", "tab": "\t", **_CHARACTERS}


def write(app: App[Any], *typed: str) -> None:
    """Deliver text and named keys (`enter`, `escape`, `ctrl+s`) in one read, through the driver."""
    driver = app._driver
    assert driver is not None
    for part in typed:
        for key in (part,) if _is_name(part) else tuple(part):
            driver.process_message(events.Key(_NAMES.get(key, key), _BYTES.get(key, key if len(key) == 1 else None)))


async def settled(app: App[Any]) -> None:
    """Wait until the app has handled everything that was typed."""
    keys: TypedAhead = app.typed_ahead  # type: ignore[attr-defined]
    for _ in range(2):  # what the last key started may be waiting for a thread in the app's own handler
        await _has_passed(app)
        await until(lambda: keys.is_quiet or app._exit)


async def _has_passed(app: App[Any]) -> None:
    """Wait until the app has received everything sent to it so far."""
    passed = asyncio.Event()
    assert app._driver is not None
    app._driver.send_message(events.Callback(callback=passed.set))
    await until(lambda: passed.is_set() or app._exit)


def _is_name(part: str) -> bool:
    is_function = part.startswith("f") and part[1:].isdigit()
    return len(part) > 1 and (part in _BYTES or part in _NAMED or "+" in part or is_function)
