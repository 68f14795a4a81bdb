"""One place for news: whatever the app says goes to one line and to the log of this run."""

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

from textual.app import ScreenStackError
from textual.notifications import SeverityLevel
from textual.screen import Screen

from pyhall_tui.clock import Clock
from pyhall_tui.feeds.news import Item, News, Shown, Tone
from pyhall_tui.feeds.run_log import RunLog
from pyhall_tui.render.text import clean
from pyhall_tui.textual_internals import HookedApp
from pyhall_tui.widgets.late import is_there

if TYPE_CHECKING:
    from pyhall_tui.alarms.alarm import Alarm
    from pyhall_tui.widgets.news_line import NewsLine
    from pyhall_tui.workspace import Workspace

_TONES: Final[dict[SeverityLevel, Tone]] = {
    "information": Tone.NOTE,
    "warning": Tone.WARNING,
    "error": Tone.ERROR,
}
_LONGEST: Final = 1_000
"""Characters of one piece of news."""


class NewsApp(HookedApp):
    """An app whose `notify` is a line above the keys, not a toast that lies on the work."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.run_log = RunLog()
        """What this run did and said."""
        self._news = News()
        self._news_clock = clock
        self._news_lines: WeakKeyDictionary[Screen[Any], NewsLine] = WeakKeyDictionary()
        self._next_end: asyncio.Task[None] | None = None
        self._faults: logging.Handler | None = None

    async def on_mount(self) -> None:
        self.screen_change_signal.subscribe(self, self._screen_changed)

    def follow_faults(self) -> None:
        """Take into the log whatever the program logs as a warning or an error, from any thread."""
        from pyhall_tui.logs.fault_handler import FaultHandler  # not before the first frame

        self._faults = FaultHandler(self._take_fault)
        logging.getLogger().addHandler(self._faults)

    def _take_fault(self, at: float, text: str, is_error: bool, correlation_id: str) -> None:
        self.run_log.fault(at, text, Tone.ERROR if is_error else Tone.WARNING, correlation_id)

    async def on_unmount(self) -> None:
        if self._faults is not None:
            logging.getLogger().removeHandler(self._faults)
        if self._next_end is not None:
            self._next_end.cancel()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say something in the line for `timeout` seconds, and keep it in the log. It is text, never markup."""
        now, tone = self._news_clock.now(), _TONES[severity]
        text = _text(f"{title}: {message}" if title else message)
        self.run_log.news(now.wall, text, tone)
        self._news.say(Item(text, tone, now.mono + (timeout or self.NOTIFICATION_TIMEOUT)))
        self._show_news()
        self._wait_for_next_end()

    def clear_notifications(self) -> None:
        """Take down everything but the alarms (escape)."""
        self._news.dismiss()
        self._show_news()

    def say_alarms(self, alarms: "Sequence[Alarm]", source: object, profile: str = "") -> None:
        """Say that alarms fire, until they are seen; only in the log if the visible screen lists them.

        Args:
            source: what knows whether they still fire: `keep_alarms` is about its alarms only.
            profile: the name to say, if they are not of the open profile.
        """
        from pyhall_tui.render.alarm import sentence  # not before the first frame
        from pyhall_tui.render.news import tone_of

        wall = self._news_clock.now().wall
        for alarm in alarms:
            text, tone = _text(sentence(alarm, profile)), tone_of(alarm)
            self.run_log.news(wall, text, tone)
            if not self._lists_alarms_of(source):
                self._news.say_alarm(alarm, Item(text, tone), source)
        self._show_news()

    def keep_alarms(self, is_news: Callable[["Alarm"], bool], among: Collection[str] | None, source: object) -> None:
        """Take down alarms that are no longer news: see `News.keep`."""
        if self._news.keep(is_news, among, source):
            self._show_news()

    def keep_only_alarms_of(self, sources: Iterable[object]) -> None:
        """Take down the alarms of profiles that are closed. `sources` are the others; they are asked for if needed."""
        if self._news.has_alarms:
            self._news.keep_sources(*sources)
            self._show_news()

    @property
    def workspace(self) -> "Workspace | None":
        """What is open."""
        raise NotImplementedError

    def action_open_log(self) -> None:
        """Open the log of this run over any screen or dialog, once; L closes it too. It shows all news as seen."""
        from pyhall_tui.screens.overview.watched import HasFleets
        from pyhall_tui.screens.run_log.screen import RunLogScreen
        from pyhall_tui.widgets.dialog import is_open

        self._news.alarms_seen()
        self._show_news()
        if isinstance(self.screen, RunLogScreen):
            self.pop_screen()
        elif not is_open(self, RunLogScreen):
            fleets = cast(HasFleets, self).fleets
            self.push_screen(RunLogScreen(self.workspace, self.run_log, self._news_clock, lambda: fleets.kept))

    def _shown(self) -> Shown:
        return self._news.shown(self._news_clock.now().mono, self._here)

    @property
    def _here(self) -> object:
        """The source of the open profile's alarms; only asked for if any are up, because it may have to load them."""
        return self.workspace.alarms if self.workspace and self._news.has_alarms else None

    def _lists_alarms_of(self, source: object) -> bool:
        """Whether the visible screen lists these alarms, so that the line need not say them."""
        lists = getattr(self.screen, "LISTS_ALARMS", "")
        return lists == "all" or (lists == "open" and self.workspace is not None and source is self.workspace.alarms)

    def _screen_changed(self, _: Screen[Any]) -> None:
        if self._news.has_alarms and self._lists_alarms_of(self._here):
            self._news.alarms_seen(*([] if self._lists_alarms_of(None) else [self._here]))
        self._show_news()
        for below in self.screen_stack[-2:-1]:
            if (line := self._news_lines.get(below)) is not None:
                line.update_news()
                self.screen.refresh()  # a dialog draws what is below it only with itself

    def _show_news(self) -> None:
        """Update the line of the visible screen, and make it if there is something to say."""
        try:
            screen = self.screen
        except ScreenStackError:  # before the first screen
            return
        if (line := self._news_lines.get(screen)) is not None:
            line.update_news()
        elif is_there(screen) and self._shown() != Shown():
            from pyhall_tui.widgets.news_line import NewsLine  # not before the first frame

            self._news_lines[screen] = line = NewsLine(self._shown, self.action_open_log)
            screen.mount(line)

    def _wait_for_next_end(self) -> None:
        """Look again when the next of the news is over."""
        if self._next_end is not None:
            self._next_end.cancel()
        ends = self._news.next_end()
        if ends < math.inf:
            self._next_end = asyncio.create_task(self._end_later(ends - self._news_clock.now().mono))

    async def _end_later(self, seconds: float) -> None:
        await self._news_clock.sleep(seconds)
        self._shown()
        self._show_news()
        self._next_end = None
        self._wait_for_next_end()


def _text(message: str) -> str:
    from pyhall_tui.logs.masking import mask  # not before the first frame

    return clean(mask(message, 2 * _LONGEST), _LONGEST)
