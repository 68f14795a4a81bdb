"""The news that one line shows: alarms until you have seen them, everything else for its time."""

import math
from collections import deque
from collections.abc import Callable, Collection
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pyhall_tui.alarms.alarm import Alarm

MOST: Final = 1_000
"""News besides alarms that can be up at once; the oldest are dropped."""


class Tone(StrEnum):
    """How loud a piece of news is; its value is the word for it."""

    ALARM = "ALARM"
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Item(NamedTuple):
    """One piece of news: its text, clean, how loud it is, and when it is over, in monotonic seconds."""

    text: str
    tone: Tone
    ends: float = math.inf


class Shown(NamedTuple):
    """What the line shows: the newest alarm, the newest of everything else, and how many more are up."""

    alarm: Item | None = None
    other: Item | None = None
    more: int = 0
    is_elsewhere: bool = False
    """Whether the alarm is of another profile than the open one."""


class _Up(NamedTuple):
    alarm: "Alarm"
    item: Item
    source: object


class News:
    """What is up now. Belongs to the UI's thread."""

    def __init__(self) -> None:
        self._alarms: dict[str, _Up] = {}
        """By alarm, the newest last."""
        self._others: deque[Item] = deque(maxlen=MOST)

    @property
    def has_alarms(self) -> bool:
        """Whether any alarm is up."""
        return bool(self._alarms)

    def say(self, item: Item) -> None:
        """Put up news that ends by itself. The same text again only lasts longer."""
        if self._others and self._others[-1][:2] == item[:2]:
            self._others.pop()
        self._others.append(item)

    def say_alarm(self, alarm: "Alarm", item: Item, source: object = None) -> None:
        """Put up an alarm; it stays until it is seen, or over. `source` is what knows whether it still fires."""
        self._alarms.pop(alarm.id, None)
        self._alarms[alarm.id] = _Up(alarm, item, source)

    def keep(
        self, is_news: Callable[["Alarm"], bool], among: Collection[str] | None = None, source: object = None
    ) -> bool:
        """Take down a source's alarms that are no longer news (of these ids, if given).

        Returns:
            Whether there were any.
        """
        ids = list(self._alarms) if among is None else [one for one in among if one in self._alarms]
        up = [self._alarms[one] for one in ids]
        over = [one.alarm.id for one in up if one.source is source and not is_news(one.alarm)]
        for one in over:
            del self._alarms[one]
        return bool(over)

    def alarms_seen(self, *sources: object) -> None:
        """Take down the alarms of these sources, because you have seen them; without any, all of them."""
        self._alarms = {one: up for one, up in self._alarms.items() if sources and not _is_of(up, sources)}

    def keep_sources(self, *sources: object) -> None:
        """Take down the alarms of all other sources: those are closed."""
        self._alarms = {one: up for one, up in self._alarms.items() if _is_of(up, sources)}

    def dismiss(self) -> None:
        """Take down everything but the alarms."""
        self._others.clear()

    def shown(self, mono: float, here: object = None) -> Shown:
        """Return what the line shows at that time; `here` is the open profile's source."""
        self._others = deque((item for item in self._others if item.ends > mono), MOST)
        up = next(reversed(self._alarms.values())) if self._alarms else None
        alarm = up.item if up is not None else None
        other = self._others[-1] if self._others else None
        count = len(self._alarms) + len(self._others)
        return Shown(
            alarm, other, count - (alarm is not None) - (other is not None), up is not None and up.source is not here
        )

    def next_end(self) -> float:
        """Return when the next of the news is over, in monotonic seconds; infinity if none ends by itself."""
        return min((item.ends for item in self._others), default=math.inf)


def _is_of(up: _Up, sources: Collection[object]) -> bool:
    return any(up.source is source for source in sources)
