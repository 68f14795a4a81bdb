"""Is the opened registry a local hall? And all of its workers at once, which the registry's own API can't list."""

from typing import Final, NamedTuple

from pyhall_tui.profiles.watch_list import cannot_be_watched
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
from pyhall_tui.workspace import Workspace

_AGAIN: Final = 30.0
"""Seconds until a registry that gave no clear answer is asked again."""
_NO: Final = (NotFound, UnexpectedStatus, BadRequest, NotARegistrysAnswer, Redirected, NotSent)


class Watching(NamedTuple):
    """What came of watching all: the ids that the hall named, and what to say."""

    worker_ids: tuple[str, ...]
    sentence: str


async def is_local_hall(workspace: Workspace) -> bool:
    """Ask once it is connected; where the registry cannot be reached, again until it says yes or no."""
    while True:
        try:
            await workspace.connection.ask_in_turn(lambda client: hall_status(client, retry=False))
        except _NO:
            return False
        except RegistryError:
            await workspace.clock.sleep(_AGAIN)
        else:
            return True


async def watch_all(workspace: Workspace) -> Watching:
    """Put every worker of the hall on the watch list, and return what to say of it."""
    try:
        worker_ids = await workspace.connection.ask_in_turn(hall_workers)
    except RegistryError as error:
        return Watching((), f"Its workers could not be listed: {error} {error.advice}")
    if not worker_ids:
        return Watching((), "This hall has no workers yet.")
    new = workspace.watch(worker_ids)
    odd = cannot_be_watched(worker_ids)
    watched = tuple(worker_id for worker_id in worker_ids if workspace.fleet.get(worker_id) is not None)
    known = len(watched) - len(new)
    also = f" {known} already watched." if known and new else ""
    if new:
        said = f"Watching {len(new)} more worker{'s' * (len(new) != 1)}.{also}"
    else:
        said = "All its other workers are already watched." if odd else "All its workers are already watched."
    return Watching(watched, f"{said} {odd}" if odd else said)
