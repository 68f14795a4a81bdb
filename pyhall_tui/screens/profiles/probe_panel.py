"""The lines of a profile's test as they come, and the address that a redirect offers."""

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from pyhall_tui.clock import Clock
from pyhall_tui.probe import CheckResult, ProbeLine, ProbeStep, probe_apart
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.render.profile import pending_cells, probe_cells
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.widgets.cells import as_content


class ProbePanel(Vertical):
    """Hidden until there is a test to show."""

    DEFAULT_CSS = """
    ProbePanel {
        height: auto; overflow-y: auto; display: none; padding: 0 1;
        border-top: solid $frame;
        & > Static { width: 1fr; height: auto; }
        & > Button { display: none; margin-top: 1; }
    }
    """

    @dataclass
    class UseUrl(Message):
        """Put the address that a redirect named into the profile."""

        url: str

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: dict[ProbeStep, ProbeLine] = {}
        self._note = ""

    def compose(self) -> ComposeResult:
        yield Static(id="probe-lines", markup=False)
        yield Button("", id="use-url", compact=True, variant="warning")

    async def run(self, profile: Profile, key: ApiKey | None, clock: Clock, *, why_none: str, note: str) -> bool:
        """Test a profile and show each step as it comes; return whether none failed.

        Args:
            why_none: the sentence that says why there is no key, if there is none.
            note: the text above the steps.
        """
        self._lines, self._note = {}, note
        self.display = True
        self._draw()
        async for line in probe_apart(profile, key, clock):
            if why_none and line.step is ProbeStep.KEY and line.mark is CheckResult.NO:
                line = line._replace(sentence=why_none, advice="")
            self._lines[line.step] = line
            self._draw()
        return all(line.mark is not CheckResult.NO for line in self._lines.values())

    def clear(self) -> None:
        """Show nothing, because another profile is on the form."""
        self._lines = {}
        self.display = False

    def _draw(self) -> None:
        lines = [probe_cells(self._lines[step]) if step in self._lines else pending_cells(step) for step in ProbeStep]
        if self._note:
            lines.insert(0, [Cell(clean(self._note, 400), Style.WARNING)])
        self.query_one("#probe-lines", Static).update(Content("\n").join(map(as_content, lines)))
        button, url = self.query_one("#use-url", Button), self._new_url()
        button.display = bool(url)
        button.label = Content(f"Put {clean(url, 80)} into the profile")

    def _new_url(self) -> str:
        reach = self._lines.get(ProbeStep.REACH)
        return (reach.new_url if reach else None) or ""

    @on(Button.Pressed, "#use-url")
    def _use_url(self, message: Button.Pressed) -> None:
        message.stop()
        self.post_message(self.UseUrl(self._new_url()))
