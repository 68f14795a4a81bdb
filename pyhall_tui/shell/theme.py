"""The themes, and the app that has one.

The design is calm: gray, with color only for what is wrong; `$secondary` is for quiet text.

Terminals with 16 colors (`TERM=xterm`, `linux`) have two themes of their own: Rich maps every other color to the
nearest of the 16, and the nearest to a soft red is a gray.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from textual import constants
from textual.theme import Theme

from pyhall_tui.shell.news import NewsApp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from pyhall_tui.config.columns import Layouts
    from pyhall_tui.programs.command import Command
    from pyhall_tui.shell.own_commands import OwnCommands
    from pyhall_tui.shell.own_config import OwnConfig

DARK = Theme(
    name="pyhall-dark",
    dark=True,
    primary="#6f9fd8",
    secondary="#99a3b1",
    accent="#e0af68",
    foreground="#d4d8de",
    background="#14171c",
    surface="#1a1e25",
    panel="#242a33",
    success="#7fb77e",
    warning="#e0af68",
    error="#f0717b",
    variables={"scrollbar-background": "#1a1e25", "frame": "#3a3e43", "row-cursor": "#2a394b"},
)

LIGHT = Theme(
    name="pyhall-light",
    dark=False,
    primary="#2f5f98",
    secondary="#4d5763",
    accent="#754d00",
    foreground="#1f2328",
    background="#fafbfc",
    surface="#f1f3f6",
    panel="#e4e8ed",
    success="#2c7a36",
    warning="#8a5a00",
    error="#b3202c",
    variables={"scrollbar-background": "#f1f3f6", "frame": "#ced0d2", "row-cursor": "#c7d4e3"},
)


def _of_sixteen(
    name: str, *, text: str, ground: str, row: str, red: str, yellow: str, green: str, blue: str, grey: str
) -> Theme:
    """Return a theme in which every text has exactly one of the 16 colors that Rich knows.

    `row` is the background of a table's row under the cursor: one on which red can be read.
    """
    texts = dict.fromkeys(("text-muted", "text-disabled", "foreground-muted", "foreground-disabled"), text)
    signals = {"text-error": red, "text-warning": yellow, "text-success": green, "text-accent": yellow}
    return Theme(
        name=name,
        dark=ground == "#000000",
        primary=blue,
        secondary=text,
        accent=yellow,
        foreground=text,
        background=ground,
        surface=ground,
        panel=ground,
        success=green,
        warning=yellow,
        error=red,
        variables={
            **texts,
            **signals,
            "text": text,
            "text-primary": blue,
            "text-secondary": text,
            "frame": grey,
            "row-cursor": row,
            "scrollbar": grey,
            "scrollbar-background": ground,
        },
    )


_ON_BLACK = {"text": "#ffffff", "ground": "#000000", "row": "#0000aa", "grey": "#aaaaaa"}
_ON_WHITE = {"text": "#000000", "ground": "#ffffff", "row": "#aaaaaa", "grey": "#555555"}
_SHADED = {**_ON_WHITE, "row": "#55ffff"}
_SIGNALS = ("red", "yellow", "green", "blue")
DARK_16 = _of_sixteen("pyhall-16-dark", red="#ff5555", yellow="#ffff55", green="#55ff55", blue="#55ffff", **_ON_BLACK)
# Neither yellow nor green can be read on white.
LIGHT_16 = _of_sixteen("pyhall-16-light", red="#aa0000", yellow="#aa00aa", green="#000000", blue="#0000aa", **_SHADED)
# Without color, red would become the darker of two grays.
DARK_PLAIN = _of_sixteen("pyhall-plain-dark", **{**_ON_BLACK, "row": "#555555"}, **dict.fromkeys(_SIGNALS, "#ffffff"))
LIGHT_PLAIN = _of_sixteen("pyhall-plain-light", **_ON_WHITE, **dict.fromkeys(_SIGNALS, "#000000"))
_PAIRS = ((DARK, LIGHT), (DARK_16, LIGHT_16), (DARK_PLAIN, LIGHT_PLAIN))
THEMES = tuple(theme for pair in _PAIRS for theme in pair)
OTHER = {one.name: other.name for pair in _PAIRS for one, other in (pair, pair[::-1])}
"""The theme that the theme key switches to, from each theme."""


def first_theme() -> str:
    """Return the name of the theme for the current terminal."""
    console = Console(color_system=constants.COLOR_SYSTEM, force_terminal=True)  # type: ignore[arg-type]
    if console.color_system not in ("standard", "windows"):
        return DARK.name
    return DARK_PLAIN.name if console.no_color else DARK_16.name


class ConfiguredApp(NewsApp):
    """An app with the theme, keys and commands of its `config.toml`. Without that file, all about it is loaded late."""

    _config_folder: Path
    _terminals_theme: str
    _own_config: "OwnConfig | None" = None
    _own_commands: "OwnCommands | None" = None

    def begin_with_config(self, folder: Path, theme: str) -> None:
        """Take the theme and the keys, before the app runs.

        Args:
            folder: where `config.toml` is, if it exists.
            theme: the name of the theme without it: see `first_theme`.
        """
        self._config_folder, self._terminals_theme = folder, theme
        for each in THEMES:
            self.register_theme(each)
        self.begin_with_theme(self.own_config.begin() if os.path.lexists(folder / "config.toml") else theme)

    @property
    def own_config(self) -> "OwnConfig":
        """What you have configured."""
        if self._own_config is None:
            from pyhall_tui.shell.own_config import OwnConfig

            self._own_config = OwnConfig(self, self._config_folder, self._news_clock, self._terminals_theme)
        return self._own_config

    @property
    def wants_mouse(self) -> bool:
        """Whether the app takes the mouse when it starts."""
        return self._own_config is None or self._own_config.config.terminal.mouse

    @property
    def layouts(self) -> "Layouts":
        """The columns of tables, as you have configured them."""
        return self._own_config.config.columns if self._own_config is not None else {}

    def take_commands(self, commands: "Sequence[Command]") -> None:
        """Have these commands of your own from now on, on all screens."""
        if self._own_commands is None and commands:
            from pyhall_tui.shell.own_commands import OwnCommands

            self._own_commands = OwnCommands(self, self._news_clock)
            self._follow_commands()
        if self._own_commands is not None:
            self._own_commands.take(commands)

    async def on_mount(self) -> None:
        self._follow_commands()

    def _follow_commands(self) -> None:
        if self._own_commands is not None and self.is_running:
            self._own_commands.follow()

    def action_own_command(self, name: str) -> None:
        """Run a command of your own on the rows of the present screen."""
        if self._own_commands is not None:
            self._own_commands.run(name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer commands of your own only where there are rows for them."""
        if action == "own_command" and self._own_commands is not None:
            return self._own_commands.is_offered()
        return super().check_action(action, parameters)

    def exit(self, result: None = None, return_code: int = 0, message: "RenderableType | None" = None) -> None:
        """End the app, and what its commands have started."""
        if self._own_commands is not None:
            self._own_commands.stop()
        super().exit(result, return_code, message)

    async def on_unmount(self) -> None:
        if self._own_commands is not None:
            await self._own_commands.close()

    def follow_config(self) -> None:
        """Take changes of the file from now on."""
        self.run_worker(self.own_config.follow(), exit_on_error=False, group="config")

    def action_toggle_theme(self) -> None:
        """Switch between dark and light."""
        self.own_config.switch_theme()
