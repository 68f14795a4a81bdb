"""Holds keys, pastes and clicks that arrive while the previous one is still at work.

Textual gives every key to the widget that has the focus when the key arrives. A key that moves the focus, opens a
dialog or changes the screen does so several messages later, so keys typed right after it (a fast paste, `tmux
send-keys`, a slow line) would be commands for the screen that the user is leaving. Here they wait, in order, until the
previous one has done everything, and then go to whatever has the focus.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeAlias, runtime_checkable

from textual import events
from textual.app import App, ScreenStackError
from textual.dom import DOMNode
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker

from pyhall_tui.textual_internals import calls_after_the_frame
from pyhall_tui.widgets.one_at_a_time import has_ended

Typed: TypeAlias = events.InputEvent | events.Paste
"""Everything from keyboard and mouse. A paste is not an `InputEvent`, and must not overtake the keys before it."""
_AT_ONCE = frozenset({"ctrl+c", "ctrl+q"})
"""Keys that never wait: they end the program from anywhere."""
_ACTING = (events.Key, events.Paste, events.MouseDown, events.MouseUp, events.Click)
"""Input that can change where the next one belongs; moving and scrolling the mouse can't."""
_MOST_TURNS = 5_000
"""If the loop is never idle, the next key passes anyway after this many turns; a screen opens in about 100."""
_LOOK_AGAIN = 0.002
"""Seconds between two checks while the loop is idle and a screen or a frame is still to come."""


class TypedAhead:
    """Lets one key at a time through. A key that comes while nothing is at work passes at once."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._held: deque[Typed] = deque()
        self._at_work = False
        """Whether something that was let through may not have finished yet."""
        self._read_at = 0.0
        """When the key or click at work was read, by the clock of Textual's messages."""
        self._turns = 0
        self._sent: Typed | None = None
        """The first held event, while it is on its way through the app's own queue."""
        self._may_pass = False
        """Whether the one on its way passes; the first time it only shows that the app has time for it."""
        self._awaited: list[Callable[[], bool]] = []

    @property
    def is_quiet(self) -> bool:
        """Whether all input has been passed on and has taken effect."""
        return not self._at_work

    def was_read_before(self, message: Message) -> bool:
        """Whether the key or click at work was read before that message was made."""
        return self._at_work and self._read_at < message.time

    def wait_for(self, is_there: Callable[[], bool]) -> None:
        """Hold keys until `is_there` is true, because their target depends on a thread or the disk.

        Escape ends the wait, so that a disk that never answers does not block the keyboard.
        """
        self._awaited.append(is_there)

    def keeps(self, event: Typed) -> bool:
        """Take a new event; return whether it is held, to be posted to the app again later."""
        if event is self._sent:
            return self._came_round(event)
        if isinstance(event, events.Key) and event.key in _AT_ONCE:
            return False
        if self._at_work or not self._is_place_there():
            self._hold(event)
            if not self._at_work:
                self._begin_to_watch(event)
            return True
        if isinstance(event, _ACTING):
            self._begin_to_watch(event)
        return False

    def _hold(self, event: Typed) -> None:
        if isinstance(event, events.MouseMove) and self._held and isinstance(self._held[-1], events.MouseMove):
            self._held.pop()  # only the mouse's current position counts
        if isinstance(event, events.Key) and event.key == "escape":
            self._awaited.clear()
        self._held.append(event)

    def _came_round(self, event: Typed) -> bool:
        self._sent = None
        if not self._may_pass:
            self._may_pass = True
            self._held.appendleft(event)
            self._look_soon()
            return True
        self._begin_to_watch(event)
        return False

    def _begin_to_watch(self, event: Typed) -> None:
        self._read_at = event.time
        self._at_work, self._may_pass, self._turns = True, False, 0
        self._look_soon()

    def _look_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        """Let the next one through once everything that the previous one started is done."""
        loop = asyncio.get_running_loop()
        self._turns += 1
        if self._turns < _MOST_TURNS:
            if not _is_idle(loop):
                loop.call_soon(self._look)
                return
            if not self._is_place_there() or _waits_for_a_frame(self._app.screen):
                loop.call_later(_LOOK_AGAIN, self._look)
                return
        if self._held:
            self._send()
        else:
            self._at_work = False

    def _send(self) -> None:
        self._at_work = True
        self._sent = self._held.popleft()
        self._app.post_message(self._sent)

    def _is_place_there(self) -> bool:
        self._awaited = [is_there for is_there in self._awaited if not is_there()]
        if self._awaited:
            return False
        try:
            return self._app.screen.is_mounted
        except ScreenStackError:
            return False


def _is_idle(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether nothing is about to run: all messages are handled, and what they posted too."""
    return not getattr(loop, "_ready", True)  # a loop without it is never idle, so the turns are counted


def _waits_for_a_frame(screen: Screen[Any]) -> bool:
    """Whether something, such as a change of focus, will happen after the next frame."""
    ours = screen.refresh_bindings  # follows every change of focus, and changes nothing
    return any(not isinstance(call, partial) or call.func != ours for call in calls_after_the_frame(screen))


@runtime_checkable
class HoldsKeys(Protocol):
    """What is needed from the app."""

    @property
    def typed_ahead(self) -> TypedAhead: ...


def keys_wait_for(node: DOMNode, work: Worker[Any]) -> None:
    """Hold keys until work has ended that opens or closes a dialog or moves the focus after a thread's answer."""
    if isinstance(node.app, HoldsKeys):
        node.app.typed_ahead.wait_for(partial(has_ended, work))


class LastAnswer:
    """The moment at which the last request got its answer.

    A second ctrl+s in one read waits until the first has done everything. A fast registry has answered by then, so
    "under way" does not hold it back. But it was pressed before that answer was visible, so it must not send again.
    """

    def __init__(self) -> None:
        self._came: Message | None = None

    def came(self) -> None:
        """Note that the answer has arrived."""
        self._came = Message()

    def was_unseen(self, node: DOMNode) -> bool:
        """Whether the key or click at work was pressed before the answer came."""
        app = node.app
        return self._came is not None and isinstance(app, HoldsKeys) and app.typed_ahead.was_read_before(self._came)
