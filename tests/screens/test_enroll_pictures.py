"""Every state of the enrollment, with the form and with a batch, in a small and in a wide terminal."""

import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from pyhall_tui.enroll.batch import RowState, counts
from pyhall_tui.enroll.record import read_record_at
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.packages.package_hash import Cancelled, HashProgress, PackageHash, hash_package
from pyhall_tui.screens.enroll.ask import AskScreen
from pyhall_tui.screens.enroll.hashed import HashedScreen
from pyhall_tui.screens.enroll.record import Picked
from pyhall_tui.screens.enroll.screen import EnrollScreen
from tests.packages.trees import write_tree
from tests.pictures import Picture, picture_of
from tests.screens.canned import CannedApp, enrolled, no_answer, refused
from tests.waiting import until

SMALL, WIDE = (80, 24), (140, 40)
HASH = "a1b2c3" + "0" * 58
MANIFEST = {
    "schema_version": "awp.v1",
    "worker_id": "org.acme.summarizer.prod-01",
    "worker_species_id": "wrk.doc.summarizer",
    "package_hash": "b" * 64,
    "trust_statement": "Built by acme's CI.",
    "signature_hmac_sha256": "c" * 64,
    "of_ours": 1,
}


class Form:
    """The form of a running app."""

    def __init__(self, app: CannedApp, pilot: Pilot[None], picture: Picture) -> None:
        self.app, self.pilot, self.workspace = app, pilot, app.workspace
        self._picture = picture

    @property
    def screen(self) -> EnrollScreen:
        screen = self.app.screen_stack[1]
        assert isinstance(screen, EnrollScreen)
        return screen

    def fill(self, name: str = "Summarizer EU", capabilities: tuple[str, ...] = ("doc.summarize",)) -> None:
        self.screen.one.take({"display_name": name, "capabilities": capabilities, "sha256": HASH})

    async def send(self, answer: object) -> None:
        """Send the form; `answer` comes at once."""
        self.workspace.answers.append(answer)
        await self.pilot.press("ctrl+s")
        await until(lambda: not self.workspace.answers and not self.screen.one._sending)

    async def pictures(self, name: str) -> None:
        """Take the picture small and wide."""
        await self._picture(self.pilot, name, SMALL, WIDE)


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Paths are relative, ids are counted, the version is one that stays, no secret is set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pyhall_tui.enroll.request.__version__", "0.1.0")
    monkeypatch.setattr("pyhall_tui.screens.enroll.single.new_correlation_id", lambda prefix: f"{prefix}0")
    monkeypatch.delenv("WCP_ATTEST_HMAC_KEY", raising=False)
    yield


@pytest.fixture
def open_form(tmp_path: Path, picture: Picture) -> Callable[[], AbstractAsyncContextManager[Form]]:
    @asynccontextmanager
    async def opening() -> AsyncIterator[Form]:
        app = CannedApp(lambda workspace: EnrollScreen(workspace, Drafts(tmp_path / "state", "acme")), tmp_path)
        async with app.run_test(size=SMALL) as pilot:
            await until(lambda: isinstance(app.screen, EnrollScreen) and app.screen.focused is not None)
            yield Form(app, pilot, picture)

    return opening


OpenForm = Callable[[], AbstractAsyncContextManager[Form]]


@pytest.mark.thorough
async def test_a_form_that_is_typed(open_form: OpenForm) -> None:
    """Empty; a sentence below each wrong field; all checks passed; being sent, with the button disabled."""
    async with open_form() as form:
        await form.pictures("empty")
        form.screen.query_one("#sha256", Input).value = "abc"
        await form.pilot.press("ctrl+s")
        await form.pictures("mistakes")
        form.fill()
        await until(lambda: not form.screen.form.mistakes())
        await form.pictures("filled")
        await form.pilot.press("ctrl+s")
        await until(lambda: form.screen.one._sending)
        await form.pictures("sending")


@pytest.mark.thorough
async def test_a_package_that_is_hashed(open_form: OpenForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The progress, with a cancel; then what was hashed, what was left out, and the warnings first."""
    write_tree(tmp_path / "worker", {"src/main.py": "run()", ".env": "A=1", "\u00e9": "", "e\u0301": "", "x.pyc": ""})
    go_on = threading.Event()

    def slowly(root: Path, **options: Any) -> PackageHash:
        half = HashProgress(bytes_done=3 << 30, bytes_total=5 << 30, files_done=2, files_total=5, current="src/main.py")
        options["on_progress"](half)
        while not go_on.wait(0.01):
            if options["cancelled"]():
                raise Cancelled
        return hash_package(root)

    monkeypatch.setattr("pyhall_tui.screens.enroll.package.hash_package", slowly)
    async with open_form() as form:
        form.screen.form.package.start(Path("worker"))
        await until(lambda: "3.0 GiB of 5.0 GiB" in picture_of(form.app))
        await form.pictures("hashing")
        go_on.set()
        await until(lambda: form.screen.form.package.listing is not None)
        await form.pictures("hashed")
        await form.pilot.press("ctrl+g")
        await until(lambda: isinstance(form.app.screen, HashedScreen))
        await form.pictures("files")
        await form.pilot.press("escape")
        (tmp_path / "worker" / "gone").symlink_to("nowhere")
        form.screen.form.package.start(Path("worker"))
        await until(lambda: "cannot be hashed" in picture_of(form.app))
        await form.pictures("unreadable")


@pytest.mark.thorough
async def test_a_manifest_that_is_not_of_its_package(open_form: OpenForm, tmp_path: Path) -> None:
    """What matches, what is unproven, what stops it; the question that requires words has the cursor in its field."""
    write_tree(tmp_path / "worker", {"manifest.json": json.dumps(MANIFEST), "main.py": "run()"})
    async with open_form() as form:
        form.screen.form.record._picked(Picked(*read_record_at(Path("worker"))))
        await until(lambda: form.screen.form.record.stops)
        form.screen.form.capabilities.show(["doc.summarize"])
        await form.pilot.pause()
        await form.pictures("mismatch")
        await form.pilot.press("ctrl+s")
        await until(lambda: isinstance(form.app.screen, AskScreen))
        await form.pictures("mismatch-question")


@pytest.mark.thorough
async def test_what_the_registry_answers(open_form: OpenForm) -> None:
    """Each answer says what came, whether it arrived, and what to do; nothing that was typed is gone."""
    async with open_form() as form:
        for name, error in (
            ("401", refused(401, "key revoked")),
            ("422", refused(422, "sha256 is on the ban list")),
            ("429", refused(429, "slow down", retry_after=12.0)),
        ):
            form.fill()
            await form.send(error)
            await form.pictures(f"answered-{name}")


@pytest.mark.parametrize(
    ("status", "text"), [(409, "display_name is taken in this namespace"), (500, "database is down")]
)
@pytest.mark.thorough
async def test_an_answer_that_leaves_the_outcome_open(open_form: OpenForm, status: int, text: str) -> None:
    """F65: a 409 may be about an earlier try of this very worker."""
    async with open_form() as form:
        form.fill()
        await form.send(refused(status, text))
        await form.pictures(f"answered-{status}")


@pytest.mark.thorough
async def test_an_enrollment_without_a_known_answer(open_form: OpenForm) -> None:
    """The reminder stays above the form; the next send asks first."""
    async with open_form() as form:
        form.fill()
        await form.send(no_answer())
        await form.pictures("unknown")
        await form.pilot.press("ctrl+s")
        await until(lambda: isinstance(form.app.screen, AskScreen))
        await form.pictures("unknown-question")


@pytest.mark.thorough
async def test_a_worker_that_is_enrolled(open_form: OpenForm) -> None:
    """The form is empty again; beside the button and on the right what the registry says about the worker."""
    async with open_form() as form:
        form.fill()
        await form.send(enrolled("wkr_abc123"))
        await form.pictures("enrolled")
        form.workspace.learn("wkr_abc123", sha256=HASH)
        form.screen.fleet_changed()
        await form.pictures("verified")


@pytest.mark.thorough
async def test_a_batch(open_form: OpenForm, tmp_path: Path) -> None:
    """Checked, confirmed, running, stopped, then done with one row each refused, unknown and enrolled."""
    rows = [{"display_name": f"Worker {n}", "capabilities": ["doc.summarize"], "sha256": f"{n:064x}"} for n in range(7)]
    rows[1] |= {"sha256": "PENDING_ATTESTATION"}
    rows[2] |= {"namespace": "org.other"}
    (tmp_path / "workers.jsonl").write_text("\n".join(map(json.dumps, rows)))
    async with open_form() as form:
        pane, answers = form.screen.many, form.workspace.answers
        await form.pilot.press("ctrl+b")
        await form.pictures("batch-empty")
        await form.pilot.press(*"workers.jsonl", "enter")
        await until(lambda: pane._items and not pane._busy)
        await form.pictures("batch-checked")
        await form.pilot.press("ctrl+s")
        await until(lambda: isinstance(form.app.screen, AskScreen))
        await form.pictures("batch-question")
        answers.append(enrolled("wkr_0"))
        await form.pilot.press("y")
        await until(lambda: counts(pane._items).get(RowState.SENDING) == 1 and not answers and not pane._changed)
        await form.pictures("batch-running")
        pane.stop()
        answers.append(enrolled("wkr_3"))
        await until(lambda: not pane._busy and not pane._changed)
        await form.pictures("batch-stopped")
        answers += [refused(422, "sha256 is on the ban list"), no_answer(), enrolled("wkr_6")]
        await form.pilot.press("ctrl+s", "y")
        await until(lambda: not answers and not pane._busy and not pane._changed)
        await form.pilot.press("end", "up")
        await form.pictures("batch-done")
