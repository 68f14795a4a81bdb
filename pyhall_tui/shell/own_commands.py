"""The keys of your own commands (`[commands]` in `config.toml`): on which screens they are, and what they start."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import RenderableType
from textual.binding import Binding
from textual.screen import Screen

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
}
"""By the screen's class, the name that a command uses."""


def places() -> dict[str, str]:
    """Return the class of each screen that has rows for commands, by the name that a command uses."""
    return {name: screen for screen, name in _SCREENS.items()}


class CommandsApp(NewsApp):
    """An app with commands of your own."""

    _own_commands: Sequence["Command"] = ()

    async def on_mount(self) -> None:
        self.screen_change_signal.subscribe(self, self._bind)
        for screen in all_screens(self):
            self._bind(screen)

    @cached_property
    def _running_commands(self) -> "RunningCommands":
        from pyhall_tui.shell.running_commands import RunningCommands  # with the first command

        return RunningCommands(self, self._news_clock)

    def take_commands(self, commands: Sequence["Command"]) -> None:
        """Have these commands from now on, on all screens. What runs already goes on."""
        if commands != self._own_commands:
            self._own_commands = commands
            for screen in all_screens(self):
                self._bind(screen, even_if_none=True)

    def action_own_command(self, name: str) -> None:
        """Run a command on the rows of the present screen."""
        for command in self._own_commands:
            if command.name == name:
                self._running_commands.start(command, self.screen)

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """End the app, and what its commands have started."""
        if "_running_commands" in vars(self):
            self._running_commands.stop()
        super().exit(result, return_code, message)

    async def on_unmount(self) -> None:
        if "_running_commands" in vars(self):
            await self._running_commands.close()

    def _bind(self, screen: Screen[Any], *, even_if_none: bool = False) -> None:
        """Give a screen the keys of the commands that it has rows for."""
        if not self._own_commands and not even_if_none:
            return
        kind = _SCREENS.get(type(screen).__name__)
        bindings = [_binding(command) for command in self._own_commands if kind in command.screens]
        if kind is not None:
            replace_bindings(screen, _PREFIX, bindings)


def _binding(command: "Command") -> Binding:
    return Binding(
        command.key,
        f"app.own_command('{command.name}')",
        command.title,
        id=f"{_PREFIX}{command.name}",
        tooltip=f"{command.title}: run {clean(Path(command.run[0]).name, 40)}",
    )
