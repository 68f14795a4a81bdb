"""Opens the list of filters over a screen that has a table of workers."""

from collections.abc import Callable, Mapping
from typing import Protocol, cast

from pyhall_tui.fleet.entry import State
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.profiles.saved_filters import SavedFilters
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.workers.filters import FiltersScreen
from pyhall_tui.widgets.dialog import is_open


class _HasProfiles(Protocol):
    @property
    def profile_store(self) -> ProfileStore: ...


def choose_filter(screen: ModeScreen, now: str, counts: Mapping[State, int], chosen: Callable[[str], None]) -> None:
    """Show the filters; call `chosen` with the one that you choose. `now` is the filter that is set."""
    if is_open(screen.app, FiltersScreen):
        return
    store = cast(_HasProfiles, screen.app).profile_store
    saved, undoable = None, _nothing
    if screen.has_workspace:
        saved, undoable = SavedFilters(store, screen.workspace.profile.name), screen.workspace.own_changes.add
    screen.app.push_screen(FiltersScreen(saved, now, counts, undoable), lambda text: chosen(text) if text else None)


def _nothing(undo: Callable[[], str]) -> None:
    """Without a profile no filter is saved, so there is nothing to undo."""
