"""Asks a registry about itself again and again: about its log, its account, its code. Seldom if it has no answer."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Final

from pyhall_tui.clock import Clock
from pyhall_tui.connection import Connection
from pyhall_tui.registry.errors import RegistryError

LOOK: Final = 10.0
"""Seconds between two looks."""
AGAIN: Final = 600.0
"""Seconds until a registry that has no answer is asked again."""

_log = logging.getLogger(__name__)


async def ask_again(connection: Connection, clock: Clock, look: Callable[[], Awaitable[bool]], about: str) -> None:
    """Call `look` until cancelled. Beside a program that watches the profile, that one does.

    Args:
        look: asks, and returns whether the registry has an answer at all.
        about: what it asks about, for the log.
    """
    while True:
        await clock.sleep(LOOK)
        task = asyncio.current_task()
        try:
            if connection.watcher is None and not await look():
                await clock.sleep(AGAIN - LOOK)
        except asyncio.CancelledError:
            if task is not None and task.cancelling():
                raise  # otherwise only the request was dropped, because the profile has connected again
        except (RegistryError, sqlite3.Error):
            continue  # whoever polls says that it can't be reached, and the journal that it can't be written
        except Exception:
            _log.exception("%s of %s could not be followed", about, connection.profile.registry_url)
