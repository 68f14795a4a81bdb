"""The keys of your own commands (`[commands]` in `config.toml`): on which screens they are, and what they start."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from textual.binding import Binding
from textual.screen import Screen

from pyhall_tui.clock import Clock
from pyhall_tui.render.text import clean
from pyhall_tui.shell.news import NewsApp
from pyhall_tui.textual_internals import all_screens, replace_bindings

if TYPE_CHECKING:
    from pyhall_tui.programs.command import Command
    from pyhall_tui.shell.running_commands import RunningCommands

_PREFIX: Final = "command."
_SCREENS: Final = {
    "WorkersScreen": "workers",
    "WorkerDetailScreen": "worker",
    "OverviewScreen": "overview",
    "ActivityScreen": "activity",
    "DispatchScreen": "history",
    "HallScreen": "decisions",
}
"""By the screen's class, the name that a command uses."""
_TABS: Final = {"history": "HistoryTab"}
"""The class of the part that has the rows, if that is not the screen."""


def places() -> dict[str, tuple[str, ...]]:
    """Return where the rows for commands are, by the name that a command uses: a class, and the screen around it."""
    return {name: (_TABS[name], screen) if name in _TABS else (screen,) for screen, name in _SCREENS.items()}


class OwnCommands:
    """The commands that there are now, on all screens."""

    def __init__(self, app: NewsApp, clock: Clock) -> None:
        """Have none yet."""
        self._app, self._clock = app, clock
        self._commands: Sequence[Command] = ()
        self._follows = False

    @cached_property
    def _running(self) -> "RunningCommands":
        from pyhall_tui.shell.running_commands import RunningCommands  # with the first that is run

        return RunningCommands(self._app, self._clock)

    def follow(self) -> None:
        """Give each screen its keys from now on, when it is shown; once the app runs."""
        if not self._follows:
            self._follows = True
            self._app.screen_change_signal.subscribe(self._app, self._bind)
        self._bind_all()

    def take(self, commands: Sequence["Command"]) -> None:
        """Have these from now on. What runs already goes on."""
        if commands != self._commands:
            self._commands = commands
            self._bind_all()

    def run(self, name: str) -> None:
        """Run a command on the rows of the present screen."""
        for command in self._commands:
            if command.name == name:
                self._running.start(command, self._app.screen)

    def is_offered(self) -> bool:
        """Whether the present screen has rows for commands now: on some, only one tab has them."""
        from pyhall_tui.screens.command_rows import HasRowsInATab  # with the first command

        screen = self._app.screen
        return screen.offers_commands if isinstance(screen, HasRowsInATab) else True

    def stop(self) -> None:
        """End what was started."""
        if "_running" in vars(self):
            self._running.stop()

    async def close(self) -> None:
        """End what was started, and wait until the terminal is as it was."""
        if "_running" in vars(self):
            await self._running.close()

    def _bind_all(self) -> None:
        for screen in all_screens(self._app):
            self._bind(screen)

    def _bind(self, screen: Screen[Any]) -> None:
        """Give a screen the keys of the commands that it has rows for."""
        kind = _SCREENS.get(type(screen).__name__)
        if kind is not None:
            replace_bindings(screen, _PREFIX, [_binding(each) for each in self._commands if kind in each.screens])


def _binding(command: "Command") -> Binding:
    return Binding(
        command.key,
        f"app.own_command('{command.name}')",
        command.title,
        id=f"{_PREFIX}{command.name}",
        tooltip=f"{command.title}: run {clean(Path(command.run[0]).name, 40)}",
    )
