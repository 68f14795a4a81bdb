"""The app: modes, theme, keys, news. It only wires things; the screens and the workspace do the work."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from textual import events, on
from textual.app import UnknownModeError
from textual.message import Message
from textual.screen import Screen
from textual.worker_manager import WorkerManager

from pyhall_tui import crash
from pyhall_tui.clock import Clock, SystemClock
from pyhall_tui.fleet.events import Event
from pyhall_tui.fleets.fleets import Fleets
from pyhall_tui.fleets.opener import DemoHall, OpenedProfile
from pyhall_tui.paths import Home
from pyhall_tui.profiles.chosen_profile import choose_profile
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.messages import (
    AlarmsChanged,
    CloseProfile,
    ConnectionChanged,
    CopyText,
    EventsHappened,
    FleetChanged,
    FleetsChanged,
    Go,
    OpenDemo,
    OpenProfile,
)
from pyhall_tui.screens.modes import leave_pushed, opening_screen, overview_screen, screens_of
from pyhall_tui.shell import garbage, mouse
from pyhall_tui.shell.app_keys import APP_KEYS, OPENED, is_typed, palette_commands, palette_things
from pyhall_tui.shell.escape_key import take_escape_apart
from pyhall_tui.shell.failed_work import TellingWorkers
from pyhall_tui.shell.gathering import Gathering
from pyhall_tui.shell.late_start import load_rest, make_key_store, open_late_log
from pyhall_tui.shell.standing import Standing
from pyhall_tui.shell.theme import DARK, ConfiguredApp
from pyhall_tui.signals import draw_anew_after_a_stop, end_on_signals, is_a_shells_job
from pyhall_tui.textual_internals import driver_of, is_handed_back, unpin_closed_widgets
from pyhall_tui.widgets.attendance import Attendance
from pyhall_tui.widgets.header import SCREEN_TITLES
from pyhall_tui.widgets.late import came_late
from pyhall_tui.widgets.lines_left_out import LinesLeftOut
from pyhall_tui.widgets.one_at_a_time import is_under_way
from pyhall_tui.widgets.typed_ahead import TypedAhead
from pyhall_tui.workspace import Workspace

if TYPE_CHECKING:
    from pyhall_tui.alarms.alarm import Change
    from pyhall_tui.profiles.keys import KeyStore
    from pyhall_tui.shell.alarm_news import AlarmNews

_WAITING_SHOWN_AFTER = 0.5
"""Seconds after which you are told that the app waits for the OS keyring; most keyrings answer in milliseconds."""
_LOOK_FOR_TROUBLE = 2.0
"""Seconds between two checks whether something can no longer be saved."""


class PyHallApp(ConfiguredApp):
    """The operations dashboard."""

    CRASH_CODE = crash.EXIT_CODE
    BEGINS_WITH_THEME = True
    TITLE = "pyhall-tui"
    COMMANDS = {palette_commands, palette_things}
    # The first screen's, because adding more parses all CSS again.
    CSS_PATH = Path(__file__).parent / "screens/workers/workers.tcss"
    HORIZONTAL_BREAKPOINTS = ModeScreen.HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = ModeScreen.VERTICAL_BREAKPOINTS
    DEFAULT_MODE = "opening"
    BINDING_GROUP_TITLE = "Everywhere"
    BINDINGS = APP_KEYS

    def __init__(
        self,
        home: Home,
        *,
        make_demo: Callable[[], DemoHall],
        demo: bool = False,
        profile_name: str | None = None,
        clock: Clock | None = None,
        key_store: "KeyStore | None" = None,
        open_log: Callable[[], str | None] = lambda: None,
        theme: str = DARK.name,
    ) -> None:
        """Make the app; nothing is opened before it runs.

        Args:
            home: the folders for config, data and state.
            make_demo: makes the demo, whose hall starts after its fleet is shown.
            demo: open the demo instead of a profile.
            profile_name: open this profile; otherwise the default one, or the first run's screen.
            open_log: opens the log, and returns a sentence if it can't; called in a thread after the first frame.
            theme: the name of the first theme: see `theme.first_theme`.
        """
        super().__init__(clock := clock or SystemClock())
        take_escape_apart()
        unpin_closed_widgets()
        self._garbage = garbage.Collector(self)
        self._telling_workers = TellingWorkers(self)
        self._is_ending = False
        self.keep_parsed_css(1_000)
        self.begin_with_config(home.config, theme)
        self.add_mode(self.DEFAULT_MODE, partial(self._make_screen, opening_screen))
        self._clock = clock
        self.fleets = Fleets(home, clock, self, make_demo, self.run_log)
        self._opens_demo = demo
        self._profile_name = profile_name
        self._copied: CopyText | None = None
        self._given_keys = key_store
        self._open_log = open_log
        self._standing = Standing(self, self.run_log, clock)
        self.typed_ahead = TypedAhead(self)
        self.attendance = Attendance(self.fleets.attend)
        self._gathering = Gathering(self._tell_screen, lambda: self.attendance.is_there)

    @property
    def workers(self) -> WorkerManager:
        """What runs in the background; a failure is reported to the user."""
        return self._telling_workers

    @cached_property
    def _keys(self) -> "KeyStore":
        return self._given_keys or make_key_store()

    @cached_property
    def _alarm_news(self) -> "AlarmNews":
        from pyhall_tui.shell.alarm_news import AlarmNews  # not before the first frame

        return AlarmNews(self, self._clock)

    @property
    def workspace(self) -> Workspace | None:
        """The open workspace."""
        return self.fleets.workspace

    @property
    def profile_store(self) -> ProfileStore:
        """The user's profiles."""
        return self.fleets.store

    async def on_load(self) -> None:
        """Handle signals before touching the terminal; one that comes before the first screen is kept until then.

        The profile or demo is opened here, so that the first frame shows its fleet. Everything else begins with the
        opening screen.
        """
        end_on_signals(self.end_soon)
        opened = await self.fleets.open_first(self._profile_name, demo=self._opens_demo)
        if opened is not None:
            self._begin_with("workers", opened)

    async def on_mount(self) -> None:
        draw_anew_after_a_stop(driver_of(self), is_handed_back)
        end_on_signals(self.end_soon)  # again: the web's driver has handlers with another exit code
        self.call_after_refresh(self.run_worker, open_late_log(self, self._open_log))
        self.attendance.begin()
        self.set_interval(garbage.EVERY, self._garbage.collect_soon)
        self.set_interval(_LOOK_FOR_TROUBLE, self._tell_trouble)
        self.call_after_refresh(self.run_worker, self._continue, group="open")  # a worker: quitting ends it

    async def _continue(self) -> None:
        """Continue after the first frame with everything that would delay it."""
        self.run_log.missing_part = await load_rest()
        self._garbage.settle()
        self.follow_config()
        if self._is_ending:  # it was told to end before it began, so its screens are being closed
            return
        if self.run_log.missing_part:
            self.notify(self.run_log.missing_part, severity="error", timeout=3600, markup=False)
        elif self.workspace is None:
            await self._show_profiles(self.fleets.problem)
        else:
            self._follow(self.workspace)
            self._begin_to_connect()

    # -- opening and closing -----------------------------------------------------------------------------------

    def _begin_with(self, mode: str, opened: OpenedProfile) -> None:
        """Begin in that mode: drawing the opening screen would be a waste."""
        self._add_modes(screens_of(opened.workspace, opened.home), None)
        self.start_in_mode(mode)

    async def open_demo(self) -> None:
        """Open the demo: show its fleet at once, then start its hall."""
        await self._show(await self.fleets.open_demo(), "workers")
        self.call_after_refresh(self._begin_to_connect)

    async def open_profile(self, profile: Profile, mode: str = "workers") -> None:
        """Open a profile: show what was last known at once, then ask for its key."""
        await self._show(await self.fleets.open_profile(profile), mode)
        self.call_after_refresh(self._begin_to_connect)

    async def _show(self, opened: OpenedProfile, mode: str) -> None:
        """Make the screens for what was opened, and report what could not be saved or read."""
        self._forget_closed()
        await self._lay_modes(screens_of(opened.workspace, opened.home), None)
        await self.switch_mode(mode)
        self._follow(opened.workspace)

    def _forget_closed(self) -> None:
        self.keep_only_alarms_of(kept.workspace.alarms for kept in self.fleets.kept if kept.workspace)

    def _follow(self, workspace: Workspace) -> None:
        """Continue after the first frame: load the rest of the fleet, report what could not be saved or read."""
        self.call_after_refresh(self._restore_rest, workspace)
        self.call_after_refresh(self._tell_trouble)

    def _tell_trouble(self) -> None:
        if (workspace := self.workspace) is not None and not self.run_log.missing_part:
            workspace.keep_what_was_not()
            self._standing.follow(workspace.standing)
            self._standing.say_once(note for note in workspace.journal.notes if note not in workspace.standing)

    def _restore_rest(self, workspace: Workspace) -> None:
        self.run_worker(workspace.restore_rest(), exit_on_error=False, group="restore")

    async def _show_profiles(self, problem: str | None) -> None:
        await self.fleets.close()
        self.fleets.begin_overview(self._keys)
        self._forget_closed()
        await self._lay_modes({}, problem)
        await self.switch_mode("profiles")

    async def _lay_modes(self, screens: Mapping[str, Callable[[], Screen[None]]], problem: str | None) -> None:
        """Make the bar's screens again for what is open now; without a workspace there is only one."""
        self._garbage.collect_all_soon()
        await self.switch_mode("opening")
        for mode in SCREEN_TITLES:
            with contextlib.suppress(UnknownModeError):
                await self.remove_mode(mode)
        self._add_modes(screens, problem)

    def _add_modes(self, screens: Mapping[str, Callable[[], Screen[None]]], problem: str | None) -> None:
        self.add_mode("profiles", partial(self._make_screen, partial(self._profiles_screen, problem)))
        self.add_mode("overview", partial(self._make_screen, partial(overview_screen, self.fleets, self._clock)))
        for mode, factory in screens.items():
            self.add_mode(mode, partial(self._make_screen, factory))

    def _make_screen(self, factory: Callable[[], Screen[None]]) -> Screen[None]:
        """Make a screen that already has the theme's CSS: Textual would parse all CSS again, twice, to make sure."""
        screen = factory()
        self.skip_css_check(screen)
        return screen

    def _profiles_screen(self, problem: str | None) -> Screen[None]:
        from pyhall_tui.files.drafts import Drafts
        from pyhall_tui.screens.profiles.screen import ProfilesScreen

        opened, home = self.fleets.opened, self.fleets.home
        return ProfilesScreen(
            self.workspace,
            store=self.fleets.store,
            keys=self._keys,
            home=home,
            drafts=Drafts((opened.home if opened else home).state, "profiles"),
            clock=self._clock,
            is_demo=opened is not None and opened.demo is not None,
            problem=problem,
        )

    def _begin_to_connect(self) -> None:
        self.fleets.begin_overview(self._keys)
        opened = self.fleets.opened
        if opened is not None and opened.demo is not None:
            self.run_worker(self.fleets.start_demo(opened), exit_on_error=False, group="connect", exclusive=True)
        else:
            self._ask_key()

    def _ask_key(self) -> None:
        if self.workspace is not None:
            self.run_worker(self._connect(self.workspace), exit_on_error=False, group="connect", exclusive=True)

    async def _connect(self, workspace: Workspace) -> None:
        """Ask for the key and connect, even without one: a hall on this machine may not need it."""
        profile = workspace.profile
        asking = asyncio.ensure_future(self._keys.load(profile))
        try:
            await asyncio.wait((asking,), timeout=_WAITING_SHOWN_AFTER)
            if not asking.done():
                workspace.key_answer = self._keys.peek(profile)
                self.connection_changed()
            answer = await asking
        finally:
            asking.cancel()
        if workspace is not self.workspace or workspace.profile is not profile:
            return
        workspace.key_answer = answer
        if not answer.is_found:
            self.notify(answer.sentence, severity="warning", timeout=20, markup=False)
        if workspace.connection.has_key(answer.key) or (answer.key is None and workspace.connection.is_connected):
            workspace.connection.try_now()
        else:
            workspace.connection.connect(answer.key)
        if answer.is_found:
            self.fleets.unlocked()
        self.connection_changed()

    def action_suspend_process(self) -> None:
        """Stop, if a shell can resume the program."""
        if is_a_shells_job():
            super().action_suspend_process()
        else:
            self.notify("Not suspended: there is no shell to resume it.", markup=False)

    def action_ask_key(self) -> None:
        """Ask again for the open profile's key, if there is none yet."""
        answer = self.workspace.key_answer if self.workspace else None
        if is_under_way(self, "connect"):
            return
        if answer is not None and answer.key is None:
            self._ask_key()
        elif answer is not None:
            self.notify(answer.sentence, timeout=5, markup=False)

    async def on_unmount(self) -> None:
        self._gathering.close()
        self._garbage.close()
        self.attendance.close()
        await self.fleets.end()

    def before_removal(self) -> None:
        """Free what widgets leave behind."""
        self._garbage.collect_soon()

    # -- the workspace's listener ------------------------------------------------------------------------------

    def fleet_changed(self) -> None:
        self._gathering.soon(FleetChanged)

    def elsewhere_changed(self) -> None:
        self._gathering.soon(FleetsChanged)

    def alarms_changed_elsewhere(self, workspace: Workspace, changes: "list[Change]") -> None:
        self._alarm_news.take(workspace.alarms, changes, profile=workspace.profile.name)

    def connection_changed(self) -> None:
        self._tell_screen(ConnectionChanged())

    def events_happened(self, events: list[Event]) -> None:
        self._tell_screen(EventsHappened(events))

    def alarms_changed(self, changes: "list[Change]") -> None:
        if self.workspace is not None:
            self._alarm_news.take(self.workspace.alarms, changes)
        self._tell_screen(AlarmsChanged())

    def _tell_screen(self, message: Message) -> None:
        """Notify only the visible screens; a hidden one costs nothing and pulls when it comes back."""
        for screen in self.screen_stack:
            screen.post_message(message)

    # -- what screens request ----------------------------------------------------------------------------------

    @on(Go)
    async def _go(self, message: Go) -> None:
        try:
            arrival = self.switch_mode(message.mode)
        except UnknownModeError:
            self.notify("Open a profile first, or the demo.", severity="warning", markup=False)
            return
        await arrival
        if message.worker_id is not None or message.fill:
            await leave_pushed(self)
            self.screen.post_message(message)

    @on(OpenDemo)
    async def _on_open_demo(self) -> None:
        await self.switch_mode("opening")
        await self.open_demo()

    @on(OpenProfile)
    async def _on_open_profile(self, message: OpenProfile) -> None:
        chosen = choose_profile(self.fleets.store, message.name)
        if chosen.profile is None:
            self.notify(chosen.problem, severity="error", timeout=15, markup=False)
        else:
            await self.open_profile(chosen.profile, message.mode)
            if message.arrival.worker_id is not None or message.arrival.fill:
                self.screen.post_message(message.arrival)
            if message.opens:
                self.action_open(message.opens)

    @on(CloseProfile)
    async def _on_close_profile(self, message: CloseProfile) -> None:
        await self._show_profiles(message.sentence)

    @on(CopyText)
    def _copy(self, message: CopyText) -> None:
        from pyhall_tui.widgets.clipboard import copy_text
        from pyhall_tui.widgets.key_bar import key_name

        self._copied = message
        shown_by = key_name(self, "app.copied", "C")
        work = copy_text(self, message.text, message.what, shown_by=shown_by)
        self.run_worker(work, exit_on_error=False, group="copy", exclusive=True)

    def action_show_copied(self) -> None:
        """Show what was last copied, with all of it selected."""
        from pyhall_tui.widgets.clipboard import show_copied

        show_copied(self, self._copied.text if self._copied else "", self._copied.what if self._copied else "")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to release or to take the mouse, whichever is possible; leave a field its characters."""
        if is_typed(self, action, parameters):
            return False
        if action == "mouse":
            return parameters[0] is mouse.is_the_terminals(self)
        return super().check_action(action, parameters)

    def action_mouse(self, clicks: bool) -> None:
        """Use the mouse to click here, or let the terminal select text with it."""
        mouse.take_from_terminal(self) if clicks else mouse.give_to_terminal(self)

    @on(LinesLeftOut)
    def _tell_left_out(self, message: LinesLeftOut) -> None:
        """Say what was left out of a paste into a line that can't say it itself, such as a filter."""
        self.notify(message.sentence, timeout=5, markup=False)

    async def action_mode(self, mode: str) -> None:
        """Go to a screen of the bar."""
        await self._go(Go(mode))

    def action_command_palette(self) -> None:
        """Show the palette."""
        from pyhall_tui.shell.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def action_show_keys(self) -> None:
        """Show the keys of the current screen."""
        from pyhall_tui.screens.key_help import KeysScreen
        from pyhall_tui.widgets.dialog import is_open

        if not is_open(self, KeysScreen):
            self.push_screen(KeysScreen(self.screen.active_bindings))

    def action_open(self, what: str) -> None:
        """Open what can be opened over any screen: a key of `OPENED`."""
        OPENED[what](self, self.workspace)

    def action_doctor(self) -> None:
        """Check this machine and the connection to the registry for problems."""
        from pyhall_tui.profiles.api_key import ApiKey
        from pyhall_tui.screens.doctor_screen import DoctorScreen
        from pyhall_tui.widgets.dialog import is_open

        opened = self.fleets.opened
        profile, home = (opened.workspace.profile, opened.home) if opened else (None, self.fleets.home)
        demo_key = ApiKey(opened.demo.key) if opened and opened.demo else None
        if not is_open(self, DoctorScreen):
            self.push_screen(DoctorScreen(profile, home, self._keys, self._clock, demo_key=demo_key))

    # -- the end -----------------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Let one key or click at a time through; none once the app is ending: what it opens would stay incomplete."""
        self.attendance.follow(event)
        if isinstance(event, events.InputEvent | events.Paste):
            self._garbage.was_pressed()
            if self._is_ending or (not event.is_forwarded and self.typed_ahead.keeps(event)):
                return
            if not self.screen_stack:
                return  # all are closed
            from pyhall_tui.widgets.too_small import may_act  # not before the first frame

            if not event.is_forwarded and not may_act(self, event):
                return
        await super().on_event(event)

    async def action_quit(self) -> None:
        """Quit at once; requests under way are dropped."""
        self.exit()

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """End the app and ignore further keys."""
        self._is_ending = True
        super().exit(result, return_code, message)

    def is_harmless(self, error: Exception) -> bool:
        """Ignore missing parts of screens that are being removed; every other error ends the app."""
        return came_late(error)

    def crash_line(self, error: BaseException) -> str:
        """Say what crashed and where the log is."""
        return crash.report(error, "What you typed is kept for the next start.")
