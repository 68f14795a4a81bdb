"""The profiles screen, and the first run: where am I connected, and as whom?"""

from functools import partial
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Button

from pyhall_tui.clock import Clock
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.files.notes import Notes
from pyhall_tui.journal.renaming import move_records, name_aside, put_records_aside
from pyhall_tui.paths import Home
from pyhall_tui.profiles.edited_profiles import EditedProfiles
from pyhall_tui.profiles.edits import BLANK, NEW, Edits, fields_of, values_of
from pyhall_tui.profiles.environment import EnvironmentMistake, overridden
from pyhall_tui.profiles.keys import KeyAnswer, KeyState, KeyStore
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_checks import profile_from
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.profiles.saving import Saver, Written, connection
from pyhall_tui.profiles.trials import Trials, hindrance
from pyhall_tui.profiles.urls import origin
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.render.profile import profile_row
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.messages import CloseProfile, Go, OpenProfile
from pyhall_tui.screens.profiles.choice import ChoiceScreen
from pyhall_tui.screens.profiles.form import ProfileForm
from pyhall_tui.screens.profiles.form_pane import FormPane
from pyhall_tui.screens.profiles.notice import Notice
from pyhall_tui.screens.profiles.probe_panel import ProbePanel
from pyhall_tui.screens.profiles.profile_list import ProfileList
from pyhall_tui.screens.profiles.questions import ask_conflict, ask_delete, ask_untested, take_theirs
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.late import after_refresh
from pyhall_tui.widgets.line_table import LineTable, Row
from pyhall_tui.widgets.one_at_a_time import one_at_a_time
from pyhall_tui.workspace import Workspace

_KEEP_AFTER: Final = 0.5
"""Seconds without a key after which the typed text is saved."""


class ProfilesScreen(ModeScreen):
    """The list on the left, the form of the profile under the cursor on the right."""

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
        Binding("f", "start", "Start", show=False, id="profiles.start", tooltip="Open this profile at startup"),
        Binding("z", "discard", "Discard", show=False, id="profiles.discard", tooltip="Discard unsaved changes"),
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
        """Make the screen. `problem` is the sentence above it that says why no profile is open."""
        super().__init__(workspace)
        self._keys, self._home, self._clock = keys, home, clock
        self._is_demo, self._problem = is_demo, problem
        self._edited = EditedProfiles(store, keys, Edits(drafts))
        self._shown: str | None = None
        self._trials = Trials(keys)
        self._keep_timer: Timer | None = None
        self._saver = Saver(store, keys, home.data, lambda theirs, mine: self._ask(ask_conflict(theirs, mine)))

    def compose_body(self) -> ComposeResult:
        yield Notice(id="top")
        with Horizontal(id="columns"):
            yield ProfileList(self._row)
            yield FormPane(id="form-frame")

    def on_mount(self) -> None:
        super().on_mount()
        self._reload()
        after_refresh(self, self._begin)  # the form may not be composed yet

    def _begin(self) -> None:
        """Put the focus where you start: on the list, the form of the first profile, or the file's mistake."""
        if self._edited.mistake is not None:
            self.query_one("#reread").focus()
        elif self.has_class("-first-run"):
            self._show(NEW)
            self.form.field("name").input.focus()
        else:
            self.table.focus()

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
        if self.is_mounted and self._shown is not None:
            self._reload()

    def on_unmount(self) -> None:
        self._edited.keep()

    def _reload(self, cursor: str | None = None) -> None:
        """Read the file again: an editor or another program may have changed it."""
        self._edited.load()
        self._show_ways()
        names = self._edited.names(self._shown)
        self.table.show(names)
        wanted = cursor or self._shown or self._open_name() or self._edited.profiles.default
        if wanted in names:
            self.table.move_to(wanted)
        self.table.refresh_rows(names)
        if self.table.cursor_key is not None:
            self._show(self.table.cursor_key)

    def _show_ways(self) -> None:
        """Show above everything what is wrong, and what you can do."""
        first_run = not self._edited.profiles.profiles and self._edited.mistake is None
        self.set_class(first_run, "-first-run")
        columns, readable = self.query_one("#columns"), self._edited.mistake is None
        self.query_one(Notice).show(self._edited, self._problem, has_workspace=self.has_workspace)
        if columns.display != readable:
            columns.display = readable
            self._say("")  # it said that it was not saved because of a mistake, which is corrected
            after_refresh(self, self._begin)  # the element with the focus is gone

    def _row(self, name: str) -> Row:
        profile = self._edited.profile(name)
        if profile is None:
            return Row({"name": Cell("a new profile", Style.DIM), "marks": (Cell("not saved", Style.WARNING),)})
        row = profile_row(
            profile,
            self._answer(profile),
            is_open=name == self._open_name(),
            is_default=name == self._edited.profiles.default,
            is_edited=self._edited.is_edited(name),
        )
        return Row(row._asdict())

    def _open_name(self) -> str | None:
        return self.workspace.profile.name if self.has_workspace and not self._is_demo else None

    def _answer(self, profile: Profile) -> KeyAnswer | None:
        """Return what is known about a profile's key without asking."""
        opened = self.workspace.key_answer if profile.name == self._open_name() else None
        return self._edited.known_key(profile, opened)

    @on(LineTable.Highlighted, "#profiles")
    def _highlighted(self, message: LineTable.Highlighted) -> None:
        if message.key is not None and message.key != self._shown and message.key == self.table.cursor_key:
            self._show(message.key)

    @on(LineTable.Opened, "#profiles")
    def _opened_row(self, message: LineTable.Opened) -> None:
        self._open(message.key)

    # -- the form ----------------------------------------------------------------------------------------------

    def _show(self, name: str) -> None:
        """Show that profile on the form, with its unsaved edits."""
        if name != self._shown:
            self.workers.cancel_group(self, "probe")
            self.query_one(ProbePanel).clear()
            self._say("")
        self._shown = name
        values = self._edited.values_of(name)
        if values != self.form.values() or self.form.typed_key != self._edited.typed_keys.get(name, ""):
            self.form.fill(values, self._edited.typed_keys.get(name, ""))
        if name == NEW and NEW not in self.table.keys:
            self.table.show(self._edited.names(self._shown))
        self.table.move_to(name)
        self._refresh_form()

    @on(ProfileForm.Edited)
    def _take_edit(self) -> None:
        name = self._shown
        if name is None or self._edited.mistake is not None:
            return
        self._edited.take(name, self.form.values(), self.form.typed_key)
        self.table.refresh_rows([name])
        self._refresh_form()
        if self._keep_timer is not None:
            self._keep_timer.stop()
        self._keep_timer = self.set_timer(_KEEP_AFTER, self._edited.keep)

    def _refresh_form(self) -> None:
        """Show where the key is, name the form, and offer its actions."""
        name = self._shown
        if name is None:
            return
        base = self._edited.base(name)
        answer = self._answer(base) if base else None
        self.query_one(FormPane).show(name, base, answer, edited=self._edited.is_edited(name))
        self.query_one(ProfileList).offer(name, is_default=name == self._edited.profiles.default)

    def _say(self, sentence: str, style: Style = Style.DIM) -> None:
        self.query_one(FormPane).say(sentence, style)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Mark the half with the focus; `:focus-within` would style all of it again at every field (70 ms per key)."""
        for frame in self.query("#list-frame, #form-frame"):
            frame.set_class(frame in event.widget.ancestors, "-active")

    @on(ProfileForm.Left)
    def leave_field(self) -> None:
        (self.query_one("#do-save") if self.has_class("-first-run") else self.table).focus()

    @on(ProbePanel.UseUrl)
    def _use_url(self, message: ProbePanel.UseUrl) -> None:
        self.form.field("registry_url").input.value = message.url
        self.form.field("key").input.focus()
        self.query_one(ProbePanel).clear()

    @on(Go)
    def _arrive(self, message: Go) -> None:
        """Fill in values for the open profile from another screen, such as the address that a redirect named."""
        message.stop()
        if self._edited.mistake is None:
            after_refresh(self, self._take_over, message)

    def _take_over(self, message: Go) -> None:
        name = self._open_name()  # the environment's own profile is not in a file
        self._show(name if name and name in self.table.keys else NEW)
        for field, value in message.fill.items():
            if field in BLANK and isinstance(value, str):
                self.form.field(field).input.value = value
                self.form.field(field).input.focus()

    @on(Button.Pressed)
    async def _pressed(self, message: Button.Pressed) -> None:
        button = message.button.id or ""
        if button.startswith("do-"):
            message.stop()
            await self.run_action(button.removeprefix("do-"))

    @on(Notice.Begin)
    @on(Notice.ReadAgain)
    def _read_again(self, message: Notice.Begin | Notice.ReadAgain) -> None:
        self._problem = (isinstance(message, Notice.Begin) and self._edited.begin_file()) or None
        self._reload()
        self._begin()

    def action_new(self) -> None:
        if self._edited.mistake is None:
            self._show(NEW)
            self.form.field("name").input.focus()

    def action_edit(self) -> None:
        self.form.field("name").input.focus()

    def action_duplicate(self) -> None:
        if self._shown in (None, NEW) or self._edited.mistake is not None:
            return
        values = {**self.form.values(), "name": f"{self._shown}-copy"}
        self._edited.begin(NEW, None, values)
        self.action_new()

    def action_discard(self) -> None:
        name = self._shown
        if name is None or self._edited.mistake is not None:
            return
        self._edited.forget_typed(name)
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
        elif self._edited.mistake is None:
            self._edited.keep()
            is_live = name == self._open_name() and self.workspace.connection.is_connected
            stored = self._edited.profiles.named(name)
            if is_live and stored is not None and self._overridden(stored) == self.workspace.profile:
                self.app.post_message(Go("workers"))
            else:
                self.post_message(OpenProfile(name))

    @one_at_a_time("start")
    async def action_start(self) -> None:
        name = self._shown
        if name is not None and self._edited.profiles.named(name) is not None:
            sentence = await self._saver.start_with(name)
            self._reload()
            self._say(sentence)

    @one_at_a_time("delete")
    async def action_delete(self) -> None:
        profile = self._edited.profiles.named(self._shown or "")
        if profile is None:
            return
        is_open = profile.name == self._open_name()
        if await self._ask(ask_delete(profile, self._saver.count_watched(profile), is_open=is_open)) != "delete":
            return
        gone, sentence = await self._saver.delete(profile)
        if gone:
            self._edited.forget_typed(profile.name)
            self._shown = None
        self._reload()
        if gone:
            sentence = f"{sentence} {await self._put_aside(profile.name)}".strip()
        if gone and is_open:
            self.post_message(CloseProfile(sentence))
        self._say(sentence, Style.DIM if gone else Style.ERROR)

    async def _put_aside(self, name: str) -> str:
        """Let no later profile with that name inherit what was recorded; return what went wrong, or nothing."""
        journal, aside = self.workspace.journal if self.has_workspace else None, name_aside(name, self._clock)
        Notes(self._home.state, name).rename(aside)
        moving = partial(put_records_aside, journal, self._home.data, self._clock, name, aside)
        return await off_loop(moving, name="delete")

    async def _ask(self, question: ChoiceScreen) -> str | None:
        return await self.app.push_screen_wait(question)

    @one_at_a_time("probe")
    async def action_test(self) -> None:
        name = self._shown
        if name is None or self._edited.mistake is not None or not self.form.check_all():
            return
        profile = profile_from(fields_of(self.form.values()))
        base, typed_key = self._edited.base(name), self.form.typed_key
        made_with = connection(self.form.values(), typed_key)
        if (asked := self._overridden(profile)) is None:
            return
        self._say("" if typed_key else "Waiting for the OS keyring …")
        trial = await self._trials.prepare(profile, asked, base, typed_key)
        self._say("")
        if base is not None and trial.answer is not None:
            self._edited.answers[base.name] = trial.answer
            self._refresh_form()
        panel = self.query_one(ProbePanel)
        well = await panel.run(trial.profile, trial.key, self._clock, why_none=trial.why_none, note=trial.note)
        if trial.proves:
            self._trials.note(name, made_with, well=well)

    def _overridden(self, profile: Profile) -> Profile | None:
        """Return a profile with the environment's overrides; if they can't be used, say so and return None."""
        try:
            return overridden(profile)
        except EnvironmentMistake as mistake:
            self._say(str(mistake), Style.ERROR)
            return None

    # -- saving ------------------------------------------------------------------------------------------------

    @one_at_a_time("save")
    async def action_save(self) -> None:
        name = self._shown
        if name is None or self._edited.mistake is not None:
            return
        if not self.form.check_all():
            wrong = len(self.form.mistakes())
            self._say(f"Not saved: {wrong} field{'s' * (wrong != 1)} to correct.", Style.ERROR)
            return
        values, typed_key, base = self.form.values(), self.form.typed_key, self._edited.base(name)
        if not await self._may_save(name, base, connection(values, typed_key)):
            return
        written = await self._saver.write(profile_from(fields_of(values)), base)
        if written.saved is None:
            self._tell_unsaved(name, written)
            return
        saved = written.saved
        self._edited.forget_typed(name, saved.name)
        self._shown = saved.name
        self._reload(saved.name)
        trouble = ""
        if base is not None and base.name != saved.name:
            trouble = await self._move(base.name, saved.name)
        if typed_key or trouble or (base is not None and base.name != saved.name):
            self._say("Saved. Waiting for the OS keyring, which may ask for its password …")
        answer = await self._saver.keep_key(saved, base, typed_key)
        if answer is not None:
            self._edited.answers[saved.name] = answer
        self._apply(name, saved, answer, trouble)

    async def _move(self, old: str, new: str) -> str:
        """Move what belongs to a profile to its new name; return what went wrong, or nothing."""
        opened = self.workspace if self.has_workspace else None
        journal, is_open = (opened.journal, old == self._open_name()) if opened else (None, False)
        notes, watch_list = Notes(self._home.state, old), WatchList(self._home.data, old)
        if opened is not None and is_open:
            opened.alarms.rename(new)
            notes, watch_list = opened.notes, opened.watch_list
        notes.rename(new)
        moved = await off_loop(partial(move_records, journal, self._home.data, self._clock, old, new), name="rename")
        return f"{moved} {await self._saver.move_watch_list(watch_list, new)}".strip()

    def _tell_unsaved(self, name: str, written: Written) -> None:
        """Say why the profile was not saved; use somebody else's values if that was chosen."""
        if written.field is not None:
            self.form.say(written.field, clean(written.sentence))
            return
        conflict = written.theirs
        if conflict is not None and conflict.theirs is None:
            self._edited.forget_typed(name)
            self._shown = None
        elif conflict is not None and conflict.theirs is not None:
            self._edited.begin(name, conflict.theirs, take_theirs(conflict, self._edited.values_of(name)))
        self._reload()
        self._say(written.sentence, Style.DIM if conflict else Style.ERROR)

    async def _may_save(self, name: str, base: Profile | None, made_with: tuple[object, ...]) -> bool:
        """Ask once if the connection to save is not one that was tested."""
        unchanged = base is not None and made_with == connection(values_of(base), "")
        if unchanged or self._trials.went_well(name, made_with):
            return True
        hinders = hindrance(profile_from(fields_of(self.form.values())), self.form.typed_key)
        answer = await self._ask(ask_untested(failed=self._trials.failed(name), hindrance=hinders))
        if answer == "test":
            self.action_test()
        return answer == "save"

    def _apply(self, name: str, saved: Profile, answer: KeyAnswer | None, trouble: str) -> None:
        """Apply what was saved to what is open; open the first profile."""
        trouble = f"{trouble} {hindrance(saved, '')}".strip()
        fine = not trouble and (answer is None or answer.state is KeyState.FOUND)
        self._refresh_form()
        self.table.refresh_rows([saved.name])
        said = ("Saved.", answer.sentence if answer else "", trouble)
        self._say(" ".join(filter(None, said)), Style.DIM if fine else Style.WARNING)
        if not self.has_workspace:
            self.post_message(OpenProfile(saved.name))
        elif name == self._open_name():
            self._reconnect(saved, answer)

    def _reconnect(self, saved: Profile, answer: KeyAnswer | None) -> None:
        """Reconnect. Only another name, registry or namespace needs a new workspace; otherwise the screens stay."""
        before = self.workspace.profile
        if (now := self._overridden(saved)) is None:
            return
        if (now.name, now.registry_url, now.namespace) != (before.name, before.registry_url, before.namespace):
            self.post_message(OpenProfile(saved.name, mode="profiles"))
            return
        if origin(now.registry_url) != origin(saved.registry_url):
            answer = None  # it is about the profile's own address, and its key goes nowhere else
        known = self.workspace.key_answer = answer or self._keys.peek(now) or self.workspace.key_answer
        if now != before:
            self.workspace.adopt(now, known.key if known else None)
        elif answer is not None:
            self.workspace.connection.connect(answer.key)
        self._refresh_form()

    @one_at_a_time("key")
    async def action_ask_key(self) -> None:
        """Ask again if the keyring gave no answer; store a key that is kept for this run."""
        profile = self._edited.profiles.named(self._shown or "")
        if profile is None:
            return
        if (asked := self._overridden(profile)) is None:
            return
        self._say("Waiting for the OS keyring, which may ask for its password …")
        answer = await self._keys.load(asked)
        if answer.key is not None and answer.state is not KeyState.FOUND:
            answer = await self._keys.save(asked, answer.key)
        self._edited.answers[profile.name] = answer
        self.table.refresh_rows([profile.name])
        self._say(answer.sentence, Style.DIM if answer.state is KeyState.FOUND else Style.WARNING)
        if profile.name == self._open_name() and answer.key is not None:
            self.workspace.key_answer = answer
            self.workspace.connection.connect(answer.key)
        self._refresh_form()
