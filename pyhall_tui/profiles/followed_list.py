"""Follows a watch list's file: other programs on the profile, or you, may add workers and take them off."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from pyhall_tui.clock import Clock
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.threads.off_loop import off_loop

_LOOK: Final = 1.0
"""Seconds between two looks at the file."""

_log = logging.getLogger(__name__)


async def follow(
    watch_list: WatchList, clock: Clock, adopt: Callable[[], Awaitable[None]], settle: Callable[[], None]
) -> None:
    """Call `adopt` after each change that the list has taken over, until cancelled. A slow disk delays nobody else.

    `settle` is called a look after that, when whoever changed the list has had the time to record what comes of it.
    """
    is_changed = False
    while True:
        await clock.sleep(_LOOK)
        try:
            if is_changed:
                settle()
            is_changed = await off_loop(watch_list.is_changed, name="watch list")
            if is_changed:
                (await off_loop(watch_list.read_beside, name="watch list"))()
                await adopt()
        except Exception:
            _log.exception("the watch list could not be followed")
