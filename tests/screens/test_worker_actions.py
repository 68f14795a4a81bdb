"""What you can do with a worker's package: in the real app, with a real hall and real files."""

import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input, TabbedContent

from pyhall_tui.files.notes import Notes
from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.fleet.events import Event, Kind
from pyhall_tui.hall.models import Worker
from pyhall_tui.packages.package_hash import hash_package
from pyhall_tui.paths import Home
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.screens.enroll.pick_package import PickPackageScreen
from pyhall_tui.screens.worker.attest_dialog import AttestScreen
from pyhall_tui.screens.worker.evidence import EvidenceScreen
from pyhall_tui.screens.worker.report_dialog import ReportScreen
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from pyhall_tui.screens.workers.screen import WorkersScreen
from pyhall_tui.widgets.line_table import LineTable
from tests.live_hall import HASH, WORKER, LiveHall
from tests.packages.trees import DATA, go_hash, typescript_hash, write_tree
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.typist import settled, write
from tests.waiting import until

FILES = {"src/a.py": "1", "src-x/b.py": "2", "README.md": "3"}
LOG = DATA / "evidence-chain.log"
View = Callable[..., AbstractAsyncContextManager[OpenedApp]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "package", FILES)


@pytest.fixture
def view(open_app: OpenApp, hall: LiveHall, home: Home) -> View:
    """Open a worker's view on its package: `async with view(folder) as opened`."""

    @asynccontextmanager
    async def opening(
        folder: Path | None = None, *, read_only: bool = False, **options: Any
    ) -> AsyncIterator[OpenedApp]:
        profile = profile_of(hall, read_only=read_only)
        watched = WatchList(home.data, profile.name)
        watched.add([WORKER])
        watched.set_folder(WORKER, str(folder) if folder else None)
        async with open_app(profile, key=hall.key, **options) as opened:
            await until(lambda: entry_of(opened).verdict is not None, clock=opened.clock)
            await until(lambda: opened.screen.query(LineTable))
            opened.screen.query_one(LineTable).focus()
            await opened.pilot.press("enter")
            await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
            opened.screen.query_one(TabbedContent).active = "package"
            await opened.pilot.pause()
            yield opened

    return opening


def entry_of(opened: OpenedApp) -> Entry:
    entry = opened.workspace.fleet.get(WORKER)
    assert entry is not None
    return entry


def worker_in(hall: LiveHall) -> Worker:
    worker = hall.store.worker(WORKER)
    assert worker is not None
    return worker


def said(opened: OpenedApp) -> str:
    return "\n".join(opened.said())


def events(opened: OpenedApp, kind: Kind) -> list[Event]:
    return [event for event in opened.workspace.recent_events(WORKER) if event.kind is kind]


def sent_to(hall: LiveHall, path: str) -> list[Any]:
    return [json.loads(request.body or b"{}") for request in hall.requests if request.raw_path.endswith(path)]


def attest_in(hall: LiveHall, sha256: str) -> None:
    hall.add_worker(WORKER, sha256=sha256)


def words_of(opened: OpenedApp) -> str:
    """Return what is on the screen, without line breaks and frames."""
    return " ".join(opened.text().replace("│", " ").split())


async def drift_is(opened: OpenedApp, word: str) -> None:
    await until(lambda: entry_of(opened).drift == word, clock=opened.clock)
    await opened.pilot.pause()


async def type_path(opened: OpenedApp, path: Path) -> None:
    await until(lambda: isinstance(opened.screen, PickPackageScreen))
    opened.screen.query_one("#path", Input).value = str(path)
    opened.screen.query_one("#path", Input).focus()
    await opened.pilot.press("enter")


@pytest.mark.thorough
async def test_a_worker_without_a_folder_says_how_to_give_it_one_and_still_opens_its_evidence(view: View) -> None:
    async with view() as opened:
        assert "No folder is chosen" in opened.text()
        await opened.pilot.press("a")
        await opened.pilot.press("d")
        assert "Choose the package's folder first (p)" in said(opened)
        await opened.pilot.press("e")
        await type_path(opened, LOG)
        await until(lambda: isinstance(opened.screen, EvidenceScreen) and "● Whole: 3 receipts" in opened.text())


@pytest.mark.thorough
async def test_from_a_folder_to_drift_and_a_new_attestation(view: View, hall: LiveHall, folder: Path) -> None:
    attest_in(hall, hash_package(folder).sha256)
    async with view() as opened:
        await opened.pilot.press("p")
        await type_path(opened, folder)
        await drift_is(opened, "match")
        await until(lambda: "The hashes match." in opened.text())

        write_tree(folder, {"src/a.py": "changed", "new.py": "4"})
        await drift_is(opened, "drifted")
        drifted = hash_package(folder).sha256
        assert entry_of(opened).last_state() is State.DRIFTED
        assert "src/a.py" in events(opened, Kind.DRIFTED)[0].detail
        for words in ("▲ drifted", drifted, worker_in(hall).sha256, "1 changed, 1 new", "new.py", "attest again (a)"):
            assert words is not None and words in opened.text()

        await opened.pilot.press("escape")
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        await opened.pilot.pause()
        assert "PACKAGE" in opened.text() and "▲ drifted" in opened.text(), "the table has it as a column too"
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
        await opened.pilot.press("a")
        await until(lambda: isinstance(opened.screen, AttestScreen))
        await opened.pilot.pause()
        for words in (WORKER, drifted, worker_in(hall).sha256, "src/a.py", "new.py"):
            assert words is not None and words in opened.text()
        assert sent_to(hall, "/attest") == [], "nothing is sent before the confirmation"
        assert opened.app.focused is opened.screen.query_one("#attest-no", Button), "the safe answer has the focus"
        await opened.pilot.press("y")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
        await drift_is(opened, "match")
        assert sent_to(hall, "/attest") == [{"sha256": drifted, "ai_generated": False}]
        assert worker_in(hall).sha256 == drifted
        sent = events(opened, Kind.ATTEST_SENT)[0]
        assert (sent.after, sent.correlation_id) == ("taken", hall_id_of(hall, "/attest"))
        assert events(opened, Kind.DRIFT_ENDED)


def hall_id_of(hall: LiveHall, path: str) -> str:
    request = next(request for request in hall.requests if request.raw_path.endswith(path))
    return dict(request.headers)["x-correlation-id"]


@pytest.mark.thorough
async def test_what_is_cancelled_or_changes_while_one_is_asked_is_not_attested(
    view: View, hall: LiveHall, folder: Path
) -> None:
    async with view(folder) as opened:
        await drift_is(opened, "drifted")
        await opened.pilot.press("a", "enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
        await opened.pilot.press("a")
        before = opened.workspace.packages.standing(WORKER)
        write_tree(folder, {"src/a.py": "changed meanwhile"})
        await until(lambda: opened.workspace.packages.standing(WORKER) is not before)
        await opened.pilot.press("y")
        await opened.pilot.pause()
        assert "has changed since this question" in opened.text()
        assert sent_to(hall, "/attest") == []


@pytest.mark.thorough
async def test_another_sdks_order_is_reported_in_words_with_what_to_do_and_what_it_leaves_out(
    view: View, hall: LiveHall, folder: Path
) -> None:
    attest_in(hall, go_hash(hash_package(folder)))
    async with view(folder) as opened:
        await drift_is(opened, "other order")
        assert entry_of(opened).last_state() is State.CLEAN, "the content is the same: no drift"
        await until(lambda: "Same content, hashed in Go's" in opened.text())
        assert "attest again (a) to give the registry this one" in opened.text()

        (folder / "link.py").symlink_to(folder / "src/a.py")
        attest_in(hall, typescript_hash(hash_package(folder)))
        await opened.pilot.press("v")
        await until(lambda: "not covered" in opened.text(), clock=opened.clock)
        assert "link.py" in opened.text(), "a file of which TypeScript's hash says nothing"


async def test_a_folder_that_is_gone_is_unreadable_and_names_why(view: View, folder: Path) -> None:
    shutil.rmtree(folder)
    async with view(folder, size=(80, 24)) as opened:
        await drift_is(opened, "unreadable")
        assert entry_of(opened).last_state() is State.DRIFTED, "what cannot be read is never clean"
        await until(lambda: "there is no such file or folder" in words_of(opened))
        for name in ("folder", "rehash", "attest", "report", "evidence", "no-folder"):
            button = opened.screen.query_one(f"#package-{name}", Button)
            assert opened.screen.region.contains_region(button.region), f"{name} is on screen at 80 by 24"
        await opened.pilot.press("a")
        assert "There is no hash to attest" in said(opened)
        write_tree(folder, FILES)
        await opened.pilot.press("d")
        await drift_is(opened, "drifted")


async def test_a_ban_by_hash_outranks_the_match_of_its_folder(view: View, hall: LiveHall, folder: Path) -> None:
    sha256 = hash_package(folder).sha256
    attest_in(hall, sha256)
    async with view(folder) as opened:
        await drift_is(opened, "match")
        hall.store.ban_hash(sha256, "exfiltrates")
        await until(lambda: entry_of(opened).last_state() is State.BANNED, clock=opened.clock)
        assert entry_of(opened).drift == "match"


async def test_each_refusal_of_an_attestation_stays_in_sight_and_none_is_sent_again_by_itself(
    view: View, hall: LiveHall, folder: Path
) -> None:
    hall.store.ban_hash(hash_package(folder).sha256, "exfiltrates")
    async with view(folder) as opened:
        await drift_is(opened, "drifted")
        await until(lambda: opened.workspace.fleet.listing, clock=opened.clock)
        await opened.pilot.press("a")
        await opened.pilot.pause()
        assert "This hash is on the ban list: exfiltrates" in opened.text()
        await opened.pilot.press("y")
        await until(lambda: "The registry refused it" in opened.text())

        hall.faults.add(path="/api/v1/workers/*", status=405, count=1)
        await opened.pilot.press("y")
        await until(lambda: "no way to attest a new hash (it answered 405)" in words_of(opened))

        hall.faults.add(path="/api/v1/workers/*", status=500, count=1)
        await opened.pilot.press("y")
        await until(
            lambda: "It may have reached the registry, and is never sent again automatically" in words_of(opened)
        )
        assert isinstance(opened.screen, AttestScreen)
        assert len(sent_to(hall, "/attest")) == 3, "once for each confirmation"
        outcomes = [event.after for event in events(opened, Kind.ATTEST_SENT)]
        assert outcomes == ["outcome unknown", "refused", "refused"], "the newest first"


async def test_an_attestation_that_is_refused_at_once_is_not_sent_again_by_the_keys_behind(
    view: View, hall: LiveHall, folder: Path
) -> None:
    """F47: three keys in one read, and a hall that has refused the first before the second gets its turn."""
    hall.faults.add(path="/api/v1/workers/*", status=400)
    async with view(folder) as opened:
        await drift_is(opened, "drifted")
        await opened.pilot.press("a")
        await until(lambda: isinstance(opened.screen, AttestScreen))
        await opened.pilot.pause()
        write(opened.app, "y", "y", "y")
        await settled(opened.app)
        await until(lambda: sent_to(hall, "/attest"))
        await settled(opened.app)
        await until(lambda: not opened.screen.query_one("#attest-yes", Button).disabled)
        await settled(opened.app)
        assert len(sent_to(hall, "/attest")) == 1


async def test_a_read_only_profile_attests_and_reports_nothing_but_may_forget_its_folder(
    view: View, hall: LiveHall, folder: Path, home: Home
) -> None:
    """F45."""
    async with view(folder, read_only=True) as opened:
        await drift_is(opened, "drifted")
        for key in ("a", "r"):
            before = said(opened).count("read-only")
            await opened.pilot.press(key)
            assert said(opened).count("read-only") > before
            assert isinstance(opened.screen, WorkerDetailScreen)
        assert sent_to(hall, "/attest") == sent_to(hall, "/report") == []
        await opened.pilot.click("#package-no-folder")
        await until(lambda: entry_of(opened).drift is None)
        assert entry_of(opened).last_state() is State.CLEAN
        assert not events(opened, Kind.DRIFT_ENDED), "what a person does is no event"
    assert WatchList(home.data, "acme").load()[0].folder is None


@pytest.mark.thorough
async def test_drift_is_known_at_the_next_start_and_is_not_a_new_event(view: View, folder: Path) -> None:
    async with view(folder) as opened:
        await drift_is(opened, "drifted")
        assert len(events(opened, Kind.DRIFTED)) == 1
    async with view(folder) as opened:
        await until(
            lambda: opened.workspace.packages.standing(WORKER) and not opened.workspace.packages.is_hashing(WORKER)
        )
        assert entry_of(opened).drift == "drifted"
        assert [event.count for event in events(opened, Kind.DRIFTED)] == [1]


async def fill_report(opened: OpenedApp, reason: str, link: str) -> None:
    await opened.pilot.press("r")
    await until(lambda: isinstance(opened.screen, ReportScreen))
    opened.screen.query_one("#reason", Input).value = reason
    opened.screen.query_one("#link", Input).value = link
    await opened.pilot.press("ctrl+s")
    await opened.pilot.pause()


@pytest.mark.thorough
async def test_a_report_is_checked_confirmed_and_sent_with_reason_and_link(view: View, hall: LiveHall) -> None:
    async with view() as opened:
        for reason, link, sentence in (
            ("", "", "Say why"),
            ("leaks", "acme.example/1", "a full address"),
            ("leaks", "file:///etc/x", "a full address"),
        ):
            await fill_report(opened, reason, link)
            assert isinstance(opened.screen, ReportScreen)
            assert sentence in opened.text()
            await opened.pilot.press("escape")

        await fill_report(opened, "exfiltrates mail", "https://acme.example/1")
        assert isinstance(opened.screen, AskScreen)
        assert "exfiltrates mail" in opened.text() and sent_to(hall, "/report") == []
        await opened.pilot.press("y")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
        body = {"reason": "exfiltrates mail", "evidence_url": "https://acme.example/1"}
        assert sent_to(hall, "/report") == [{"sha256": worker_in(hall).sha256, **body}]
        assert events(opened, Kind.HASH_REPORTED)[0].after == "taken"


async def test_a_registry_that_wants_a_login_is_reported_as_such_and_nothing_typed_is_lost(
    view: View, hall: LiveHall, home: Home
) -> None:
    hall.faults.add(path="/api/v1/ban-list/report", status=403)
    async with view() as opened:
        await fill_report(opened, "exfiltrates mail", "")
        await opened.pilot.press("y")
        await until(lambda: "require a personal login for reports" in words_of(opened))
        assert opened.screen.query_one("#reason", Input).value == "exfiltrates mail"
    assert Notes(home.state, "acme").load("report", WORKER, dict) == {"reason": "exfiltrates mail", "link": ""}


async def test_the_full_hash_is_on_one_line_in_80_columns(open_app: OpenApp, hall: LiveHall) -> None:
    """F80: so that the terminal can select it whole."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 24)) as opened:
        await until(lambda: "clean" in opened.text(), clock=opened.clock)
        await opened.pilot.press("enter")
        await until(lambda: HASH in opened.text())
