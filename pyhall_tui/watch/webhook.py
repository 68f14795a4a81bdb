"""A webhook: one JSON POST for one or more alerts, with a `text` that chat systems read."""

from collections.abc import Sequence
from typing import Final

import msgspec

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.registry.posting import NotPosted, Poster
from pyhall_tui.watch.delivery import Undelivered
from pyhall_tui.watch.messages import message

_CONTENT: Final = (400, 413, 415, 422)
"""Statuses that may be about what was sent."""


class Webhook:
    """Takes alerts for a URL."""

    name = "webhook"
    most = 50

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    async def take(self, changes: Sequence[Change], profile: str) -> Sequence[str]:
        """Send changes in one request: all are delivered, or none. Raises `Undelivered` if it has no success."""
        try:
            reply = await self._poster.post(msgspec.json.encode(message(changes, profile)))
        except NotPosted as error:
            raise Undelivered(str(error)) from None
        if 200 <= reply.status < 300:
            return ()
        said = f": {reply.text}" if reply.text else ""
        raise Undelivered(
            f"{self._poster.receiver.shown} answers {reply.status}{said}",
            wait=reply.retry_after,
            by_content=reply.status in _CONTENT,
        )
