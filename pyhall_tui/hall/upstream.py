"""A hall's upstream registry: its ban list counts here too, and while it is unreachable the hall fails closed."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal, NamedTuple

import msgspec

from pyhall_tui.clock import Clock, Moment
from pyhall_tui.hall import session as sessions
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.models import UNSTATED, Ban
from pyhall_tui.hall.session import Refused, Session, UpstreamError
from pyhall_tui.hall.store import Store, iso

STALE = "DENY_REGISTRY_STALE"  # ours: the contract has no code for it
WhenStale = Literal["keep", "deny-high", "deny-all"]
_RISKY = ("high", "critical", UNSTATED)


class Heard(NamedTuple):
    """An answer of the upstream: its bans, or None if they are the same as last time."""

    bans: Collection[Ban] | None
    truncated: bool = False
    """There may be more bans, so a hash that is not on the list is not cleared by it."""
    age: float = 0.0
    """Seconds since the upstream, or a cache on the way, got it: a hall whose own upstream is unreachable says so."""


Fetch = Callable[[], Awaitable[Heard]]
"""Asks for the upstream's ban list, with limits on time and size. Raises `UpstreamError`."""
_KEPT = "upstream"
_NEVER = 2**31  # how HTTP says that an age is greater than any (RFC 9111, 1.2.2)
_PAGE = 5_000  # bans that are held at a time
_PIECE = 200  # bans that change in one transaction: some 5 ms


class Upstream:
    """Polls an upstream's ban list into the store, and says what is refused while the upstream is unreachable.

    Args:
        url: the upstream's base URL, for `/status`.
        fetch: asks the upstream.
        interval: seconds between two polls.
        stale_after: seconds without an answer until `when_stale` applies.
        when_stale: `keep` what is known, deny high, critical and unstated tiers, or deny everything.
        session: the session with the upstream; None without a key.
    """

    def __init__(
        self,
        url: str,
        fetch: Fetch,
        store: Store,
        clock: Clock,
        *,
        interval: float = 60.0,
        stale_after: float = 600.0,
        when_stale: WhenStale = "deny-high",
        session: Session | None = None,
    ) -> None:
        self.url = url
        self.when_stale = when_stale
        self.error: str | None = None
        self.doubt: str | None = None
        """An answer that was not believed, as a sentence."""
        self._store = store
        self._clock = clock
        self._interval = interval
        self._stale_after = stale_after
        self._fetch = fetch
        self._session = session
        self._untaken: Heard | None = None  # received, but not in the store yet
        self._polled: Moment | None = None
        self._heard: Moment | None = None  # None: not yet in this run, so the hall has nothing to rely on
        self._heard_earlier = _last_heard(store)

    async def run(self) -> None:
        """Poll forever."""
        while True:
            await self.poll()
            await self._clock.sleep(self._interval)

    async def poll(self) -> None:
        """Ask once; a failure changes nothing that is known, and is stated in `error`."""
        self._polled = self._clock.now()
        try:
            heard = await self._fetch()
            self._untaken = self._untaken if heard.bans is None else heard
            await self._take()
        except (UpstreamError, StoreError) as error:
            self.error = str(error)
            if self._session and isinstance(error, Refused):
                self._session.refuse(self.error)
        else:
            self.error, now = None, self._clock.now()
            self._heard = Moment(now.mono - heard.age, now.wall - heard.age)
        try:
            if self._session:
                await self._session.keep(heard=self.error is None)
            self._store.set_setting(_KEPT, msgspec.json.encode(self.state()).decode())
        except StoreError as error:
            self.error = str(error)

    async def _take(self) -> None:
        """Store the list that was received. A list that may be truncated adds bans and removes none.

        Nor does an empty list remove several bans at once: a registry that has lost its list answers like that.

        It is done in small pieces, between which requests are answered, and adds before it takes away. If it is
        interrupted, the next poll goes on.
        """
        if self._untaken is None or self._untaken.bans is None:
            return
        heard, bans = self._untaken, self._untaken.bans
        beside, rest = self._store.beside(), iter(bans)
        while missing := await asyncio.to_thread(_next_missing, beside, rest):
            for start in range(0, len(missing), _PIECE):
                self._store.add_upstream_bans(missing[start : start + _PIECE])
                await asyncio.sleep(0)
        gone = await asyncio.to_thread(_gone, beside, bans)
        emptied = not bans and len(gone) > 1
        for start in range(0, 0 if heard.truncated or emptied else len(gone), _PIECE):
            self._store.drop_upstream_bans(gone[start : start + _PIECE])
            await asyncio.sleep(0)
        self._untaken, self.doubt = None, None
        if emptied:
            self.doubt = (
                f"The upstream's ban list is empty; it had {len(gone):,} bans, which all stay. "
                "If they were really lifted, take each out with `hall unban HASH`."
            )

    @property
    def stale(self) -> bool:
        """Whether the upstream has not answered for longer than allowed, or never."""
        return self._heard is None or self._clock.now().mono - self._heard.mono > self._stale_after

    @property
    def age(self) -> int | None:
        """The `Age` of answers that depend on the upstream: None unless it is stale, when they need one."""
        if not self.stale:
            return None
        last = self._heard.wall if self._heard else self._heard_earlier
        return _NEVER if last is None else min(_NEVER, max(0, int(self._clock.now().wall - last)))

    def refusal(self, tier: str) -> str | None:
        """Return why a dispatch of this tier is refused now, or None."""
        if not _refuses(self.when_stale, tier) or not self.stale:
            return None
        return _said(iso(self._heard.wall) if self._heard else None)

    def state(self) -> dict[str, Any]:
        """Return its state, for `/status`."""
        return {
            "url": self.url,
            "last_poll": iso(self._polled.wall) if self._polled else None,
            "last_heard": iso(self._heard.wall) if self._heard else None,
            "stale": self.stale,
            "stale_after": self._stale_after,
            "interval": self._interval,
            "when_stale": self.when_stale,
            "error": self.error or self.doubt,
            "session": self._session.state() if self._session else sessions.none(),
        }


def _last_heard(store: Store) -> float | None:
    """Return the wall time of an earlier run's last answer, if there was one."""
    state = last_state(store)
    return datetime.fromisoformat(state["last_heard"]).timestamp() if state and state["last_heard"] else None


def _next_missing(store: Store, rest: Iterator[Ban]) -> list[Ban]:
    """Return the next bans that the store lacks; none if there are no more. A long list is never held whole."""
    while page := list(islice(rest, _PAGE)):
        if missing := store.missing_bans(page):
            return missing
    return []


def _gone(store: Store, bans: Iterable[Ban]) -> list[str]:
    """Return the hashes that the store has of an earlier list only."""
    return sorted(store.upstream_bans().difference(ban.sha256 for ban in bans))


def _refuses(when_stale: WhenStale, tier: str) -> bool:
    """Whether dispatches of this tier are refused while the upstream is unreachable."""
    return when_stale == "deny-all" or (when_stale == "deny-high" and tier in _RISKY)


def _said(heard: str | None) -> str:
    since = f"since {heard}" if heard else "since the hall started"
    return f"The upstream registry has been unreachable {since}, so its current bans are unknown"


def last_refusal(store: Store) -> Callable[[str], str | None]:
    """Return what the hall that serves this store refuses because of its upstream, as `Upstream.refusal` does."""
    state = last_state(store)

    def refusal(tier: str) -> str | None:
        if state is None or not state["stale"] or not _refuses(state["when_stale"], tier):
            return None
        return _said(state["last_heard"])

    return refusal


def forget_state(store: Store) -> None:
    """Note that the store is served without an upstream."""
    store.set_setting(_KEPT, "")


def last_state(store: Store) -> dict[str, Any] | None:
    """Return the upstream's state at the last poll, as of now; None if the store never followed one."""
    try:
        state: dict[str, Any] = msgspec.json.decode(store.setting(_KEPT) or "")
    except msgspec.DecodeError:
        return None
    now = store.now()
    silent = datetime.fromisoformat(now) - timedelta(seconds=state["stale_after"])
    stale = state["last_heard"] is None or datetime.fromisoformat(state["last_heard"]) < silent
    return state | {"stale": stale, "session": sessions.as_of(state["session"], now)}
