"""The right column: the request as it will be sent, or the registry's answer; below it what was hashed."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static, TabbedContent, TabPane

from pyhall_tui.attest.package_hash import PackageHash
from pyhall_tui.render.enroll import Line
from pyhall_tui.screens.enroll.hashed import HashedTable
from pyhall_tui.widgets.cells import as_content


class Sheet(Vertical):
    """Two tabs, request and answer, over what was hashed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._listing: PackageHash | None = None

    def compose(self) -> ComposeResult:
        with TabbedContent(initial="request", id="sheets"):
            with TabPane("Request", id="request"), VerticalScroll():
                yield Static(id="request-text", markup=False)
            with TabPane("Answer", id="answer"), VerticalScroll():
                yield Static(id="verdict-text", markup=False)
                yield Static("Nothing was sent yet.", id="answer-text", markup=False)
        with Vertical(id="hashed") as hashed:
            hashed.border_title = "What was hashed"
            yield Static(id="hashed-text", markup=False)
            yield HashedTable(id="hashed-files")

    def show_request(self, lines: Sequence[Line]) -> None:
        """Draw the request anew."""
        self.query_one("#request-text", Static).update(as_lines(lines))

    def show_answer(self, lines: Sequence[Line]) -> None:
        """Show the answer and turn to it."""
        self.query_one("#answer-text", Static).update(as_lines(lines))
        self.show_verdict(())
        self.turn_to("answer")

    def show_verdict(self, lines: Sequence[Line]) -> None:
        """Show what the registry says of the new worker, above the answer."""
        verdict = self.query_one("#verdict-text", Static)
        verdict.update(as_lines(lines))
        verdict.display = bool(lines)

    def show_hashed(self, lines: Sequence[Line], listing: PackageHash | None) -> None:
        """Show what the hash on the form is of, and its files where they are known."""
        self.query_one("#hashed-text", Static).update(as_lines(lines))
        if listing is not self._listing:
            self._listing = listing
            self.query_one(HashedTable).show_package(listing)
            self.query_one("#hashed").set_class(listing is not None, "-listed")

    def turn_to(self, sheet: str) -> None:
        """Bring a tab to the front: `request` or `answer`."""
        self.query_one("#sheets", TabbedContent).active = sheet


def as_lines(lines: Sequence[Line]) -> Content:
    """Return the lines as one content."""
    return Content("\n").join(as_content(line) for line in lines)
