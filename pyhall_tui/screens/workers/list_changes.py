"""What you do to the watch list on the workers screen: put workers on it, take them off, drop the unknown ones."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pyhall_tui.render.text import clean
from pyhall_tui.screens.workers.just_added import JustAdded
from pyhall_tui.widgets.key_bar import key_name

if TYPE_CHECKING:
    from pyhall_tui.screens.workers.screen import WorkersScreen

_SAID_FIRST: Final = 2_000
"""For more workers than this, the news says that work on them has begun."""


class ListChanges:
    """Changes the list beside the loop, one change after another, and says what came of each."""

    def __init__(self, screen: "WorkersScreen") -> None:
        self._screen, self._workspace = screen, screen.workspace
        self._just_added: JustAdded | None = None

    def add(self, worker_ids: Sequence[str]) -> None:
        """Put workers on the watch list, with the cursor on the first of them."""
        self._screen.run_worker(self._add(worker_ids), group="list", exit_on_error=False)

    def remove(self, ids: list[str]) -> None:
        """Take workers off the watch list."""
        self._screen.run_worker(self._remove(ids), group="list", exit_on_error=False)

    def unknown(self) -> list[str]:
        """Return those just added that the registry does not know."""
        return self._just_added.unknown(self._workspace.fleet) if self._just_added is not None else []

    def report(self) -> None:
        """Say once which of those just added the registry does not know."""
        if self._just_added is not None:
            self._just_added.report(self._workspace.fleet, self._screen)

    async def _add(self, worker_ids: Sequence[str]) -> None:
        screen = self._screen
        self._say_begun("Putting", worker_ids, "on")
        new = await self._workspace.watched.watch(worker_ids)
        self._just_added = JustAdded(new) if new else self._just_added
        await screen.table.grow()
        screen.reorder()
        screen.table.move_to(worker_ids[0])
        known = len(worker_ids) - len(new)
        also = f" {known:,} already watched." if known else ""
        screen.notify(f"Watching {named(new)}.{also}" if new else "Already on the watch list.", markup=False)

    async def _remove(self, ids: list[str]) -> None:
        screen = self._screen
        self._say_begun("Taking", ids, "off")
        screen.table.unmark()
        await self._workspace.watched.unwatch(ids)
        await screen.table.grow()
        screen.reorder()
        undo = key_name(screen, "workers.undo", "u")
        screen.notify(f"Off the watch list: {named(ids)}. {undo} undoes it.", markup=False)

    def _say_begun(self, doing: str, ids: Sequence[str], where: str) -> None:
        if len(ids) > _SAID_FIRST:
            self._screen.notify(f"{doing} {len(ids):,} workers {where} the watch list …", markup=False)


def named(ids: Sequence[str]) -> str:
    """Return how a sentence names workers: the one, or how many."""
    return clean(ids[0], 80) if len(ids) == 1 else f"{len(ids):,} workers"
