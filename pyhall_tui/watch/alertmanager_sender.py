"""Sends one profile's alerts to an Alertmanager, and checks at the start that there is one."""

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from pyhall_tui.alarms.book import AlarmBook
from pyhall_tui.clock import Clock
from pyhall_tui.registry.backoff import Backoff
from pyhall_tui.registry.posting import NotPosted, Poster, Receiver
from pyhall_tui.watch.alertmanager import Alerts
from pyhall_tui.watch.delivery import LOOK, Outcomes, Undelivered, keep_on
from pyhall_tui.watch.news import News

_ALERTS: Final = "/api/v2/alerts"
_STATUS: Final = "/api/v2/status"
_AT_A_TIME: Final = 250
"""Alerts in one request."""
_CHANGES: Final = 1_000
"""Changes that are read at once."""
_LONGEST_WAIT: Final = 15.0
"""Seconds between two tries: what fires must be there well before the five minutes are over."""


def alerts_of(receiver: Receiver) -> Receiver:
    """Return where an Alertmanager takes alerts, given its own URL, or that place already.

    Raises:
        ValueError: the URL has a query.
    """
    if receiver.query:
        raise ValueError("The URL ends in a query: give only the Alertmanager's URL, such as http://127.0.0.1:9093.")
    base = receiver._replace(path=receiver.path.rstrip("/").removesuffix(_ALERTS))
    return base.below(_ALERTS)


async def refusal(poster: Poster) -> str:
    """Return why there is not an Alertmanager at that URL, as a sentence; empty if there is one.

    Raises:
        NotPosted: nothing answers there now, or it redirects.
    """
    status = poster.receiver.path.removesuffix(_ALERTS) + _STATUS
    reply = await poster.ask("GET", path=status)
    if reply.status == 200 and '"cluster"' in reply.text:
        return ""
    if reply.status == 200:
        return f"{poster.receiver.shown} answers, but not as an Alertmanager does: {status} is something else."
    said = f": {reply.text}" if reply.text else "."
    return f"{poster.receiver.shown} answers {reply.status} to {status}, which an Alertmanager has{said}"


class AlertmanagerSender:
    """Tells an Alertmanager what fires in one profile, for as long as it runs."""

    name = "alertmanager"

    def __init__(
        self, poster: Poster, news: News, profile: str, book: AlarmBook, outcomes: Outcomes, clock: Clock
    ) -> None:
        self._poster, self._news, self._book = poster, news, book
        self._outcomes, self._clock = outcomes, clock
        self._alerts = Alerts(profile)
        self._seen: int | None = None
        """The revision of the alarms that was sent."""
        self._backoff = Backoff(random.Random(), longest=_LONGEST_WAIT)

    async def run(self, may_send: Callable[[], bool] = lambda: True) -> None:
        """Send until cancelled, while `may_send` says so."""
        await keep_on(self.step, self._clock, may_send)

    async def step(self) -> float:
        """Send what there is to send; return the seconds to wait before the next step."""
        changes = self._news.next(_CHANGES)
        now, revision = self._clock.now(), self._book.revision
        if not changes and revision == self._seen and not self._alerts.is_due(now):
            return LOOK
        turn = self._alerts.turn(self._book, changes, now)
        for alerts in (*_parts(turn.firing), *_parts(turn.over)):
            try:
                await self._post(alerts)
            except Undelivered as error:
                self._outcomes.failed(len(alerts), str(error))
                return min(error.wait or self._backoff.next(), _LONGEST_WAIT)
        self._backoff.reset()
        self._seen = revision
        self._alerts.sent(now)
        self._news.done(changes)
        return LOOK if len(changes) < _CHANGES else 0.0

    async def _post(self, alerts: Sequence[dict[str, Any]]) -> None:
        """Send some alerts.

        Raises:
            Undelivered: they were not taken, and another try may help.
        """
        try:
            reply = await self._poster.post(msgspec.json.encode(alerts))
        except NotPosted as error:
            raise Undelivered(str(error)) from None
        if 200 <= reply.status < 300:
            self._outcomes.worked(len(alerts))
            return
        said = f"{self._poster.receiver.shown} answers {reply.status}" + (f": {reply.text}" if reply.text else "")
        if reply.status != 400:
            raise Undelivered(said, wait=reply.retry_after)
        # It has taken those that it finds valid; the others are sent again with everything that fires.
        self._outcomes.failed(len(alerts), said)


def _parts(alerts: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [alerts[start : start + _AT_A_TIME] for start in range(0, len(alerts), _AT_A_TIME)]
