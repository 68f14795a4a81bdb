"""What any transport reports about a request on its way."""

from typing import Final, Protocol

EXTENSION: Final = "progress"
"""The request's extension that holds its `Progress`."""
FRESH: Final = "fresh"
"""The request's extension that asks for a new connection."""
KEPT_FOR: Final = 30.0
"""Seconds that an idle connection is kept; shorter than routers on the way usually allow."""


class Progress(Protocol):
    """Follows one request: each call comes just before the step that it names, except the last."""

    @property
    def most(self) -> int:
        """Bytes that may arrive for it."""

    def connects(self) -> None:
        """A new connection is made for it."""

    def sends(self) -> None:
        """Its first byte goes out."""

    def hears(self, status: int) -> None:
        """The head of an answer has arrived."""
