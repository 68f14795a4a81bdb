"""Is the opened registry a local hall? And all of its workers at once, which the registry's own API can't list."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Final

from pyhall_tui.clock import Clock
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.profiles.watch_list import cannot_be_watched
from pyhall_tui.registry.asking import Ask
from pyhall_tui.registry.errors import (
    BadRequest,
    NotARegistrysAnswer,
    NotFound,
    NotSent,
    Redirected,
    RegistryError,
    UnexpectedStatus,
)
from pyhall_tui.registry.local_hall import hall_status, hall_workers

_AGAIN: Final = 30.0
"""Seconds until a registry that gave no clear answer is asked again."""
_LOOK: Final = 10.0
"""Seconds between two looks at the hall's state."""
_NO: Final = (NotFound, UnexpectedStatus, BadRequest, NotARegistrysAnswer, Redirected, NotSent)


async def is_local_hall(ask: Ask, clock: Clock) -> bool:
    """Ask once it is connected; where the registry cannot be reached, again until it says yes or no."""
    while True:
        try:
            await ask(lambda client: hall_status(client, retry=False))
        except _NO:
            return False
        except RegistryError:
            await clock.sleep(_AGAIN)
        else:
            return True


async def follow_status(ask: Ask, clock: Clock, take: Callable[[str], None]) -> None:
    """Hand over again and again what the hall says is wrong with it, in sentences, or an empty text: it is offline, or
    its newest policy is not in force.

    While the hall can't be reached, what was known stays.
    """
    while True:
        with suppress(RegistryError):
            status = await ask(lambda client: hall_status(client, retry=False))
            why = (status.policy_error or "").rstrip(". ")
            offline = "The hall says that it is offline." if status.online is False else ""
            policy = f"The hall decides by its last good policy: {why}." if why else ""
            take(" ".join(filter(None, (offline, policy))))
        await clock.sleep(_LOOK)


async def watch_all(ask: Ask, fleet: Fleet, watch: Callable[[Iterable[str]], Awaitable[list[str]]]) -> str:
    """Put every worker of the hall on the watch list, and return what to say about it.

    Args:
        ask: asks in turn, within the rate limit.
        watch: puts workers on the watch list, and returns those that are new.
    """
    try:
        worker_ids = await ask(hall_workers)
    except RegistryError as error:
        return f"Its workers could not be listed: {error} {error.advice}"
    if not worker_ids:
        return "This hall has no workers yet."
    new = await watch(worker_ids)
    odd = cannot_be_watched(worker_ids)
    known = sum(fleet.get(worker_id) is not None for worker_id in worker_ids) - len(new)
    also = f" {known} already watched." if known and new else ""
    if new:
        said = f"Watching {len(new)} more worker{'s' * (len(new) != 1)}.{also}"
    else:
        said = "All its other workers are already watched." if odd else "All its workers are already watched."
    return f"{said} {odd}" if odd else said
