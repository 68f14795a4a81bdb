"""What the hall's routes work with."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from pyhall_tui.clock import Clock, SystemClock
from pyhall_tui.hall.audit import Tally
from pyhall_tui.hall.checkpoints import Signing
from pyhall_tui.hall.errors import StoreBusy, StoreError
from pyhall_tui.hall.faults import Faults
from pyhall_tui.hall.key_uses import KeyUses
from pyhall_tui.hall.limiter import Limiter
from pyhall_tui.hall.long_reads import LongReads
from pyhall_tui.hall.metrics import DecisionCounts
from pyhall_tui.hall.own_code import OwnCode
from pyhall_tui.hall.policy import Policy, StoredPolicy
from pyhall_tui.hall.presence import Presence
from pyhall_tui.hall.proxies import Proxies
from pyhall_tui.hall.rates import Rates
from pyhall_tui.hall.retention import Retention, keep_short
from pyhall_tui.hall.service import Service, refusal_of
from pyhall_tui.hall.shadow import Hidden, hidden_rules
from pyhall_tui.hall.store import Store, new_id
from pyhall_tui.hall.store.protocol import State
from pyhall_tui.hall.stream import Streams
from pyhall_tui.hall.upstream import Upstream

T = TypeVar("T")
_TURN = 5.0  # seconds to wait for other changes of this hall
_LOOK = 0.5  # seconds between two checks of the policy
WRONG_KEYS, WRONG_KEYS_IN = 20, 60.0
"""So many wrong keys from one address are answered at once, and so many more in these seconds."""
_LOGGED_AGAIN = 60.0  # seconds after which the same fault is logged again


class PolicySource(Protocol):
    """Where the policy comes from: the store, or a file. `error` says why a newer one is not in force."""

    error: str | None

    def current(self) -> Policy:
        """Return the policy in force."""
        ...


class Grounds(NamedTuple):
    """What a decision is based on, both when it is made and when it is explained."""

    state: State
    policy: Policy
    rates: Rates | None
    """None: as if no rate were used."""
    refusal: Callable[[str], str | None]
    """Returns why the upstream's state refuses a dispatch of this tier, or None."""
    offline: str | None = None
    """Why the hall denies every dispatch, or None."""


def _never(_: str) -> str | None:
    return None


@dataclass
class SeenRequest:
    """A request as it came in, for tests: the path still percent-encoded, header names in lower case."""

    method: str
    raw_path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""


class Hall:
    """A hall: its store, its policy, and how it answers. You can change the attributes while it runs.

    `upstream` is the registry that it follows, `signing` signs its log, and `presence` reports that it lives, if
    anything does. `instance` is its id: another one each time that it is started.

    Args:
        policy: by default the store's own.
        rate: requests per second for each key, with bursts of twice as many; 0 for no limit.
        public_reads: answer verify and ban list without a key too, as the public registry does.
        local_writes: accept the published hall's writes from this machine without a key too, as that hall does.
        ban_list: False answers 404, like a registry without a ban list.
        verify_shape: which of the two shapes verify answers in.
        record: how many requests `requests` remembers.
        retention: how much of the decision log is kept; by default all of it.
        proxies: those that may say who their clients are; by default nobody.
        streams: how many clients it pushes changes to at once.
    """

    def __init__(
        self,
        store: Store,
        *,
        policy: PolicySource | None = None,
        clock: Clock | None = None,
        rate: float = 50.0,
        public_reads: bool = False,
        local_writes: bool = False,
        ban_list: bool = True,
        verify_shape: Literal["both", "documented", "older"] = "both",
        record: int = 0,
        retention: Retention | None = None,
        proxies: Proxies | None = None,
        streams: int = 1_000,
    ) -> None:
        self.store = store
        self.policy: PolicySource = policy or StoredPolicy(store)
        self.clock: Clock = clock or SystemClock()
        self.long_reads = LongReads(store)
        self.proxies = proxies or Proxies()
        self.wrong_keys = Limiter(self.clock, WRONG_KEYS / WRONG_KEYS_IN, burst=WRONG_KEYS)
        self.limiter = Limiter(self.clock, rate, burst=max(1, round(rate * 2)))
        self.key_uses = KeyUses(store, self.clock)
        self.rates = Rates(store, self.clock)
        self.streams = Streams(store, self.clock, self._filed_policy, most=streams)
        self.tally = Tally()
        self.decisions = DecisionCounts()
        self.upstream: Upstream | None = None
        self.signing: Signing | None = None
        self.instance = new_id("hall")
        self.service = Service(store)
        self.own_code = OwnCode(self)
        self.presence: Presence | None = None
        self.faults = Faults()
        self.retention = retention or Retention()
        self._state: State | None = None
        self._changing = asyncio.Lock()
        self.public_reads = public_reads
        self.local_writes = local_writes
        self.ban_list = ban_list
        self.verify_shape = verify_shape
        self.requests: deque[SeenRequest] = deque(maxlen=record)
        self._hidden: tuple[Policy | None, list[Hidden]] = (None, [])
        self._logged: tuple[str, float] = ("", 0.0)

    def state(self) -> State:
        """Return what a decision needs, as it was when this turn of the event loop first asked: what a client has seen
        changed before it sent its request is in it. To be called on the loop.
        """
        if self._state is None:
            self._state = self.store.state()
            asyncio.get_running_loop().call_soon(self._turn_ended)
        return self._state

    async def look(self) -> None:
        """Prepare `state` for this turn of the event loop without holding up other requests.

        Raises:
            StoreError: the store can't be read.
        """
        if self.store.log.waits and self._state is None:
            state = await self.store.state_beside()
            if self._state is None:
                self._state = state
                asyncio.get_running_loop().call_soon(self._turn_ended)

    async def change(self, change: Callable[[Store], T]) -> T:
        """Return what `change` does to the store, as `Store.change_beside`; one after the other.

        Raises:
            StoreError: nothing was changed. `StoreBusy`: it could not even begin within five seconds.
        """
        try:
            async with asyncio.timeout(_TURN):
                await self._changing.acquire()
        except TimeoutError:
            raise StoreBusy(f"can't write to the hall's store {self.store.path}: others still wait to do so") from None
        try:
            return await self.store.change_beside(change)
        finally:
            self._changing.release()

    def _turn_ended(self) -> None:
        self._state = None

    def is_news(self, fault: str) -> bool:
        """Whether to log a fault: it is not the last one that was logged, or that was a minute ago."""
        now = self.clock.now().mono
        last, at = self._logged
        if fault == last and now - at < _LOGGED_AGAIN:
            return False
        self._logged = (fault, now)
        return True

    def grounds(self) -> "Grounds":
        """Return what a decision is based on now."""
        refusal = self.upstream.refusal if self.upstream else _never
        state = self.store.state()
        return Grounds(state, self.policy.current(), self.rates, refusal, refusal_of(state))

    def grounds_of_another_time(self) -> "Grounds":
        """As `grounds`, without what is only so at this moment: used rates, an unreachable upstream, being offline."""
        return Grounds(self.store.state(), self.policy.current(), None, _never)

    def _filed_policy(self) -> Policy | None:
        """Return the policy in force if it comes from a file: the store doesn't note when that changes."""
        return None if isinstance(self.policy, StoredPolicy) else self.policy.current()

    def beside(self) -> list[Coroutine[Any, Any, None]]:
        """Return what runs beside the requests for as long as the hall is served."""
        work = [
            self.tally.count_on(self.store),  # a long log takes seconds: don't make the first status wait
            keep_short(self.store, self.retention, self.clock),
            self._watch_policy(),
            self.own_code.read(),
            self.key_uses.keep(),
        ]
        return [*work, *(each.run() for each in (self.presence, self.upstream, self.signing) if each)]

    async def _watch_policy(self) -> None:
        """Check the policy even when no request comes, so that a change is noticed at once."""
        while True:
            with suppress(StoreError):  # the next request reports it
                self.policy.current()
            await self.clock.sleep(_LOOK)

    def hidden_rules(self) -> list[Hidden]:
        """Return the hidden rules of the policy in force. Cached, because the search takes a while in a long policy."""
        policy = self.policy.current()
        if self._hidden[0] is not policy:
            self._hidden = policy, hidden_rules(policy)
        return self._hidden[1]
