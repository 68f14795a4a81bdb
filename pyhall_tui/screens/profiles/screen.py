"""The profiles screen, and the first run: where am I connected, and as whom?"""

import asyncio
from functools import partial
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Button, Static

from pyhall_tui.clock import Clock
from pyhall_tui.journal.drafts import Drafts
from pyhall_tui.paths import Home
from pyhall_tui.probe import Mark, Step, probe_apart
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.checks import profile_from
from pyhall_tui.profiles.environment import PROFILE_NAME, EnvironmentMistake, overridden
from pyhall_tui.profiles.keys import KeyAnswer, KeyState, KeyStore
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.store import (
    ProfileConflict,
    Profiles,
    ProfilesFileError,
    ProfilesNotSaved,
    ProfileStore,
)
from pyhall_tui.profiles.urls import origin
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.render.profile import key_line, override_line, profile_row, typed_key_line
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.messages import CloseProfile, Go, OpenDemo, OpenProfile
from pyhall_tui.screens.profiles.edits import BLANK, NEW, Edit, Edits, Values, fields_of, values_of
from pyhall_tui.screens.profiles.form import ProfileForm
from pyhall_tui.screens.profiles.probe_panel import ProbePanel
from pyhall_tui.screens.profiles.questions import ask_conflict, ask_delete, ask_untested, renamed, take_theirs
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.workspace import Workspace

_COLUMNS: Final = (
    Column("name", "PROFILE", 14, flex=2, sortable=False),
    Column("namespace", "NAMESPACE", 12, flex=1, leaves=2, sortable=False),
    Column("host", "REGISTRY", 14, flex=1, leaves=1, sortable=False),
    Column("key", "KEY", 10, sortable=False),
    Column("marks", "", 10, flex=2, sortable=False),
)
_KEEP_AFTER: Final = 0.5
"""Seconds of quiet after which what is typed is written down."""
_WELCOME: Final = (
    "Welcome. A profile says which registry and namespace to look at, and with which API key. Fill in the form, "
    "test it (^g) and save it (^s): it opens at once."
)
_FORM_BUTTONS: Final = (("test", "Test  ^g"), ("save", "Save  ^s"), ("open", "Open  ^o"), ("discard", "Discard"))
_LIST_BUTTONS: Final = (("new", "New"), ("duplicate", "Duplicate"), ("delete", "Delete"), ("start", "Start with it"))


class ProfilesScreen(ModeScreen):
    """The list on the left, the form of the profile under its cursor on the right."""

    MODE = "profiles"
    CSS_PATH = "profiles.tcss"
    AUTO_FOCUS = ""
    BINDING_GROUP_TITLE = "Profiles"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", id="profiles.save", tooltip="Save the form"),
        Binding("ctrl+g", "test", "Test", id="profiles.test", tooltip="Test the form against its registry"),
        Binding("ctrl+o", "open", "Open", id="profiles.open", tooltip="Open this profile"),
        Binding("n", "new", "New", id="profiles.new", tooltip="Make a new profile"),
        Binding("e", "edit", "Edit", id="profiles.edit", tooltip="Go to the form"),
        Binding("d", "duplicate", "Duplicate", id="profiles.duplicate", tooltip="Make a new profile like this one"),
        Binding("x,delete", "delete", "Delete", id="profiles.delete", tooltip="Delete this profile"),
        Binding(
            "asterisk",
            "start",
            "Start",
            show=False,
            key_display="*",
            id="profiles.start",
            tooltip="Start with this one",
        ),
        Binding("z", "discard", "Discard", show=False, id="profiles.discard", tooltip="Discard what is not saved"),
        Binding("r", "ask_key", "Ask key", show=False, id="profiles.ask_key", tooltip="Ask the OS keyring for its key"),
    ]

    def __init__(
        self,
        workspace: Workspace | None,
        *,
        store: ProfileStore,
        keys: KeyStore,
        home: Home,
        drafts: Drafts,
        clock: Clock,
        is_demo: bool = False,
        problem: str | None = None,
    ) -> None:
        """Make the screen. `problem` is the sentence above it: why no profile is open."""
        super().__init__(workspace)
        self._store, self._keys, self._home, self._clock = store, keys, home, clock
        self._is_demo, self._problem = is_demo, problem
        self._edits = Edits(drafts)
        self._profiles = Profiles((), None)
        self._mistake: str | None = None
        self._shown: str | None = None
        self._typed_keys: dict[str, str] = {}
        self._answers: dict[str, KeyAnswer] = {}
        self._tested: dict[str, tuple[object, ...]] = {}
        """What each profile's last test that went well was made with."""
        self._failed: set[str] = set()
        self._keep_timer: Timer | None = None

    def compose_body(self) -> ComposeResult:
        with Vertical(id="top"):
            yield Static(id="problem", markup=False)
            with Horizontal(id="ways"):
                yield Button("Try the demo (no account needed)", id="demo", variant="primary")
                yield Button("Read the file again", id="reread")
                yield Button("Open what the environment says", id="environment")
        yield Static(id="overrides", markup=False)
        with Horizontal(id="columns"):
            with Vertical(id="list-frame"):
                yield LineTable(_COLUMNS, self._row, id="profiles")
                with Horizontal(id="list-buttons"):
                    for name, label in _LIST_BUTTONS:
                        yield Button(label, id=f"do-{name}", compact=True)
            with Vertical(id="form-frame"):
                yield ProfileForm(id="form")
                yield ProbePanel(id="probe")
                yield Static(id="said", markup=False)
                with Horizontal(id="form-buttons"):
                    for name, label in _FORM_BUTTONS:
                        yield Button(label, id=f"do-{name}", compact=True)
                    yield Button("Ask keyring again", id="do-ask_key", compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#list-frame").border_title = "Profiles"
        self._reload()
        if not self._names():
            self._show(NEW)
        (self.form.field("name").input if self.has_class("-first-run") else self.table).focus()

    @property
    def table(self) -> LineTable:
        """The list of profiles."""
        return self.query_one("#profiles", LineTable)

    @property
    def form(self) -> ProfileForm:
        """The form of the profile under the cursor."""
        return self.query_one("#form", ProfileForm)

    # -- the list ----------------------------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self.is_mounted and self._shown is not None:
            self._reload()

    def on_unmount(self) -> None:
        self._edits.keep()

    def _reload(self, cursor: str | None = None) -> None:
        """Read the file again: an editor or another program may have changed it."""
        try:
            self._profiles, self._mistake = self._store.load(), None
        except ProfilesFileError as mistake:
            self._profiles, self._mistake = Profiles((), None), str(mistake)
        self._show_ways()
        names = self._names()
        self.table.show(names)
        wanted = cursor or self._shown or self._open_name() or self._profiles.default
        if wanted in names:
            self.table.move_to(wanted)
        self.table.refresh_rows(names)
        if self.table.cursor_key is not None:
            self._show(self.table.cursor_key)

    def _names(self) -> list[str]:
        """The rows: what the file holds, what is edited and gone from it, and a new one."""
        names = [profile.name for profile in self._profiles.profiles]
        gone = [name for name in self._edits.names if name not in (*names, NEW)] if self._mistake is None else []
        new = [NEW] if NEW in self._edits or self._shown == NEW else []
        return [*names, *gone, *new]

    def _show_ways(self) -> None:
        """Say what is wrong above all, and show the ways on that there are."""
        first_run = not self._profiles.profiles and self._mistake is None
        self.set_class(first_run, "-first-run")
        said = self._mistake or self._problem or (_WELCOME if first_run else None)
        self.query_one("#top").display = bool(said) or not self.has_workspace
        self.query_one("#problem").display = bool(said)
        problem = bool(self._mistake or self._problem)
        self.query_one("#problem", Static).update(Content.styled(clean(said or ""), "$text-error" if problem else ""))
        self.query_one("#demo").display = not self.has_workspace
        self.query_one("#reread").display = self._mistake is not None
        self.query_one("#environment").display = self._mistake is not None and _environment_alone() is not None
        self.form.disabled = self._mistake is not None
        overrides = override_line()
        self.query_one("#overrides").display = overrides is not None
        if overrides is not None:
            self.query_one("#overrides", Static).update(as_content([overrides]))

    def _row(self, name: str) -> Row:
        edit = self._edits.get(name)
        profile = self._profiles.named(name) or (edit.base if edit else None)
        if profile is None:
            return Row({"name": Cell("a new profile", Style.DIM), "marks": (Cell("not saved", Style.WARNING),)})
        row = profile_row(
            profile,
            self._answer(profile),
            is_open=name == self._open_name(),
            is_default=name == self._profiles.default,
            is_edited=name in self._edits or bool(self._typed_keys.get(name)),
        )
        return Row(row._asdict())

    def _open_name(self) -> str | None:
        return self.workspace.profile.name if self.has_workspace and not self._is_demo else None

    def _answer(self, profile: Profile) -> KeyAnswer | None:
        """What is known of a profile's key without asking anybody."""
        try:
            known = self._keys.peek(overridden(profile))
        except EnvironmentMistake:
            known = self._keys.peek(profile)
        if known is None and profile.name == self._open_name():
            known = self.workspace.key_answer
        return known or self._answers.get(profile.name)

    @on(LineTable.Highlighted, "#profiles")
    def _highlighted(self, message: LineTable.Highlighted) -> None:
        if message.key is not None and message.key != self._shown and message.key == self.table.cursor_key:
            self._show(message.key)

    @on(LineTable.Opened, "#profiles")
    def _opened_row(self, message: LineTable.Opened) -> None:
        self._open(message.key)

    # -- the form ----------------------------------------------------------------------------------------------

    def _show(self, name: str) -> None:
        """Put that profile on the form, with what was typed over it."""
        if name != self._shown:
            self.workers.cancel_group(self, "probe")
            self.query_one(ProbePanel).clear()
            self._say("")
        self._shown = name
        values = self._values_of(name)
        if values != self.form.values() or self.form.typed_key != self._typed_keys.get(name, ""):
            self.form.fill(values, self._typed_keys.get(name, ""))
        if name == NEW and NEW not in self.table.keys:
            self.table.show(self._names())
        self.table.move_to(name)
        self._refresh_form()

    def _values_of(self, name: str) -> Values:
        edit, profile = self._edits.get(name), self._profiles.named(name)
        return edit.values if edit else values_of(profile) if profile else BLANK

    def _base(self, name: str) -> Profile | None:
        edit = self._edits.get(name)
        return edit.base if edit else self._profiles.named(name)

    @on(ProfileForm.Edited)
    def _take_edit(self) -> None:
        name = self._shown
        if name is None or self._mistake is not None:
            return
        self._edits.put(name, Edit(self._base(name), self.form.values()))
        self._typed_keys[name] = self.form.typed_key
        self.table.refresh_rows([name])
        self._refresh_form()
        if self._keep_timer is not None:
            self._keep_timer.stop()
        self._keep_timer = self.set_timer(_KEEP_AFTER, self._edits.keep)

    def _refresh_form(self) -> None:
        """Say where the key is, name the form, and offer what can be done with it."""
        name = self._shown
        if name is None:
            return
        edited = name in self._edits or bool(self._typed_keys.get(name))
        frame = self.query_one("#form-frame")
        frame.border_title = Content("A new profile" if name == NEW else clean(name))
        frame.border_subtitle = Content("not saved" if edited else "")
        base = self._base(name)
        answer = self._answer(base) if base else None
        self.form.hint_key(self._key_sentence(base, answer).text)
        blocked = self._mistake is not None
        for button, enabled in (
            ("test", True),
            ("save", edited or name == NEW),
            ("discard", edited or name == NEW),
            ("open", name != NEW),
            ("duplicate", name != NEW),
            ("delete", name != NEW),
            ("start", name not in (NEW, self._profiles.default)),
        ):
            self.query_one(f"#do-{button}", Button).disabled = blocked or not enabled
        unanswered = answer is not None and answer.state in (KeyState.LOCKED, KeyState.TIMED_OUT, KeyState.UNAVAILABLE)
        self.query_one("#do-ask_key").display = unanswered

    def _key_sentence(self, base: Profile | None, answer: KeyAnswer | None) -> Cell:
        if self.form.typed_key or base is None:
            return typed_key_line(self.form.typed_key)
        url = str(self.form.values()["registry_url"])
        if _origin(url) not in (None, _origin(base.registry_url)):
            return Cell(f"The stored key stays with {_origin(base.registry_url)}: this address needs its own.")
        return key_line(answer)

    def _say(self, sentence: str, style: Style = Style.DIM) -> None:
        said = self.query_one("#said", Static)
        said.display = bool(sentence)
        said.update(as_content([Cell(clean(sentence), style)]))

    @on(ProfileForm.Left)
    def _back_to_list(self) -> None:
        (self.query_one("#do-save") if self.has_class("-first-run") else self.table).focus()

    @on(ProbePanel.UseUrl)
    def _use_url(self, message: ProbePanel.UseUrl) -> None:
        self.form.field("registry_url").input.value = message.url
        self.form.field("key").input.focus()
        self.query_one(ProbePanel).clear()

    @on(Go)
    def _arrive(self, message: Go) -> None:
        """Another screen sends values for the open profile, such as the address that a redirect named."""
        message.stop()
        name = self._open_name()
        if name is None or not self.table.keys:
            return
        self._show(name)
        for field, value in message.fill.items():
            if field in BLANK and isinstance(value, str):
                self.form.field(field).input.value = value
                self.form.field(field).input.focus()

    # -- what can be done --------------------------------------------------------------------------------------

    @on(Button.Pressed)
    async def _pressed(self, message: Button.Pressed) -> None:
        button = message.button.id or ""
        if button.startswith("do-"):
            message.stop()
            await self.run_action(button.removeprefix("do-"))

    @on(Button.Pressed, "#demo")
    def _open_demo(self) -> None:
        self.post_message(OpenDemo())

    @on(Button.Pressed, "#reread")
    def _reread(self) -> None:
        self._reload()
        if self._mistake is None:
            self._problem = None
            self._show_ways()

    @on(Button.Pressed, "#environment")
    def _open_environment(self) -> None:
        self.post_message(OpenProfile(PROFILE_NAME))

    def action_new(self) -> None:
        if self._mistake is None:
            self._show(NEW)
            self.form.field("name").input.focus()

    def action_edit(self) -> None:
        self.form.field("name").input.focus()

    def action_duplicate(self) -> None:
        if self._shown in (None, NEW) or self._mistake is not None:
            return
        values = {**self.form.values(), "name": f"{self._shown}-copy"}
        self._edits.put(NEW, Edit(None, values))
        self.action_new()

    def action_discard(self) -> None:
        name = self._shown
        if name is None or self._mistake is not None:
            return
        self._edits.drop(name)
        self._typed_keys.pop(name, None)
        self._edits.keep()
        if name == NEW:
            self._shown = None
        self._reload()
        if self._shown is None:
            self._show(NEW)

    def action_open(self) -> None:
        if self._shown is not None:
            self._open(self._shown)

    def _open(self, name: str) -> None:
        if name == NEW:
            self.action_save()
        elif self._mistake is None:
            self._edits.keep()
            self.post_message(OpenProfile(name))

    def action_start(self) -> None:
        name = self._shown
        if name is None or self._profiles.named(name) is None:
            return
        try:
            self._store.set_default(name)
        except (ProfilesNotSaved, ProfilesFileError, ValueError) as wrong:
            self._say(str(wrong), Style.ERROR)
            return
        self._reload()
        self._say(f"The program starts with {name}.")

    @work(exit_on_error=False, group="delete", exclusive=True)
    async def action_delete(self) -> None:
        profile = self._profiles.named(self._shown or "")
        if profile is None:
            return
        is_open = profile.name == self._open_name()
        watch_list = WatchList(self._home.data, profile.name)
        question = ask_delete(profile, len(watch_list.load()), is_open=is_open)
        if await self.app.push_screen_wait(question) != "delete":
            return
        try:
            await asyncio.to_thread(self._store.delete, profile.name)
        except (ProfilesNotSaved, ProfilesFileError) as wrong:
            self._say(str(wrong), Style.ERROR)
            return
        self._edits.drop(profile.name)
        self._typed_keys.pop(profile.name, None)
        self._shown = None
        self._reload()
        answer = await self._keys.forget(profile)
        await asyncio.to_thread(watch_list.delete)
        rest = "" if answer.state in (KeyState.ABSENT, KeyState.UNAVAILABLE) else f" {answer.sentence}"
        sentence = f"{profile.name} was deleted.{rest}"
        if is_open:
            self.post_message(CloseProfile(sentence))
        else:
            self._say(sentence, Style.WARNING if rest else Style.DIM)

    # -- the test ----------------------------------------------------------------------------------------------

    @work(exit_on_error=False, group="probe", exclusive=True)
    async def action_test(self) -> None:
        name = self._shown
        if name is None or self._mistake is not None or not self.form.check_all():
            return
        profile = profile_from(fields_of(self.form.values()))
        made_with = self._connection(self.form.values(), self.form.typed_key)
        key, why_none = await self._key_to_test(profile, self._base(name))
        panel = self.query_one(ProbePanel)
        panel.begin()
        async for line in probe_apart(profile, key, self._clock):
            if why_none and line.step is Step.KEY and line.mark is Mark.NO:
                line = line._replace(sentence=why_none, advice="")
            panel.take(line)
        if panel.passed:
            self._tested[name] = made_with
            self._failed.discard(name)
        else:
            self._tested.pop(name, None)
            self._failed.add(name)

    async def _key_to_test(self, profile: Profile, base: Profile | None) -> tuple[ApiKey | None, str]:
        """Return the typed key or else the stored one, or none and the sentence that says why."""
        if self.form.typed_key:
            return ApiKey(self.form.typed_key), ""
        asked = renamed(profile, base.name) if base else profile
        self._say("Waiting for the OS keyring …")
        answer = await self._keys.load(asked)
        self._say("")
        if base is not None:
            self._answers[base.name] = answer
            self._refresh_form()
        return answer.key, "" if answer.key else answer.sentence

    def _connection(self, values: Values, typed_key: str) -> tuple[object, ...]:
        """What a test's outcome depends on."""
        return (*(values[name] for name in ("registry_url", "namespace", "allow_insecure")), typed_key)

    # -- saving ------------------------------------------------------------------------------------------------

    @work(exit_on_error=False, group="save", exclusive=True)
    async def action_save(self) -> None:
        name = self._shown
        if name is None or self._mistake is not None:
            return
        if not self.form.check_all():
            wrong = len(self.form.mistakes())
            self._say(f"Not saved: {wrong} field{'s' * (wrong != 1)} to put right.", Style.ERROR)
            return
        values, typed_key, base = self.form.values(), self.form.typed_key, self._base(name)
        if not await self._may_save(name, base, self._connection(values, typed_key)):
            return
        saved = await self._write(name, profile_from(fields_of(values)), base)
        if saved is None:
            return
        for done in (name, saved.name):
            self._edits.drop(done)
            self._typed_keys.pop(done, None)
        self._edits.keep()
        self._shown = saved.name
        self._reload(saved.name)
        answer = await self._keep_key(saved, base, typed_key)
        self._apply(name, saved, answer)

    async def _may_save(self, name: str, base: Profile | None, connection: tuple[object, ...]) -> bool:
        """Ask once where another connection is saved than one that was tested."""
        unchanged = base is not None and connection == self._connection(values_of(base), "")
        if unchanged or self._tested.get(name) == connection:
            return True
        answer = await self.app.push_screen_wait(ask_untested(failed=name in self._failed))
        if answer == "test":
            self.action_test()
        return answer == "save"

    async def _write(self, name: str, profile: Profile, base: Profile | None) -> Profile | None:
        """Put the profile into the file; None where it was not, and why is on the screen."""
        force = False
        while True:
            try:
                if base is not None and base.name != profile.name:
                    await asyncio.to_thread(self._store.rename, base.name, profile.name)
                    base = renamed(base, profile.name)
                return await asyncio.to_thread(partial(self._store.save, profile, base, force=force))
            except ProfileConflict as conflict:
                if base is None or conflict.keys == ("name",):
                    self.form.say("name", clean(conflict).removesuffix(" Overwrite it?"))
                    return None
                answer = await self.app.push_screen_wait(ask_conflict(conflict, profile))
                if answer != "mine":
                    self._resolve(name, conflict, answer)
                    return None
                force = True
            except (ProfilesNotSaved, ProfilesFileError) as wrong:
                self._say(str(wrong), Style.ERROR)
                return None

    def _resolve(self, name: str, conflict: ProfileConflict, answer: str | None) -> None:
        if answer != "theirs":
            self._say("Not saved: the form and the file are as they were.")
            return
        if conflict.theirs is None:
            self._edits.drop(name)
            self._shown = None
        else:
            values = take_theirs(conflict, self._values_of(name))
            self._edits.put(name, Edit(conflict.theirs, values))
            self._say("Theirs is in the form now; what only you changed is still to be saved.")
        self._reload()

    async def _keep_key(self, saved: Profile, base: Profile | None, typed_key: str) -> KeyAnswer | None:
        """Store a typed key, or let the stored one follow a new name; None where there is nothing to do."""
        moved = base is not None and base.name != saved.name
        if moved and base is not None:
            await asyncio.to_thread(self._move_watch_list, base.name, saved.name)
        if not typed_key and not moved:
            return None
        self._say("Saved. Waiting for the OS keyring, which may ask for its password …")
        if typed_key:
            answer = await self._keys.save(saved, ApiKey(typed_key))
        else:
            assert base is not None
            answer = await self._keys.move(base, saved)
        self._answers[saved.name] = answer
        self.table.refresh_rows([saved.name])
        self._refresh_form()
        return answer

    def _move_watch_list(self, old: str, new: str) -> None:
        is_open = self.has_workspace and old == self._open_name()
        watch_list = self.workspace.watch_list if is_open else WatchList(self._home.data, old)
        watch_list.rename(new)

    def _apply(self, name: str, saved: Profile, answer: KeyAnswer | None) -> None:
        """Let what is open go on with what was saved; the first profile is opened."""
        said = f"Saved. {answer.sentence}" if answer else "Saved."
        fine = answer is None or answer.state is KeyState.FOUND
        self._say(said, Style.DIM if fine else Style.WARNING)
        if not self.has_workspace:
            self.notify(said, markup=False)
            self.post_message(OpenProfile(saved.name))
        elif name == self._open_name():
            self._reconnect(saved, answer)

    def _reconnect(self, saved: Profile, answer: KeyAnswer | None) -> None:
        """Only another name, registry or namespace needs a workspace of its own; other screens stay as they are."""
        before = self.workspace.profile
        try:
            now = overridden(saved)
        except EnvironmentMistake as mistake:
            self._say(str(mistake), Style.ERROR)
            return
        if (now.name, now.registry_url, now.namespace) != (before.name, before.registry_url, before.namespace):
            self.post_message(OpenProfile(saved.name, mode="profiles"))
            return
        known = answer or self._keys.peek(now) or self.workspace.key_answer
        self.workspace.key_answer = known
        if now != before:
            self.workspace.adopt(now, known.key if known else None)
        elif answer is not None:
            self.workspace.connect(answer.key)
        self._refresh_form()

    @work(exit_on_error=False, group="key", exclusive=True)
    async def action_ask_key(self) -> None:
        """Ask again where the keyring gave no answer; a key that is held for this run is stored."""
        profile = self._profiles.named(self._shown or "")
        if profile is None:
            return
        self._say("Waiting for the OS keyring, which may ask for its password …")
        answer = await self._keys.load(profile)
        if answer.key is not None and answer.state is not KeyState.FOUND:
            answer = await self._keys.save(profile, answer.key)
        self._answers[profile.name] = answer
        self.table.refresh_rows([profile.name])
        self._say(answer.sentence, Style.DIM if answer.state is KeyState.FOUND else Style.WARNING)
        self._refresh_form()
        if profile.name == self._open_name() and answer.key is not None:
            self._reconnect(profile, answer)


def _environment_alone() -> Profile | None:
    try:
        return overridden(None)
    except EnvironmentMistake:
        return None


def _origin(url: str) -> str | None:
    try:
        return origin(url)
    except ValueError:
        return None
