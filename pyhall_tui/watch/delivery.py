"""Delivers the news of one profile to one receiver, in order, again and again until it has them."""

import logging
import math
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.alarms.book import AlarmBook
from pyhall_tui.clock import Clock
from pyhall_tui.fleet.events import Event, Kind
from pyhall_tui.fleet.transitions import make_event
from pyhall_tui.registry.backoff import Backoff
from pyhall_tui.watch.messages import calls
from pyhall_tui.watch.news import News

LOOK: Final = 0.5
"""Seconds between two looks for news: as often as the journal writes."""
_AFTER_A_MISTAKE: Final = 15.0
"""Seconds to wait after a step that failed because of a mistake in this program."""
_RECORDED_AGAIN: Final = 60.0
"""Seconds after which another failure is recorded: a receiver that takes every other alert does not fill it up."""
_REFUSED: Final = 3
"""How often the same alert is sent to a receiver that refuses its content."""

_log = logging.getLogger(__name__)


class Undelivered(Exception):
    """A receiver did not take alerts; the message is a sentence."""

    def __init__(self, sentence: str, *, wait: float | None = None, by_content: bool = False) -> None:
        """Make it. `wait`: seconds that the receiver asks for; `by_content`: it does not take these, others it may."""
        super().__init__(sentence)
        self.wait, self.by_content = wait, by_content


class Taker(Protocol):
    """A receiver, or what leads to it."""

    name: str
    """`webhook` or `command`."""
    most: int
    """How many alerts it takes at once."""

    async def take(self, changes: Sequence[Change], profile: str) -> Sequence[str]:
        """Deliver changes; return a sentence for each that failed and is not delivered again.

        Raises:
            Undelivered: none was delivered, and another try may help.
        """
        ...


class Outcomes:
    """Counts what was sent to one receiver, and records in the journal when it begins to fail and works again."""

    def __init__(
        self, name: str, sent: Counter[tuple[str, str]], clock: Clock, take_events: Callable[[list[Event]], None]
    ) -> None:
        self._name, self._sent, self._clock, self._take_events = name, sent, clock, take_events
        self._is_failing = False
        self._reported_at = -math.inf
        """When a failure was last recorded, on the monotonic clock."""

    def worked(self, count: int) -> None:
        """Count alerts that were taken."""
        self._sent[(self._name, "sent")] += count
        if self._is_failing and count:
            self._is_failing = False
            self._record(Kind.ALERTS_RECOVERED, "failing", "working", "")

    def failed(self, count: int, sentence: str) -> None:
        """Count alerts that were not taken this time."""
        self._sent[(self._name, "failed")] += count
        _log.warning("%s: %s", self._name, sentence)
        mono = self._clock.now().mono
        if not self._is_failing and mono - self._reported_at >= _RECORDED_AGAIN:
            self._is_failing, self._reported_at = True, mono
            self._record(Kind.ALERTS_FAILING, "working", "failing", sentence)

    def _record(self, kind: Kind, before: str, after: str, detail: str) -> None:
        at = self._clock.now().wall
        named = f"{self._name} {before}", f"{self._name} {after}"
        self._take_events([make_event(kind, at, None, *named, source="client", detail=detail)])


async def keep_on(step: Callable[[], Awaitable[float]], clock: Clock, may_send: Callable[[], bool]) -> None:
    """Take steps until cancelled, each after the wait that the last one asked for. A mistake in one ends nothing."""
    while True:
        try:
            wait = await step() if may_send() else LOOK
        except Exception:
            _log.exception("alerts could not be sent")
            wait = _AFTER_A_MISTAKE
        await clock.sleep(wait)


class Delivery:
    """Brings one profile's news to a receiver."""

    def __init__(
        self, taker: Taker, news: News, profile: str, book: AlarmBook, outcomes: Outcomes, clock: Clock
    ) -> None:
        self._taker, self._news, self._profile, self._book = taker, news, profile, book
        self._outcomes, self._clock = outcomes, clock
        self._backoff = Backoff(random.Random())
        self._most = taker.most
        self._refused = 0

    async def run(self, may_send: Callable[[], bool] = lambda: True) -> None:
        """Deliver until cancelled, while `may_send` says so."""
        await keep_on(self.step, self._clock, may_send)

    async def step(self) -> float:
        """Deliver the next news, if there are any; return the seconds to wait before the next step."""
        pending, most = self._news.next(self._most), self._most
        wanted = [each for change in pending for each in calls(change, self._book)]
        for start in range(0, len(wanted), most):
            wait = await self._send(wanted[start : start + most])
            if wait is not None:
                return wait
        self._news.done(pending)
        if len(pending) < most:
            self._most = self._taker.most
            return LOOK
        return 0.0

    async def _send(self, changes: Sequence[Change]) -> float | None:
        """Send some changes; return the seconds to wait before they are sent again, None if they are dealt with."""
        try:
            failed = await self._taker.take(changes, self._profile)
        except Undelivered as error:
            self._outcomes.failed(len(changes), str(error))
            if not self._gives_up(error):
                return error.wait or self._backoff.next()
        else:
            self._outcomes.worked(len(changes) - len(failed))
            if failed:
                self._outcomes.failed(len(failed), failed[-1])
            self._backoff.reset()
        self._refused = 0
        return None

    def _gives_up(self, error: Undelivered) -> bool:
        """Whether to leave out what is refused by itself for its content, repeatedly. Nothing behind it may wait."""
        if not error.by_content:
            return False
        if self._most > 1:
            self._most = 1
            return False
        self._refused += 1
        return self._refused >= _REFUSED
