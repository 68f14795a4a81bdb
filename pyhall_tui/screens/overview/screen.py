"""The overview: is anything wrong in any of my namespaces, and is each of them really being watched?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from pyhall_tui.clock import Clock
from pyhall_tui.fleet.order import SortKey
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.render.overview import profile_lines, profile_values
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.render.worker import counts_line, worker_values
from pyhall_tui.screens.base import ModeScreen
from pyhall_tui.screens.messages import ConnectionChanged, CopyText, EventsHappened, FleetsChanged, Go, OpenProfile
from pyhall_tui.screens.overview import profiles_table
from pyhall_tui.screens.overview.profile_detail import ProfileDetail
from pyhall_tui.screens.overview.profiles_table import ProfilesTable
from pyhall_tui.screens.overview.watched import FoundWorker, KeepsProfiles, KeptProfile, Watched
from pyhall_tui.screens.undoing import undo_last
from pyhall_tui.screens.workers.marked import marks_in_title
from pyhall_tui.screens.workers.table import COLUMNS, WorkersTable, row_of
from pyhall_tui.widgets.attendance import each_second
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.widgets.field import FilterInput
from pyhall_tui.widgets.filter_line import FilterMistake
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.late import after_refresh
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.widgets.one_at_a_time import one_at_a_time
from pyhall_tui.workspace import Workspace

if TYPE_CHECKING:
    from pyhall_tui.screens.command_rows import Targets

_WHOSE = (
    Column(SortKey.PROFILE, "PROFILE", 10, flex=1, is_name=True),
    Column("namespace", "NAMESPACE", 12, flex=1, leaves=2, sortable=False),
)
ALL_COLUMNS = (*COLUMNS[:2], *_WHOSE, *COLUMNS[2:])
"""As on the workers screen, and whose each worker is."""
_LOW = 17
"""In fewer lines, the profiles have fewer, and nothing is said of the one under the cursor."""
_NO_PROFILES = "No profile is open or chosen: press {add} to choose profiles, or make one on Profiles ({profiles})."
_ONLY_ONE = "Press {add} to choose the profiles that are listed."


class OverviewScreen(ModeScreen):
    """A row for each profile that is watched, and a table of the workers of all of them."""

    MODE = "overview"
    CSS_PATH = "overview.tcss"
    AUTO_FOCUS = "#kept"
    LISTS_ALARMS = "all"
    BINDING_GROUP_TITLE = "Overview"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "filter",
            "Filter",
            key_display="/",
            id="overview.filter",
            tooltip="Filter all workers; profile: ns: state: cap: hash: attested: changed<1h, ! for not",
        ),
        Binding("F", "filters", "Filters", show=False, id="overview.filters", tooltip="Filters: saved, and by state"),
        Binding("s", "sort", "Sort", id="overview.sort", tooltip="Sort all workers by the next column"),
        Binding("S", "reverse", "Reverse", show=False, id="overview.reverse", tooltip="Reverse the order"),
        Binding("a", "choose", "Profiles", id="overview.add", tooltip="Choose the profiles that are watched"),
        Binding("r", "retry", "Retry", show=False, id="overview.retry", tooltip="Try this profile's registry now"),
        Binding("v", "verify", "Verify", id="overview.verify", tooltip="Verify now"),
        Binding("t", "test", "Dispatch", id="overview.test", tooltip="Try a dispatch with this worker, in its profile"),
        Binding(
            "u",
            "undo",
            "Undo",
            show=False,
            id="overview.undo",
            tooltip="Undo the last change of the open profile's lists (ten at most)",
        ),
        Binding("y", "copy_id", "Copy id", show=False, id="overview.copy_id", tooltip="Copy the worker's id"),
        Binding("h", "copy_hash", "Copy hash", show=False, id="overview.copy_hash", tooltip="Copy the package hash"),
        Binding(
            "Y", "note", "Incident note", show=False, id="overview.note", tooltip="Copy an incident note, as Markdown"
        ),
    ]

    def __init__(self, workspace: Workspace | None, fleets: KeepsProfiles, store: ProfileStore, clock: Clock) -> None:
        """`workspace` is the open profile's, if there is one."""
        super().__init__(workspace)
        self._fleets, self._store, self._clock = fleets, store, clock
        self._watched = Watched(fleets)
        self._news = -1
        self._height = 0
        self._has_begun = False
        self._is_leaving = False
        self._summary: tuple[object, ...] = ()

    def compose_body(self) -> ComposeResult:
        with Vertical(id="kept-frame"):
            yield ProfilesTable(self._profile_row, self._profile_values, id="kept")
            yield ProfileDetail(id="kept-detail")
        with Vertical(id="all-frame"):
            yield FilterInput(
                "#all", placeholder="/ filter by profile, id, name, state, hash or capability", id="filter"
            )
            yield FilterMistake()
            yield WorkersTable(
                ALL_COLUMNS,
                self._worker_row,
                self._watched.roster,
                now=self._clock.now,
                due=self._sort_now,
                values=self._worker_values,
                id="all",
            )

    def on_resize(self, event: events.Resize) -> None:
        """Leave the workers some lines in a low terminal."""
        self.set_class(event.size.height < _LOW, "-low")

    def on_mount(self) -> None:
        self.query_one("#kept-frame").border_title = Content("profiles")
        self.profiles.placeholder = "No profiles."
        self.workers_table.placeholder = "No workers are watched."
        self._pull()
        each_second(self, self._tick)

    @property
    def profiles(self) -> ProfilesTable:
        """The table of profiles."""
        return self.query_one("#kept", ProfilesTable)

    @property
    def workers_table(self) -> WorkersTable:
        """The table of all workers."""
        return self.query_one("#all", WorkersTable)

    @property
    def focus_chain(self) -> list[Widget]:
        """Skip the filter with tab, which leads from table to table; slash and the mouse go there."""
        return [each for each in super().focus_chain if each.id != "filter" or each.has_focus]

    @property
    def correlation_id(self) -> str:
        """The id of the last verify of the worker under the cursor, if it is one of the open profile."""
        found = self._watched.worker(self.workers_table.cursor_key)
        is_open = found is not None and found.kept.is_open and self.workers_table.has_focus
        return found.entry.verdict.correlation_id if found and is_open and found.entry.verdict else ""

    # -- following ---------------------------------------------------------------------------------------------

    def fleet_changed(self) -> None:
        """Draw what changed of any profile; sort a little later."""
        if self._watched.news != self._news:
            self._pull()

    def alarms_changed(self) -> None:
        self.fleet_changed()

    def events_happened(self, message: EventsHappened) -> None:
        """Move rows whose state changed at once."""
        self.fleet_changed()
        self._sort_now()

    @on(FleetsChanged)
    @on(ConnectionChanged)
    def _elsewhere_changed(self) -> None:
        if self.is_made:
            self.fleet_changed()

    def _pull(self) -> None:
        """Take over which profiles there are and how they are, and draw what changed."""
        watched, table = self._watched, self.workers_table
        self._news = watched.news
        if watched.take():
            table.roster = watched.roster
            table.reorder(by_itself=True)
        else:
            table.refresh_rows(table.visible_keys)
            table.reorder_soon()
        self._show_profiles()
        self._summarise()

    def _show_profiles(self) -> None:
        watched, table = self._watched, self.profiles
        if list(table.keys) != watched.keys:
            self._list_profiles()
        table.mark([key for key in watched.keys if (kept := watched.kept(key)) and kept.is_chosen])
        table.refresh_rows(table.visible_keys)
        self._show_detail()

    def _list_profiles(self) -> None:
        """Show a row for each profile, in a table that is high enough: its columns measure the rows that are seen."""
        table, keys = self.profiles, self._watched.keys
        height = max(1, len(keys)) + 1
        if self._height != height:
            self._height = height
            table.styles.height = height
            if table.size.height:
                after_refresh(self, self._show_profiles)
                return
        table.show(keys, by_itself=True)
        self._begin_at_the_open_one()

    def _begin_at_the_open_one(self) -> None:
        """Put the cursor on the open profile when the profiles are first shown."""
        is_open = [key for key in self._watched.keys if (kept := self._watched.kept(key)) and kept.is_open]
        if is_open and not self._has_begun:
            self._has_begun = True
            self.profiles.move_to(is_open[0])

    def _named(self, hint: str) -> str:
        add, profiles = key_name(self, "overview.add", "a"), key_name(self, "app.profiles", "5")
        return hint.format(add=add, profiles=profiles)

    def _show_detail(self) -> None:
        """Show the profile under the cursor, with what its row has no room for."""
        summary = self._watched.summary(self.profiles.cursor_key or "")
        lines = profile_lines(summary, self._clock.now()) if summary else [[Cell(self._named(_NO_PROFILES), Style.DIM)]]
        self.query_one("#kept-detail", ProfileDetail).show(lines)

    def _sort_now(self) -> None:
        self.workers_table.reorder(by_itself=True)
        self._show_profiles()
        self._summarise()

    def _summarise(self) -> None:
        roster = self._watched.roster
        shown, total = len(roster.ids), sum(roster.counts.values())
        live = self._watched.count_live(self._clock.now())
        marks = marks_in_title(self.workers_table)
        known = (len(self._watched.keys), self._watched.running, live, self.workers_table.is_filtered)
        summary = (shown, *roster.counts.values(), *known, *marks)
        if summary == self._summary:
            return
        self._summary = summary
        frame = self.query_one("#all-frame")
        counts = [*marks, *counts_line(roster.counts)]
        frame.border_title = as_content(counts, " · ") if counts else Content("all workers")
        said = self.workers_table.count_line(f"{total:,} worker{'s' * (total != 1)}")
        frame.border_subtitle = as_content([Cell(f"{said} of {_profiles(self._watched.running)}", Style.DIM)])
        kept = len(self._watched.keys)
        hint = self._named(_ONLY_ONE) if kept == 1 else f"{live} of {_profiles(kept)} live"
        self.query_one("#kept-frame").border_subtitle = as_content([Cell(hint if kept else "", Style.DIM)])

    def _tick(self) -> None:
        """Draw the rows on screen again, because ages grow, and move what became stale."""
        if self.is_current:
            self._is_leaving = False  # it could not be opened: otherwise this screen would be gone
            self._pull()

    # -- rows --------------------------------------------------------------------------------------------------

    def _profile_row(self, key: str) -> Row:
        return profiles_table.row_of(self._watched.summary(key), self._clock.now())

    def _profile_values(self, key: str) -> dict[str, Any] | None:
        summary = self._watched.summary(key)
        return profile_values(summary, self._clock.now()) if summary is not None else None

    def _worker_row(self, key: str) -> Row:
        found = self._watched.worker(key)
        if found is None:
            return Row({})
        row = row_of(found.entry, self._clock.now(), found.workspace.fleet.stale_after)
        profile = found.workspace.profile
        whose = {"profile": Cell(clean(profile.name)), "namespace": Cell(clean(profile.namespace), Style.DIM)}
        return row._replace(cells={**row.cells, **whose})

    def _worker_values(self, key: str) -> dict[str, Any] | None:
        found = self._watched.worker(key)
        if found is None:
            return None
        profile, fleet = found.workspace.profile, found.workspace.fleet
        values = worker_values(found.entry, self._clock.now(), fleet.stale_after)
        return {**values, "profile": profile.name, "namespace": profile.namespace}

    # -- profiles ----------------------------------------------------------------------------------------------

    @on(LineTable.Highlighted, "#kept")
    def _profile_highlighted(self) -> None:
        self._show_detail()

    @on(LineTable.Opened, "#kept")
    def _open_profile(self, message: LineTable.Opened) -> None:
        if (kept := self._watched.kept(message.key)) is not None:
            self._go(kept, "workers")

    @on(ProfilesTable.Chosen)
    @one_at_a_time("choose")
    async def _choose(self, message: ProfilesTable.Chosen) -> None:
        from pyhall_tui.screens.overview.choosing import choose

        if (kept := self._watched.kept(message.key)) is not None:
            self.notify(await choose(self._store, kept.profile.name), markup=False)
            self._fleets.look_at_file()

    def action_choose(self) -> None:
        from pyhall_tui.screens.overview.choosing import ChooseScreen
        from pyhall_tui.widgets.dialog import is_open

        if not is_open(self.app, ChooseScreen):
            self.app.push_screen(ChooseScreen(self._store, self._fleets.look_at_file))

    def action_retry(self) -> None:
        if self.workers_table.has_focus:
            kept = found.kept if (found := self._watched.worker(self.workers_table.target())) else None
        else:
            kept = self._watched.kept(self.profiles.target() or "")
        if kept is not None and kept.workspace is not None:
            kept.workspace.connection.try_now()

    def _go(
        self, kept: KeptProfile, mode: str, worker_id: str | None = None, marked: Sequence[str] | None = None
    ) -> None:
        """Go to a screen of a profile, which is opened if it is not open; a second key doesn't open it again."""
        if kept.is_open:
            self.post_message(Go(mode, worker_id=worker_id, fill={"marked": marked} if marked else None))
        elif not self._is_leaving:
            self._is_leaving = True
            self.post_message(OpenProfile(kept.profile.name, mode, worker_id=worker_id, marked=marked))

    # -- all workers -------------------------------------------------------------------------------------------

    @on(Input.Changed, "#filter")
    def _filter_changed(self, message: Input.Changed) -> None:
        self.query_one(FilterMistake).say(self.workers_table.filter_by(message.value))
        self.workers_table.reorder()
        self._summarise()

    @on(LineTable.Marked, "#all")
    def _marked(self) -> None:
        self._summarise()

    @on(LineTable.Opened, "#all")
    def _open_worker(self, message: LineTable.Opened) -> None:
        if (found := self._watched.worker(message.key)) is not None:
            self._go(found.kept, "workers", found.worker_id)

    def action_filters(self) -> None:
        """Show the filters to choose from."""
        from pyhall_tui.screens.workers.choosing_filters import choose_filter

        field = self.query_one("#filter", Input)
        choose_filter(self, field.value, self._watched.roster.counts, self._set_filter)

    def _set_filter(self, text: str) -> None:
        self.query_one("#filter", Input).value = text
        self.workers_table.focus()

    def action_filter(self) -> None:
        self.set_focus(self.query_one("#filter", Input))  # at once: the next key may be on its way already

    def action_dismiss_news(self) -> None:
        """Leave the filter, then clear it, then the marks (escape). This also dismisses the news."""
        self.workers_table.step_back(self.query_one("#filter", Input))
        super().action_dismiss_news()

    def action_sort(self) -> None:
        self.workers_table.sort_by_next()

    def action_reverse(self) -> None:
        self.workers_table.reverse()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what is done to a worker only while the cursor is among the workers."""
        if action in ("verify", "test", "copy_id", "copy_hash", "note"):
            return self.focused is not None and self.focused.id == "all"
        return True

    def action_undo(self) -> None:
        if self.has_workspace:
            undo_last(self, self.workspace.own_changes)
        else:
            self.notify("No profile is open: nothing to undo.", markup=False)

    def action_verify(self) -> None:
        from pyhall_tui.screens.overview.verify_marked import question, verify

        found, hidden = self._targets(), self.workers_table.hidden_marks
        if (dialog := question(found, hidden)) is not None:
            self.app.push_screen(dialog, lambda agreed: self.notify(verify(found), markup=False) if agreed else None)
        elif found:
            self.notify(verify(found), markup=False, timeout=2)

    def action_test(self) -> None:
        found = self._targets()
        if len({id(each.workspace) for each in found}) > 1:
            said = "The marked workers are of several profiles: filter by profile: and mark those of one."
            self.notify(said, severity="warning", markup=False)
        elif len(found) > 1:
            self._go(found[0].kept, "dispatch", marked=[each.worker_id for each in found])
        elif found:
            self._go(found[0].kept, "dispatch", found[0].worker_id)

    def action_copy_id(self) -> None:
        if found := self._targets():
            what = "worker id" if len(found) == 1 else f"{len(found)} worker ids"
            self.post_message(CopyText("\n".join(each.worker_id for each in found), what))

    def action_copy_hash(self) -> None:
        found = self._watched.worker(self.workers_table.target())
        if found is not None and found.entry.sha256:
            self.post_message(CopyText(found.entry.sha256, "package hash"))

    def action_note(self) -> None:
        from pyhall_tui.screens.worker.incident_note import copy_note

        if (found := self._watched.worker(self.workers_table.target())) is not None:
            note = copy_note(self, found.workspace, found.worker_id)
            self.run_worker(note, exit_on_error=False, group="note")

    def command_targets(self) -> "Targets":
        """Return the workers that a command of your own is for, each with its profile."""
        from pyhall_tui.programs.command import NotRun
        from pyhall_tui.screens.command_rows import Targets, worker_row

        if not self.workers_table.has_focus:
            raise NotRun("Go to the table of workers first (tab): a command is run on workers.")
        rows = [worker_row(each.workspace, each.worker_id, each.entry) for each in self._targets()]
        return Targets(rows, self.workers_table.hidden_marks)

    def _targets(self) -> list[FoundWorker]:
        found = map(self._watched.worker, self.workers_table.targets())
        return [each for each in found if each is not None]


def _profiles(count: int) -> str:
    return f"{count} profile{'s' * (count != 1)}"
