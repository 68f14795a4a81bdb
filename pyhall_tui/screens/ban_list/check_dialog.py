"""The dialog that checks a pasted hash, or a package's folder or file, against the ban list."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Button, Input, Static

from pyhall_tui.bans.carriers import Carriers
from pyhall_tui.bans.lookup import look_up
from pyhall_tui.bans.pasted import sha256_in
from pyhall_tui.files.given_path import given_path
from pyhall_tui.packages.package_hash import PackageUnreadable, hash_package
from pyhall_tui.render.ban_list import ListState, carrier_lines, check_lines, doubt_of
from pyhall_tui.render.enroll import Line
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.screens.enroll.pick_package import PickPackageScreen
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.attendance import each_second
from pyhall_tui.widgets.cells import as_lines
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.field import Field
from pyhall_tui.workspace import Workspace


class CheckScreen(DialogScreen[None]):
    """Asks for a hash or a path, and says whether it is listed, or why nobody knows."""

    AUTO_FOCUS = "#asked"
    BINDING_GROUP_TITLE = "Check a hash"
    DEFAULT_CSS = """
    CheckScreen {
        Dialog { width: 90; }
        #check-said { display: none; }
    }
    """

    def __init__(self, workspace: Workspace, carriers: Carriers, list_state: Callable[[], ListState]) -> None:
        super().__init__()
        self._workspace, self._carriers, self._list_state = workspace, carriers, list_state
        self._told: tuple[str, str] | None = None
        """The hash that is shown, and the package that it is of."""

    def compose(self) -> ComposeResult:
        with Dialog("Is it on the ban list?", "enter checks · esc closes"):
            yield Field("asked", "Package hash (SHA-256), or a package's folder or file")
            yield Static(id="check-said", markup=False)
            with Buttons():
                yield Button("Close", id="leave", compact=True)
                yield Button("Folder…", id="check-folder", compact=True)
                yield Button("Check  enter", id="check-yes", variant="primary", compact=True)

    def on_mount(self) -> None:
        each_second(self, self._tell_again)

    @on(Input.Submitted)
    @on(Button.Pressed, "#check-yes")
    def _check(self) -> None:
        asked = self.query_one("#field-asked", Field)
        if not asked.value.strip():
            asked.say("Paste a hash, or type a path.")
            return
        asked.say("")
        self.use_typed()
        if sha256 := sha256_in(asked.value):
            self._tell(sha256, "")
        else:
            self._check_package(given_path(asked.value))

    @on(Button.Pressed, "#check-folder")
    def _pick(self) -> None:
        title = "Which package? A folder, or a file"
        self.app.push_screen(PickPackageScreen(title, "Check it", Path.cwd()), self._picked)

    def _picked(self, path: Path | None) -> None:
        if path is not None:
            self.query_one("#asked", Input).value = str(path)
            self._check_package(path)

    @work(exclusive=True, exit_on_error=False, group="check")
    async def _check_package(self, path: Path) -> None:
        self._say([(Cell("… hashing", Style.DIM),)])
        try:
            package = await off_loop(partial(hash_package, path), name="check-hash")
        except PackageUnreadable as error:
            about = f"? unknown: it could not be hashed, so it could not be checked. {clean(error, 500)}"
            self._say([(Cell(about, Style.WARNING),)])
            return
        self._tell(package.sha256, str(path))

    def _tell_again(self) -> None:
        """Show what is known now: the list, or a worker's hash, may have come meanwhile."""
        if self._told is not None:
            self._tell(*self._told)

    def _tell(self, sha256: str, what: str) -> None:
        state, now = self._list_state(), self._workspace.now()
        listing = look_up(sha256, state.bans, doubt_of(state, now))
        carriers = self._carriers.of(sha256)
        mine = carrier_lines(carriers, now.mono, self._workspace.fleet.stale_after)
        self._say([*check_lines(listing, what), *mine])
        self._told = sha256, what

    def _say(self, lines: list[Line]) -> None:
        self._told = None
        said = self.query_one("#check-said", Static)
        said.update(as_lines(lines))
        said.display = True
