"""How would a hall decide a dispatch? A form, with the explanation beside it."""

from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from pyhall_tui.dispatch.form import RISK_TIERS
from pyhall_tui.registry.decode import Unreadable, read_object
from pyhall_tui.registry.errors import Forbidden, NotFound, RegistryError
from pyhall_tui.registry.local_hall import HallExplanation, hall_explanation
from pyhall_tui.render.hall import explanation_lines
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.widgets.dispatch_fields import NameField, TierChoice
from pyhall_tui.widgets.field import Field
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.workspace import Workspace

NOT_EXPLAINED = "This hall does not explain its decisions, or only to its own machine."
_INVITATION = "Enter a capability and a worker to see which rule would decide, and why the rules before it don't."
_NAMES = ("capability", "worker", "context")


class ExplainForm(Horizontal):
    """Capability, worker, risk tier, context; the answer. Nothing is dispatched, and the hall logs nothing."""

    DEFAULT_CSS = """
    ExplainForm {
        height: 1fr;
        & > #explain-form { width: 44; height: 1fr; padding-right: 2; }
        & > #explain-answer { width: 1fr; height: 1fr; padding: 0 1; border-left: solid $panel; }
        #explain-form > Label { color: $secondary; }
        TierChoice { margin-bottom: 1; }
        Static { width: 1fr; height: auto; }
    }
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(id="explaining")
        self._workspace = workspace
        self._typed: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="explain-form", can_focus=False):
            yield NameField("capability", "Capability", self._capabilities, placeholder="such as llm.text.generate")
            yield NameField("worker", "Worker", self._workers, placeholder="such as wkr_abc123")
            yield Label("Risk tier", markup=False)
            yield TierChoice(id="explain-tier")
            yield Field("context", "More context, a JSON object", placeholder='{"env": "prod"}')
            yield Button(
                f"Explain  {key_name(self, 'hall.explain', 'ctrl+s')}", id="explain", variant="primary", compact=True
            )
        with VerticalScroll(id="explain-answer"):
            yield Static(_INVITATION, id="explanation", markup=False)

    def on_mount(self) -> None:
        self._typed = self._workspace.notes.load("form", "explain", dict[str, str]) or {}
        for name in _NAMES:
            self.query_one(f"#{name}", Input).value = self._typed.get(name, "")
        if (tier := self._typed.get("tier")) in TierChoice.CHOICES:
            self.query_one(TierChoice).tier = tier

    @on(Input.Changed)
    def _keep_typed(self, message: Input.Changed) -> None:
        message.stop()
        self._typed[message.input.id or ""] = message.value

    def on_unmount(self) -> None:
        self._workspace.notes.save("form", "explain", self._typed)

    def focus_first(self) -> None:
        """Put the cursor into the first empty field, or else into the first."""
        empty = [name for name in _NAMES[:2] if not self._value(name)]
        self.query_one(f"#{(empty or _NAMES)[0]}", Input).focus()

    def _value(self, name: str) -> str:
        return self.query_one(f"#field-{name}", Field).value

    def _workers(self) -> Sequence[str]:
        return sorted(entry.worker_id for entry in self._workspace.fleet)

    def _capabilities(self) -> Sequence[str]:
        verdicts = [entry.verdict for entry in self._workspace.fleet if entry.verdict is not None]
        known = {capability for verdict in verdicts for capability in verdict.capabilities}
        return sorted(known.union(self._workspace.profile.capabilities))

    @on(Input.Submitted)
    @on(Button.Pressed, "#explain")
    def _wanted(self, message: Input.Submitted | Button.Pressed) -> None:
        message.stop()
        self.explain()

    @on(TierChoice.Changed)
    def _tier_chosen(self) -> None:
        choice = self.query_one(TierChoice)
        self._typed["tier"] = choice.tier
        if choice.has_focus and self._value("capability") and self._value("worker"):
            self.explain()

    def explain(self) -> None:
        """Ask the hall, or show at each field why it is not asked, and go to the first of them."""
        mistakes = {
            "capability": "" if self._value("capability") else "Enter a capability, for example llm.text.generate.",
            "worker": "" if self._value("worker") else "Enter a worker id, for example wkr_abc123.",
            "context": _context_mistake(self._value("context")),
        }
        for name, said in mistakes.items():
            self.query_one(f"#field-{name}", Field).say(said)
        if wrong := next((name for name, said in mistakes.items() if said), None):
            self.query_one(f"#{wrong}", Input).focus()
            return
        tier = self.query_one(TierChoice).tier
        self._ask(self._value("worker"), self._value("capability"), tier if tier in RISK_TIERS else None)

    @work(exit_on_error=False, exclusive=True, group="explain")
    async def _ask(self, worker_id: str, capability: str, tier: str | None) -> None:
        context = self._value("context") or None
        self._say("Loading …", Style.DIM)
        try:
            told = await self._workspace.connection.ask_in_turn(
                lambda client: hall_explanation(
                    client, worker_id=worker_id, capability=capability, risk_tier=tier, at=None, context=context
                )
            )
        except (NotFound, Forbidden):
            self._say(NOT_EXPLAINED, Style.DIM)
        except RegistryError as error:
            self._say(f"✖ {error} {error.advice}", Style.ERROR)
        else:
            self._show(told)

    def _show(self, told: HallExplanation) -> None:
        lines = Content("\n").join(map(as_content, explanation_lines(told)))
        self.query_one("#explanation", Static).update(lines)

    def _say(self, sentence: str, style: Style) -> None:
        self.query_one("#explanation", Static).update(as_content([Cell(clean(sentence, 400), style)]))


def _context_mistake(text: str) -> str:
    if not text:
        return ""
    try:
        read_object(text.encode())
    except Unreadable:
        return 'Expected a JSON object, for example {"env": "prod"}.'
    return ""
