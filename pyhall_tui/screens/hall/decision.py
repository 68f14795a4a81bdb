"""One complete decision of a hall, and how the hall would decide it now."""

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from pyhall_tui.registry.errors import Forbidden, NotFound, RegistryError
from pyhall_tui.registry.local_hall import HallDecision, hall_explanation
from pyhall_tui.render.hall import decision_fields, decision_json, explanation_lines
from pyhall_tui.render.text import Cell, Style, clean, wall_of
from pyhall_tui.screens.correlation.screen import CorrelationScreen
from pyhall_tui.screens.hall.explain import NOT_EXPLAINED
from pyhall_tui.screens.messages import CopyText
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.widgets.dialog import Dialog, DialogScreen
from pyhall_tui.widgets.key_bar import KeyBar
from pyhall_tui.workspace import Workspace

_TIERS = frozenset({"low", "medium", "high", "critical", "unstated"})


class DecisionScreen(DialogScreen[str]):
    """Shows a decision; returns the worker's id if you want to go to it."""

    BINDING_GROUP_TITLE = "Decision"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "leave", "Close", id="decision.close", tooltip="Close the decision"),
        Binding("w", "worker", "Worker", id="decision.worker", tooltip="Watch its worker, and go to it"),
        Binding("y", "copy", "Copy JSON", id="decision.copy", tooltip="Copy the whole decision as JSON"),
        Binding("f", "trace", "Trace", id="decision.trace", tooltip="Everything its correlation id touched"),
        Binding("c", "copy_correlation", "Copy id", id="decision.copy_id", tooltip="Copy its correlation id"),
    ]
    DEFAULT_CSS = """
    DecisionScreen {
        Dialog { width: 110; max-height: 86%; }
        Dialog > Static { padding-bottom: 1; }
        #decision-json { color: $text-muted; padding-bottom: 0; }
    }
    """

    def __init__(self, workspace: Workspace, decision: HallDecision) -> None:
        super().__init__()
        self._workspace, self._decision = workspace, decision

    def compose(self) -> ComposeResult:
        with Dialog("Decision", "esc closes", read=True):
            yield Static(Content("\n").join(map(as_content, decision_fields(self._decision))), markup=False)
            yield Static(id="explained", markup=False)
            yield Static(Content(decision_json(self._decision)), id="decision-json", markup=False)
        yield KeyBar()

    def action_trace(self) -> None:
        self.app.push_screen(CorrelationScreen(self._workspace, self._decision.correlation_id or ""))

    def on_mount(self) -> None:
        decision = self._decision
        if decision.worker_id and decision.capability:
            self._explain(decision.worker_id, decision.capability)

    @work(exit_on_error=False, group="explain")
    async def _explain(self, worker_id: str, capability: str) -> None:
        tier = self._decision.risk_tier if self._decision.risk_tier in _TIERS else None
        at = wall_of(self._decision.at) or None
        try:
            told = await self._workspace.connection.ask_in_turn(
                lambda client: hall_explanation(
                    client, worker_id=worker_id, capability=capability, risk_tier=tier, at=at
                )
            )
        except (NotFound, Forbidden):
            self._say(NOT_EXPLAINED, Style.DIM)
        except RegistryError as error:
            self._say(f"The explanation could not be loaded: {error}", Style.WARNING)
        else:
            self.query_one("#explained", Static).update(Content("\n").join(map(as_content, explanation_lines(told))))

    def _say(self, sentence: str, style: Style) -> None:
        self.query_one("#explained", Static).update(as_content([Cell(clean(sentence, 400), style)]))

    def action_worker(self) -> None:
        if self._decision.worker_id:
            self.dismiss(self._decision.worker_id)

    def action_copy(self) -> None:
        self.post_message(CopyText(decision_json(self._decision), "decision"))

    def action_copy_correlation(self) -> None:
        if self._decision.correlation_id:
            self.post_message(CopyText(clean(self._decision.correlation_id), "correlation id"))
