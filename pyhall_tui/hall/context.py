"""What the hall's routes work with."""

from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from pyhall_tui.clock import Clock, SystemClock
from pyhall_tui.hall.audit import Ledger, Tally
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.faults import Faults
from pyhall_tui.hall.limiter import Limiter
from pyhall_tui.hall.long_reads import LongReads
from pyhall_tui.hall.policy import Policy, StoredPolicy
from pyhall_tui.hall.rates import Rates
from pyhall_tui.hall.retention import Retention, keep_short
from pyhall_tui.hall.shadow import Hidden, hidden_rules
from pyhall_tui.hall.store import Store
from pyhall_tui.hall.upstream import Upstream

_LOOK = 0.5  # seconds between two looks at the policy


class PolicySource(Protocol):
    """Where the policy comes from: the store, or a file. `error` says what keeps a newer one out of force."""

    error: str | None

    def current(self) -> Policy:
        """Return the policy in force."""
        ...


class Grounds(NamedTuple):
    """What a decision rests on, for who decides and for who explains it alike."""

    store: Store
    policy: Policy
    rates: Rates | None
    """None: as if nothing were used up."""
    refusal: Callable[[str], str | None]
    """Returns why a dispatch of this tier is refused because of the upstream, or None."""


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
    """A hall: its store, its policy, and how it answers. The attributes can be changed while it runs.

    `upstream` is the registry that it follows, if any; who starts the hall also runs it.

    Args:
        policy: the store's own unless given.
        rate: requests a second and key, with bursts of twice as many; 0 for no limit.
        public_reads: verify and ban list are answered without a key too, as the public registry does.
        local_writes: the published hall's writes are taken from this machine without a key too, as that one does.
        ban_list: False answers 404, as a registry that has none.
        verify_shape: which of the two shapes a verify answers.
        record: how many requests `requests` remembers.
        retention: how much of the decision log is kept: all of it, unless given.
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
    ) -> None:
        self.store = store
        self.policy: PolicySource = policy or StoredPolicy(store)
        self.clock: Clock = clock or SystemClock()
        self.long_reads = LongReads(store)
        self.limiter = Limiter(self.clock, rate, burst=max(1, round(rate * 2)))
        self.rates = Rates(store, self.clock)
        self.tally = Tally()
        self.upstream: Upstream | None = None
        self.faults = Faults()
        self.retention = retention or Retention()
        self.ledger = Ledger(store, self.rates)
        self.public_reads = public_reads
        self.local_writes = local_writes
        self.ban_list = ban_list
        self.verify_shape = verify_shape
        self.requests: deque[SeenRequest] = deque(maxlen=record)
        self._hidden: tuple[Policy | None, list[Hidden]] = (None, [])

    def grounds(self) -> "Grounds":
        """Return what a decision rests on now."""
        refusal = self.upstream.refusal if self.upstream else _never
        return Grounds(self.store, self.policy.current(), self.rates, refusal)

    def grounds_of_another_time(self) -> "Grounds":
        """As `grounds`, without what is known of this moment only: used-up rates, and an upstream that is silent."""
        return Grounds(self.store, self.policy.current(), None, _never)

    def beside(self) -> list[Coroutine[Any, Any, None]]:
        """Return what is to run beside the requests, for as long as the hall is served."""
        work = [
            self.tally.count_on(self.store),  # a long log takes seconds: not with the first status
            keep_short(self.store, self.retention, self.clock),
            self._watch_policy(),
        ]
        return [*work, self.upstream.run()] if self.upstream else work

    async def _watch_policy(self) -> None:
        """Look at the policy also while nobody asks, so that a change is seen when it is made."""
        while True:
            with suppress(StoreError):  # who asks is told
                self.policy.current()
            await self.clock.sleep(_LOOK)

    def hidden_rules(self) -> list[Hidden]:
        """Return the hidden rules of the policy in force. Looked for once: in a long one that takes a while."""
        policy = self.policy.current()
        if self._hidden[0] is not policy:
            self._hidden = policy, hidden_rules(policy)
        return self._hidden[1]
