"""The confirmation before a folder's hash is attested again: both hashes, what changed, and the result."""

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, Static

from pyhall_tui.attest.hash_sender import HashSender
from pyhall_tui.packages.watch import PackageStanding
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.render.enroll import Line
from pyhall_tui.render.package import attest_question, attest_trouble
from pyhall_tui.render.text import Cell, Style
from pyhall_tui.widgets.cells import as_lines
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.late import after_refresh
from pyhall_tui.widgets.typed_ahead import LastAnswer
from pyhall_tui.workspace import Workspace

_ON_ITS_WAY = "It is being sent: the answer comes within the profile's timeout."


class AttestScreen(DialogScreen[bool]):
    """Returns whether the registry accepted the hash. It is sent once, and an error stays visible."""

    AUTO_FOCUS = "#attest-no"
    BINDING_GROUP_TITLE = "Attest again"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "leave", "Cancel", id="attest.no", tooltip="Close without attesting"),
        Binding("y,ctrl+s", "send", "Attest", id="attest.yes", tooltip="Attest the folder's hash"),
        Binding("left,right", "app.focus_next", "Other", show=False, id="attest.other", tooltip="The other button"),
    ]
    DEFAULT_CSS = """
    AttestScreen {
        Dialog { width: 92; border: round $warning; }
        #attest-said { display: none; margin-top: 1; }
    }
    """

    def __init__(self, workspace: Workspace, sender: HashSender, worker_id: str, standing: PackageStanding) -> None:
        """Make the question. `standing` has a hash: see `render.package.why_not_attest`."""
        super().__init__()
        self._workspace, self._worker_id, self._standing = workspace, worker_id, standing
        self._sender = sender
        self._sending = False
        self._last_answer = LastAnswer()

    def compose(self) -> ComposeResult:
        banned = self._workspace.fleet.listed(self._standing.drift.sha256)
        question = attest_question(self._worker_id, self._standing, banned)
        with Dialog("Attest this folder's hash?"):
            yield Static(as_lines(question))
            yield Static(id="attest-said", markup=False)
            with Buttons():
                yield Button("Cancel", id="attest-no", compact=True)
                yield Button("Attest it", id="attest-yes", variant="warning", compact=True)

    @on(Button.Pressed, "#attest-no")
    def action_leave(self) -> None:
        """Close, but not while it is being sent, because the answer would be lost."""
        if self._sending:
            self._say([(Cell(_ON_ITS_WAY, Style.WARNING),)])
        else:
            self.dismiss(False)

    @on(Button.Pressed, "#attest-yes")
    def action_send(self) -> None:
        if self._sending or self._last_answer.was_unseen(self):
            return
        packages = self._workspace.packages
        now = packages.standing(self._worker_id)
        if packages.is_hashing(self._worker_id) or now is None or now.drift.sha256 != self._standing.drift.sha256:
            words = "A file in the folder has changed since this question: close it, and look again."
            self._say([(Cell(words, Style.WARNING),)])
            return
        self._set_sending(True)
        self._say([(Cell("… sending", Style.DIM),)])
        self._send(now.drift.sha256 or "")

    @work(exit_on_error=False, exclusive=True, group="attest")
    async def _send(self, sha256: str) -> None:
        try:
            answer = await self._sender.attest(self._worker_id, sha256)
        except RegistryError as error:
            entry = self._workspace.fleet.get(self._worker_id)
            known = entry is not None and entry.verdict is not None and entry.verdict.known
            self._say(attest_trouble(error, known=known, verify=key_name(self, "worker.verify", "v")))
        else:
            if answer.sha256 not in (None, sha256):
                self.app.notify("The registry answered with a different hash from the one sent.", severity="warning")
            self.dismiss(True)
            return
        self._last_answer.came()
        self._set_sending(False)

    def _set_sending(self, sending: bool) -> None:
        self._sending = sending
        self.query_one("#attest-yes", Button).disabled = sending

    def _say(self, lines: list[Line]) -> None:
        said = self.query_one("#attest-said", Static)
        said.update(as_lines(lines))
        said.display = True
        after_refresh(self, partial(said.scroll_visible, animate=False))
