"""Is the opened registry a local hall? And all of its workers at once, which the registry's own API can't list."""

from collections.abc import Callable, Iterable
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


async def watch_all(ask: Ask, fleet: Fleet, watch: Callable[[Iterable[str]], list[str]]) -> str:
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
    new = watch(worker_ids)
    odd = cannot_be_watched(worker_ids)
    known = sum(fleet.get(worker_id) is not None for worker_id in worker_ids) - len(new)
    also = f" {known} already watched." if known and new else ""
    if new:
        said = f"Watching {len(new)} more worker{'s' * (len(new) != 1)}.{also}"
    else:
        said = "All its other workers are already watched." if odd else "All its workers are already watched."
    return f"{said} {odd}" if odd else said
