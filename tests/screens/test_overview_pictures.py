"""The overview in its states. The docstring says what you should see."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from textual.screen import Screen

from pyhall_tui.monitor.connection_state import ConnectionState, Reachability
from pyhall_tui.monitor.sources import Source
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.screens.overview.screen import OverviewScreen
from pyhall_tui.workspace import Workspace
from tests.pictures import Picture
from tests.screens.canned import LIVE, PROFILE, CannedApp, CannedWorkspace
from tests.screens.test_screen_pictures import learn_a_fleet
from tests.screens.test_source_pictures import STATES, state_of
from tests.waiting import until


class Kept(NamedTuple):
    profile: Profile
    workspace: Workspace | None
    sentence: str = ""
    is_open: bool = False
    is_chosen: bool = True


class Shown:
    """Four profiles: one is open, one has a lost registry, one has no key, one has a mistake."""

    def __init__(self, kept: Sequence[Kept]) -> None:
        self.kept, self.news = kept, 0

    def look_at_file(self) -> None: ...


def named(name: str, **fields: Any) -> Profile:
    return msgspec.structs.replace(
        PROFILE, name=name, namespace=f"org.{name}", registry_url=f"https://{name}.example", **fields
    )


GOOD = {"ban_list_source": Source(answered=998.0), "verify_source": Source(answered=999.0)}


@pytest.fixture
def folder(tmp_path: Path, plain_environment: None) -> Path:
    return tmp_path


async def test_profiles_in_their_states(folder: Path, picture: Picture) -> None:
    """A row for each profile with what is wrong in words; below, the workers of those that run, bans first."""

    def make(workspace: CannedWorkspace) -> Screen[None]:
        learn_a_fleet(workspace)
        workspace.connection.state = msgspec.structs.replace(LIVE, **GOOD)
        lost, keyless = (CannedWorkspace(folder, app, named(name)) for name in ("customer", "staging"))
        lost.learn("org.customer.reader")
        lost.learn("org.acme.mailer", banned=True)
        lost.connection.state = state_of(STATES["lost"])
        keyless.connection.state = ConnectionState(reach=Reachability.NO_KEY)
        shown = Shown(
            [
                Kept(workspace.profile, workspace, is_open=True, is_chosen=False),
                Kept(lost.profile, lost),
                Kept(
                    keyless.profile, keyless, "There is no key yet for staging at https://staging.example: type it in."
                ),
                Kept(named("test"), None, "PYHALL_NAMESPACE (org. test) is not a namespace."),
            ]
        )
        return OverviewScreen(workspace, shown, ProfileStore(folder / "profiles.toml"), workspace.clock)

    app = CannedApp(make, folder, named("acme", production=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.screen.query("#all") and app.screen.query_one("#all").keys)  # type: ignore[attr-defined]
        await picture(pilot, "profiles", (80, 24), (120, 36), (200, 55))
        await pilot.press("down", "down", "tab")
        await picture(pilot, "no-key", (80, 24))


async def test_without_a_profile(folder: Path, picture: Picture) -> None:
    """How to begin is said in words."""

    def make(workspace: CannedWorkspace) -> Screen[None]:
        return OverviewScreen(None, Shown([]), ProfileStore(folder / "profiles.toml"), workspace.clock)

    app = CannedApp(make, folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.screen.query("#all"))
        await picture(pilot, "nothing", (80, 24))
