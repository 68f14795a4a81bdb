"""Attests the package hashes of the marked workers: what will be sent, then what became of each."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Final, NamedTuple, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Static

from pyhall_tui.attest.attest_many import Attestation, AttestMany, Step
from pyhall_tui.render.enroll import Line
from pyhall_tui.render.package import why_not_attest
from pyhall_tui.render.text import Cell, Style, clean, id_text
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.hash_reports import hash_sender
from pyhall_tui.threads.slices import slices
from pyhall_tui.widgets.cells import as_lines
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.widgets.one_at_a_time import is_under_way, one_at_a_time
from pyhall_tui.widgets.typed_ahead import LastAnswer
from pyhall_tui.workspace import Workspace

_AT_A_TIME: Final = 1_000
_MOST_REASONS: Final = 4
_COLUMNS: Final = (
    Column("worker", "WORKER", 22, flex=4, sortable=False, is_id=True),
    Column("now", "REGISTRY", 8, leaves=1, sortable=False),
    Column("folder", "FOLDER", 8, sortable=False),
    Column("step", "ATTESTED?", 16, flex=3, sortable=False),
)
_LOOKS: Final = {
    Step.WAITING: ("·", Style.DIM),
    Step.SENDING: ("…", Style.DIM),
    Step.TAKEN: ("✔", Style.GOOD),
    Step.REFUSED: ("✖", Style.ERROR),
    Step.UNSURE: ("?", Style.WARNING),
    Step.LEFT_OUT: ("-", Style.DIM),
}


class Marked(NamedTuple):
    """What can be attested of the marked workers, and why the others are left out."""

    planned: Sequence[Attestation]
    left_out: Counter[str]
    hidden: int
    """How many of those that can be attested are hidden by the filter."""

    @property
    def lines(self) -> list[Line]:
        """What to say of those that are hidden or left out."""
        said: list[Line] = []
        if self.hidden:
            are = "is" if self.hidden == 1 else "are"
            said.append((Cell(f"{self.hidden:,} of them {are} hidden by the filter.", Style.WARNING),))
        for reason, count in self.left_out.most_common(_MOST_REASONS):
            said.append((Cell(f"{count:,} left out: {clean(reason, 200)}", Style.DIM),))
        if more := sum(self.left_out.values()) - sum(n for _, n in self.left_out.most_common(_MOST_REASONS)):
            said.append((Cell(f"{more:,} left out for other reasons.", Style.DIM),))
        return said


Accepted: TypeAlias = dict[str, float]
"""When the registry accepted a worker's hash from here, on the monotonic clock."""


async def sort_out(workspace: Workspace, worker_ids: Sequence[str], shown: Sequence[str], accepted: Accepted) -> Marked:
    """Find out which of the marked workers can be attested; `shown` are the rows that the filter shows."""
    planned: list[Attestation] = []
    left_out: Counter[str] = Counter()
    async for some in slices(worker_ids, _AT_A_TIME):
        for worker_id in some:
            if reason := _why_not(workspace, accepted, worker_id):
                left_out[reason] += 1
            else:
                planned.append(Attestation(worker_id, _hash_now(workspace, worker_id) or ""))
    hidden = {each.worker_id for each in planned}.difference(shown)
    return Marked(planned, left_out, len(hidden))


def _why_not(workspace: Workspace, accepted: Accepted, worker_id: str) -> str:
    """Return why a worker's hash can't be attested with others now; empty if it can."""
    packages, entry = workspace.packages, workspace.fleet.get(worker_id)
    if entry is None:
        return "It is not watched any more."
    if entry.asked <= accepted.get(worker_id, -1.0):
        return "It was just attested, and is being verified."
    if packages.folder(worker_id) is None:
        return "No package folder is set: open the worker, and choose it."
    hashing = packages.is_hashing(worker_id)
    standing = packages.standing(worker_id)
    if why_not := why_not_attest(standing, entry, read_only=workspace.profile.read_only, hashing=hashing):
        return why_not
    if workspace.fleet.listed(_hash_now(workspace, worker_id)) is not None:
        return "The hash of its folder is on the ban list."
    return ""


def _hash_now(workspace: Workspace, worker_id: str) -> str | None:
    standing = workspace.packages.standing(worker_id)
    return standing.drift.sha256 if standing is not None else None


class AttestMarkedScreen(DialogScreen[int]):
    """Returns how many hashes were accepted. Each is sent once; a failure stops the rest until you continue."""

    AUTO_FOCUS = "#leave"
    BINDING_GROUP_TITLE = "Attest the marked workers"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "leave", "Stop, close", id="attest_marked.no", tooltip="Stop after the one being sent"),
        Binding("y,ctrl+s", "send", "Attest", id="attest_marked.yes", tooltip="Attest these, or continue"),
        Binding("left,right", "app.focus_next", "Other", show=False, id="attest_marked.other", tooltip="The other"),
    ]
    DEFAULT_CSS = """
    AttestMarkedScreen {
        Dialog { width: 104; border: round $warning; }
        LineTable { height: auto; max-height: 12; margin: 1 0; }
    }
    """

    def __init__(self, workspace: Workspace, marked: Marked, accepted: Accepted) -> None:
        """Make the question; `accepted` is brought up to date."""
        super().__init__()
        self._workspace, self._marked, self._accepted = workspace, marked, accepted
        self._last_answer = LastAnswer()
        self._run = AttestMany(
            marked.planned,
            attest=hash_sender(workspace, in_turn=True).attest,
            hash_now=partial(_hash_now, workspace),
            why_not=partial(_why_not, workspace, accepted),
        )

    def compose(self) -> ComposeResult:
        count = len(self._run.all)
        with Dialog(f"Attest {count:,} package hash{'es' * (count != 1)}?"):
            yield Static(as_lines(self._marked.lines), id="attest-left-out")
            yield LineTable(_COLUMNS, self._row, id="attest-all")
            yield Static(id="attest-said", markup=False)
            with Buttons():
                yield Button("Cancel", id="leave", compact=True)
                yield Button(f"Attest {count:,}", id="send", variant="warning", compact=True)

    def on_mount(self) -> None:
        table = self.query_one(LineTable)
        table.styles.height = min(12, len(self._run.all) + 1)
        table.show(list(self._run.all))
        self._say()

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        """Close; while one is being sent, stop after it instead."""
        if is_under_way(self, "attest-marked"):
            self._run.stop()
            self._say()
        else:
            self.dismiss(self._run.count(Step.TAKEN))

    @on(Button.Pressed, "#send")
    def action_send(self) -> None:
        """Send what is left."""
        if self._run.left and not self._last_answer.was_unseen(self):
            self._send()

    @one_at_a_time("attest-marked")
    async def _send(self) -> None:
        self.query_one("#send", Button).disabled = True
        await self._run.run(self._changed)
        self._last_answer.came()
        left = len(self._run.left)
        send = self.query_one("#send", Button)
        send.label, send.disabled = f"Continue with {left:,}", not left
        send.display = left > 0
        self.query_one("#leave", Button).label = "Close"
        self.query_one(Buttons).refresh(layout=True)  # the new label is longer
        self._say(has_ended=True)

    def _changed(self, one: Attestation) -> None:
        if one.step is Step.TAKEN:
            self._accepted[one.worker_id] = self._workspace.now().mono
        if self.is_attached:
            self.query_one(LineTable).refresh_rows([one.worker_id])
            self._say()

    def _say(self, *, has_ended: bool = False) -> None:
        counts = [f"{count:,} {step.value}" for step in Step if (count := self._run.count(step))]
        what = ", ".join(counts)
        if has_ended:
            stopped = "It stopped at the first failure. " if self._failed and not self._run.is_stopped else ""
            unsure = "What has an unknown outcome is not sent again: look at the worker. " * self._has_unsure
            what = f"{what}. {stopped}{unsure}"
        elif self._run.is_stopped:
            what = f"{what}. Stopping after this one."
        self.query_one("#attest-said", Static).update(Content(what))

    @property
    def _has_unsure(self) -> bool:
        return self._run.count(Step.UNSURE) > 0

    @property
    def _failed(self) -> bool:
        return self._has_unsure or self._run.count(Step.REFUSED) > 0

    def _row(self, key: str) -> Row:
        one, entry = self._run.all.get(key), self._workspace.fleet.get(key)
        if one is None:
            return Row({})
        glyph, style = _LOOKS[one.step]
        said = f"{glyph} {one.step.value}" + (f": {clean(one.said, 200)}" if one.said else "")
        attested = (entry.sha256 if entry is not None else None) or "–"
        return Row(
            {
                "worker": Cell(id_text(key)),
                "now": Cell(clean(attested[:8]), Style.DIM),
                "folder": Cell(clean(one.sha256[:8]), Style.STRONG),
                "step": Cell(said, style),
            }
        )


async def ask_to_attest(screen: ModeScreen, table: LineTable, accepted: dict[str, float]) -> None:
    """Ask whether to attest the hashes of the marked workers' folders, or say why none can be.

    `accepted` says when the registry accepted a hash here; it is kept up to date.
    """

    def attested(count: int | None) -> None:
        if count:
            screen.notify(f"The registry accepted {count:,} package hash{'es' * (count != 1)}.", markup=False)

    if ids := table.targets():
        marked = await sort_out(screen.workspace, ids, table.keys, accepted)
        if marked.planned:
            screen.app.push_screen(AttestMarkedScreen(screen.workspace, marked, accepted), attested)
        else:
            why = "; ".join(f"{reason} ({count:,})" for reason, count in marked.left_out.most_common(3))
            screen.notify(clean(f"Nothing to attest. {why}", 400), severity="warning", timeout=10, markup=False)
