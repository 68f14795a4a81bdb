"""A worker's package and its evidence in every state, in a small and in a wide terminal."""

import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import TabbedContent

from pyhall_tui.files.notes import Notes
from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.packages.dialects import Dialect
from pyhall_tui.packages.drift import Changes, Drift
from pyhall_tui.packages.package_hash import HashProgress
from pyhall_tui.packages.watch import PackageStanding
from pyhall_tui.screens.worker.attest_dialog import AttestScreen
from pyhall_tui.screens.worker.evidence import EvidenceScreen, ReceiptScreen
from pyhall_tui.screens.worker.package_tab import PackageTab
from pyhall_tui.screens.worker.report_dialog import ReportScreen
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from tests.packages.trees import DATA
from tests.pictures import Picture, picture_of
from tests.screens.canned import CannedApp, no_answer, refused
from tests.waiting import until

SMALL, WIDE = (80, 24), (140, 40)
WORKER = "wkr_abc123"
FOLDER = Path("/srv/acme/summarizer")
ATTESTED, OTHER = "a1b2c3" + "0" * 58, "d4e5f6" + "0" * 58


def drift(state: DriftState, sha256: str | None = OTHER, **fields: Any) -> Drift:
    """Return one comparison with the attested hash."""
    known: dict[str, Any] = {"state": state, "sha256": sha256, "attested": ATTESTED}
    return Drift(**(known | fields))


STATES = {
    "match": drift(DriftState.MATCH, ATTESTED, detail="The hashes match."),
    "other-order": drift(
        DriftState.OTHER_ORDER,
        dialects=(Dialect.GO,),
        detail="Same content, hashed in Go's order: neither drift nor a match. Attest the hash above.",
    ),
    "drifted": drift(
        DriftState.DRIFTED,
        changes=Changes(added=("src/new.py",), removed=("src/old.py",), changed=("src/main.py", "README.md")),
        detail="The hashes differ: the content is not what was attested.",
    ),
    "not-attested": drift(
        DriftState.NOT_ATTESTED, attested=None, detail="The registry attests no hash for this worker."
    ),
    "unreadable": drift(
        DriftState.UNREADABLE, None, detail=f"{FOLDER} cannot be hashed: model.bin: permission denied."
    ),
}


class StandingStill:
    """Replaces the package watch; the test says what it knows."""

    problem = ""

    def __init__(self) -> None:
        self.at = 0.0
        self.drift: Drift | None = None
        self.now_hashing: HashProgress | None = None

    def folder(self, worker_id: str) -> Path | None:
        return FOLDER if self.drift else None

    def standing(self, worker_id: str) -> PackageStanding | None:
        if self.drift is None:
            return None
        files = 0 if self.drift.sha256 is None else 12
        return PackageStanding(folder=str(FOLDER), drift=self.drift, at=self.at, files=files, bytes_total=files << 10)

    def is_hashing(self, worker_id: str) -> bool:
        return self.now_hashing is not None

    def progress(self, worker_id: str) -> HashProgress | None:
        return self.now_hashing

    def close(self) -> None: ...
    def wait_closed(self, timeout: float) -> None: ...


class View:
    """The worker's view of a running app, on its package."""

    def __init__(self, app: CannedApp, pilot: Pilot[None], picture: Picture, packages: StandingStill) -> None:
        self.app, self.pilot, self.workspace, self.packages = app, pilot, app.workspace, packages
        self._picture = picture

    async def show(self, drift: Drift | None) -> None:
        self.packages.drift = drift
        self.app.screen.query_one(PackageTab).show()

    async def press_for(self, key: str, screen: type[Any]) -> None:
        await self.pilot.press(key)
        await until(lambda: isinstance(self.app.screen, screen))

    async def pictures(self, name: str) -> None:
        """Take the picture small and wide."""
        await self._picture(self.pilot, name, SMALL, WIDE)


OpenView = Callable[[], AbstractAsyncContextManager[View]]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Paths are relative."""
    monkeypatch.chdir(tmp_path)
    yield


@pytest.fixture
def open_view(tmp_path: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch) -> OpenView:
    @asynccontextmanager
    async def opening() -> AsyncIterator[View]:
        app = CannedApp(lambda workspace: WorkerDetailScreen(workspace, WORKER), tmp_path)
        packages = StandingStill()
        monkeypatch.setattr(type(app.workspace), "packages", packages)
        packages.at = app.workspace.now().wall - 90
        app.workspace.fleet.watch([WORKER])
        app.workspace.learn(WORKER, sha256=ATTESTED)
        async with app.run_test(size=SMALL) as pilot:
            await until(lambda: isinstance(app.screen, WorkerDetailScreen) and app.screen.is_mounted)
            app.screen.query_one(TabbedContent).active = "package"
            await pilot.pause()
            yield View(app, pilot, picture, packages)

    return opening


@pytest.mark.thorough
async def test_the_state_of_a_package(open_view: OpenView) -> None:
    """Each state by glyph and word, both hashes if they differ, which files changed, and what to do."""
    async with open_view() as view:
        await view.pictures("no-folder")
        for name, standing in STATES.items():
            await view.show(standing)
            await view.pictures(name)
        view.packages.now_hashing = HashProgress(
            bytes_done=3 << 30, bytes_total=5 << 30, files_done=7, files_total=12, current="model.bin"
        )
        await until(lambda: "3.0 GiB of 5.0 GiB" in picture_of(view.app))
        await view.pictures("hashing")


@pytest.mark.thorough
async def test_a_hash_that_is_attested_again(open_view: OpenView) -> None:
    """Both hashes and the changed files before it is sent; the result stays in the question."""
    async with open_view() as view:
        await view.show(STATES["drifted"])
        await view.press_for("a", AttestScreen)
        await view.pictures("attest-question")
        for name, error in (
            ("attest-login", refused(401, "login required")),
            ("attest-no-way", refused(404, "no such route")),
            ("attest-unknown", no_answer()),
        ):
            view.workspace.answers.append(error)
            await view.pilot.press("y")
            await until(lambda: not view.workspace.answers and not view.app.screen._sending)  # type: ignore[attr-defined]
            await view.pictures(name)


@pytest.mark.thorough
async def test_a_hash_that_is_reported(open_view: OpenView) -> None:
    """What it means, a sentence below each wrong field, a question, and whether a login is required."""
    async with open_view() as view:
        await view.press_for("r", ReportScreen)
        await view.pictures("report")
        view.app.screen.query_one("#link").value = "example"  # type: ignore[attr-defined]
        await view.pilot.press("ctrl+s")
        await view.pictures("report-mistakes")
        view.app.screen.query_one("#link").value = "https://example.org/1"  # type: ignore[attr-defined]
        view.app.screen.query_one("#reason").value = "It sends mails without consent."  # type: ignore[attr-defined]
        await view.pilot.press("ctrl+s")
        await until(lambda: not isinstance(view.app.screen, ReportScreen))
        await view.pictures("report-question")
        view.workspace.answers.append(refused(403, "login required"))
        await view.pilot.press("y")
        await until(lambda: "login" in picture_of(view.app))
        await view.pictures("report-login")


@pytest.mark.thorough
async def test_an_evidence_log(open_view: OpenView, tmp_path: Path) -> None:
    """Whole, searched, one receipt; truncated compared with an earlier check; incomplete; a line changed; empty."""
    log = tmp_path / "evidence.log"
    shutil.copy(DATA / "evidence-chain.log", log)
    lines = log.read_text().splitlines(keepends=True)
    broken = [lines[0], json.dumps(json.loads(lines[1]) | {"receipt": {"status": "ok"}}) + "\n", lines[2]]
    async with open_view() as view:
        notes = Notes(tmp_path / "state", "acme")
        view.app.push_screen(EvidenceScreen(notes, Path("evidence.log"), view.workspace.clock))
        await until(lambda: "Whole" in picture_of(view.app))
        await view.pictures("evidence-whole")
        await view.pilot.press("slash", *"00000000-0000-4000-8000-000000000001", "enter")
        await until(lambda: "…002" not in picture_of(view.app) and "000002" not in picture_of(view.app))
        await view.pictures("evidence-searched")
        await view.press_for("enter", ReceiptScreen)
        await view.pictures("evidence-receipt")
        await view.pilot.press("escape", "escape")
        for name, content, words in (
            ("cut", "".join(lines[:2]), "Truncated"),
            ("torn", "".join(lines) + '{"entry_hash"', "line is incomplete"),
            ("broken", "".join(broken), "Broken"),
            ("empty", "", "contains no receipts"),
        ):
            log.write_text(content)
            await view.pilot.press("r")
            await until(lambda words=words: words in picture_of(view.app))  # type: ignore[misc]
            await view.pictures(f"evidence-{name}")
