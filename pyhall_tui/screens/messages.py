"""The messages between screens and the app. A screen never casts the app: it posts one of these."""

from collections.abc import Sequence
from typing import Any

from textual.message import Message

from pyhall_tui.fleet.events import Event


class FleetChanged(Message):
    """Something in the fleet changed: pull it. It has no payload, so that many merge into one."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, FleetChanged)


class FleetsChanged(Message):
    """Something that a table of all fleets shows has changed on a profile that is not open: pull `Fleets.kept`."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, FleetsChanged)


class ConnectionChanged(Message):
    """The registry's reachability, the ban list's state or the alarm count changed: pull it."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, ConnectionChanged)


class AlarmsChanged(Message):
    """How alarms stand has changed: pull it. Without a payload, so that many become one."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, AlarmsChanged)


class EventsHappened(Message):
    """These events were just recorded."""

    def __init__(self, events: list[Event]) -> None:
        super().__init__()
        self.events = events


class Go(Message):
    """Go to another screen, and there to the named item."""

    def __init__(self, mode: str, worker_id: str | None = None, fill: dict[str, Any] | None = None) -> None:
        """Set where to go.

        Args:
            mode: `workers`, `enroll`, `dispatch`, `activity` or `profiles`.
            fill: values for that screen's form, by field.
        """
        super().__init__()
        self.mode, self.worker_id, self.fill = mode, worker_id, fill or {}


class OpenDemo(Message):
    """Close what is open, and open the demo."""


class OpenProfile(Message):
    """Close what is open, and open this profile on a screen; with the same name, open it again."""

    def __init__(
        self,
        name: str,
        mode: str = "workers",
        worker_id: str | None = None,
        marked: Sequence[str] | None = None,
        opens: str = "",
        event: Event | None = None,
    ) -> None:
        """`worker_id`: go to this worker there; `marked`: or to these; `event`: or to this event.

        `opens`: then open this, a key of `OPENED`.
        """
        super().__init__()
        self.name, self.mode, self.opens = name, mode, opens
        found = {"marked": marked, "event": event}
        self.arrival = Go(mode, worker_id, {name: value for name, value in found.items() if value})
        """What to go to there; nothing if it names nothing."""


class CloseProfile(Message):
    """Close what is open and show only the profiles, with a sentence above them: it was deleted."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class CopyText(Message):
    """Put text on the clipboard; `what` says what it is."""

    def __init__(self, text: str, what: str) -> None:
        super().__init__()
        self.text, self.what = text, what
