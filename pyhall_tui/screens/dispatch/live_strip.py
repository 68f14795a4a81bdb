"""The strip of a live run, above the answer: its answers, its latencies, its changes."""

from textual.content import Content
from textual.widgets import Static

from pyhall_tui.render.lab import live_lines
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.workspace import Workspace


class LiveStrip(Static):
    """Pulls its content from `workspace.lab.live`; without a run it takes no room."""

    DEFAULT_CSS = """
    LiveStrip { height: auto; border-bottom: solid $frame; margin-bottom: 1; display: none; }
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(id="live-strip")
        self._workspace = workspace

    def pull(self) -> None:
        """Show the run's current state."""
        run = self._workspace.lab.live
        self.display = run is not None
        if run is not None:
            width = max(20, self.content_size.width or 40)
            lines = live_lines(run, width, self._workspace.now().wall)
            self.update(
                Content("\n").join(as_content(line, "" if n in (1, 2) else "  ") for n, line in enumerate(lines))
            )
