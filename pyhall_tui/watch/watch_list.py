"""Follows the watch list while it is watched: the app, or you, may add workers and take them off."""

from collections.abc import Iterable
from typing import Final

from pyhall_tui.clock import Clock
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.workspace import Workspace

_LOOK: Final = 2.0
"""Seconds between two looks at the file."""


async def follow_watch_list(workspace: Workspace, clock: Clock) -> None:
    """Watch what the file says until cancelled. A list that is empty, lost or damaged takes nobody off."""
    taken = await off_loop(lambda: _stamp(workspace), name="watch list")
    while True:
        await clock.sleep(_LOOK)
        stamp = await off_loop(lambda: _stamp(workspace), name="watch list")
        if stamp != taken:
            taken = stamp
            (await off_loop(workspace.watch_list.read_beside, name="watch list"))()
            _adopt(workspace)


def _adopt(workspace: Workspace) -> None:
    watched = workspace.watch_list.workers
    workspace.connection.watch(workspace.fleet.watch(worker.id for worker in watched))
    if watched and not workspace.watch_list.problem:
        _drop(workspace, [entry.worker_id for entry in workspace.fleet if entry.worker_id not in workspace.watch_list])


def _drop(workspace: Workspace, gone: Iterable[str]) -> None:
    ids = list(gone)
    workspace.fleet.unwatch(ids)
    workspace.packages.drop(ids)
    workspace.connection.unwatch(ids)
    workspace.alarms.unwatched(ids)


def _stamp(workspace: Workspace) -> object:
    try:
        found = workspace.watch_list.path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
