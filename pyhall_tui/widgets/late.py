"""Handles calls that reach a screen or widget after it is gone, or while it is being removed.

A message in its queue, a timer's last tick, a callback after the next frame or an answer from a thread may all be late.
What they would draw on is gone, so they do nothing.
"""

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any

from textual.css.query import QueryError
from textual.dom import DOMNode, NoScreen
from textual.message_pump import MessagePump
from textual.widget import Widget

from pyhall_tui.textual_internals import is_going, running_pump

_log = logging.getLogger("pyhall_tui")


def is_there(node: MessagePump) -> bool:
    """Whether the node is part of the running app, and not part of something that is being removed.

    An app that ends closes one screen after the other, and from then on no new widget gets its parts.
    """
    above: MessagePump | None = node
    while above is not None:
        if is_going(above):
            return False
        above = above.parent if isinstance(above, DOMNode) else None
    return node.is_attached and node.app.is_running


def after_refresh(node: DOMNode, callback: Callable[..., object], *args: Any) -> None:
    """Call back after the next frame, if the node still exists then."""
    node.call_after_refresh(lambda: callback(*args) if is_there(node) else None)


def after_first_frame(node: Widget, callback: Callable[..., object], *args: Any) -> None:
    """Call back after the next frame, even if the app holds back frames at the moment, as it does while it starts.

    `after_refresh` would call back at once then. Nothing that the first frame can do without should delay it.
    """
    node.app.call_after_refresh(lambda: callback(*args) if is_there(node) else None)


def in_next_turn(node: DOMNode, callback: Callable[..., object], *args: Any) -> None:
    """Call back in the loop's next turn, if the node still exists then, so that what takes long is done in parts."""
    asyncio.get_running_loop().call_soon(lambda: callback(*args) if is_there(node) else None)


def came_late(error: BaseException) -> bool:
    """Whether a message handler or timer failed only because what it draws on is being removed.

    Textual ends the message loop of whatever failed, so this must never excuse a widget or screen that stays.
    """
    pump = running_pump()
    late = isinstance(error, QueryError | NoScreen) and pump is not None and not is_there(pump)
    if late:
        _log.debug("told while it is taken down", exc_info=error)
    return late


def ended_late(error: BaseException) -> bool:
    """Whether background work failed only because what it draws on is gone."""
    return isinstance(error, QueryError | NoScreen) and not all(map(is_there, _nodes_in(error.__traceback__)))


def _nodes_in(trace: TracebackType | None) -> list[DOMNode]:
    """Return the widgets and screens whose methods the error went through."""
    nodes = []
    while trace is not None:
        owner = trace.tb_frame.f_locals.get("self")
        if isinstance(owner, DOMNode) and owner.parent is not owner.app:
            nodes.append(owner)
        trace = trace.tb_next
    return nodes
