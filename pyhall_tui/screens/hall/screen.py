"""The local hall: what does it decide, by which rules, and what is its state?"""

from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static, TabPane
from textual.worker import Worker

from pyhall_tui.feeds.decision_feed import DecisionFeed
from pyhall_tui.monitor.hall_presence import watch_all
from pyhall_tui.profiles.watch_list import cannot_be_watched
from pyhall_tui.registry.errors import Forbidden, NotFound, RegistryError
from pyhall_tui.registry.hall_keys import hall_keys
from pyhall_tui.registry.local_hall import HallPolicy, hall_alerts, hall_decisions, hall_policy, hall_status
from pyhall_tui.render.counts import counted
from pyhall_tui.render.hall import (
    RuleRow,
    decision_row,
    decision_text,
    decision_values,
    other_row,
    policy_head,
    rule_lines,
    rule_row,
    status_lines,
)
from pyhall_tui.render.hall_keys import key_lines
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.screens.command_rows import Dispatched, Targets, dispatch_targets
from pyhall_tui.screens.hall.decision import DecisionScreen
from pyhall_tui.screens.hall.explain import ExplainForm
from pyhall_tui.screens.messages import ConnectionChanged, CopyText, Go
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.widgets.field import FilterInput
from pyhall_tui.widgets.header import StatusHeader
from pyhall_tui.widgets.key_bar import KeyBar
from pyhall_tui.widgets.key_hint import KeyHint
from pyhall_tui.widgets.line_table import Column, LineTable, Row
from pyhall_tui.widgets.one_at_a_time import one_at_a_time
from pyhall_tui.widgets.seen_ids import SeenIds
from pyhall_tui.widgets.standing_line import StandingLine
from pyhall_tui.widgets.tabbed import Tabbed
from pyhall_tui.widgets.time_column import with_zone
from pyhall_tui.widgets.too_small import TooSmall
from pyhall_tui.workspace import Workspace

DECISIONS = (
    Column("when", "TIME", 9, sortable=False, field="at"),
    Column("outcome", "OUTCOME", 8, sortable=False),
    Column("worker", "WORKER", 16, flex=3, sortable=False, is_id=True, field="worker_id"),
    Column("capability", "CAPABILITY", 16, flex=2, sortable=False, is_name=True),
    Column("tier", "TIER", 8, leaves=3, sortable=False),
    Column("rule", "RULE", 12, flex=2, sortable=False, is_name=True),
    Column("code", "CODE", 16, flex=2, leaves=2, sortable=False),
    Column("correlation", "CORRELATION", 16, leaves=1, sortable=False, field="correlation_id"),
)
RULES = (
    Column("number", "#", 3, leaves=4, sortable=False),
    Column("outcome", "DOES", 6, sortable=False),
    Column("hits", "HITS", 9, sortable=False),
    Column("rule", "RULE", 16, flex=2, sortable=False, is_id=True),
    Column("capability", "CAPABILITY", 14, flex=3, sortable=False, is_name=True),
    Column("worker", "WORKER", 12, flex=3, leaves=2, sortable=False, is_name=True),
    Column("tiers", "TIERS", 14, flex=1, leaves=1, sortable=False),
    Column("note", "", 9, sortable=False),
)
_TABS = ("decisions", "policy", "explain", "state")
_FOCUSED = {"decisions": "#decisions-table", "policy": "#rules-table", "state": "#state-scroll"}
_PACES = {"decisions": 1.0, "policy": 3.0, "state": 3.0}
"""Seconds between two requests for what is visible; slower if the profile's request rate is low."""
_NOT_TOLD = "This hall does not show its rules, or only to its own machine."


class HallScreen(Screen[None]):
    """A hall's live decisions, its policy and its state. It asks only while it is visible."""

    CSS_PATH = ["../../widgets/tabs.tcss", "hall.tcss"]
    AUTO_FOCUS = ".begins-here"
    BINDING_GROUP_TITLE = "Local hall"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "back", "Back", id="hall.back", tooltip="Leave the filter, or the local hall"),
        Binding("slash", "filter", "Filter", key_display="/", id="hall.filter", tooltip="Filter over all fields"),
        Binding("p", "pause", "Pause", id="hall.pause", tooltip="Pause: new decisions are counted, not shown"),
        Binding("y", "copy", "Copy", id="hall.copy", tooltip="Copy the marked decisions, or this one"),
        Binding("W", "watch_all", "Watch all", id="hall.watch_all", tooltip="Watch all workers of this hall"),
        Binding("ctrl+s", "explain", "Explain", id="hall.explain", tooltip="How would this dispatch be decided?"),
        Binding("f2", "show('decisions')", "Decisions", show=False, id="hall.decisions", tooltip="The decisions"),
        Binding("f3", "show('policy')", "Policy", show=False, id="hall.policy", tooltip="The rules"),
        Binding("f4", "show('explain')", "Explain", show=False, id="hall.explaining", tooltip="Explain a dispatch"),
        Binding("f5", "show('state')", "State", show=False, id="hall.state", tooltip="The state of the hall"),
        Binding("left", "tab(-1)", "Tab", show=False, id="hall.previous_tab", tooltip="Previous tab"),
        Binding("right", "tab(1)", "Tab", key_display="←→", id="hall.next_tab", tooltip="Next tab"),
    ]

    def __init__(self, workspace: Workspace, rule_id: str = "") -> None:
        """`rule_id`: begin at this rule of the policy."""
        super().__init__()
        self._workspace, self._wanted_rule = workspace, rule_id
        self._feed = DecisionFeed()
        self._seen_ids = SeenIds()
        self._policy: HallPolicy | None = None
        self._rules: dict[str, RuleRow] = {}
        self._following: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        yield StatusHeader(self._workspace, "workers")
        yield StandingLine(self._workspace)
        yield Static(id="hall-problem", markup=False)
        # From the start: the first tab's own focus would lead back to it if another were shown a moment later.
        begins = "policy" if self._wanted_rule else "decisions"
        with Tabbed(initial=begins, id="hall-tabs"):
            with TabPane("Decisions  F2", id="decisions"), Vertical():
                yield FilterInput(
                    "#decisions-table", placeholder="/ filter over all fields, in plain words", id="hall-filter"
                )
                yield KeyHint("", "screen.pause", id="hall-pausing")
                decisions = LineTable(
                    with_zone(DECISIONS),
                    self._decision_row,
                    id="decisions-table",
                    ids=self._seen_ids,
                    values=self._decision_values,
                    what="decision",
                )
                yield decisions
            with TabPane("Policy  F3", id="policy"), Vertical():
                yield Static(id="policy-head", markup=False)
                rules = LineTable(RULES, self._rule_row, id="rules-table", what="rule")
                (rules if self._wanted_rule else decisions).add_class("begins-here")
                yield rules
                yield Static(id="whole-rule", markup=False)
            with TabPane("Explain  F4", id="explain"):
                yield ExplainForm(self._workspace)
            with TabPane("State  F5", id="state"), VerticalScroll(id="state-scroll"):
                yield Static("Loading …", id="hall-state", markup=False)
        yield KeyBar()
        yield TooSmall()

    @property
    def correlation_id(self) -> str:
        """The id of the decision under the cursor."""
        decision = self._feed.get(self.decisions.cursor_key or "")
        return decision.correlation_id or "" if decision else ""

    def on_mount(self) -> None:
        self.decisions.placeholder = "Loading …"
        self._tell_feed()

    @property
    def decisions(self) -> LineTable:
        """The table of decisions."""
        return self.query_one("#decisions-table", LineTable)

    @property
    def rules(self) -> LineTable:
        """The table of rules."""
        return self.query_one("#rules-table", LineTable)

    @property
    def _tab(self) -> str:
        return self.query_one("#hall-tabs", Tabbed).active or "decisions"

    # -- what is asked -----------------------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        if self.is_mounted:
            self.query_one(StatusHeader).update_status()
            self._follow_anew()

    @on(ConnectionChanged)
    def _connection_changed(self) -> None:
        self.query_one(StatusHeader).update_status()
        if self._following is None or self._following.is_finished:
            self._follow_anew()  # it was reconnected meanwhile

    @on(Tabbed.TabActivated)
    def _tab_shown(self, message: Tabbed.TabActivated) -> None:
        """Focus what the tab is for, unless what it shows has the focus already, as the filter has after `/`."""
        if message.pane.id != self._tab:
            return  # it was left meanwhile, and the message for the tab that is shown now is on its way
        if self.focused is None or message.pane not in self.focused.ancestors:
            self._focus_tab()
        self.refresh_bindings()
        self._follow_anew()

    def _focus_tab(self) -> None:
        if self._tab == "explain":
            self.query_one(ExplainForm).focus_first()
        else:
            self.query_one(_FOCUSED[self._tab]).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer each tab's own actions only there."""
        own = {"explain": "explain", "pause": "decisions", "copy": "decisions"}
        return own.get(action, self._tab) == self._tab if self.is_mounted else True

    def _follow_anew(self) -> None:
        self._following = self._follow()

    @work(exclusive=True, exit_on_error=False, group="follow")
    async def _follow(self) -> None:
        """Ask repeatedly for what is visible, within the profile's rate limit."""
        asking = {"decisions": self._ask_decisions, "policy": self._ask_policy, "state": self._ask_state}
        tab = self._tab  # if another one is shown, this ends soon, but not at once
        if tab not in asking:
            self._tell_problem(None)
            return
        while True:
            if self.is_current:
                try:
                    await asking[tab]()
                    self._tell_problem(None)
                except RegistryError as error:
                    self._tell_problem(error)
            pace = max(_PACES[tab], 3.0 / self._workspace.profile.requests_per_second)
            await self._workspace.clock.sleep(pace)

    async def _ask_decisions(self) -> None:
        after = self._feed.newest_seq
        self._feed.take(await self._workspace.connection.ask_in_turn(lambda client: hall_decisions(client, after)))
        self._show_feed(by_itself=True)

    async def _ask_policy(self) -> None:
        try:
            self._policy = await self._workspace.connection.ask_in_turn(hall_policy)
        except (NotFound, Forbidden):
            self.query_one("#policy-head", Static).update(Content(_NOT_TOLD))
        else:
            self._show_policy(self._policy)

    async def _ask_state(self) -> None:
        status = await self._workspace.connection.ask_in_turn(hall_status)
        try:
            alerts = await self._workspace.connection.ask_in_turn(hall_alerts)
        except NotFound:
            alerts = []
        keys = await self._workspace.connection.ask_in_turn(hall_keys)
        now = self._workspace.now().wall
        lines = [*status_lines(status, alerts, now), *key_lines(keys, now)]
        self.query_one("#hall-state", Static).update(Content("\n").join(map(as_content, lines)))

    def _tell_problem(self, error: RegistryError | None) -> None:
        problem = self.query_one("#hall-problem", Static)
        problem.display = error is not None
        if error is not None:
            problem.update(as_content([Cell(f"✖ {clean(error, 300)} {clean(error.advice, 200)}", Style.ERROR)]))

    # -- the decisions -----------------------------------------------------------------------------------------

    def _show_feed(self, *, by_itself: bool = False) -> None:
        keys = self._feed.keys()
        self._seen_ids.see(self._feed.worker_ids())
        if keys != list(self.decisions.keys) or not keys:
            self.decisions.placeholder = self._why_empty()
            self.decisions.show(keys, by_itself=by_itself)
        self.decisions.refresh_rows(self.decisions.visible_keys)
        self._tell_feed()

    def _why_empty(self) -> str:
        if not self._feed.is_loaded:
            return "Loading …"
        if self._feed.text:
            return f"No decision has “{clean(self._feed.text, 40)}” in it. Esc clears the filter."
        return "This hall has decided nothing yet. Dispatches are listed here as they come."

    def _tell_feed(self) -> None:
        shown, total = len(self.decisions.keys), self._feed.total
        count = counted(shown, total, "decision")
        state = f"‖ paused · {self._feed.held} waiting" if self._feed.paused else "● live"
        missed = " · some came too fast to be listed" if self._feed.missed else ""
        hint = self.query_one("#hall-pausing", KeyHint)
        hint.update(f"{state} · {count}{missed}")
        hint.set_class(self._feed.paused, "-paused")

    def _decision_row(self, key: str) -> Row:
        decision = self._feed.get(key)
        return Row(decision_row(decision, self._workspace.now().wall)._asdict() if decision else {})

    def _decision_values(self, key: str) -> dict[str, Any] | None:
        decision = self._feed.get(key)
        return decision_values(decision) if decision else None

    @on(Input.Changed, "#hall-filter")
    def _filter_changed(self, message: Input.Changed) -> None:
        self._feed.text = message.value.strip()
        self._show_feed()

    def action_filter(self) -> None:
        self.query_one("#hall-tabs", Tabbed).active = "decisions"
        self.set_focus(self.query_one("#hall-filter", Input))

    def action_pause(self) -> None:
        self._feed.pause(paused=not self._feed.paused)
        self._show_feed()

    def action_back(self) -> None:
        """Leave the filter's input, clear the filter, then leave the screen."""
        filter_input = self.query_one("#hall-filter", Input)
        if self._tab != "decisions" and isinstance(self.focused, Input):
            self.set_focus(None)
        elif self._tab != "decisions":
            self._go_back()
        elif filter_input.value:
            filter_input.value = ""
            self.decisions.focus()
        elif filter_input.has_focus:
            self.decisions.focus()
        else:
            self._go_back()

    def action_copy(self) -> None:
        found = [each for key in self.decisions.targets() if (each := self._feed.get(key))]
        if found and self._tab == "decisions":
            what = "decision" if len(found) == 1 else f"list of {len(found)} decisions"
            self.post_message(CopyText("\n".join(map(decision_text, found)), what))

    @property
    def offers_commands(self) -> bool:
        """Whether commands of your own have rows: the decisions."""
        return self.is_mounted and self._tab == "decisions"

    def command_targets(self) -> Targets:
        """Return the decisions that a command of your own is for, each as its worker's row."""
        found = [each for key in self.decisions.targets() if (each := self._feed.get(key))]
        rows = [Dispatched(each.worker_id or "", each.correlation_id or "", each.capability or "") for each in found]
        return dispatch_targets(self._workspace, rows)

    @on(LineTable.Opened, "#decisions-table")
    def _open_decision(self, message: LineTable.Opened) -> None:
        if decision := self._feed.get(message.key):
            self.app.push_screen(DecisionScreen(self._workspace, decision), self._go_to_worker)

    def _go_back(self) -> None:
        if self.app.screen is self:
            self.app.pop_screen()

    def _go_to_worker(self, worker_id: str | None) -> None:
        if worker_id and (odd := cannot_be_watched([worker_id])):
            self.notify(odd, severity="warning", markup=False)
        elif worker_id:
            self._workspace.watch([worker_id])
            self._go_back()
            self.app.post_message(Go("workers", worker_id=worker_id))

    @one_at_a_time("watch-all")
    async def action_watch_all(self) -> None:
        """Put every worker of the hall on the watch list."""
        workspace = self._workspace
        said = await watch_all(workspace.connection.ask_in_turn, workspace.fleet, workspace.watched.watch)
        self.notify(said, markup=False)

    # -- the policy --------------------------------------------------------------------------------------------

    def _show_policy(self, policy: HallPolicy) -> None:
        rows = {f"rule {rule.id}": rule_row(number, rule) for number, rule in enumerate(policy.rules, 1)}
        rows["other default"] = other_row("default", policy.default, policy.default_hits)
        rows |= {f"other {name}": other_row(name, None, hits) for name, hits in policy.other_hits.items()}
        self._rules = rows
        if list(rows) != list(self.rules.keys):
            self.rules.show(list(rows))
        self.rules.refresh_rows(rows)
        self._go_to_wanted()
        self.query_one("#policy-head", Static).update(as_content([policy_head(policy)]))
        self._show_whole_rule()

    def show_rule(self, rule_id: str) -> None:
        """Go to a rule, as soon as the policy is here."""
        self._wanted_rule = rule_id
        self.action_show("policy")
        self._go_to_wanted()

    def _go_to_wanted(self) -> None:
        if f"rule {self._wanted_rule}" in self._rules:
            self.rules.move_to(f"rule {self._wanted_rule}")
            self._wanted_rule = ""

    def _rule_row(self, key: str) -> Row:
        row = self._rules.get(key)
        return Row(row._asdict() if row else {})

    @on(LineTable.Highlighted, "#rules-table")
    def _show_whole_rule(self) -> None:
        name = (self.rules.cursor_key or "").removeprefix("rule ")
        rule = next((rule for rule in self._policy.rules if rule.id == name), None) if self._policy else None
        lines = rule_lines(rule) if rule else []
        self.query_one("#whole-rule", Static).update(Content("\n").join(map(as_content, lines)))

    @on(LineTable.Opened, "#rules-table")
    def _show_its_decisions(self, message: LineTable.Opened) -> None:
        """Show what this rule decided: the feed, filtered by its name."""
        self.query_one("#hall-filter", Input).value = message.key.partition(" ")[2]
        self.query_one("#hall-tabs", Tabbed).active = "decisions"

    def action_show(self, tab: str) -> None:
        """Go to a tab."""
        self.query_one("#hall-tabs", Tabbed).active = tab

    def action_explain(self) -> None:
        """Ask how the typed dispatch would be decided."""
        self.query_one(ExplainForm).explain()

    def action_tab(self, step: int) -> None:
        content = self.query_one("#hall-tabs", Tabbed)
        content.active = _TABS[(_TABS.index(self._tab) + step) % len(_TABS)]
