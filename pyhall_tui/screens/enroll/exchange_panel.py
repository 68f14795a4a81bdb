"""The right column: the request as it will be sent, or the registry's answer; below it what was hashed."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import TabPane

from pyhall_tui.packages.package_hash import PackageHash
from pyhall_tui.render.enroll import Line
from pyhall_tui.render.text import Cell, Style
from pyhall_tui.screens.enroll.hashed import HashedTable
from pyhall_tui.screens.enroll.lines_view import LinesView
from pyhall_tui.widgets.tabbed import Tabbed


class ExchangePanel(Vertical):
    """Two tabs, request and answer, over what was hashed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._listing: PackageHash | None = None

    def compose(self) -> ComposeResult:
        with Tabbed(initial="request", id="sheets"):
            with TabPane("Request", id="request"), VerticalScroll():
                yield LinesView(id="request-text")
            with TabPane("Answer", id="answer"), VerticalScroll():
                yield LinesView(id="verdict-text")
                yield LinesView(id="answer-text")
        with Vertical(id="hashed") as hashed:
            hashed.border_title = "What was hashed"
            yield LinesView(id="hashed-text")
            yield HashedTable(id="hashed-files")

    def on_mount(self) -> None:
        self.query_one("#answer-text", LinesView).show([(Cell("Nothing has been sent yet.", Style.DIM),)])

    def show_request(self, lines: Sequence[Line]) -> None:
        """Draw the request again."""
        self.query_one("#request-text", LinesView).show(lines)

    def show_answer(self, lines: Sequence[Line]) -> None:
        """Show the answer and switch to it."""
        self.query_one("#answer-text", LinesView).show(lines)
        self.show_verdict(())
        self.turn_to("answer")

    def show_verdict(self, lines: Sequence[Line]) -> None:
        """Show what the registry says about the new worker, above the answer."""
        verdict = self.query_one("#verdict-text", LinesView)
        verdict.show(lines)
        verdict.display = bool(lines)

    def show_hashed(self, lines: Sequence[Line], listing: PackageHash | None) -> None:
        """Show what the hash on the form was computed from, and its files if known."""
        self.query_one("#hashed-text", LinesView).show(lines)
        if listing is not self._listing:
            self._listing = listing
            self.query_one(HashedTable).show_package(listing)
            self.query_one("#hashed").set_class(listing is not None, "-listed")

    def turn_to(self, sheet: str) -> None:
        """Switch to a tab: `request` or `answer`."""
        self.query_one("#sheets", Tabbed).active = sheet
