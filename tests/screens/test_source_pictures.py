"""The header and the bands, while one source fails, both do, or nothing answers. The docstring says what you see."""

from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen

from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability
from pyhall_tui.monitor.sources import Source
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.messages import ConnectionChanged
from pyhall_tui.screens.workers.screen import WorkersScreen
from tests.pictures import Picture
from tests.screens.canned import LIVE, CannedApp, CannedWorkspace
from tests.waiting import until

REFUSED = Source(word="403", answered=999.0, failures=329)
SAID = "The registry answered 403: not of this namespace."
ADVICE = "Use a key for this namespace, or the namespace of this key."
NO_LIST = {
    "ban_list": BanListState.FAILING,
    "ban_list_down": True,
    "ban_list_sentence": "The registry answered 404: no such route.",
    "ban_list_source": Source(word="404", answered=998.0, failures=3),
}
NO_VERIFY = {
    "reach": Reachability.VERIFY_FAILING,
    "since_wall": 1_700_000_000.0,
    "sentence": SAID,
    "advice": ADVICE,
    "fault": "403",
    "verify_source": REFUSED,
}
SILENT = Source(word="timed out", answered=960.0, unheard=999.0, failures=12)
STATES: dict[str, dict[str, Any]] = {
    "well": {},
    "verify-refused": NO_VERIFY,
    "list-failing": NO_LIST,
    "list-truncated": {"ban_list": BanListState.TRUNCATED},
    "both": NO_VERIFY | NO_LIST,
    "silent": {"verify_source": Source(answered=985.0, unheard=999.0), "ban_list_source": Source(answered=984.0)},
    "lost": {
        "reach": Reachability.LOST,
        "since_wall": 1_700_000_000.0,
        "sentence": "No whole answer came from registry.example within 10 s.",
        "advice": "Check the network, or raise the profile's timeout.",
        "next_try": 1_004.0,
        "ban_list": BanListState.FAILING,
        "ban_list_source": SILENT,
        "verify_source": SILENT,
    },
}


def state_of(fields: dict[str, Any]) -> ConnectionState:
    known: dict[str, Any] = {
        "reach": LIVE.reach,
        "ban_list": LIVE.ban_list,
        "rate": LIVE.rate,
        "full_rate": LIVE.full_rate,
        "ban_list_source": Source(answered=998.0, took=0.1),
        "verify_source": Source(answered=999.0, took=0.1),
    }
    return ConnectionState(**(known | fields))


@pytest.fixture
def folder(tmp_path: Path, plain_environment: None) -> Path:
    return tmp_path


async def test_header_and_bands_name_the_source_that_fails(folder: Path, picture: Picture) -> None:
    """F53, F54: the header marks each source; a band below says why, one for each; `live` only if all is well."""

    def make(workspace: CannedWorkspace) -> Screen[None]:
        workspace.learn("org.acme.clean")
        return WorkersScreen(workspace)

    app = CannedApp(make, folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: isinstance(app.screen, ModeScreen) and app.screen.is_mounted)
        assert app.workspace.now().mono == 1_000.0
        for size in ((80, 24), (120, 30)):
            await pilot.resize_terminal(*size)
            for name, fields in STATES.items():
                app.workspace.connection.state = state_of(fields)
                app.screen.post_message(ConnectionChanged())
                await picture(pilot, name, lines=10)


async def test_a_full_disk_is_named_beside_a_registry_that_refuses(
    folder: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F60, F61: nothing that stands is left out for something worse; what finds no room is counted."""
    troubles = (
        "The journal cannot be written (no space left on device): what happens now is kept in memory.",
        "The watch list cannot be written to /data/acme.jsonl (no space left on device): "
        "until it can be, your changes last for this run only.",
        "The draft of a new profile cannot be kept (no space left on device).",
    )
    monkeypatch.setattr(CannedWorkspace, "troubles", property(lambda workspace: troubles))
    app = CannedApp(WorkersScreen, folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: isinstance(app.screen, ModeScreen) and app.screen.is_mounted)
        app.workspace.connection.state = state_of(STATES["both"])
        app.screen.post_message(ConnectionChanged())
        await picture(pilot, "disk-full", (80, 24), (120, 30), lines=12)
