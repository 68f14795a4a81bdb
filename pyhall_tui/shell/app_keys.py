"""The keys that work on every screen."""

from typing import TYPE_CHECKING, Any, Final, cast

from textual.app import App
from textual.binding import Binding, BindingType
from textual.keys import key_to_character

from pyhall_tui.textual_internals import HookedApp
from pyhall_tui.widgets.header import SCREEN_TITLES

if TYPE_CHECKING:
    from textual.command import Provider

    from pyhall_tui.workspace import Workspace

APP_KEYS: Final[list[BindingType]] = [
    *(
        Binding(
            f"{number},alt+{number}",
            f"mode('{mode}')",
            title,
            show=False,
            id=f"app.{mode}",
            tooltip=f"Go to {title}",
        )
        for number, (mode, title) in enumerate(SCREEN_TITLES.items())
    ),
    Binding(
        "colon",
        "command_palette",
        "Jump",
        key_display=":",
        id="app.palette",
        tooltip="Run any command, jump to anything",
    ),
    Binding("question_mark", "show_keys", "Keys", key_display="?", id="app.keys", tooltip="The keys of this screen"),
    Binding("q", "quit", "Quit", id="app.quit", tooltip="Quit at once"),
    Binding("ctrl+c", "quit", "Quit", show=False, priority=True, id="app.quit_now", tooltip="Quit from anywhere"),
    Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit_too", tooltip="Quit from anywhere"),
    Binding("K", "ask_key", "Ask key", show=False, id="app.ask_key", tooltip="Ask the OS keyring for the key again"),
    Binding(
        "f",
        "open('correlation')",
        "Trace",
        show=False,
        id="app.correlation",
        tooltip="Everything a correlation id touched",
    ),
    Binding(
        "b",
        "open('ban_list')",
        "Ban list",
        show=False,
        id="app.ban_list",
        tooltip="Search the ban list",
    ),
    Binding(
        "exclamation_mark",
        "open('alarms')",
        "Alarms",
        show=False,
        key_display="!",
        id="app.alarms",
        tooltip="All alarms and their state",
    ),
    Binding(
        "E",
        "open('export')",
        "Export",
        show=False,
        id="app.export",
        tooltip="Export the table as shown: to a file, or copied",
    ),
    Binding("D", "doctor", "Doctor", show=False, id="app.doctor", tooltip="Doctor: check everything for problems"),
    # With priority, the focus moves when the key arrives, so that what is typed after it lands in the new field.
    Binding("tab", "focus_next", "Next", show=False, priority=True, id="app.next", tooltip="Next field"),
    Binding(
        "shift+tab", "focus_previous", "Back", show=False, priority=True, id="app.previous", tooltip="Previous field"
    ),
    Binding("ctrl+z", "suspend_process", "Stop", show=False, id="app.stop", tooltip="Suspend; fg resumes"),
    Binding("ctrl+t", "toggle_theme", "Theme", show=False, id="app.theme", tooltip="Light or dark theme"),
    # With priority, these work on dialogs too; `PyHallApp.check_action` leaves a field its characters.
    Binding(
        "C", "show_copied", "Copied", show=False, priority=True, id="app.copied", tooltip="Show what was last copied"
    ),
    Binding(
        "L", "open_log", "Log", show=False, priority=True, id="app.log", tooltip="The log of this run, and all news"
    ),
    Binding(
        "M",
        "mouse(False)",
        "Mouse",
        show=False,
        priority=True,
        id="app.give_mouse",
        tooltip="Select text with the mouse",
    ),
    Binding(
        "M",
        "mouse(True)",
        "Mouse back",
        priority=True,
        id="app.take_mouse",
        tooltip="Take the mouse back from the terminal",
    ),
]

APP_LETTERS: Final = {"show_copied": "app.copied", "open_log": "app.log", "mouse": "app.give_mouse"}
"""The actions whose key has priority and is a character in a field, each with its binding's id."""


def is_typed(app: HookedApp, action: str, parameters: tuple[object, ...]) -> bool:
    """Whether the focused field takes the key of an action of `APP_LETTERS` as text."""
    if app.focused is None or (id_ := APP_LETTERS.get(action)) is None:
        return False
    id_ = "app.take_mouse" if (action, parameters) == ("mouse", (True,)) else id_
    return any(app.focused.check_consume_key(key, key_to_character(key)) for key in app.keys_of(id_, APP_KEYS))


def open_ban_list(app: App[Any], workspace: "Workspace | None", query: str = "") -> None:
    """Open the ban list over the present screen, once, with this search."""
    from pyhall_tui.screens.ban_list.screen import BanListScreen
    from pyhall_tui.widgets.dialog import is_open

    if workspace is None:
        app.notify("Open a profile first, or the demo.", severity="warning", markup=False)
    elif not is_open(app, BanListScreen):
        app.push_screen(BanListScreen(workspace, query))


def open_alarms(app: App[Any], workspace: "Workspace | None") -> None:
    """List the alarms over the present screen, once."""
    from pyhall_tui.screens.alarms.screen import AlarmsScreen
    from pyhall_tui.screens.overview.watched import HasFleets
    from pyhall_tui.widgets.dialog import is_open

    if workspace is None:
        app.notify("Open a profile first, or the demo.", severity="warning", markup=False)
    elif not is_open(app, AlarmsScreen):
        fleets = cast(HasFleets, app).fleets
        app.push_screen(AlarmsScreen(workspace, lambda: fleets.kept))


def open_correlation(app: App[Any], workspace: "Workspace | None") -> None:
    """Show everything that the correlation id under the cursor touched, or ask for an id."""
    from pyhall_tui.screens.correlation.screen import CorrelationScreen, HasCorrelationId

    if workspace is None:
        app.notify("Open a profile first, or the demo.", severity="warning", markup=False)
    else:
        screen = app.screen
        wanted = screen.correlation_id if isinstance(screen, HasCorrelationId) else ""
        app.push_screen(CorrelationScreen(workspace, wanted))


def open_rule(app: App[Any], workspace: "Workspace", rule_id: str) -> None:
    """Show a rule of the local hall's policy."""
    from pyhall_tui.screens.hall.screen import HallScreen

    if isinstance(app.screen, HallScreen):
        app.screen.show_rule(rule_id)
    else:
        app.push_screen(HallScreen(workspace, rule_id))


def open_export(app: App[Any], workspace: "Workspace | None") -> None:
    """Ask where to write the table on the present screen."""
    from pyhall_tui.screens.export import ExportScreen, exported_by

    if workspace is None:
        app.notify("Open a profile first, or the demo.", severity="warning", markup=False)
    elif (exported := exported_by(app.screen)) is None:
        app.notify("There are no rows here to export.", severity="warning", markup=False)
    else:
        app.push_screen(
            ExportScreen(exported, workspace.now().wall),
            lambda said: app.notify(said, markup=False) if said else None,
        )


OPENED: Final = {
    "alarms": open_alarms,
    "ban_list": open_ban_list,
    "correlation": open_correlation,
    "export": open_export,
}
"""What opens over any screen that has a workspace."""


def palette_commands() -> "type[Provider]":
    """Return what the palette offers. Textual imports its palette when it opens, and so do we."""
    from pyhall_tui.shell.palette import PyHallCommands

    return PyHallCommands


def palette_things() -> "type[Provider]":
    """Return what the palette goes to; imported when it opens, too."""
    from pyhall_tui.shell.jump import Things

    return Things
