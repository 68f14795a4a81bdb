"""`u` on every screen: undoes the last change of your own lists, whichever screen you made it on."""

from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from pyhall_tui.fleet.own_changes import OwnChanges
from pyhall_tui.render.text import clean


def undo_last(screen: Screen[Any], changes: OwnChanges, then: Callable[[], object] = lambda: None) -> None:
    """Undo the last change, say so, and call `then`. Each call undoes one more, after the one before."""

    async def undo() -> None:
        said = await changes.undo()
        screen.notify(clean(said, 200), markup=False)
        then()

    screen.run_worker(undo(), group="undo", exit_on_error=False)
