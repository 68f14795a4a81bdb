"""The operations of a hall's store. They hide the implementation (SQLite today), including all SQL.

`tests/hall/store_contract` says what each store must do beyond its types.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol, TypeVar

from pyhall_tui.hall.models import Ban, Key, Status, Worker
from pyhall_tui.hall.store.chain import Mark, Row
from pyhall_tui.hall.store.copied import Tables
from pyhall_tui.hall.store.halls import Halls

T = TypeVar("T")
CHECKPOINTS_KEPT = 5_000
"""Signed notes about the log's head. Each proves all rows before it; older ones say where a log begins to differ."""


class KeptRate(NamedTuple):
    """What a rule recently allowed a worker, written at this moment of both clocks; `Rates` packs `allowed`."""

    rule: str
    worker_id: str
    mono: float
    wall: float
    allowed: bytes
    written: float | None = None
    """When it was written, by the reader's clock that can't jump, if the store's server knows how long ago that is."""


class Batch(NamedTuple):
    """What goes into the log in one transaction: receipts in JSON, and the rates that they used."""

    receipts: Sequence[str]
    rates: Sequence[KeptRate] = ()


class Tallied(NamedTuple):
    """How many decisions in a piece of the log share these four values; `day` looks like `2026-11-25`."""

    namespace: str
    rule: str
    outcome: str
    day: str
    decisions: int


class Change(NamedTuple):
    """Something that was changed, and `key` says which one.

    `what` is `worker`, `ban`, `key`, `policy`, `rate` or `service` (`OFFLINE_SINCE`).
    Several may share a revision. Of a worker, `how` is `enrolled`, `status` (its status or a ban), `attestation` or
    `removed`.
    """

    revision: int
    what: str
    key: str
    how: str


class State(Protocol):
    """What a decision needs, from memory, as of the last call of `Store.state`."""

    def key(self, token: str) -> Key | None:
        """Return what is known about an API key; None if it doesn't exist or is revoked."""
        ...

    def worker(self, worker_id: str) -> Worker | None:
        """Return a worker, with the ban on its hash if there is one. Change only a copy of it."""
        ...

    def rate(self, rule: str, worker_id: str) -> KeptRate | None:
        """Return what a rule recently allowed a worker: the same object until that changes.

        Raises:
            StoreError: it can't be read.
        """
        ...

    def policy_revision(self) -> str | None:
        """Return a value that changes whenever the policy does."""
        ...

    def offline_since(self) -> str:
        """Return since when the halls on the store deny every dispatch (ISO 8601 in UTC); empty if they don't."""
        ...


class Keys(Protocol):
    """API keys, of which only hashes are kept."""

    def add_key(self, namespace: str, label: str = "", token: str | None = None, *, scopes: Sequence[str] = ()) -> str:
        """Add an API key for one namespace, by default a new one for everything, and return it.

        Only its hash is stored, so it can't be seen again.
        """
        ...

    def put_key(self, key: Key) -> None:
        """Store a key of which only the hash is known."""
        ...

    def find_key(self, token: str) -> Key | None:
        """Return what is known about an API key; None if it doesn't exist or is revoked."""
        ...

    def all_keys(self) -> list[Key]:
        """Return all keys, including revoked ones, oldest first."""
        ...

    def keys_in_use(self, namespace: str, most: int) -> list[tuple[Key, str | None]]:
        """Return a namespace's valid keys, newest first, each with its last noted use; at most `most` of them."""
        ...

    def revoke_key(self, key_id: str) -> bool:
        """Revoke a key permanently; False if no valid key has this id."""
        ...

    def note_key_uses(self, uses: Mapping[str, float]) -> None:
        """Note when keys were last used: seconds since the epoch by key id. No cache is emptied, no stream woken.

        Raises:
            StoreError: another process holds the store: it doesn't wait for that.
        """
        ...

    def key_uses(self) -> dict[str, str]:
        """Return the last noted use (ISO 8601 in UTC) of each key that has one, by key id. A copy has none of them."""
        ...


class Workers(Protocol):
    """Enrolled workers. Operations on a worker that doesn't exist return False."""

    def put_worker(self, worker: Worker) -> Worker:
        """Store a worker as given, replacing one with the same id; without `enrolled_at` it is enrolled now."""
        ...

    def worker(self, worker_id: str) -> Worker | None:
        """Return a worker, with the ban on its hash if there is one. Change only a copy of it."""
        ...

    def workers(self, namespace: str | None = None) -> list[Worker]:
        """Return all workers (of one namespace), in the order in which they were enrolled."""
        ...

    def workers_after(self, after: Worker | None, most: int, namespace: str | None = None) -> list[Worker]:
        """Return a page of `workers`: at most `most` that come after one of them."""
        ...

    def worker_counts(self, namespace: str | None = None) -> tuple[int, int]:
        """Return how many workers there are (of one namespace), and how many of them are banned."""
        ...

    def workers_named(self, worker_ids: Sequence[str]) -> list[Worker]:
        """Return those of these workers that there are, in any order."""
        ...

    def perhaps_amiss(self, namespace: str | None, most: int) -> list[Worker]:
        """Return at most `most` workers (of one namespace) that are banned, or active and possibly not attested."""
        ...

    def attest(self, worker_id: str, sha256: str, *, active_only: bool = True, **ai: Any) -> bool:
        """Set a worker's attested hash (64 lowercase hex); False if there is no such (active) worker."""
        ...

    def withdraw(self, worker_id: str) -> bool:
        """Withdraw a worker's attestation together with its hash."""
        ...

    def set_status(self, worker_id: str, status: Status) -> bool:
        """Retire, revoke or reactivate a worker."""
        ...


class Bans(Protocol):
    """Bans on workers and on package hashes (64 lowercase hex), and reports that request one."""

    def ban(self, worker_id: str, reason: str) -> bool:
        """Ban a worker and put its hash on the ban list; False if there is no such worker.

        The worker stays banned when it attests another package: only `unban` ends a ban.
        """
        ...

    def unban(self, worker_id: str) -> bool:
        """Lift the ban on a worker and on its hash; False if neither is banned."""
        ...

    def ban_hash(self, sha256: str, reason: str, *, source: str = "local-hall") -> None:
        """Put a package hash on the ban list: every worker with it is banned from now on."""
        ...

    def put_ban(self, ban: Ban) -> None:
        """Store a ban list entry. One with the same hash is updated in place: a reader of pages misses none."""
        ...

    def unban_hash(self, sha256: str) -> bool:
        """Remove a package hash from the ban list; False if it is not on it."""
        ...

    def bans(self, limit: int | None = None) -> list[Ban]:
        """Return the ban list, newest first; at most `limit` entries of it."""
        ...

    def bans_after(self, after: tuple[Any, ...] | None, most: int) -> tuple[list[Ban], tuple[Any, ...] | None]:
        """Return a page of `bans`, and where the next one starts; None after the last."""
        ...

    def ban_count(self) -> int:
        """Return how long the ban list is."""
        ...

    def is_hash_banned(self, sha256: str) -> bool:
        """Whether a package hash is on the ban list."""
        ...

    def bans_of(self, hashes: Sequence[str]) -> list[Ban]:
        """Return the ban list entries of those of these hashes that are on it, in any order."""
        ...

    def ban_tag(self) -> str:
        """Return a tag that changes whenever the ban list does, in this process or another."""
        ...

    def upstream_bans(self) -> set[str]:
        """Return the hashes that an upstream banned."""
        ...

    def missing_bans(self, bans: Iterable[Ban]) -> list[Ban]:
        """Return those whose hash is not on the ban list, each hash once."""
        ...

    def add_upstream_bans(self, bans: Sequence[Ban]) -> None:
        """Store an upstream's bans, unless their hashes are on the list already."""
        ...

    def drop_upstream_bans(self, hashes: Sequence[str]) -> None:
        """Remove hashes that an upstream no longer bans from the list; the hall's own entries stay."""
        ...

    def report(self, sha256: str, reason: str, evidence_url: str | None, namespace: str) -> str:
        """Store a report of a hash for review (it bans nothing by itself) and return its id."""
        ...


class Changes(Protocol):
    """What was changed, by whichever process; the store keeps the last ten thousand changes or more."""

    def revision(self) -> int:
        """Return the number of the last change."""
        ...

    def changes(self, after: int, most: int) -> list[Change] | None:
        """Return the changes of the next `most` revisions after number `after`, oldest first.

        None if they are not all known: they are too old or too many, or this store has not come as far as `after`.
        """
        ...


class Policies(Protocol):
    """The policy: its rules in JSON, in order, and the defaults."""

    def put_rules(self, rules: Sequence[str], defaults: str) -> None:
        """Replace the policy; whoever serves the store applies it."""
        ...

    def rules(self) -> tuple[list[str], str]:
        """Return the rules and the defaults at one instant; the defaults of a store without a policy are `{}`."""
        ...


class Log(Protocol):
    """The decision log: one chain that never changes; removing its oldest rows adds a row that records it."""

    @property
    def waits(self) -> bool:
        """Whether `decide` waits for a server: on an event loop, use `decide_beside`."""
        ...

    def decide(self, judge: Callable[[], Batch]) -> int:
        """Log what `judge` returns, and return the last row's number; it is durable on return.

        `judge` sees the store's state at that position of the log: it includes every ban that any process committed
        before. A store may call it again if somebody else was faster.

        Raises:
            StoreError: it could not be written, and is not in the log.
        """
        ...

    async def decide_beside(self, judge: Callable[[], Batch]) -> int:
        """As `decide`, but let the event loop go on meanwhile. `judge` is called on the loop. One call at a time."""
        ...

    def head(self) -> Mark:
        """Return the last row. A copy kept elsewhere proves the log up to there."""
        ...

    def anchor(self) -> Mark:
        """Return the last removed row; the log is whole from there on."""
        ...

    def hash_of(self, seq: int) -> str | None:
        """Return a row's hash; None if there is no such row."""
        ...

    def page(self, after: int, upto: int, most: int) -> list[Row]:
        """Return the oldest rows above number `after`, up to number `upto`."""
        ...

    def rows(self) -> Iterator[Row]:
        """Yield all rows, oldest first; within a `snapshot`."""
        ...

    def newest(self, most: int, namespace: str | None, after: int) -> list[tuple[int, str]]:
        """Return number and receipt of the last decisions (of one namespace) above number `after`, newest first."""
        ...

    def removals(self) -> Iterator[int]:
        """Yield the numbers of the rows that record removals, newest first."""
        ...

    def last_removal(self) -> str | None:
        """Return the newest of these rows."""
        ...

    def count(self) -> int:
        """Return how many decisions the log holds."""
        ...

    def counts(self, since: str, namespace: str | None) -> dict[str, int]:
        """Return how many decisions since an instant (ISO 8601 in UTC) had each outcome."""
        ...

    def rule_hits(self) -> dict[str, int]:
        """Return how many of the decisions each rule made."""
        ...

    def tally(self, after: int, upto: int) -> list[Tallied]:
        """Count the decisions above number `after`, up to number `upto`."""
        ...

    def first_since(self, after: int, upto: int, at: str) -> int | None:
        """Return the first row above `after`, up to `upto`, that was decided at an instant or later."""
        ...

    def newest_time(self, before: str) -> str | None:
        """Return when the newest decision before an instant was made."""
        ...

    def oldest_time(self, since: str) -> str | None:
        """Return when the oldest decision since an instant was made."""
        ...

    def removable(self, upto: int) -> int:
        """Return the last row that `take_out` would remove: a store may remove rows in large pieces only."""
        ...

    def removed_with(self, seq: int) -> int:
        """Return the last row of the piece that row `seq` is removed with; the earliest if that piece still grows."""
        ...

    def take_out(self, upto: int, most: int) -> int | None:
        """Remove the oldest rows, up to number `upto`, and set the anchor from which the rest is whole.

        Return how many decisions that were (0 while it checks them); None if no row is left.

        Raises:
            StoreError: the rows are not whole, so they stay, as evidence.
        """
        ...

    def put_checkpoint(self, seq: int, note: str) -> None:
        """Keep a signed note about row `seq`, after those that are there, for the newest `CHECKPOINTS_KEPT` rows."""
        ...

    def checkpoints(self) -> list[str]:
        """Return the notes about each row, one text for a row, the oldest row first."""
        ...

    def last_checkpoint(self) -> str | None:
        """Return the notes about the newest row; None without any."""
        ...

    def note_ingested(self, namespace: str, decision_id: str, seq: int) -> bool:
        """Note that a decision made elsewhere is row `seq`; False if it is logged already."""
        ...


class Store(Keys, Workers, Bans, Changes, Policies, Tables, Protocol):
    """A hall's store; safe to use from several threads, and from several processes if it outlives one."""

    path: str

    @property
    def note(self) -> str | None:
        """What is wrong with it, in a sentence."""
        ...

    @property
    def log(self) -> Log:
        """The decision log."""
        ...

    @property
    def halls(self) -> Halls:
        """The halls that live on it."""
        ...

    def state(self) -> State:
        """Return what a decision needs, including everything that any process committed before this call.

        If it can `listen`, another process's change may be missing for some milliseconds; `Log.decide` misses none.
        """
        ...

    async def state_beside(self) -> State:
        """As `state`, but let the event loop go on meanwhile."""
        ...

    async def know_beside(self, worker_id: str) -> None:
        """Make sure, while the event loop goes on, that a state need not read this worker first."""
        ...

    def listen(self, heard: Callable[[], object] = lambda: None) -> None:
        """From now on, hear of changes by other processes without asking for them, if the store can do that.

        Args:
            heard: called in any thread when something may have changed, so that it need not wait for the next look.
        """
        ...

    def write(self) -> AbstractContextManager[None]:
        """One transaction: all changes inside or none, even with `kill -9`.

        Raises:
            StoreError: another process holds the store for too long (`StoreBusy`), or the disk is full.
        """
        ...

    def not_waiting(self) -> AbstractContextManager[None]:
        """Raise `StoreBusy` inside at once, instead of waiting, if another process holds the whole store to write."""
        ...

    def serve(self) -> None:
        """From now on, an event loop uses this store: nothing on its own connection waits for long.

        Raises:
            StoreError: the store is lost.
        """
        ...

    async def change_beside(self, change: Callable[["Store"], T]) -> T:
        """Call `change` with this store, or the same one in another thread, and let the event loop go on if it has to
        wait. Its one transaction comes first, as it is called again if another process held the store.

        Raises:
            StoreError: as `write`.
        """
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """Make all reads inside show the same instant, even if another process writes meanwhile."""
        ...

    def setting(self, name: str) -> str | None:
        """Return a setting of the store."""
        ...

    def set_setting(self, name: str, value: str) -> None:
        """Set a setting of the store."""
        ...

    def now(self) -> str:
        """Return this instant as ISO 8601 in UTC."""
        ...

    def beside(self) -> "Store":
        """Return the same store with its own connection, to read in another thread; or itself, if only one connection
        is possible. Closing this store closes it too."""
        ...

    def checkpoint(self) -> None:
        """Keep the store small and fast; call it from any thread, because it waits for the disk."""
        ...

    def close(self) -> None:
        """Close it."""
        ...
