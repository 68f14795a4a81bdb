"""A hall's upstream registry: its ban list counts here too, and where it is not heard of, the hall fails closed."""

import asyncio
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Literal, NamedTuple

import msgspec

from pyhall_tui.clock import Clock, Moment
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.models import UNSTATED, Ban, clean_hash
from pyhall_tui.hall.store import Store, iso

STALE = "DENY_REGISTRY_STALE"  # ours: the contract has none for it
MAX_BODY = 16 * 1024 * 1024  # bytes; 50,000 entries are 10 MB
WhenStale = Literal["keep", "deny-high", "deny-all"]
_DEADLINE = 20.0  # seconds for the whole answer
_RISKY = ("high", "critical", UNSTATED)


class Heard(NamedTuple):
    """An answer of the upstream: its bans, or None where they are the same as last time, and their tag."""

    bans: list[Ban] | None
    tag: str | None


class UpstreamError(Exception):
    """The upstream's ban list could not be had; the message says why."""


Fetch = Callable[..., Heard]  # (url, key, tag)


class _Entry(msgspec.Struct):
    """One of the upstream's entries: what is more than its hash may be missing."""

    sha256: str
    reason: str | None = None
    reported_at: str | None = None
    source: str | None = None
    review_status: str | None = None


class Upstream:
    """Polls an upstream's ban list into the store, and says what is refused while it is not heard of.

    Args:
        url: the upstream's base URL.
        key: sent as a bearer, to this origin only; None for none.
        interval: seconds between two polls.
        stale_after: seconds without an answer until `when_stale` counts.
        when_stale: `keep` what is known, or deny high, critical and unstated tiers, or everything.
    """

    def __init__(
        self,
        url: str,
        key: str | None,
        store: Store,
        clock: Clock,
        *,
        interval: float = 60.0,
        stale_after: float = 600.0,
        when_stale: WhenStale = "deny-high",
        fetch: "Fetch | None" = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.when_stale = when_stale
        self.error: str | None = None
        self._key = key
        self._store = store
        self._clock = clock
        self._interval = interval
        self._stale_after = stale_after
        self._fetch = fetch or fetch_bans
        self._tag: str | None = None
        self._polled: Moment | None = None
        self._heard: Moment | None = None  # never yet, in this run: then the hall has nothing to go by

    async def run(self) -> None:
        """Poll forever."""
        while True:
            await self.poll()
            await self._clock.sleep(self._interval)

    async def poll(self) -> None:
        """Ask once; a failure leaves what is known as it is, and is said in `error`."""
        self._polled = self._clock.now()
        try:
            heard = await _in_a_thread(self._fetch, f"{self.url}/api/v1/ban-list", self._key, self._tag)
            if heard.bans is not None:
                self._store.replace_upstream_bans(heard.bans)
                self._tag = heard.tag
        except TimeoutError:
            self.error = f"{self.url} did not answer within {_DEADLINE:.0f} s"
        except (UpstreamError, StoreError) as error:
            self.error = str(error)
        else:
            self.error, self._heard = None, self._clock.now()

    @property
    def stale(self) -> bool:
        """Whether the upstream was not heard of for longer than it may be, or never."""
        return self._heard is None or self._clock.now().mono - self._heard.mono > self._stale_after

    def refusal(self, tier: str) -> str | None:
        """Return why a dispatch of this tier is refused now, or None."""
        if self.when_stale == "keep" or (self.when_stale == "deny-high" and tier not in _RISKY) or not self.stale:
            return None
        since = f"since {iso(self._heard.wall)}" if self._heard else "since the hall was started"
        return f"The upstream registry was not heard of {since}: who is banned now is not known"

    def state(self) -> dict[str, Any]:
        """Return how it is, for `/status`."""
        return {
            "url": self.url,
            "last_poll": iso(self._polled.wall) if self._polled else None,
            "last_heard": iso(self._heard.wall) if self._heard else None,
            "stale": self.stale,
            "stale_after": self._stale_after,
            "interval": self._interval,
            "when_stale": self.when_stale,
            "error": self.error,
        }


async def _in_a_thread(fetch: Fetch, *arguments: str | None) -> Heard:
    """Run `fetch` in a thread that the program's end does not wait for, as it would for `asyncio.to_thread`'s."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Heard] = loop.create_future()

    def settle(heard: Heard | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error:
            done.set_exception(error)
        elif heard:
            done.set_result(heard)

    def work() -> None:
        heard, error = None, None
        try:
            heard = fetch(*arguments)
        except Exception as raised:
            error = raised
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, heard, error)

    threading.Thread(target=work, name="upstream", daemon=True).start()
    async with asyncio.timeout(_DEADLINE):
        return await done


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would take the key to another place: it stays an error."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def fetch_bans(url: str, key: str | None, tag: str | None) -> Heard:
    """Ask for a ban list; `tag` is the last answer's.

    Raises:
        UpstreamError: it could not be asked, or what came is no ban list.
    """
    headers = {"Accept": "application/json"}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    headers |= {"If-None-Match": tag} if tag else {}
    secure = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    try:
        opener = urllib.request.build_opener(_NoRedirect, secure)
        with opener.open(urllib.request.Request(url, headers=headers), timeout=10) as reply:
            body = reply.read(MAX_BODY + 1)
            return Heard(read_bans(body), reply.headers.get("ETag"))
    except urllib.error.HTTPError as error:
        if error.code == 304:
            return Heard(None, tag)
        raise UpstreamError(f"{url} answered {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise UpstreamError(f"{url} could not be asked: {error}") from None


def read_bans(body: bytes) -> list[Ban]:
    """Read a ban list's body; entries whose hash is none are left out.

    Raises:
        UpstreamError: it is no ban list.
    """
    if len(body) > MAX_BODY:
        raise UpstreamError(f"the upstream's ban list is longer than {MAX_BODY} bytes")
    try:
        entries = msgspec.json.decode(body, type=list[_Entry])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamError(f"the upstream's ban list cannot be read: {error}") from None
    return [
        Ban(
            sha256=digest,
            reason=entry.reason or "",
            reported_at=entry.reported_at or "",
            source=entry.source or "upstream",
            review_status=entry.review_status,
        )
        for entry in entries
        if (digest := clean_hash(entry.sha256))
    ]
