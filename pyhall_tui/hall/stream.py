"""Pushes a hall's changes to its clients: one look at the store serves all of them, and only while there are any.

What another hall or program changed in the same store is found the same way. A stream that can't be sure of the store
ends, so that its client polls instead: it never looks as if nothing had happened.
"""

import asyncio
import logging
import sqlite3
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from pyhall_tui.clock import Clock
from pyhall_tui.hall.errors import Full, StoreError
from pyhall_tui.hall.store import Store
from pyhall_tui.hall.stream_events import ChangePage, event, read_changes

LOOK = 0.1
"""Seconds between two looks at the store, unless `changed` is called."""
HEARTBEAT = 10.0
_SURE = 2.0
"""Seconds for which what was found at a look is current enough for a heartbeat."""
_RETRY = 10
"""Seconds after which a client that found no room may ask again."""
_MOST_WAITING = 256 * 1024  # bytes that wait for one client
_SHUTTING_DOWN = "the hall is shutting down: it opens no more streams"
_log = logging.getLogger(__name__)


class Listener(NamedTuple):
    """Who listens: what counts as one client, its key, and the namespace that it may see; None sees everything."""

    who: str
    token: str | None
    namespace: str | None


class Stream:
    """What waits to be sent to one client. Once all is sent, it knows the changes up to number `revision`."""

    def __init__(self, listener: Listener, revision: int) -> None:
        self.listener = listener
        self.revision = revision
        self.abort: Callable[[], object] = lambda: None
        """Closes the connection."""
        self.is_sending = False
        """Whether something is on its way to a client that may not read it."""
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._news = asyncio.Event()

    def put(self, piece: bytes, revision: int) -> None:
        """Send this as soon as the client has read what is before it. A client that is too slow has to look itself."""
        if self._ended:
            return
        self.revision = revision
        if not piece:
            return
        self._waiting.append(piece)
        self._size += len(piece)
        if self._size > _MOST_WAITING:
            self.end(event("reset", {"revision": revision}, revision))
        self._news.set()

    def end(self, last: bytes = b"") -> None:
        """End the stream: nothing that waits is sent any more, only `last`."""
        if self._ended:
            return
        self._ended = True
        self._waiting.clear()
        if last:
            self._waiting.append(last)
        elif self.is_sending:
            self.abort()
        self._news.set()

    async def next(self, patience: float) -> bytes | None:
        """Return what to send next: nothing if nothing comes for so many seconds, None at the end."""
        if not self._waiting and not self._ended:
            self._news.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._news.wait()
            except TimeoutError:
                return b""
        if not self._waiting:
            return None
        pieces, self._size = b"".join(self._waiting), 0
        self._waiting.clear()
        return pieces


class Streams:
    """All streams of a hall.

    Args:
        most: how many there may be; each client may have a quarter of them.
        heartbeat: seconds after which a silent stream says that it is alive.
    """

    def __init__(self, store: Store, clock: Clock, *, most: int, heartbeat: float = HEARTBEAT) -> None:
        self.most, self.heartbeat = most, heartbeat
        self._share = max(1, most // 4)
        self._store, self._clock = store, clock
        self._here: Counter[str] = Counter()
        self._streams: dict[Stream, None] = {}
        self._revision = 0
        self._looked = 0.0
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._feed: asyncio.Task[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return self._here.total()

    def changed(self) -> None:
        """Look at the store now, because something has changed; call it from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake.set)

    def close(self) -> None:
        """End all streams now, and open no more."""
        self._closed = True
        for stream in list(self._streams):
            stream.end()

    # Opening and leaving

    async def open(self, listener: Listener, after: int | None = None) -> tuple[Stream, int]:
        """Open a stream, and return it with the revision from which on it will be told everything.

        Args:
            after: the last change that the client knows; it will `resume` there.

        Raises:
            Full: there are too many streams already.
            StoreError: the store can't be read.
        """
        self._take_place(listener.who)
        try:
            async with self._turn:
                if not self._streams:
                    self._revision = await asyncio.to_thread(lambda: self._store.beside().revision())
                    self._looked = self._clock.now().mono
                elif after is not None:  # it may come from another hall, which was faster
                    await self._advance()
                if self._closed:
                    raise Full(_SHUTTING_DOWN)
                stream = Stream(listener, self._revision)
                self._streams[stream] = None
        except BaseException:
            self._leave_place(listener.who)
            raise
        self._loop = asyncio.get_running_loop()
        if self._feed is None or self._feed.done():
            self._feed = asyncio.create_task(self._run())
        return stream, stream.revision

    def _take_place(self, who: str) -> None:
        again = {"Retry-After": str(_RETRY)}
        if self._closed:
            raise Full(_SHUTTING_DOWN, headers=again)
        if self._here[who] >= self._share:
            raise Full(f"this key has {self._share} streams open, and may not have more: poll instead", headers=again)
        if len(self) >= self.most:
            raise Full(f"{self.most} streams are open, and there may not be more: poll instead", headers=again)
        self._here[who] += 1

    def _leave_place(self, who: str) -> None:
        self._here[who] -= 1
        if not self._here[who]:
            del self._here[who]

    def left(self, stream: Stream) -> None:
        """Forget a stream whose client is gone; call it once."""
        stream.end()
        self._streams.pop(stream, None)
        self._leave_place(stream.listener.who)

    async def missed(self, namespace: str | None, after: int, upto: int) -> AsyncIterator[bytes]:
        """Yield what a client that knows the changes up to `after` has missed up to number `upto`.

        If that is not known any more, this is a `reset`: the client has to look at everything itself.
        """
        while after != upto:
            page = await self._read(after, upto)
            if page is None:
                yield event("reset", {"revision": upto}, upto)
                return
            after = page.revision
            if piece := page.seen_by(namespace):
                yield piece

    @property
    def is_sure(self) -> bool:
        """Whether the store was looked at recently, so that no change is missing."""
        return self._clock.now().mono - self._looked < _SURE

    # Looking

    async def _read(self, after: int, upto: int | None = None) -> ChangePage | None:
        return await asyncio.to_thread(lambda: read_changes(self._store.beside(), after, upto))

    async def _run(self) -> None:
        while self._streams:
            try:
                async with asyncio.timeout(LOOK):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                async with self._turn:
                    await self._advance()
            except (StoreError, sqlite3.Error) as error:
                _log.warning("streams ended: %s", error)
                self._end_all()

    def _end_all(self) -> None:
        for stream in list(self._streams):
            stream.end()
            self._streams.pop(stream)

    async def _advance(self) -> None:
        """Push what has changed since the last look, page by page, so that clients can read meanwhile."""
        has_more = True
        while has_more and self._streams:
            page = await self._read(self._revision)
            if page is None:
                self._revision = await asyncio.to_thread(lambda: self._store.beside().revision())
                self._reset()
            else:
                self._revision = page.revision
                self._push(page)
            has_more = page is not None and page.has_more
            self._looked = self._clock.now().mono

    def _reset(self) -> None:
        self._end_without_key()
        lost = event("reset", {"revision": self._revision}, self._revision)
        for stream in list(self._streams):
            stream.put(lost, self._revision)

    def _push(self, page: ChangePage) -> None:
        if page.keys:
            self._end_without_key()
        for stream in list(self._streams):
            stream.put(page.seen_by(stream.listener.namespace), page.revision)

    def _end_without_key(self) -> None:
        """End the streams whose key was revoked, or is now another namespace's."""
        tokens = {stream.listener.token for stream in self._streams}
        namespaces = {token: self._store.find_key(token) for token in tokens if token is not None}
        for stream in list(self._streams):
            _, token, namespace = stream.listener
            if token is None:
                continue
            key = namespaces[token]
            if key is None or key.namespace != namespace:
                stream.end()
