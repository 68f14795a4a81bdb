"""The two lines at the top of every screen: who and where we are, how it stands, and the bar of screens."""

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from pyhall_tui.profiles.environment import KEY
from pyhall_tui.profiles.keys import KeySource
from pyhall_tui.render.link import host, next_cell, rate_cell, reach_cell
from pyhall_tui.render.text import Cell, Style, clean
from pyhall_tui.widgets.cells import as_content, show_line
from pyhall_tui.workspace import Workspace

SCREEN_TITLES: dict[str, str] = {
    "workers": "Workers",
    "enroll": "Enroll",
    "dispatch": "Dispatch",
    "activity": "Activity",
    "profiles": "Profiles",
}
"""The screens in order of their number keys."""
_BAR_WIDTH = sum(len(title) + 4 for title in SCREEN_TITLES.values()) + 1
"""Cells that the bar takes of a line, one of distance with it."""


class ModeTab(Static):
    """One screen in the bar; a click goes there."""

    class Chosen(Message):
        """A screen was chosen in the bar."""

        def __init__(self, mode: str) -> None:
            super().__init__()
            self.mode = mode

    def __init__(self, number: int, mode: str, *, is_current: bool) -> None:
        super().__init__(f"{number} {SCREEN_TITLES[mode]}", markup=False, classes="-current" if is_current else "")
        self._mode = mode

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Chosen(self._mode))


class KeyHint(Static):
    """A key in the bar that the mouse can press too."""

    def __init__(self, text: str, action: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(text, markup=False, id=id)
        self._action = action

    async def on_click(self, event: events.Click) -> None:
        event.stop()
        await self.run_action(self._action)


class StatusHeader(Vertical):
    """Profile, namespace, registry, reach, next poll, request rate, alarms; below it the bar of screens.

    On a narrow or short terminal the two lines become one, unless that has no room for the marks. It pulls what it
    shows from the workspace.
    """

    DEFAULT_CSS = """
    StatusHeader {
        dock: top; height: 2; background: $panel;
        & > #status { height: 1; }
        #who { width: 1fr; height: 1; padding-left: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #how { width: auto; height: 1; padding-right: 1; }
        #mode-bar { height: 1; background: $surface; }
        ModeTab { width: auto; padding: 0 1; color: $secondary; pointer: pointer; }
        ModeTab:hover { color: $text; background: $panel; }
        ModeTab.-current { color: $text; text-style: bold; background: $primary 30%; }
        #short { width: 1fr; height: 1; text-align: right; padding-right: 1; display: none; }
        #gap { width: 1fr; }
        KeyHint { width: auto; padding: 0 1; color: $secondary; pointer: pointer; }
    }
    .-narrow StatusHeader, .-flat StatusHeader, .-short StatusHeader, .-tiny StatusHeader {
        height: 1;
        & > #status, #gap, KeyHint { display: none; }
        #short { display: block; }
    }
    StatusHeader.-crowded { height: 2; }
    StatusHeader.-crowded > #status { display: block; }
    StatusHeader.-crowded #short { display: none; }
    """

    def __init__(self, workspace: Workspace | None, mode: str) -> None:
        super().__init__()
        self._workspace = workspace
        self._mode = mode

    def compose(self) -> ComposeResult:
        with Horizontal(id="status"):
            yield Static(id="who")
            yield Static(id="how")
        with Horizontal(id="mode-bar"):
            for number, mode in enumerate(SCREEN_TITLES, start=1):
                yield ModeTab(number, mode, is_current=mode == self._mode)
            yield Static(id="gap")
            yield Static(id="short")
            yield KeyHint(": palette", "app.command_palette")
            yield KeyHint("? keys", "app.show_keys")

    def on_mount(self) -> None:
        self.update_status()
        self.set_interval(1.0, self.update_status)

    def update_status(self) -> None:
        """Show how things stand now. On a hidden screen it costs nothing."""
        if not self.screen.is_current:
            return
        short, marked = self._short(), bool(self._marks())
        self.set_class(marked and short.cell_length > self.size.width - _BAR_WIDTH, "-crowded")
        who, how = self._who(), self._how()
        for shorter in (self._how_without_rate, self._reach_and_alarms):  # so that no mark is cut
            if marked and who.cell_length + how.cell_length + 2 > self.size.width:
                how = shorter()
        show_line(self.query_one("#who", Static), who)
        show_line(self.query_one("#how", Static), how)
        show_line(self.query_one("#short", Static), short)

    def _who(self) -> Content:
        if self._workspace is None:
            return as_content([Cell("pyhall-tui", Style.STRONG), Cell("no profile open", Style.DIM)], "  ")
        profile = self._workspace.profile
        marks = self._marks()
        cells = [
            *([] if marks else [Cell("pyhall-tui", Style.DIM)]),
            Cell(clean(profile.name), Style.STRONG),
            *marks,  # before what may be cut at the end
            Cell(clean(profile.namespace)),
            Cell(clean(host(profile.registry_url)), Style.DIM),
        ]
        return as_content(cells, "  ")

    def _marks(self) -> list[Cell]:
        """What must never be overlooked: production, read only, plain http, a key that a variable overrides."""
        if self._workspace is None:
            return []
        profile, key = self._workspace.profile, self._workspace.key_answer
        marks = [
            (profile.production, Cell("PRODUCTION", Style.ERROR)),
            (profile.read_only, Cell("READ ONLY", Style.WARNING)),
            (profile.allow_insecure and profile.registry_url.startswith("http:"), Cell("NOT ENCRYPTED", Style.ERROR)),
            (key is not None and key.source is KeySource.ENVIRONMENT, Cell(f"key: {KEY}", Style.WARNING)),
        ]
        return [cell for holds, cell in marks if holds]

    def _how(self) -> Content:
        workspace = self._workspace
        if workspace is None:
            return Content("")
        rate = as_content([rate_cell(workspace.link, workspace.stats.per_second(workspace.now().mono))])
        return self._how_without_rate(rate)

    def _how_without_rate(self, *more: Content) -> Content:
        if self._workspace is None:
            return Content("")
        link = self._workspace.link
        status = as_content([reach_cell(link), next_cell(link, self._workspace.now())], " · ")
        return Content("    ").join([*self._live(), status, *more, *self._alarms()])

    def _reach_and_alarms(self) -> Content:
        if self._workspace is None:
            return Content("")
        return Content(" ").join([*self._live(), as_content([reach_cell(self._workspace.link)]), *self._alarms()])

    def _short(self) -> Content:
        if self._workspace is None:
            return Content("")
        named = as_content([*self._marks(), Cell(clean(self._workspace.profile.name), Style.STRONG)], " ")
        return Content(" ").join([named, self._reach_and_alarms()])

    def _live(self) -> list[Content]:
        """A live run goes on while another screen is looked at: it is told on every screen."""
        if self._workspace is None or self._workspace.lab.live is None:
            return []
        from pyhall_tui.render.lab import live_mark  # not before the first frame

        mark = live_mark(self._workspace.lab.live)
        return [as_content([mark])] if mark else []

    def _alarms(self) -> list[Content]:
        count = len(self._workspace.open_alarms) if self._workspace else 0
        words = f"✖ {count} alarm{'s' if count > 1 else ''}"
        return [as_content([Cell(words, Style.ERROR)])] if count else []

    @on(ModeTab.Chosen)
    def _go(self, message: ModeTab.Chosen) -> None:
        message.stop()
        self.app.call_later(self.run_action, f"app.mode('{message.mode}')")
