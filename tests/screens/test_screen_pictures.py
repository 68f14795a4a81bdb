"""A few pictures of whole screens, each in an important state and size. The docstring says what you should see."""

from pathlib import Path

import msgspec
import pytest
from textual.screen import Screen

from pyhall_tui.clock import Moment
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.registry.models import BanList, BanListEntry
from pyhall_tui.screens.activity.screen import ActivityScreen
from pyhall_tui.screens.workers.screen import WorkersScreen
from pyhall_tui.widgets.line_table import LineTable
from tests.pictures import Picture
from tests.screens.canned import PROFILE, CannedApp, CannedWorkspace
from tests.waiting import until

BANNED_HASH = "ba" * 32
PRODUCTION = msgspec.structs.replace(PROFILE, production=True)


def learn_a_fleet(workspace: CannedWorkspace) -> None:
    """A worker in each state, as of two seconds ago; one was never verified."""
    unknown = {"status": None, "attested": False, "sha256": None, "display_name": None}
    for worker_id, fields in (
        ("org.acme.summarizer", {"sha256": BANNED_HASH}),
        ("org.acme.mailer", {"banned": True, "ban_reason": "sent mails without consent"}),
        ("org.acme.reader", {"status": "revoked"}),
        ("org.acme.gone", {"known": False, **unknown}),
        ("org.acme.new", {"attested": False, "sha256": None}),
        ("org.acme.old", {"status": "retired"}),
        ("org.acme.日本語", {"display_name": "名前 [red]"}),
        ("org.acme.clean", {}),
    ):
        workspace.learn(worker_id, **({"sha256": f"{sum(worker_id.encode()):064x}"} | fields))
    workspace.fleet.watch(["org.acme.unasked"])
    now = workspace.now()
    banned = BanList(entries={BANNED_HASH: BanListEntry(sha256=BANNED_HASH, reason="exfiltrates")})
    asked = Moment(now.mono - 2, now.wall - 2)
    workspace.take_events(workspace.fleet.apply_ban_list(banned, asked, now))


@pytest.fixture
def folder(tmp_path: Path, plain_environment: None) -> Path:
    return tmp_path


async def test_workers_in_every_state(folder: Path, picture: Picture) -> None:
    """Bans first and highlighted, then what is wrong, then the quiet rest; columns align after wide characters."""

    def make(workspace: CannedWorkspace) -> Screen[None]:
        learn_a_fleet(workspace)
        return WorkersScreen(workspace)

    app = CannedApp(make, folder, PRODUCTION)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.screen.query(LineTable) and app.screen.query_one(LineTable).keys)
        await picture(pilot, "workers", (80, 24), (140, 40))


async def test_activity_after_bans(folder: Path, picture: Picture) -> None:
    """Two alarms, bold, a bar at their left edge, the newest first, the whole of it below."""

    def make(workspace: CannedWorkspace) -> Screen[None]:
        learn_a_fleet(workspace)
        return ActivityScreen(workspace, Drafts(folder, PRODUCTION.name))

    app = CannedApp(make, folder, PRODUCTION)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.screen.query(LineTable) and len(app.screen.query_one(LineTable).keys) == 2)
        await pilot.press("down", "up")
        await picture(pilot, "activity", (80, 24), (140, 40))
