"""Pictures of whole screens, few: a state and size that matter each. What one should see stands in the docstring."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.drafts import Drafts
from pyhall_tui.journal.journal import Journal
from pyhall_tui.monitor.link import BanListState, Link, Reach
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.registry.models import BanList, BanListEntry, Verdict
from pyhall_tui.screens.activity.screen import ActivityScreen
from pyhall_tui.screens.enroll.screen import EnrollScreen
from pyhall_tui.screens.workers.screen import WorkersScreen
from pyhall_tui.theme import DARK
from pyhall_tui.widgets.line_table import LineTable
from pyhall_tui.workspace import Workspace
from tests.clock import ManualClock
from tests.waiting import until

BANNED_HASH = "ba" * 32
PROFILE = Profile(
    name="acme-prod",
    namespace="org.acme",
    registry_url="https://registry.example",
    production=True,
    correlation_prefix="req-",
)
Make = Callable[[Workspace, Path], Screen[None]]


def verdict(worker_id: str, **fields: object) -> Verdict:
    known: dict[str, object] = {
        "known": True,
        "status": "active",
        "attested": True,
        "sha256": f"{sum(worker_id.encode()):064x}",
        "ban_word": "clean",
        "display_name": worker_id.rpartition(".")[2].title(),
        "capabilities": ("llm.text.generate",),
        "correlation_id": "req-1",
    }
    return Verdict(worker_id=worker_id, **(known | fields))  # type: ignore[arg-type]


FLEET = (
    verdict("org.acme.summarizer", sha256=BANNED_HASH),
    verdict("org.acme.mailer", banned=True, ban_reason="sent mails without consent"),
    verdict("org.acme.reader", status="revoked"),
    verdict("org.acme.gone", known=False, status=None, attested=False, sha256=None, display_name=None),
    verdict("org.acme.new", attested=False, sha256=None),
    verdict("org.acme.old", status="retired"),
    verdict("org.acme.日本語", display_name="名前 [red]"),
    verdict("org.acme.clean"),
)


class Host(App[None]):
    """One screen on a workspace that is not connected: what it knows was told by the test."""

    def __init__(self, make: Make, folder: Path, link: Link, *, age: float = 2.0) -> None:
        super().__init__()
        self._make, self._folder, self._link, self._age = make, folder, link, age

    def fleet_changed(self) -> None: ...
    def link_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...

    async def on_mount(self) -> None:
        self.register_theme(DARK)
        self.theme = DARK.name
        clock = ManualClock()
        workspace = Workspace(
            PROFILE,
            clock=clock,
            journal=Journal.in_memory(clock),
            watch_list=WatchList(self._folder, PROFILE.name),
            listener=self,
        )
        await workspace.__aenter__()
        workspace.link = self._link
        now = clock.now()
        asked = Moment(now.mono - self._age, now.wall - self._age)
        workspace.fleet.watch([*(one.worker_id for one in FLEET), "org.acme.unasked"])
        for one in FLEET:
            workspace.take_events(workspace.fleet.apply(one, asked, now))
        banned = BanList(entries={BANNED_HASH: BanListEntry(sha256=BANNED_HASH, reason="exfiltrates")})
        workspace.take_events(workspace.fleet.apply_ban_list(banned, asked, now))
        await self.push_screen(self._make(workspace, self._folder))


LIVE = Link(reach=Reach.LIVE, ban_list=BanListState.LIVE, ban_list_next=1_003.0, rate=10.0, full_rate=10.0)


@pytest.fixture(autouse=True)
def _utc(plain_environment: None) -> None:
    time.tzset()


async def settled(pilot: Pilot[None]) -> None:
    for widget in pilot.app.screen.query(Input):
        widget.cursor_blink = False
    await pilot.pause(0.6)


def workers(workspace: Workspace, folder: Path) -> Screen[None]:
    return WorkersScreen(workspace)


def test_workers_in_every_state(tmp_path: Path, snap_compare: Callable[..., bool]) -> None:
    """Bans first and loud, then what is wrong, then the quiet rest; PRODUCTION in words; the columns in line."""
    assert snap_compare(Host(workers, tmp_path, LIVE), run_before=settled, terminal_size=(80, 24))


def test_activity_after_bans(tmp_path: Path, snap_compare: Callable[..., bool]) -> None:
    """Two alarms, bold, a bar at their left edge, the newest first, the whole of it below."""

    def make(workspace: Workspace, folder: Path) -> Screen[None]:
        return ActivityScreen(workspace, Drafts(folder, "acme-prod"))

    async def listed(pilot: Pilot[None]) -> None:
        await until(lambda: len(pilot.app.screen.query_one(LineTable).keys) == 2)
        await pilot.press("down", "up")
        await settled(pilot)

    assert snap_compare(Host(make, tmp_path, LIVE), run_before=listed, terminal_size=(110, 24))


def test_an_enrollment_form_with_a_mistake(
    tmp_path: Path, snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence stands below its field, the button counts what is left, the key is masked in the request."""
    monkeypatch.setattr("pyhall_tui.screens.enroll.one.new_correlation_id", lambda prefix: f"{prefix}0")

    def make(workspace: Workspace, folder: Path) -> Screen[None]:
        return EnrollScreen(workspace, Drafts(folder, "acme-prod"))

    async def type_a_mistake(pilot: Pilot[None]) -> None:
        await pilot.pause(0.3)
        await pilot.press(*"Summarizer", "tab", *"doc.summarize", "enter", "tab", "tab", *"abc", "tab")
        await settled(pilot)

    assert snap_compare(Host(make, tmp_path, LIVE), run_before=type_a_mistake, terminal_size=(110, 30))
