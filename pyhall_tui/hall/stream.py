"""Pushes a hall's changes to its clients: one look at the store serves all of them, and only while there are any.

What another hall or program changed in the same store is found the same way. A stream that can't be sure of the store
ends, so that its client polls instead: it never looks as if nothing had happened.
"""

import asyncio
import logging
import sqlite3
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from typing import Literal, NamedTuple, TypeVar

from pyhall_tui.clock import Clock
from pyhall_tui.hall.errors import Full, StoreError, Unauthorized
from pyhall_tui.hall.store import Store
from pyhall_tui.hall.stream_decisions import NewDecisions
from pyhall_tui.hall.stream_events import ChangePage, Numbers, event, message, read_changes

LOOK = 0.1
"""Seconds between two looks at the store, unless `changed` is called."""
HEARTBEAT = 10.0
_GATHER = 0.01  # seconds after a change to wait for those that come with it
_COUNT = 1.0  # seconds between two counts of decisions
_SURE = 2.0
"""Seconds for which what was found at a look is current enough for a heartbeat."""
_AT_ONCE = 25  # streams that are sent something in one turn of the event loop
_RETRY = 10
"""Seconds after which a client that found no room may ask again."""
_MOST_WAITING = 256 * 1024  # bytes that wait for one client
_SHUTTING_DOWN = "the hall is shutting down: it opens no more streams"
_log = logging.getLogger(__name__)
T = TypeVar("T")


class Client(NamedTuple):
    """Who a stream is for: `who` counts as one, with its key, and its namespace; None sees all of them."""

    who: str
    token: str | None
    namespace: str | None
    wants: Literal["changes", "dispatches"] = "changes"


class Stream:
    """What waits to be sent to one client. Once all is sent, it knows the changes up to number `revision`."""

    def __init__(self, client: Client, revision: int) -> None:
        self.client = client
        self.revision = revision
        self.abort: Callable[[], object] = lambda: None
        """Closes the connection."""
        self.is_sending = False
        """Whether something is on its way to a client that may not read it."""
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._news = asyncio.Event()

    def put(self, piece: bytes) -> bool:
        """Send this as soon as the client has read what is before it; False if too much waits for it already."""
        if piece and not self._ended:
            if self._size > _MOST_WAITING:
                return False
            self._waiting.append(piece)
            self._size += len(piece)
            self._news.set()
        return True

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
                if not self._waiting and not self._ended:
                    return b""
        if not self._waiting:
            return None
        piece = self._waiting.popleft()
        self._size -= len(piece)
        return piece


class Streams:
    """All streams of a hall.

    Args:
        filed_policy: returns the policy in force if it comes from a file.
        most: how many there may be; each client may have a quarter of them.
    """

    def __init__(self, store: Store, clock: Clock, filed_policy: Callable[[], object | None], *, most: int) -> None:
        self.most = most
        self.heartbeat = HEARTBEAT
        """Seconds after which a silent stream says that it is alive."""
        self._store, self._clock, self._filed_policy = store, clock, filed_policy
        self._here: Counter[str] = Counter()
        self._streams: dict[Stream, None] = {}
        self._revision = 0
        self._numbers = Numbers(0)
        self._decisions: NewDecisions | None = None
        self._policy: object | None = None
        self._looked = self._counted = 0.0
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._is_woken = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._feed: asyncio.Task[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return self._here.total()

    def changed(self) -> None:
        """Look at the store now, because something has changed; call it from any thread."""
        loop = self._loop
        if self._streams and loop is not None and not self._is_woken and not loop.is_closed():
            self._is_woken = True
            loop.call_soon_threadsafe(self._wake.set)

    def close(self) -> None:
        """End all streams now, and open no more."""
        self._closed = True
        for stream in list(self._streams):
            stream.end()

    # Opening and leaving

    async def open(self, client: Client, after: int | None = None) -> Stream:
        """Open a stream, which is told everything from its `revision` on.

        Args:
            after: the number of the last change that the client knows.

        Raises:
            Full: there are too many streams already.
            StoreError: the store can't be read.
        """
        self._take_place(client.who)
        try:
            async with self._turn:
                if not self._streams:
                    await self._begin()
                elif after is not None:  # it may come from another hall, which was faster
                    while self._numbers.revision(after) > self._revision and await self._advance():
                        pass
                await self._check(client)
                if self._closed:
                    raise Full(_SHUTTING_DOWN)
                stream = Stream(client, self._revision)
                self._streams[stream] = None
        except BaseException:
            self._leave_place(client.who)
            raise
        if self._feed is None or self._feed.done():
            self._feed = asyncio.create_task(self._run())
        return stream

    def _take_place(self, who: str) -> None:
        again = {"Retry-After": str(_RETRY)}
        share = max(1, self.most // 4)
        if self._closed:
            raise Full(_SHUTTING_DOWN, headers=again)
        if self._here[who] >= share:
            raise Full(f"you have {share} streams open, and may not have more: poll instead", headers=again)
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
        self._leave_place(stream.client.who)

    def number(self, revision: int) -> int:
        """Return how clients are told a revision."""
        return self._numbers.of(revision)

    def knows(self, number: int, upto: int) -> bool:
        """Whether a number is one of this store's, up to revision `upto`."""
        return 0 <= self._numbers.revision(number) <= upto

    async def missed(self, stream: Stream, number: int, upto: int) -> AsyncIterator[bytes]:
        """Yield what a client that knows the changes up to `number` has missed up to revision `upto`.

        If that is not known any more, this is a `reset`: the client has to look at everything itself.
        """
        after = self._numbers.revision(number)
        while after != upto:
            page = await self._read(after, upto)
            if page is None:
                yield self._reset(upto)
                return
            after = page.revision
            if piece := page.seen_by(stream.client.namespace):
                yield piece

    @property
    def is_sure(self) -> bool:
        """Whether the store was looked at recently, so that no change is missing."""
        return self._clock.now().mono - self._looked < _SURE

    def _reset(self, revision: int) -> bytes:
        return event("reset", {"revision": self.number(revision)}, self.number(revision))

    # Looking

    async def _beside(self, question: Callable[[Store], T]) -> T:
        """Ask the store in a thread, over the connection that no decision waits for."""
        return await asyncio.to_thread(lambda: question(self._store.beside()))

    async def _read(self, after: int, upto: int | None = None) -> ChangePage | None:
        return await self._beside(lambda store: read_changes(store, self._numbers, after, upto))

    async def _begin(self) -> None:
        """Begin to look: what was before is of no interest."""
        self._loop = asyncio.get_running_loop()
        store_id = await self._beside(lambda store: store.setting("store_id"))
        self._numbers = Numbers.of_store(store_id or "")
        self._decisions = await asyncio.to_thread(lambda: NewDecisions(self._store))
        self._revision = await self._beside(lambda store: store.revision())
        self._policy = self._filed_policy()
        self._looked = self._counted = self._clock.now().mono

    async def _run(self) -> None:
        while self._streams:
            try:
                async with asyncio.timeout(LOOK):
                    await self._wake.wait()
                await asyncio.sleep(_GATHER)
            except TimeoutError:
                pass
            self._wake.clear()
            self._is_woken = False
            try:
                has_more = True
                while has_more and self._streams:  # new clients have their turn between two pages
                    async with self._turn:
                        has_more = await self._advance()
                async with self._turn:
                    await self._tell_decisions()
                await self._tell_policy()
            except (StoreError, sqlite3.Error) as error:
                _log.warning("all streams were ended, because the store can't be read: %s", error)
                self._end_all()

    def _end_all(self) -> None:
        for stream in list(self._streams):
            stream.end()
            self._streams.pop(stream)

    def _of(self, wants: str) -> list[Stream]:
        return [stream for stream in self._streams if stream.client.wants == wants]

    async def _tell(
        self, streams: list[Stream], piece_for: Callable[[str | None], bytes], revision: int | None = None
    ) -> None:
        """Send each stream what its namespace may see, some streams at a time: other requests have their turn.

        Args:
            revision: up to which they know all changes then, if that is another one.
        """
        for count, stream in enumerate(streams, 1):
            if revision is not None:
                stream.revision = revision
            self._send(stream, piece_for(stream.client.namespace))
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)

    def _send(self, stream: Stream, piece: bytes) -> None:
        if not stream.put(piece):
            stream.end(self._reset(stream.revision) if stream.client.wants == "changes" else b"")

    # Changes

    async def _advance(self) -> bool:
        """Push a page of what has changed since the last look; return whether there is more."""
        page = await self._read(self._revision)
        if page is None:
            await self._skip()
        else:
            await self._push(page)
        self._looked = self._clock.now().mono
        return page is not None and page.has_more

    async def _skip(self) -> None:
        """Go on from the newest change, since not all before it are known. Each client has to look itself."""
        self._revision = await self._beside(lambda store: store.revision())
        await self._end_without_key()
        lost = self._reset(self._revision)
        await self._tell(self._of("changes"), lambda _: lost, self._revision)

    async def _push(self, page: ChangePage) -> None:
        self._revision = page.revision
        if page.keys:
            await self._end_without_key()
        await self._tell(self._of("changes"), page.seen_by, page.revision)

    async def _check(self, client: Client) -> None:
        """Check a key again: it may have been revoked just before its stream begins."""
        if await self._namespaces({client.token}) != {client.token: client.namespace}:
            raise Unauthorized("invalid API key", headers={"WWW-Authenticate": "Bearer"})

    async def _end_without_key(self) -> None:
        """End the streams whose key was revoked, or is now another namespace's."""
        namespaces = await self._namespaces({stream.client.token for stream in self._streams})
        for stream in list(self._streams):
            if stream.client.namespace != namespaces.get(stream.client.token, stream.client.namespace):
                stream.end()

    async def _namespaces(self, tokens: set[str | None]) -> dict[str | None, str | None]:
        """Return the namespaces of keys; None for one that is revoked, and for no key."""

        def ask(store: Store) -> dict[str | None, str | None]:
            found: dict[str | None, str | None] = {}
            for token in tokens:
                key = None if token is None else store.find_key(token)
                found[token] = key.namespace if key else None
            return found

        return await self._beside(ask)

    # What has no revision

    async def _tell_policy(self) -> None:
        policy = self._filed_policy()
        if policy is not self._policy:
            self._policy = policy
            told = event("policy", {"what": "file", "ts": self._store.now()})
            await self._tell(self._of("changes"), lambda _: told)

    async def _tell_decisions(self) -> None:
        assert self._decisions is not None
        if monitors := self._of("dispatches"):
            for namespace, told in await asyncio.to_thread(self._decisions.dispatches):
                piece = message(told)
                for stream in monitors:
                    if stream.client.namespace in (None, namespace):
                        self._send(stream, piece)
                await asyncio.sleep(0)
        now = self._clock.now().mono
        if self._of("changes") and now - self._counted >= _COUNT:
            since, self._counted = round(now - self._counted, 3), now
            counts = await asyncio.to_thread(self._decisions.counts)
            pieces: dict[str | None, bytes] = {
                namespace: event("decisions", count._asdict() | {"since_s": since})
                for namespace, count in counts.items()
            }
            await self._tell(self._of("changes"), lambda namespace: pieces.get(namespace, b""))
