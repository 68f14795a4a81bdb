"""What screens and the app tell each other. A screen never casts the app: it posts one of these."""

from typing import Any

from textual.message import Message

from pyhall_tui.fleet.events import Event


class FleetChanged(Message):
    """Something in the fleet changed: pull it. Without payload, so that many collapse into one."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, FleetChanged)


class ConnectionChanged(Message):
    """The registry's reach, the ban list's state or the alarm count changed: pull it."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, ConnectionChanged)


class EventsHappened(Message):
    """These events were recorded just now."""

    def __init__(self, events: list[Event]) -> None:
        super().__init__()
        self.events = events


class Go(Message):
    """Go to another screen, and there to what is named."""

    def __init__(self, mode: str, worker_id: str | None = None, fill: dict[str, Any] | None = None) -> None:
        """Name where to go.

        Args:
            mode: `workers`, `enroll`, `dispatch`, `activity` or `profiles`.
            fill: what that screen's form is to be filled with, by field.
        """
        super().__init__()
        self.mode, self.worker_id, self.fill = mode, worker_id, fill or {}


class OpenDemo(Message):
    """Leave what is open for the demo."""


class OpenProfile(Message):
    """Leave what is open for this profile, and come to a screen; with the same name, open it anew."""

    def __init__(self, name: str, mode: str = "workers") -> None:
        super().__init__()
        self.name, self.mode = name, mode


class CloseProfile(Message):
    """Leave what is open for the profiles alone, with a sentence above them: it was deleted."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class CopyText(Message):
    """Put text on the clipboard; `what` says what it is."""

    def __init__(self, text: str, what: str) -> None:
        super().__init__()
        self.text, self.what = text, what
