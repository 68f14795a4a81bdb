"""What every screen of the bar has: the header, bands for what you must not overlook, the footer."""

from collections.abc import Iterable
from itertools import zip_longest
from typing import ClassVar, Final, Protocol, runtime_checkable

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from pyhall_tui.feeds.run_log import RunLog
from pyhall_tui.render.connection import bands, fitting, trouble_band
from pyhall_tui.render.text import Cell
from pyhall_tui.screens.messages import AlarmsChanged, ConnectionChanged, EventsHappened, FleetChanged
from pyhall_tui.textual_internals import HookedScreen
from pyhall_tui.widgets.attendance import each_second
from pyhall_tui.widgets.cells import STYLES, show_line
from pyhall_tui.widgets.header import StatusHeader
from pyhall_tui.widgets.key_bar import KeyBar, key_names
from pyhall_tui.widgets.late import after_first_frame, is_there
from pyhall_tui.workspace import Workspace

_BAND_IDS: Final = ("band", "second-band", "third-band")
"""The bands about the connection, from the top; a low terminal has room for one less."""
_TOO_SMALL: Final = ("-tiny", "-flat")
"""The classes of a screen that is too small to show anything else."""
_BAND_LINES: Final = 3
_LOST_BY_WRAPPING: Final = 10
"""Columns of each line that a band's margin and its long words may leave empty."""


@runtime_checkable
class HasRunLog(Protocol):
    """An app with a log of this run."""

    run_log: RunLog


class ModeScreen(HookedScreen):
    """A screen of the bar. A subclass defines `MODE` and `compose_body`, and may pull in `fleet_changed`."""

    MODE: ClassVar[str]
    WIDE = 150
    """The number of cells from which a screen is `-wide`."""
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-narrow"), (100, "-normal"), (WIDE, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss_news", "Dismiss news", show=False, id="app.dismiss", tooltip="Dismiss the news"),
    ]
    DEFAULT_CSS = """
    ModeScreen {
        layers: base top;
        & > .band { height: auto; max-height: 3; padding: 0 1; background: $surface; }
    }
    """

    def __init__(self, workspace: Workspace | None) -> None:
        super().__init__()
        self._opened = workspace

    @property
    def workspace(self) -> Workspace:
        """The open profile's workspace. Screens that work without one check `has_workspace` first."""
        assert self._opened is not None
        return self._opened

    @property
    def has_workspace(self) -> bool:
        """Whether a profile is open."""
        return self._opened is not None

    def compose(self) -> ComposeResult:
        self._take_size_classes()
        yield StatusHeader(self._opened, self.MODE)
        yield from (_band(band_id, cell) for band_id, cell in self._bands() if cell is not None)
        yield from self.compose_body()
        yield KeyBar()
        if not self.classes.isdisjoint(_TOO_SMALL):
            yield from self._words_if_too_small()

    def _take_size_classes(self) -> None:
        """Set the size classes before there is anything to style: otherwise Textual would style everything twice."""
        width, height = self.app.size
        wide = max(step for step in self.HORIZONTAL_BREAKPOINTS if step[0] <= width)[1]
        high = max(step for step in self.VERTICAL_BREAKPOINTS if step[0] <= height)[1]
        self.update_classes({wide: True, high: True}, update=False)

    def compose_body(self) -> ComposeResult:
        """Yield what is between header and footer."""
        raise NotImplementedError

    def fleet_changed(self) -> None:
        """Pull what changed; called at most once for many changes, and when you return to the screen."""

    def alarms_changed(self) -> None:
        """Show how alarms stand now; called at most once for many changes."""

    def events_happened(self, message: EventsHappened) -> None:
        """Take new events."""

    def on_mount(self) -> None:
        each_second(self, self._update_band)
        after_first_frame(self, self._be_ready_for_less)

    def _be_ready_for_less(self) -> None:
        """Make what only a terminal that is too small shows; the first frame doesn't need it."""
        self.mount_all(self._words_if_too_small())

    def _words_if_too_small(self) -> Iterable[Widget]:
        from pyhall_tui.widgets.too_small import TooSmall  # not before the first frame

        return () if self.query(TooSmall) else (TooSmall(),)

    def action_dismiss_news(self) -> None:
        self.app.clear_notifications()

    @property
    def is_made(self) -> bool:
        """Whether all of the screen is there to draw on: messages may come before that, and while it is removed."""
        return self.is_mounted and is_there(self)

    @on(FleetChanged)
    def _on_fleet_changed(self) -> None:
        if self.is_made:
            self.fleet_changed()

    @on(EventsHappened)
    def _on_events_happened(self, message: EventsHappened) -> None:
        if self.is_made:
            self.events_happened(message)
            self.query_one(StatusHeader).update_status()

    @on(AlarmsChanged)
    def _on_alarms_changed(self) -> None:
        if self.is_made:
            self.alarms_changed()
            self.query_one(StatusHeader).update_status()

    @on(ConnectionChanged)
    def _on_link_changed(self) -> None:
        if self.is_made:
            self.query_one(StatusHeader).update_status()
            self._update_band()

    @on(events.Resize)
    def _on_other_size(self) -> None:
        self._update_band()

    @on(events.ScreenResume)
    def _come_back(self, event: events.ScreenResume) -> None:
        event.refresh_styles = False  # they are right: whatever changes them also does so on a hidden screen
        if self.is_made:
            self.query_one(StatusHeader).update_status()
            self._update_band()
            self.fleet_changed()

    def _update_band(self) -> None:
        if not self.is_current:
            return
        above: Widget = self.query_one(StatusHeader)
        for band_id, cell in self._bands():
            found = self.query_one_optional(f"#{band_id}", Static)
            if found is not None:
                found.display = cell is not None
                if cell is not None:
                    show_line(found, _line(cell))
            elif cell is not None:
                found = _band(band_id, cell)
                self.mount(found, after=above)
            above = found or above

    def _bands(self) -> list[tuple[str, Cell | None]]:
        """Return what each band says now, from the top; None: it is not shown, and not made before it is needed."""
        opened, keys = self._opened, key_names(self)
        room = _BAND_LINES * (self.app.size.width - _LOST_BY_WRAPPING)
        if opened is None:
            standing = self.app.run_log.standing if isinstance(self.app, HasRunLog) else ()
            return [("kept-band", trouble_band(standing, room, keys=keys))]
        state = opened.connection.state
        said = bands(state, opened.key_answer, opened.now(), opened.profile.poll_interval, keys=keys)
        shown = fitting(said, len(_BAND_IDS) if "-tall" in self.classes else len(_BAND_IDS) - 1, keys=keys)
        return [*zip_longest(_BAND_IDS, shown), ("kept-band", trouble_band(opened.standing, room, keys=keys))]


def _band(band_id: str, cell: Cell) -> Static:
    return Static(_line(cell), id=band_id, classes="band", markup=False)


def _line(cell: Cell) -> Content:
    return Content.styled(cell.text, STYLES[cell.style])
