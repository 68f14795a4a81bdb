"""Puts a profile into the overview, or takes it out: `overview = true` in `profiles.toml`."""

import asyncio
from collections.abc import Callable
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, Static

from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileConflict, ProfilesFileError, ProfilesNotSaved, ProfileStore
from pyhall_tui.render.connection import host
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.widgets.one_at_a_time import one_at_a_time
from pyhall_tui.widgets.typed_ahead import keys_wait_for

_COLUMNS = (
    Column("chosen", "", 3, sortable=False),
    Column("name", "PROFILE", 12, flex=2, sortable=False),
    Column("namespace", "NAMESPACE", 12, flex=1, leaves=1, sortable=False),
    Column("registry", "REGISTRY", 16, flex=2, leaves=2, sortable=False),
)
_HINT = "These are watched while another profile is open. Enter chooses one, or lets go of it."


async def choose(store: ProfileStore, name: str, is_chosen: bool | None = None) -> str:
    """Put a profile into the overview or take it out (None: whichever it is not); return what to say."""
    try:
        return await asyncio.to_thread(_choose, store, name, is_chosen)
    except (ProfileConflict, ProfilesNotSaved, ProfilesFileError, ValueError) as wrong:
        return f"Not saved: {clean(wrong)}"


def _choose(store: ProfileStore, name: str, is_chosen: bool | None) -> str:
    base = store.load().named(name)
    if base is None:
        return f"There is no profile named {clean(name, 80)} in {store.path}."
    is_chosen = not base.overview if is_chosen is None else is_chosen
    store.save(msgspec.structs.replace(base, overview=is_chosen), base)
    if is_chosen:
        return f"{clean(name, 80)} is watched from now on, even while another profile is open."
    return f"{clean(name, 80)} is only watched while it is open, until you choose it again."


class ChooseScreen(DialogScreen[None]):
    """Lists all profiles; each change is saved at once."""

    BINDING_GROUP_TITLE = "Choose profiles"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "choose", "Choose", id="choose.toggle", tooltip="Watch this profile, or no longer"),
    ]
    DEFAULT_CSS = """
    ChooseScreen {
        Dialog { width: 84; }
        LineTable { height: 10; margin-bottom: 1; }
    }
    """

    def __init__(self, store: ProfileStore, saved: Callable[[], None]) -> None:
        """`saved` is called after each change."""
        super().__init__()
        self._store, self._saved = store, saved
        self._profiles: dict[str, Profile] = {}

    def compose(self) -> ComposeResult:
        with Dialog("Profiles of the overview", "each keeps its own key, pace and alarms"):
            yield LineTable(_COLUMNS, self._row, id="profiles")
            yield Static("", id="said", markup=False)
            with Buttons():
                yield Button("Close", id="leave", compact=True)
                yield Button("Choose", id="choose", variant="primary", compact=True)

    def on_mount(self) -> None:
        table = self.query_one("#profiles", LineTable)
        table.placeholder = f"There are no profiles yet: make one on Profiles ({key_name(self, 'app.profiles', '5')})."
        table.focus()
        keys_wait_for(self, self.run_worker(self._load(_HINT), exit_on_error=False, group="load"))

    async def _load(self, said: str) -> None:
        try:
            profiles = (await asyncio.to_thread(self._store.load)).profiles
        except ProfilesFileError as wrong:
            profiles, said = (), clean(wrong)
        self._profiles = {profile.name: profile for profile in profiles}
        table = self.query_one("#profiles", LineTable)
        table.show(list(self._profiles))
        table.refresh_rows(self._profiles)
        self.query_one("#said", Static).update(said)

    def _row(self, key: str) -> Row:
        profile = self._profiles.get(key)
        if profile is None:
            return Row({})
        return Row(
            {
                "chosen": Cell("[✔]" if profile.overview else "[ ]", Style.GOOD if profile.overview else Style.DIM),
                "name": Cell(clean(profile.name)),
                "namespace": Cell(clean(profile.namespace), Style.DIM),
                "registry": Cell(clean(host(profile.registry_url)), Style.DIM),
            }
        )

    @on(LineTable.Opened)
    @on(Button.Pressed, "#choose")
    def _pressed(self) -> None:
        self.action_choose()

    @one_at_a_time("choose")
    async def action_choose(self) -> None:
        """Change whether the profile under the cursor is in the overview."""
        if (name := self.query_one("#profiles", LineTable).target()) is not None:
            await self._load(await choose(self._store, name))
            self._saved()
