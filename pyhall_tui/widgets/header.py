"""The header of every screen: profile, namespace, registry, reachability; below it the bar of screens.

One widget draws both lines: fourteen small ones took a tenth of the time to open a screen.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from textual import events
from textual.content import Content
from textual.widget import Widget

from pyhall_tui.profiles.environment import KEY
from pyhall_tui.render.connection import host, rate_cell
from pyhall_tui.render.sources import beside_cells, has_trouble, own_cells, short_status_cells, status_cells
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.widgets.attendance import each_second
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.workspace import Workspace

SCREEN_TITLES: dict[str, str] = {
    "overview": "Overview",
    "workers": "Workers",
    "enroll": "Enroll",
    "dispatch": "Dispatch",
    "activity": "Activity",
    "profiles": "Profiles",
}
"""The screens in order of their number keys, from 0."""
_SHORTER = {"overview": "All"}
"""What a bar of one line, which has little room, says instead of a title."""
_COMPACT = {"-narrow", "-flat", "-short", "-tiny"}
"""The screen's classes for which the two lines become one."""


class HasAlarms(Protocol):
    """A profile that may run beside the open one."""

    @property
    def workspace(self) -> Workspace | None: ...


class KeepsProfiles(Protocol):
    """All fleets."""

    @property
    def kept(self) -> Sequence[HasAlarms]: ...


@runtime_checkable
class HasFleets(Protocol):
    """What is needed from the app."""

    @property
    def fleets(self) -> KeepsProfiles: ...


class Tab(NamedTuple):
    """Something to click in the bar, and its position."""

    text: str
    action: str
    start: int

    @property
    def end(self) -> int:
        """The cell after it."""
        return self.start + len(self.text)


def _in_a_row(tabs: list[tuple[str, str]], start: int) -> list[Tab]:
    placed = []
    for text, action in tabs:
        placed.append(Tab(f" {text} ", action, start))
        start = placed[-1].end
    return placed


def _screens(titles: dict[str, str]) -> list[Tab]:
    return _in_a_row(
        [(f"{number} {title}", f"mode('{mode}')") for number, (mode, title) in enumerate(titles.items())], 0
    )


_SCREENS, _FEWER_WORDS = _screens(SCREEN_TITLES), _screens(SCREEN_TITLES | _SHORTER)
_BAR_WIDTH = _FEWER_WORDS[-1].end + 1
"""The width in cells of the bar of one line, including one of distance."""


class StatusHeader(Widget):
    """Profile, namespace, registry, reachability, sources, request rate, alarms; below it the bar of screens.

    On a narrow or short terminal the two lines become one, unless that leaves no room for the marks. It pulls what it
    shows from the workspace.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    StatusHeader { dock: top; height: 2; background: $panel; pointer: pointer; }
    .-narrow StatusHeader, .-flat StatusHeader, .-short StatusHeader, .-tiny StatusHeader { height: 1; }
    StatusHeader.-crowded { height: 2; }
    """

    def __init__(self, workspace: Workspace | None, mode: str) -> None:
        super().__init__()
        self._workspace = workspace
        self._current = f"mode('{mode}')"
        self._drawn = Content("")
        self._hovered: str | None = None

    def on_mount(self) -> None:
        self.update_status()
        each_second(self, self.update_status)

    def on_resize(self) -> None:
        self.update_status()

    def update_status(self) -> None:
        """Show the current state; draw only changes. On a hidden screen this costs nothing."""
        if not self.screen.is_current:
            return
        crowded = self._has_more_to_say and self._short().cell_length > self.app.size.width - _BAR_WIDTH
        self.set_class(crowded, "-crowded")
        if self.size and not self._lines().is_same(self._drawn):  # not before the first layout
            self.refresh()

    def render(self) -> Content:
        self._drawn = self._lines()
        return self._drawn

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if tab := self._tab_at(event.x, event.y):
            self.app.call_later(self.run_action, f"app.{tab.action}")

    def on_mouse_move(self, event: events.MouseMove) -> None:
        tab = self._tab_at(event.x, event.y)
        self._hover(tab.action if tab else None)

    def on_leave(self) -> None:
        self._hover(None)

    def _hover(self, action: str | None) -> None:
        if action != self._hovered:
            self._hovered = action
            self.refresh()

    def _tab_at(self, x: int, y: int) -> Tab | None:
        tabs = self._tabs() if y == self.size.height - 1 else []
        return next((tab for tab in tabs if tab.start <= x < tab.end), None)

    @property
    def _is_compact(self) -> bool:
        return not _COMPACT.isdisjoint(self.screen.classes)

    def _tabs(self) -> list[Tab]:
        return _FEWER_WORDS if self._is_compact else _SCREENS

    def _lines(self) -> Content:
        if self.size.height < 2:
            return self._bar(self._short())
        return Content("\n").join([self._status(), self._bar(Content(""))])

    def _status(self) -> Content:
        """Return identity on the left and state on the right; the right side gets shorter before a mark is cut."""
        who, how, width = self._who(), self._how(), self.size.width
        elsewhere = self._elsewhere()
        if elsewhere and who.cell_length + how.cell_length + elsewhere.cell_length + 4 <= width:
            how += elsewhere
        if who.cell_length + how.cell_length + 4 > width:
            how = self._how_without_rate()
        if self._has_more_to_say and self._least_of_who().cell_length + how.cell_length + 4 > width:
            how = self._reach_and_alarms()
        room = max(0, width - how.cell_length - 2)
        left = who.truncate(max(0, room - 2), ellipsis=True)
        return Content.assemble(" ", left, " " * (room - left.cell_length), how, " ")

    def _bar(self, right: Content) -> Content:
        width = self.size.width
        line = Content("")
        for tab in self._tabs():
            line = line.pad_right(tab.start - line.cell_length) + Content.styled(tab.text, self._style_of(tab))
        if right:
            line = line.pad_right(max(1, width - line.cell_length - right.cell_length - 1)) + right
        return line.pad_right(max(0, width - line.cell_length)).stylize_before("on $surface")

    def _style_of(self, tab: Tab) -> str:
        if tab.action == self._current:
            return "$text bold on $primary 30%"
        return "$text on $panel" if tab.action == self._hovered else "$secondary"

    def _least_of_who(self) -> Content:
        """Return what must not be cut of the identity: the profile's name and the marks."""
        if self._workspace is None:
            return Content("")
        return as_content([Cell(clean(self._workspace.profile.name), Style.STRONG), *self._marks()], "  ")

    def _who(self) -> Content:
        if self._workspace is None:
            return as_content([Cell("pyhall-tui", Style.STRONG), Cell("no profile open", Style.DIM)], "  ")
        profile = self._workspace.profile
        marks = self._marks()
        cells = [
            *([] if marks else [Cell("pyhall-tui", Style.DIM)]),
            Cell(clean(profile.name), Style.STRONG),
            *marks,  # before what may be cut off at the end
            Cell(clean(profile.namespace)),
            Cell(clean(host(profile.registry_url)), Style.DIM),
        ]
        return as_content(cells, "  ")

    @property
    def _has_more_to_say(self) -> bool:
        """Whether there is something that must not be cut: a mark, or that the connection is not live."""
        workspace = self._workspace
        if workspace is None:
            return False
        timeout = workspace.profile.timeout
        return bool(self._marks()) or has_trouble(workspace.connection.state, workspace.now(), timeout)

    def _marks(self) -> list[Cell]:
        """Return what you must never overlook: production, read-only, plain http, a key that a variable overrides."""
        if self._workspace is None:
            return []
        profile, key = self._workspace.profile, self._workspace.key_answer
        marks = [
            (profile.production, Cell("PRODUCTION", Style.ERROR)),
            (profile.read_only, Cell("READ ONLY", Style.WARNING)),
            (profile.allow_insecure and profile.registry_url.startswith("http:"), Cell("NOT ENCRYPTED", Style.ERROR)),
            (key is not None and key.is_from_environment, Cell(f"key: {KEY}", Style.WARNING)),
        ]
        return [cell for holds, cell in marks if holds]

    def _how(self) -> Content:
        workspace = self._workspace
        if workspace is None:
            return Content("")
        if workspace.connection.watcher is not None:
            return self._how_without_rate()  # nothing is asked by itself
        rate = as_content(
            [rate_cell(workspace.connection.state, workspace.connection.stats.per_second(workspace.now().mono))]
        )
        return self._how_without_rate(rate)

    def _how_without_rate(self, *more: Content) -> Content:
        workspace = self._workspace
        if workspace is None:
            return Content("")
        connection = workspace.connection
        cells = status_cells(connection.state, workspace.now(), workspace.profile.timeout)
        cells = [*beside_cells(connection.watcher), *cells]
        status = as_content([*cells, *own_cells(connection.own.refused)], " · ")
        return Content("    ").join([*self._live(), status, *more, *self._alarms()])

    def _reach_and_alarms(self) -> Content:
        workspace = self._workspace
        if workspace is None:
            return Content("")
        connection = workspace.connection
        cells = short_status_cells(connection.state, workspace.now(), workspace.profile.timeout)
        cells = [*beside_cells(connection.watcher, is_short=True), *cells]
        return Content(" ").join([*self._live(), as_content(cells, " "), *self._alarms()])

    def _short(self) -> Content:
        if self._workspace is None:
            return Content("")
        named = as_content([*self._marks(), Cell(clean(self._workspace.profile.name), Style.STRONG)], " ")
        whole = Content(" ").join([named, self._how_without_rate()])
        room = self.size.width - _BAR_WIDTH
        if whole.cell_length <= room:
            elsewhere = self._elsewhere()
            return whole + elsewhere if whole.cell_length + elsewhere.cell_length <= room else whole
        return Content(" ").join([named, self._reach_and_alarms()])

    def _live(self) -> list[Content]:
        """Return the mark of a live run: it continues while you look at another screen, so every screen shows it."""
        if self._workspace is None or self._workspace.live_run is None:
            return []
        from pyhall_tui.render.lab import live_mark  # not before the first frame

        mark = live_mark(self._workspace.live_run)
        return [as_content([mark])] if mark else []

    def _elsewhere(self) -> Content:
        """Return how many alarms other profiles have that run beside the open one; it is shown if there is room."""
        kept = self.app.fleets.kept if isinstance(self.app, HasFleets) and self._workspace is not None else ()
        others = [each.workspace for each in kept if each.workspace not in (None, self._workspace)]
        firing = sum(other.alarm_counts[0] for other in others if other is not None)
        if not firing:
            return Content("")
        from pyhall_tui.render.alarm import counts  # not before the first frame, unless an alarm fires

        return Content("    ") + as_content(counts(0, 0, firing))

    def _alarms(self) -> list[Content]:
        if self._workspace is None:
            return []
        firing, silenced = self._workspace.alarm_counts
        if not firing and not silenced:
            return []
        from pyhall_tui.render.alarm import counts  # not before the first frame, unless an alarm fires

        return [as_content(counts(firing, silenced), " · ")]
