"""All receivers of alerts, for all profiles of a watcher: an Alertmanager, a webhook, and each profile's command."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from pyhall_tui.alarms.book import AlarmBook
from pyhall_tui.clock import Clock
from pyhall_tui.files.notes import Notes
from pyhall_tui.files.regular_file import NotText, edited_text, read_bounded, reason
from pyhall_tui.fleet.events import Event
from pyhall_tui.paths import expanded
from pyhall_tui.registry.posting import Moved, NotPosted, Poster, Receiver, read_receiver
from pyhall_tui.watch.alertmanager_sender import AlertmanagerSender, alerts_of, refusal
from pyhall_tui.watch.command import AT_ONCE, OnAlarm
from pyhall_tui.watch.delivery import Delivery, Outcomes, Taker
from pyhall_tui.watch.news import ChangesOfAlarms, News
from pyhall_tui.watch.webhook import Webhook

_URL: Final = 64 * 1024
"""Bytes of a file that holds a URL."""


_PATIENCE: Final = 3.0
"""Seconds for an answer at the start: nobody looks for bans until then."""


class Problem(NamedTuple):
    """What is wrong with a receiver at the start."""

    sentence: str
    is_final: bool
    """It won't mend itself: end the program. Otherwise nothing answers now, and it is tried again."""


class WatchedProfile(NamedTuple):
    """One open profile: its name, its alarms in the journal, their state here, and what records its events."""

    name: str
    alarms: ChangesOfAlarms
    book: AlarmBook
    take_events: Callable[[list[Event]], None]
    may_send: Callable[[], bool] = lambda: True
    """Whether this program holds the profile's lease: it may have been suspended, and not know yet that it lost it."""


class Deliveries:
    """Sends alarms to all receivers. Belongs to the running loop."""

    def __init__(self, clock: Clock, *, alertmanager: str | None = None, webhook: str | None = None) -> None:
        """Send nothing yet. A URL may be in a file: `@FILE`.

        Raises:
            ValueError: a URL can't be used; the message is a sentence that begins with the option's name.
        """
        self.sent: Counter[tuple[str, str]] = Counter()
        """How many alerts, by receiver and outcome: `("webhook", "failed")`."""
        self._clock = clock
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._alertmanager = _poster("--alertmanager", alertmanager, clock, alerts_of)
        self._webhook = _poster("--webhook", webhook, clock, lambda receiver: receiver)

    async def check(self) -> list[Problem]:
        """Ask each receiver for something harmless; return what is wrong."""
        asked = []
        if self._alertmanager is not None:
            asked.append(_problem("--alertmanager", _look_for_alertmanager(self._alertmanager)))
        if self._webhook is not None:
            # Not a GET: some chat systems redirect it to their documentation.
            asked.append(_problem("--webhook", self._webhook.ask("OPTIONS")))
        return [problem for problem in await asyncio.gather(*asked) if problem is not None]

    async def follow(self, profile: WatchedProfile, notes: Notes, command: Sequence[str] | None = None) -> None:
        """Send one profile's alarms until cancelled. What was not sent by then is sent when it is followed again.

        Args:
            notes: the profile's own; they remember what each receiver has got.
            command: the profile's `on_alarm`; see `command.command_of`.
        """
        runs = []
        if self._alertmanager is not None:
            outcomes = self._outcomes(AlertmanagerSender.name, profile)
            news = _news(profile, notes, f"{AlertmanagerSender.name} {_identity(self._alertmanager)}")
            sender = AlertmanagerSender(self._alertmanager, news, profile.name, profile.book, outcomes, self._clock)
            runs.append(sender.run(profile.may_send))
        if self._webhook is not None:
            runs.append(self._deliver(Webhook(self._webhook), profile, notes, _identity(self._webhook)))
        if command is not None:
            runs.append(self._deliver(OnAlarm(command, self._at_once), profile, notes, ""))
        async with asyncio.TaskGroup() as group:
            for run in runs:
                group.create_task(run)

    async def aclose(self) -> None:
        """Close every connection."""
        for poster in filter(None, (self._alertmanager, self._webhook)):
            await poster.aclose()

    async def _deliver(self, taker: Taker, profile: WatchedProfile, notes: Notes, identity: str) -> None:
        news = _news(profile, notes, f"{taker.name} {identity}")
        outcomes = self._outcomes(taker.name, profile)
        await Delivery(taker, news, profile.name, profile.book, outcomes, self._clock).run(profile.may_send)

    def _outcomes(self, name: str, profile: WatchedProfile) -> Outcomes:
        return Outcomes(name, self.sent, self._clock, profile.take_events)


def _news(profile: WatchedProfile, notes: Notes, receiver: str) -> News:
    return News(profile.alarms, profile.name, notes, receiver)


def _identity(poster: Poster) -> str:
    """Return what identifies a receiver in a note; only its hash is stored."""
    receiver = poster.receiver
    return f"{receiver.shown}{receiver.path}?{receiver.query}"


def _poster(option: str, url: str | None, clock: Clock, place: Callable[[Receiver], Receiver]) -> Poster | None:
    if url is None:
        return None
    try:
        return Poster(place(read_receiver(_given(url))), clock)
    except ValueError as wrong:
        raise ValueError(f"{option}: {wrong}") from None


def _given(url: str) -> str:
    """Return a URL, read from a file if it is given as `@FILE`: everybody on a machine sees command lines.

    Raises:
        ValueError: the file can't be read; the message is a sentence.
    """
    if not url.startswith("@"):
        return url
    if not url[1:].strip():
        raise ValueError("There is no file's name after the @.")
    file = expanded(url[1:])
    try:
        return edited_text(read_bounded(file, _URL)).strip()
    except (OSError, NotText) as error:
        why = reason(error) if isinstance(error, OSError) else error
        raise ValueError(f"{file} cannot be read: {why}.") from None


async def _look_for_alertmanager(poster: Poster) -> None:
    if sentence := await refusal(poster):
        raise Moved(sentence)


async def _problem(option: str, asking: Awaitable[object]) -> Problem | None:
    try:
        async with asyncio.timeout(_PATIENCE):
            await asking
    except TimeoutError:
        return Problem(f"{option}: It has not answered within {_PATIENCE:g} s. It is tried again.", is_final=False)
    except Moved as error:
        return Problem(f"{option}: {error}", is_final=True)
    except NotPosted as error:
        return Problem(f"{option}: {error} It is tried again.", is_final=False)
    return None
