"""The doctor's lines in the app: what is wrong on this machine, or on the way to the registry?"""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from pyhall_tui.checkup import Finding, Patient, Terminal, examine_apart
from pyhall_tui.clock import Clock
from pyhall_tui.paths import Home
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.chosen_profile import choose_profile
from pyhall_tui.profiles.keys import KeyAnswer, KeySource, KeyState, KeyStore
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.render.findings import finding_cells, report, verdict
from pyhall_tui.render.text import Cell, Style
from pyhall_tui.screens.messages import CopyText
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.widgets.dialog import Dialog, DialogScreen
from pyhall_tui.widgets.hanging_lines import HangingLine, HangingLines
from pyhall_tui.widgets.key_bar import KeyBar, key_name
from pyhall_tui.widgets.one_at_a_time import one_at_a_time


class DoctorScreen(DialogScreen[None]):
    """Examines the open profile, or the one that would be opened, and shows each line as it comes."""

    BINDING_GROUP_TITLE = "Doctor"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,D", "leave", "Close", id="doctor.close", tooltip="Close the doctor"),
        Binding("r", "examine", "Again", id="doctor.again", tooltip="Check everything again"),
        Binding("y", "copy_report", "Copy report", id="doctor.copy", tooltip="Copy a report without names or keys"),
    ]
    DEFAULT_CSS = """
    DoctorScreen {
        Dialog { width: 120; max-height: 86%; }
        #doctor-verdict { padding-bottom: 1; }
    }
    """

    def __init__(
        self, profile: Profile | None, home: Home, keys: KeyStore, clock: Clock, *, demo_key: ApiKey | None = None
    ) -> None:
        """Make the screen. `profile` is the open one; `demo_key` is the demo's, which is not in a keyring."""
        super().__init__()
        self._profile, self._home, self._keys, self._clock = profile, home, keys, clock
        self._demo_key = demo_key
        self._patient: Patient | None = None
        self._findings: list[Finding] = []

    def compose(self) -> ComposeResult:
        copy, again = key_name(self, "doctor.copy", "y"), key_name(self, "doctor.again", "r")
        with Dialog("Doctor", f"{copy} copies a report · {again} checks again · esc closes", read=True):
            yield Static(id="doctor-verdict", markup=False)
            yield HangingLines(id="doctor-lines")
        yield KeyBar()

    def on_mount(self) -> None:
        self.action_examine()

    @one_at_a_time("doctor")
    async def action_examine(self) -> None:
        self._findings, self._patient = [], None
        self._draw(Cell("Checking …", Style.DIM))
        profile, problem = self._profile, ""
        if profile is None:
            profile, _, problem = choose_profile(ProfileStore(self._home.config / "profiles.toml"), None)
        terminal = Terminal.of_process()._replace(
            is_there=True, columns=self.app.size.width, lines=self.app.size.height
        )
        patient = Patient(self._home, self._clock, terminal, profile, problem, await self._key_of(profile))
        async for finding in examine_apart(patient):
            self._findings.append(finding)
            self._draw(Cell("Checking …", Style.DIM))
        self._patient = patient
        self._draw(verdict(self._findings))

    async def _key_of(self, profile: Profile | None) -> KeyAnswer | None:
        if profile is None:
            return None
        if self._demo_key is not None:
            return KeyAnswer(self._demo_key, KeySource.THIS_RUN, KeyState.FOUND, "The demo's own key, for this run.")
        return await self._keys.load(profile)

    def _draw(self, above: Cell) -> None:
        self.query_one("#doctor-verdict", Static).update(as_content([above]))
        found = [finding_cells(finding) for finding in self._findings]
        lines = [HangingLine(as_content(cells[:2]), as_content(cells[2:])) for cells in found]
        self.query_one("#doctor-lines", HangingLines).show(lines)

    def action_copy_report(self) -> None:
        if self._patient is None:
            self.notify("Not yet: the checks are still running.", markup=False, timeout=3)
        else:
            self.post_message(CopyText(report(self._findings, self._patient), "report"))

    @on(Worker.StateChanged)
    def _end_failed_look(self, message: Worker.StateChanged) -> None:
        if message.state is WorkerState.ERROR:
            self._draw(Cell("That failed: see the log.", Style.ERROR))
