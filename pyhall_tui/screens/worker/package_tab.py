"""The worker's package: the folder, how it compares with what is attested, which files changed, what you can do."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, ProgressBar, Static

from pyhall_tui.packages.package_hash import HashProgress
from pyhall_tui.packages.watch import PackageStanding
from pyhall_tui.render.package import READ_ONLY, FileRow, file_rows, package_lines, why_not_attest
from pyhall_tui.render.text import clean
from pyhall_tui.screens.enroll.pick_package import PickPackageScreen
from pyhall_tui.screens.hash_reports import hash_sender, sent_reports
from pyhall_tui.screens.worker.attest_dialog import AttestScreen
from pyhall_tui.screens.worker.evidence import EvidenceScreen
from pyhall_tui.screens.worker.report_dialog import ReportScreen
from pyhall_tui.widgets.cells import as_lines
from pyhall_tui.widgets.key_bar import key_name, key_names
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.workspace import Workspace

_COLUMNS = (
    Column("what", "WHAT", 11, sortable=False),
    Column("path", "FILE", 24, flex=1, sortable=False, is_id=True, most=200),
)
_EVIDENCE_AT = "evidence-log"
_QUEUED = HashProgress(bytes_done=0, bytes_total=0, files_done=0, files_total=0, current="")


class PackageTab(Vertical):
    """One worker's package. Its actions are the keys of the worker's view; each has a button too."""

    DEFAULT_CSS = """
    PackageTab {
        height: 1fr;
        & > Static { width: 1fr; height: auto; max-height: 60%; }
        & > ProgressBar { display: none; width: 1fr; margin-top: 1; Bar { width: 1fr; } }
        &.-hashing > ProgressBar { display: block; }
        #package-buttons { height: auto; margin: 1 0; Button { min-width: 0; width: auto; margin-right: 1; } }
        #package-files { display: none; }
        &.-files #package-files { display: block; }
    }
    """

    def __init__(self, workspace: Workspace, worker_id: str) -> None:
        super().__init__()
        self._workspace, self._worker_id = workspace, worker_id
        self._rows: list[FileRow] = []
        self._listed: PackageStanding | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="package-text", markup=False)
        yield ProgressBar(show_eta=False, id="package-bar")
        with Horizontal(id="package-buttons"):
            yield from self._buttons()
        yield LineTable(_COLUMNS, self._row, id="package-files")

    @staticmethod
    def _buttons() -> Iterator[Button]:
        for name, label in (
            ("folder", "Folder… p"),
            ("rehash", "Hash d"),
            ("attest", "Attest… a"),
            ("report", "Report… r"),
            ("evidence", "Evidence… e"),
            ("no-folder", "Forget folder"),
        ):
            yield Button(label, id=f"package-{name}", compact=True)

    def on_mount(self) -> None:
        self.set_interval(0.25, self._show_progress)
        self.show()

    def show(self) -> None:
        """Show what is known now."""
        packages, worker_id = self._workspace.packages, self._worker_id
        folder, standing = packages.folder(worker_id), packages.standing(worker_id)
        lines = package_lines(
            standing,
            str(folder) if folder else None,
            self._progress(),
            self._workspace.now(),
            packages.problem,
            keys=key_names(self),
        )
        self.query_one("#package-text", Static).update(as_lines(lines))
        for name in ("rehash", "no-folder"):
            self.query_one(f"#package-{name}", Button).display = folder is not None
        if standing is not self._listed:
            self._listed = standing
            self._list(standing)

    @on(Button.Pressed, "#package-folder")
    def choose_folder(self) -> None:
        """Ask for the package's folder (or file), which is then watched."""
        if self._worker_id not in self._workspace.fleet:
            self.notify("This worker is not on the watch list any more.", markup=False)
            return
        start = self._workspace.packages.folder(self._worker_id) or Path.cwd()
        start = next((path for path in (start, *start.parents) if path.exists()), Path.cwd())
        title = "Where is this worker's package? A folder, or a file"
        self.app.push_screen(PickPackageScreen(title, "Watch it", start), self._chosen)

    def _chosen(self, path: Path | None) -> None:
        if path is not None:
            self._set_folder(path.absolute())
            if problem := self._workspace.watch_list.problem:
                self.notify(clean(problem), severity="warning", markup=False)
            self.show()

    def _set_folder(self, folder: Path | None) -> None:
        before = self._workspace.packages.folder(self._worker_id)
        self._workspace.set_folder(self._worker_id, folder)
        self._workspace.own_changes.add(partial(_put_folder_back, self._workspace, self._worker_id, before))

    @on(Button.Pressed, "#package-no-folder")
    def forget_folder(self) -> None:
        """Stop comparing the folder, without touching it."""
        self._set_folder(None)
        self.notify("The folder is no longer compared; nothing in it was touched.", markup=False)
        self.show()

    @on(Button.Pressed, "#package-rehash")
    def hash_now(self) -> None:
        """Hash the folder as soon as it is its turn."""
        packages = self._workspace.packages
        if packages.folder(self._worker_id) is None:
            self.notify(f"Choose the package's folder first ({key_name(self, 'worker.folder', 'p')}).", markup=False)
        elif not packages.hash_now(self._worker_id):
            self.notify("It is hashed as soon as the registry has answered once.", markup=False)
        self.show()

    @on(Button.Pressed, "#package-attest")
    def attest(self) -> None:
        """Ask whether to attest the folder's hash, or say why that is impossible."""
        packages = self._workspace.packages
        standing = packages.standing(self._worker_id)
        why_not = why_not_attest(
            standing,
            self._workspace.fleet.get(self._worker_id),
            read_only=self._workspace.profile.read_only,
            hashing=packages.is_hashing(self._worker_id),
            keys=key_names(self),
        )
        if why_not or standing is None:
            self.notify(clean(why_not, 500), severity="warning", markup=False)
        else:
            self.app.push_screen(
                AttestScreen(self._workspace, hash_sender(self._workspace), self._worker_id, standing), self._attested
            )

    def _attested(self, taken: bool | None) -> None:
        if taken:
            self.notify("The registry accepted the hash. Verifying now.", markup=False)

    @on(Button.Pressed, "#package-report")
    def report(self) -> None:
        """Open the report form, with the attested hash in it, or else the folder's."""
        if self._workspace.profile.read_only:
            self.notify(READ_ONLY, severity="warning", markup=False)
            return
        entry = self._workspace.fleet.get(self._worker_id)
        standing = self._workspace.packages.standing(self._worker_id)
        sha256 = (entry.sha256 or entry.last_sha256 if entry else "") or (standing.drift.sha256 if standing else "")
        workspace = self._workspace
        report = ReportScreen(
            workspace.notes, hash_sender(workspace), sent_reports(workspace), self._worker_id, sha256 or ""
        )
        self.app.push_screen(report, self._reported)

    def _reported(self, taken: bool | None) -> None:
        if taken:
            self.notify("Reported. It bans nothing by itself: it is reviewed first.", markup=False)

    @on(Button.Pressed, "#package-evidence")
    def open_evidence(self) -> None:
        """Ask for the worker's evidence log and open it."""
        kept = self._workspace.notes.load(_EVIDENCE_AT, self._worker_id, str)
        start = Path(kept) if kept else self._workspace.packages.folder(self._worker_id) or Path.cwd()
        if not start.exists():
            start = Path.cwd()
        title = "Which evidence log? A JSON Lines file; it is only read"
        self.app.push_screen(PickPackageScreen(title, "Open it", start), self._open_log)

    def _open_log(self, path: Path | None) -> None:
        if path is not None:
            self._workspace.notes.save(_EVIDENCE_AT, self._worker_id, str(path.absolute()))
            self.app.push_screen(EvidenceScreen(self._workspace.notes, path.absolute(), self._workspace.clock))

    def _progress(self) -> HashProgress | None:
        packages = self._workspace.packages
        if not packages.is_hashing(self._worker_id):
            return None
        return packages.progress(self._worker_id) or _QUEUED

    def _show_progress(self) -> None:
        """Show the progress while hashing, and then once more without it."""
        was, progress = self.has_class("-hashing"), self._progress()
        self.set_class(progress is not None, "-hashing")
        if progress is not None and progress.files_total:
            bar = self.query_one(ProgressBar)
            bar.update(total=max(1, progress.bytes_total), progress=progress.bytes_done)
        elif progress is not None:
            self.query_one(ProgressBar).update(total=None)
        if was or progress is not None:
            self.show()

    def _list(self, standing: PackageStanding | None) -> None:
        self._rows = file_rows(standing.drift if standing else None)
        keys = [str(index) for index in range(len(self._rows))]
        table = self.query_one(LineTable)
        table.refresh_rows(keys)
        table.show(keys)
        self.set_class(bool(keys), "-files")

    def _row(self, key: str) -> Row:
        is_there = int(key) < len(self._rows)  # otherwise it is one of the previous rows, about to disappear
        return Row(dict(self._rows[int(key)]._asdict()) if is_there else {})


def _put_folder_back(workspace: Workspace, worker_id: str, folder: Path | None) -> str:
    """Undo a choice of a folder; return what to say."""
    if worker_id not in workspace.fleet:
        return f"{worker_id[:80]} is not watched any more, so its folder stays as it was."
    workspace.set_folder(worker_id, folder)
    return f"{worker_id[:80]} is compared with {folder} again." if folder else f"{worker_id[:80]} has no folder again."
