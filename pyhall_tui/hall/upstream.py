"""A hall's upstream registry: its ban list counts here too, and while it is unreachable the hall fails closed.

Of several halls on one store, the one that has the lease polls; the others rely on the list that it wrote.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from itertools import islice
from typing import Any, Literal, NamedTuple

import msgspec

from pyhall_tui.clock import Clock, Moment
from pyhall_tui.hall import session as sessions
from pyhall_tui.hall.errors import LeaseLost, StoreError
from pyhall_tui.hall.giving_up import GivingUp
from pyhall_tui.hall.models import UNSTATED, Ban
from pyhall_tui.hall.session import Refused, Session, UpstreamError
from pyhall_tui.hall.store import Store, iso, new_id
from pyhall_tui.hall.store.halls import LEASE

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
INTERVAL = 5.0  # seconds between two polls; an unchanged list costs the upstream a 304
_TURN = 0.5  # seconds between two looks whether it is this hall's turn to poll


class Upstream:
    """Polls an upstream's ban list into the store, and says what is refused while the upstream is unreachable.

    Args:
        url: the upstream's base URL, for `/status`.
        fetch: asks the upstream.
        interval: seconds between two polls.
        stale_after: seconds without an answer until `when_stale` applies.
        when_stale: `keep` what is known, deny high, critical and unstated tiers, or deny everything.
        session: the session with the upstream; None without a key.
        instance: the hall's id among those on the store.
        forget: makes the next `fetch` bring the whole list, even if it is the same as last time.
    """

    def __init__(
        self,
        url: str,
        fetch: Fetch,
        store: Store,
        clock: Clock,
        *,
        interval: float = INTERVAL,
        stale_after: float = 600.0,
        when_stale: WhenStale = "deny-high",
        session: Session | None = None,
        instance: str | None = None,
        forget: Callable[[], None] = lambda: None,
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
        self.instance = instance or new_id("hall")
        self._forget = forget
        self._fence: int | None = None  # of the lease, if this hall has it
        self._polls_with: int | None = None  # the same, when the poll that is under way began
        self._leased = 0.0  # monotonic
        self._giving_up = GivingUp(clock)
        self._theirs: dict[str, Any] | None = None  # what the hall that polls says, if that is another one
        self._untaken: Heard | None = None  # received, but not in the store yet
        self._polled: Moment | None = None
        self._heard: Moment | None = None  # None: not yet in this run, so the hall has nothing to rely on
        self._heard_earlier = _last_heard(store)

    async def run(self) -> None:
        """Poll forever, whenever it is this hall's turn."""
        due, polling = self._clock.now().mono, None
        try:
            while True:
                if polling is not None and polling.done():
                    polling, due = polling.result(), self._clock.now().mono + self._interval
                if self._is_our_turn() and polling is None and self._clock.now().mono >= due:
                    polling = asyncio.create_task(self.poll())
                await self._clock.sleep(min(_TURN, self._interval))
        finally:
            if polling is not None:
                polling.cancel()

    def _is_our_turn(self) -> bool:
        """Take the lease, or renew it; if another hall has it, rely on what that has written."""
        now = self._clock.now().mono
        if self._fence is not None and now - self._leased < LEASE / 3:
            return True
        try:
            fence = None if self._giving_up.is_away else self._store.halls.lease(self.instance)
            if fence is None:
                self._follow()
        except StoreError as error:
            self.error = str(error)
            return False
        if fence is not None and fence != self._fence:
            self._take_over()
        self._fence, self._leased = fence, now
        return fence is not None

    def _take_over(self) -> None:
        """Begin to poll. Whatever this hall was given earlier may not be what another has written since."""
        self._untaken = self._theirs = None
        self._forget()
        if self._session:
            self._session.read_again()

    def _follow(self) -> None:
        """Rely on the list that another hall has written, if it is that of the same upstream."""
        theirs = _kept_state(self._store)
        if theirs is None or theirs["url"] != self.url:
            named = "another upstream" if theirs is None else theirs["url"]
            self._theirs = self._heard = None
            self.error = f"Another hall on this store polls {named}: give all of them the same --upstream."
            return
        heard, now = self._store.halls.feed().heard, self._clock.now()
        self._heard = self._polled = None if heard is None else Moment(now.mono - heard, now.wall - heard)
        self._theirs, self.error, self.doubt = theirs, theirs["error"], None

    def _writing(self) -> AbstractContextManager[None]:
        """Begin a transaction that only the hall with the lease can end."""
        if self._polls_with is None:
            raise LeaseLost("this hall does not poll the upstream")
        return self._store.halls.fenced(self.instance, self._polls_with)

    async def poll(self) -> None:
        """Ask once, if it is this hall's turn; a failure changes nothing that is known, and is stated in `error`."""
        if not self._is_our_turn():
            return
        self._polls_with = self._fence
        try:
            await self._poll()
            self._let_another_try()
        except LeaseLost:  # it was held up for too long: the next turn says who polls
            self._fence = None

    def _let_another_try(self) -> None:
        """Give up the lease if this hall can't reach the upstream, and another one that follows it lives."""
        if not self._giving_up.is_due:
            return
        with suppress(StoreError):  # as long as it holds the lease, it goes on
            others = [each for each in self._store.halls.seen() if each.instance != self.instance and each.is_living]
            if any(each.upstream == self.url for each in others):
                self._store.halls.give_up(self.instance)
                self._giving_up.gave_up()
                self._fence = None

    async def _poll(self) -> None:
        self._polled = self._clock.now()
        try:
            heard = await self._fetch()
            self._untaken = self._untaken if heard.bans is None else heard
            await self._take()
        except LeaseLost:
            raise
        except (UpstreamError, StoreError) as error:
            self.error = str(error)
            if isinstance(error, UpstreamError):
                self._giving_up.failed()
            if self._session and isinstance(error, Refused):
                self._session.refuse(self.error)
        else:
            self._giving_up.succeeded()
            self.error, now = None, self._clock.now()
            self._heard = Moment(now.mono - heard.age, now.wall - heard.age)
        try:
            if self._session:
                self._session.write = self._writing
                await self._session.keep(heard=self.error is None)
            with self._writing():
                self._store.set_setting(_KEPT, msgspec.json.encode(self.state()).decode())
                if self.error is None:
                    self._store.halls.heard(self._age())
        except LeaseLost:
            raise
        except StoreError as error:
            self.error = str(error)

    def _age(self) -> float:
        """Return for how many seconds the upstream has not been heard."""
        return self._clock.now().mono - self._heard.mono if self._heard else float("inf")

    async def _take(self) -> None:
        """Store the list that was received. A list that may be truncated adds bans and removes none.

        Nor does an empty list remove several bans at once: a registry that has lost its list answers like that.

        It is done in small pieces, between which requests are answered, and adds before it takes away. If it is
        interrupted, the next poll goes on.
        """
        if self._untaken is None or self._untaken.bans is None:
            return
        heard, bans = self._untaken, self._untaken.bans
        beside, rest = await asyncio.to_thread(self._store.beside), iter(bans)
        while missing := await asyncio.to_thread(_next_missing, beside, rest):
            for start in range(0, len(missing), _PIECE):
                with self._writing():
                    self._store.add_upstream_bans(missing[start : start + _PIECE])
                await asyncio.sleep(0)
        gone = await asyncio.to_thread(_gone, beside, bans)
        emptied = not bans and len(gone) > 1
        for start in range(0, 0 if heard.truncated or emptied else len(gone), _PIECE):
            with self._writing():
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
            "session": self._session_state(),
        }

    def _session_state(self) -> dict[str, Any]:
        if self._theirs is not None:
            return sessions.as_of(self._theirs["session"], iso(self._clock.now().wall))
        return self._session.state() if self._session else sessions.none()


def _last_heard(store: Store) -> float | None:
    """Return the wall time of an earlier run's last answer, if there was one."""
    state = _kept_state(store)
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
    """Note that the store is served without an upstream, unless another hall on it polls one."""
    if store.halls.feed().holder is None:
        store.set_setting(_KEPT, "")


def last_state(store: Store) -> dict[str, Any] | None:
    """Return the upstream's state at the last poll, as of now; None if the store never followed one."""
    state = _kept_state(store)
    if state is None:
        return None
    heard, now = store.halls.feed().heard, store.now()
    stale = heard is None or heard > state["stale_after"]
    return state | {"stale": stale, "session": sessions.as_of(state["session"], now)}


def _kept_state(store: Store) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = msgspec.json.decode(store.setting(_KEPT) or "")
    except msgspec.DecodeError:
        return None
    return state
