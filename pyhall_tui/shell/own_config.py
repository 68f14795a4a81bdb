"""Your `config.toml` while the app runs: taken before the first frame, and again whenever the file changes."""

import asyncio
import importlib
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from pyhall_tui.clock import Clock
from pyhall_tui.config.config import Config
from pyhall_tui.config.config_file import NAME, Loaded, Unreadable, load, signature
from pyhall_tui.config.keys import ALWAYS
from pyhall_tui.config.known import Known
from pyhall_tui.config.table import Mistake
from pyhall_tui.shell.own_themes import color_names, made, switched, theme_names
from pyhall_tui.shell.theme import DARK, DARK_16, OTHER, ConfiguredApp
from pyhall_tui.textual_internals import all_screens
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.line_table import LineTable

_LOOK: Final = 0.5
"""Seconds between two looks at the file. A change is taken when two looks find the same: it may be half written."""

_log = logging.getLogger(__name__)


class OwnConfig:
    """What is configured. A file that can't be read changes nothing, and a band says why for as long as it can't."""

    def __init__(self, app: ConfiguredApp, home: Path, clock: Clock, theme: str) -> None:
        """Make it; nothing is read yet. `theme` is the one that the terminal would have without a file."""
        self._app, self._path, self._clock = app, home / NAME, clock
        self._terminals = theme
        self._known = Known()
        self._seen: object = None
        self.config = Config()
        self.is_followed = False
        """Whether changes of the file are taken: not before all that the first frame doesn't need is there."""

    def begin(self) -> str:
        """Read the file before the first frame, and return the theme to begin with.

        Which actions exist is unknown until all screens are loaded, so ids and clashes are checked after it.
        """
        self._known = Known(themes=theme_names(), colors=color_names())
        self._seen = signature(self._path)
        try:
            found = load(self._path, self._known).config
        except Unreadable:
            found = None
        self.config = found or Config()
        self._take_keys()
        self._app.take_commands(self.config.commands)
        return self._register()

    async def follow(self) -> None:
        """Check the file against all screens, then take each change of it, until cancelled."""
        before: object = None
        while True:
            try:
                now = await off_loop(partial(signature, self._path), name=NAME)
                is_first = not self._known.keys and now is not None
                if is_first or (now != self._seen and now == before):
                    await self._know_all()
                    await self._read(is_news=now != self._seen)
                    self._seen = now
                before, self.is_followed = now, True
            except Exception:
                _log.exception("the configuration could not be followed")
            await self._clock.sleep(_LOOK)

    async def _know_all(self) -> None:
        """Load all screens, one at a time, so that no key waits long."""
        if self._known.keys:
            return
        from pyhall_tui.shell.known import known, module_names

        for name in module_names():
            importlib.import_module(name)
            await asyncio.sleep(0)
        self._known = known()

    async def _read(self, *, is_news: bool) -> None:
        try:
            found = await off_loop(partial(load, self._path, self._known), name=NAME)
        except Unreadable as error:
            self._stands(f"{self._path}: {error} What was last read still counts.")
            return
        self._stands(_trouble(self._path, found.mistakes, is_toml=found.config is not None))
        if found.config is not None:
            before, self.config = self.config, found.config
            self._take(before)
            if is_news and not found.mistakes:
                self._app.notify(_taken(before, found), markup=False)

    def _take(self, before: Config) -> None:
        self._take_keys()
        self._app.take_commands(self.config.commands)
        if self.config.columns != before.columns:
            for screen in all_screens(self._app):
                for table in screen.query(LineTable):
                    table.arrange_columns()
        if self.config.theme != before.theme:
            chosen = self._register()
            self._app.theme = DARK.name if self._app.theme == chosen else self._app.theme
            self._app.theme = chosen

    def _take_keys(self) -> None:
        self._app.give_keys(self.config.keys, ALWAYS)

    def _register(self) -> str:
        """Make the chosen theme known to the app, and return its name."""
        name = self._chosen
        self._app.register_theme(made(name, self.config.theme))
        return name

    @property
    def _chosen(self) -> str:
        """The theme for this terminal: without color there is only one."""
        choice = self.config.theme
        return {DARK.name: choice.name, DARK_16.name: choice.few_colors}.get(self._terminals, self._terminals)

    def switch_theme(self) -> None:
        """Switch between dark and light."""
        chosen = self._chosen
        self._app.theme = switched(self._app.theme, chosen, OTHER, is_dark=made(chosen, self.config.theme).dark)

    def _stands(self, trouble: str | None) -> None:
        """Show what is wrong in a band for as long as it is, and say it once."""
        log = self._app.run_log
        if trouble is not None and trouble != log.config_trouble:
            self._app.notify(trouble, severity="warning", timeout=15, markup=False)
        log.config_trouble = trouble


def _trouble(path: Path, mistakes: Sequence[Mistake], *, is_toml: bool) -> str | None:
    """Return what is wrong with the file, as a sentence: the first mistake, and how many more there are."""
    if not mistakes:
        return None
    rest = "" if is_toml else " What was last read still counts."
    more = f" And {len(mistakes) - 1} more: run pyhall-tui config check." if len(mistakes) > 1 else ""
    return f"{path}, {mistakes[0]}{rest}{more}"


def _taken(before: Config, found: Loaded) -> str:
    """Return what a change of the file has changed."""
    now = found.config or Config()
    changed = [name for name in now._fields if getattr(now, name) != getattr(before, name)]
    if not found.is_there:
        return f"{NAME} is gone: the defaults count again."
    return f"{NAME} was read again: {' and '.join(changed) or 'nothing'} changed."
