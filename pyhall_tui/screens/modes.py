"""Makes the screens of the bar for what is open. Each is imported when it is first shown."""

from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.screen import Screen

from pyhall_tui.clock import Clock
from pyhall_tui.fleets.fleets import Fleets
from pyhall_tui.paths import Home
from pyhall_tui.workspace import Workspace


def opening_screen() -> Screen[None]:
    """Return what is shown while another profile is opened."""
    from pyhall_tui.screens.splash import OpeningScreen

    return OpeningScreen()


def overview_screen(fleets: Fleets, clock: Clock) -> Screen[None]:
    """Return the screen of all profiles, which works without an open one too."""
    from pyhall_tui.screens.overview.screen import OverviewScreen

    return OverviewScreen(fleets.workspace, fleets, fleets.store, clock)


async def leave_pushed(app: App[Any]) -> None:
    """Leave what was opened over a screen of the bar, except for a dialog, which may hold typed text."""
    while len(app.screen_stack) > 1 and not app.screen.is_modal:
        await app.pop_screen()


def screens_of(workspace: Workspace, home: Home) -> dict[str, Callable[[], Screen[None]]]:
    """Return how to make each screen that needs an open profile, by mode."""

    def workers() -> Screen[None]:
        from pyhall_tui.screens.workers.screen import WorkersScreen

        return WorkersScreen(workspace)

    def enroll() -> Screen[None]:
        from pyhall_tui.files.drafts import Drafts
        from pyhall_tui.screens.enroll.screen import EnrollScreen

        return EnrollScreen(workspace, Drafts(home.state, workspace.profile.name))

    def dispatch() -> Screen[None]:
        from pyhall_tui.screens.dispatch.screen import DispatchScreen

        return DispatchScreen(workspace, home)

    def activity() -> Screen[None]:
        from pyhall_tui.files.drafts import Drafts
        from pyhall_tui.screens.activity.screen import ActivityScreen

        return ActivityScreen(workspace, Drafts(home.state, workspace.profile.name))

    return {"workers": workers, "enroll": enroll, "dispatch": dispatch, "activity": activity}
