"""The strip above the workers: the fleet as a bar, and the last minutes of requests as sparklines."""

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from pyhall_tui.fleet.entry import State
from pyhall_tui.monitor.stats import BUCKET, Point
from pyhall_tui.render.strip import fleet_line, gauges_line, request_gauges, state_at
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.workspace import Workspace

_PACE = 1.0
"""Minimum number of seconds between two drawings of the requests."""
_MOST_POINTS = 60


class FleetStrip(Static, can_focus=True):
    """Two lines, drawn only while they are on screen; the requests at most once a second. The counts can be chosen."""

    FOCUS_ON_CLICK = False
    BINDING_GROUP_TITLE = "Counts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "choose", "Only these", id="counts.choose", tooltip="Show only this state; again: all"),
        Binding("left", "move(-1)", "Previous", show=False, id="counts.previous", tooltip="To the count before"),
        Binding("right", "move(1)", "Next", show=False, id="counts.next", tooltip="To the next count"),
        Binding("escape", "leave", "To the table", show=False, id="counts.leave", tooltip="Back to the table"),
    ]
    DEFAULT_CSS = "FleetStrip { height: 2; width: 1fr; }"

    class StateChosen(Message):
        """The part of the strip that shows a state was clicked, or chosen with a key."""

        def __init__(self, state: State) -> None:
            super().__init__()
            self.state = state

    def __init__(self, workspace: Workspace, leads_to: str, *, id: str | None = None) -> None:  # noqa: A002
        """`leads_to` selects the table whose workers are counted."""
        super().__init__(id=id, markup=False)
        self._leads_to = leads_to
        self._workspace = workspace
        self._counts: Mapping[State, int] = {}
        self._points: list[Point] = []
        self._bucket = -1
        self._chosen: State | None = None
        self._next: Timer | None = None
        self._more_came = False

    def show(self, counts: Mapping[State, int]) -> None:
        """Show the fleet by state at once, in the same frame as others who show the same counts."""
        self._counts = counts
        self._more_came = False
        if self._next is None:
            self._next = self.set_timer(_PACE, self._pace_over)
        self._draw()

    def follow(self) -> None:
        """Show the requests up to now."""
        if self._next is not None:
            self._more_came = True
        elif self.screen.is_current:
            self._next = self.set_timer(_PACE, self._pace_over)
            self._draw()

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is not None and at.y == 0:
            state = state_at(self._counts, self.content_size.width, at.x)
            if state is not None:
                self.post_message(self.StateChosen(state))

    def on_focus(self) -> None:
        self._draw()

    def on_blur(self) -> None:
        self._draw()

    def action_move(self, step: int) -> None:
        """Go to the count beside this one."""
        if (state := self._under_cursor()) is not None:
            states = self._states()
            self._chosen = states[(states.index(state) + step) % len(states)]
            self._draw()

    def action_choose(self) -> None:
        if (state := self._under_cursor()) is not None:
            self._chosen = state
            self.post_message(self.StateChosen(state))

    def action_leave(self) -> None:
        self.screen.query_one(self._leads_to).focus()

    def _states(self) -> list[State]:
        return [state for state, count in sorted(self._counts.items()) if count]

    def _under_cursor(self) -> State | None:
        """Return the state whose count a key chooses: the next one if its own has no worker any more."""
        states = self._states()
        later = (state for state in states if self._chosen is None or state >= self._chosen)
        return next(later, states[-1] if states else None)

    def _fleet(self, width: int) -> Content:
        line = as_content(fleet_line(self._counts, width))
        if not self.has_focus or (state := self._under_cursor()) is None:
            return line
        cells = [cell for cell in range(width) if state_at(self._counts, width, cell) is state]
        end = cells[-1] + 1 if cells else 0
        start = next((cell for cell in reversed(range(end)) if cell not in cells), -1) + 1
        return line.stylize("reverse", start, end)

    def on_resize(self) -> None:
        self._draw()

    def _pace_over(self) -> None:
        """Draw what came since the last drawing, if anything."""
        self._next = None
        if self._more_came:
            self._more_came = False
            self.follow()

    def _draw(self) -> None:
        width = self.content_size.width
        if not width or not self.display:
            return
        mono = self._workspace.now().mono
        stats = self._workspace.connection.stats
        gauges = request_gauges(self._whole_points(mono), stats.per_second(mono), width)
        lines = [self._fleet(width), as_content(gauges_line(gauges))]
        content = Content("\n").join(lines)
        if not (isinstance(self.content, Content) and self.content.is_same(content)):
            self.update(content, layout=False)  # its size is fixed

    def _whole_points(self, mono: float) -> list[Point]:
        """Return the completed spans: the current one is not full yet and would look like a drop."""
        bucket = int(mono // BUCKET)
        if bucket != self._bucket:
            self._bucket = bucket
            self._points = self._workspace.connection.stats.points(mono, _MOST_POINTS + 1)[:-1]
        return self._points
