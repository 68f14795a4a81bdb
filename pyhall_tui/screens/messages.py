"""What screens and the app tell each other. A screen never casts the app: it posts one of these."""

from dataclasses import dataclass, field
from typing import Any

from textual.message import Message

from pyhall_tui.fleet.events import Event


class FleetChanged(Message):
    """Something in the fleet changed: pull it. Without payload, so that many collapse into one."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, FleetChanged)


class LinkChanged(Message):
    """The registry's reach, the ban list's state or the alarm count changed: pull it."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, LinkChanged)


@dataclass
class EventsHappened(Message):
    """These events were recorded just now."""

    events: list[Event]


@dataclass
class Go(Message):
    """Go to another screen, and there to what is named."""

    mode: str
    """`workers`, `enroll`, `dispatch`, `activity`, `profiles`."""
    worker_id: str | None = None
    fill: dict[str, Any] = field(default_factory=dict)
    """What that screen's form is to be filled with, by field."""


class OpenDemo(Message):
    """Leave what is open for the demo."""


@dataclass
class OpenProfile(Message):
    """Leave what is open for this profile; with the same name, open it anew."""

    name: str
    mode: str = "workers"
    """The screen to come to."""


@dataclass
class CloseProfile(Message):
    """Leave what is open for the profiles alone, with a sentence above them: it was deleted."""

    sentence: str


@dataclass
class CopyText(Message):
    """Put text on the clipboard; `what` says what it is."""

    text: str
    what: str
