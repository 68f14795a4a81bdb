"""Runs a batch: each worker is enrolled at most once, however often the program is killed and restarted.

Before sending, the journal has the row as `SENDING`, on disk; afterwards it has the result. So a row that is found as
`SENDING` may have been sent: its outcome is unknown. If the batch gives the worker's id, the row is looked up;
otherwise the operator decides, because the registry can't find an enrolled worker by its name or hash.
"""

import asyncio
import contextlib
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.enroll.batch_rows import BatchRow
from pyhall_tui.enroll.last_run import LastRun
from pyhall_tui.enroll.request import FORM, body_of
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import EnrollmentRow, EnrollmentState, NotKept
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import spellings
from pyhall_tui.registry.correlation import new_correlation_id
from pyhall_tui.registry.errors import (
    Forbidden,
    NotSent,
    RateLimited,
    Redirected,
    RegistryError,
    StatusError,
    Unauthorized,
)
from pyhall_tui.registry.models import EnrollAnswer, EnrollRequest, Exchange, Verdict
from pyhall_tui.threads.off_loop import off_loop

T = TypeVar("T")

UNREACHED_IN_A_ROW = 3
"""After this many sends in a row that did not reach the registry, the run stops: the rest would fail too."""
PATIENCE = 600.0
"""Seconds for which a registry may answer 429 to everything before the run stops."""
_LIMITED_WITHOUT_WORD = 5.0
"""Seconds until the next attempt after a 429 that does not say how long: what `in_turn` waits then."""
PAUSE_WHEN_UNREACHED = 1.0
"""Seconds until a row that did not reach the registry is sent again."""


class RowState(StrEnum):
    """The state of one row."""

    WRONG = "wrong"
    """A check failed, so it is not sent."""
    READY = "ready"
    SENDING = "sending"
    ENROLLED = "enrolled"
    REFUSED = "refused"
    """The registry refused: nothing was enrolled."""
    UNKNOWN = "unknown"
    """It was sent, and its answer is unknown."""


class Item(msgspec.Struct, kw_only=True):
    """One row and its result so far."""

    row: BatchRow
    state: RowState
    worker_id: str | None = None
    error: str = ""
    correlation_id: str = ""
    earlier: bool = False
    """It was enrolled in an earlier run."""
    at: float = 0.0
    """Wall time of the state; 0 if it was never sent."""


class EnrollingRegistry(Protocol):
    """What a batch needs from the client."""

    async def enroll(self, request: EnrollRequest, *, correlation_id: str | None = None) -> EnrollAnswer: ...
    async def verify(self, worker_id: str, *, retry: bool = True) -> Verdict: ...


class InTurn(Protocol):
    """Calls back with the client when the rate limit allows another request; obeys a 429 for all."""

    async def __call__(self, call: Callable[[EnrollingRegistry], Awaitable[T]], /) -> T: ...


def batch_lock(drafts: Drafts, profile: Profile) -> Path:
    """Return the path to lock (`files.safe_file.locked`) while a batch for a namespace is planned and running.

    Two batches at once could both send the same row, even from two profiles with the same registry.
    """
    where = f"{spellings(profile.registry_url)[0]} {profile.namespace}"
    return drafts.folder.parent / f"batch-{hashlib.sha256(where.encode()).hexdigest()[:12]}"


def plan(rows: Iterable[BatchRow], journal: Journal | None) -> list[Item]:
    """Return the rows with their states in the journal, from any batch and profile. Reads the disk.

    Without a journal nothing is known about earlier runs: that is for looking at the rows, never for sending.

    Raises:
        NotKept: the journal can't vouch for what was sent before.
    """
    known: dict[str, EnrollmentRow] = {}
    for kept in journal.earlier_sends(FORM) if journal else ():
        before = known.get(kept.row_key)
        if before is None or _WEIGHT[kept.state] >= _WEIGHT[before.state]:
            known[kept.row_key] = kept
    return [_item(row, _weightiest(known, (row.key, row.twin, *row.aliases))) for row in rows]


def lost_memory(items: Iterable[Item], journal: Journal, last_run: LastRun) -> str:
    """Return why rows that look ready may be enrolled: a journal was set aside, deleted or restored. May be empty."""
    ready = sum(item.state is RowState.READY for item in items)
    if not ready:
        return ""
    doubt = last_run.doubt()
    if journal.set_aside:
        doubt = f"A journal was damaged and set aside as {', '.join(map(str, journal.set_aside))}."
    if not doubt:
        return ""
    return f"{doubt} What it knew of earlier batches is lost: rows that look ready ({ready:,}) may be enrolled already."


_WEIGHT = {
    EnrollmentState.CHECKED: 0,
    EnrollmentState.REFUSED: 1,
    EnrollmentState.SENDING: 2,
    EnrollmentState.UNKNOWN: 2,
    EnrollmentState.ANSWERED: 3,
}
"""If several batches disagree about one worker, the state that argues most against sending again counts."""


def _weightiest(known: Mapping[str, EnrollmentRow], keys: Iterable[str]) -> EnrollmentRow | None:
    return max((known[key] for key in keys if key in known), key=lambda row: _WEIGHT[row.state], default=None)


def _item(row: BatchRow, kept: EnrollmentRow | None) -> Item:
    if kept is not None and kept.state is EnrollmentState.ANSWERED:
        return Item(row=row, state=RowState.ENROLLED, worker_id=kept.worker_id, earlier=True, at=kept.at)
    if kept is not None and kept.state in (EnrollmentState.SENDING, EnrollmentState.UNKNOWN):
        error = kept.error or "It was being sent when the program ended."
        return Item(row=row, state=RowState.UNKNOWN, error=error, correlation_id=kept.correlation_id, at=kept.at)
    if row.mistakes:
        return Item(row=row, state=RowState.WRONG, error=" ".join(row.mistakes))
    return Item(row=row, state=RowState.READY)


def counts(items: Iterable[Item]) -> dict[RowState, int]:
    """Count the rows by state."""
    found = Counter(item.state for item in items)
    return {state: found[state] for state in RowState if found[state]}


class BatchRun:
    """One run over a planned batch. Belongs to the event loop that uses it, except for the callbacks of `in_turn`."""

    def __init__(
        self,
        items: Sequence[Item],
        *,
        batch: str,
        profile: Profile,
        journal: Journal,
        clock: Clock,
        in_turn: InTurn,
        last_run: LastRun,
        on_change: Callable[[Item], None] = lambda item: None,
        on_limited: Callable[[float], None] = lambda seconds: None,
        patience: float = PATIENCE,
    ) -> None:
        """Make a run.

        Args:
            batch: its name in the journal.
            last_run: counts this run, to notice later if the journal has forgotten it.
            on_change: called for each item whose state changed, on the run's loop or on that of `in_turn`.
            on_limited: called after a 429 with the seconds until the next row is tried.
            patience: seconds for which the registry may answer 429 to everything before the run stops.
        """
        self.items = items
        self.stopped_because = ""
        """A sentence, if the run stopped early."""
        self._batch = batch
        self._profile = profile
        self._journal = journal
        self._clock = clock
        self._in_turn = in_turn
        self._last_run = last_run
        self._on_change = on_change
        self._on_limited = on_limited
        self._patience = patience
        self._stopping = False
        self._stopped = asyncio.Event()
        self._unreached = 0
        self._limited_since: float | None = None
        """Since when (monotonic) every answer has been a 429."""
        self._next_try = float("-inf")

    def stop(self, because: str = "Stopped at your request.") -> None:
        """Send no more, but wait for requests under way."""
        if not self._stopping:
            self._stopping, self.stopped_because = True, because
            self._stopped.set()

    async def decide(self, numbers: Collection[int], *, enrolled: bool) -> None:
        """Take the operator's word for rows of unknown outcome: they are enrolled, or are to be sent again.

        Raises:
            NotKept: the journal could not record it.
        """
        for item in self.items:
            if item.row.number in numbers and item.state is RowState.UNKNOWN:
                state = EnrollmentState.ANSWERED if enrolled else EnrollmentState.CHECKED
                await self._write(item, state, error="The operator's word." if enrolled else "")
                # A row that fails its checks is not sent, whatever the operator says about its last send.
                again = RowState.WRONG if item.row.mistakes else RowState.READY
                self._set(item, RowState.ENROLLED if enrolled else again, error=" ".join(item.row.mistakes))

    async def look_up(self) -> None:
        """Verify the rows of unknown outcome that have a worker id; the ones that the registry knows are enrolled."""
        for item in self.items:
            if item.state is RowState.UNKNOWN and item.row.worker_id and not self._stopping:
                await self._look_up(item, item.row.worker_id)

    async def _look_up(self, item: Item, worker_id: str) -> None:
        try:
            verdict = await self._unless_stopped(self._in_turn(lambda client: client.verify(worker_id, retry=False)))
        except RegistryError as error:
            if isinstance(error, RateLimited):
                self._limited(error)
            self._set(item, RowState.UNKNOWN, error=f"{item.error} Looking it up failed: {error}")
            return
        if verdict is None:
            return
        same = verdict.sha256 == item.row.request.sha256
        if verdict.known and same and verdict.namespace in (None, item.row.request.namespace):
            await self._write(item, EnrollmentState.ANSWERED, worker_id=worker_id)
            self._set(item, RowState.ENROLLED, worker_id=worker_id)

    async def run(self) -> None:
        """Send the ready rows as fast as the rate limit allows, until the end or a stop; before and after, look up
        unknown ones."""
        await self.look_up()
        waiting = iter([item for item in self.items if item.state is RowState.READY])

        async def work() -> None:
            for item in waiting:
                while item.state is RowState.READY and not self._stopping:
                    await self._enroll(item)

        if any(item.state is RowState.READY for item in self.items):
            await self._count_run()
            try:
                await asyncio.gather(*(work() for _ in range(self._profile.requests_in_flight)))
            finally:
                with contextlib.suppress(NotKept):
                    await self._count_run()
        await self.look_up()

    async def _count_run(self) -> None:
        await off_loop(partial(self._last_run.count, self._clock), name="batch")

    async def _enroll(self, item: Item) -> None:
        """Send one row once, in turn. After a 429 it is ready again."""
        item.correlation_id = correlation_id = new_correlation_id(self._profile.correlation_prefix)
        begun = asyncio.Event()

        async def send(client: EnrollingRegistry) -> EnrollAnswer | None:
            if self._stopping:
                return None
            begun.set()
            await self._write(item, EnrollmentState.SENDING)
            self._set(item, RowState.SENDING, correlation_id=correlation_id)
            return await client.enroll(item.row.request, correlation_id=correlation_id)

        try:
            answer = await self._unless_stopped(self._in_turn(send), begun)
        except RegistryError as error:
            await self._failed(item, error)
        except NotKept as error:
            self._set(item, RowState.READY, error="")
            self.stop(str(error))
        except asyncio.CancelledError:
            self._dropped(item)
            raise
        else:
            if answer is None:
                self._dropped(item)
            else:
                self._heard()
                await self._record(item, EnrollmentState.ANSWERED, worker_id=answer.worker_id, exchange=answer.exchange)
                self._set(item, RowState.ENROLLED, worker_id=answer.worker_id)

    async def _unless_stopped(self, turn: Awaitable[T], begun: asyncio.Event | None = None) -> T | None:
        """Wait for a turn and for what it does; None if the run is stopped before it starts."""
        waiting = asyncio.ensure_future(turn)
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait((waiting, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done() and not (begun and begun.is_set()):
                return None
            return await waiting
        finally:
            stopped.cancel()
            waiting.cancel()  # does nothing if it has finished

    def _dropped(self, item: Item) -> None:
        if item.state is RowState.SENDING:
            error = "It was abandoned before an answer came."
            self._note(item, EnrollmentState.UNKNOWN, error=error)
            self._set(item, RowState.UNKNOWN, error=error)

    def _heard(self) -> None:
        """Note that the registry answered, and not with a 429."""
        self._unreached, self._limited_since = 0, None

    def _limited(self, error: RateLimited) -> None:
        """Report when the run resumes after a 429, or stop if this has lasted too long."""
        now, pause = self._clock.now().mono, error.retry_after or _LIMITED_WITHOUT_WORD
        if self._limited_since is None:
            self._limited_since = now
        if now + pause - self._limited_since > self._patience:
            self.stop(
                f"The registry kept answering 429 (too many requests); the next try, in {pause:,.0f} s, would be "
                f"after more than {self._patience / 60:,.3g} min of it."
            )
        elif now + pause > self._next_try + 1.0:  # several that were in flight together are reported once
            self._next_try = now + pause
            self._on_limited(pause)

    async def _failed(self, item: Item, error: RegistryError) -> None:
        if error.may_have_reached:
            self._heard()
            await self._record(item, EnrollmentState.UNKNOWN, error=str(error), exchange=error.exchange)
            self._set(item, RowState.UNKNOWN, error=str(error))
        elif isinstance(error, RateLimited):
            await self._record(item, EnrollmentState.CHECKED)
            self._set(item, RowState.READY, error="")
            self._limited(error)
        elif isinstance(error, StatusError | Redirected):
            self._heard()
            await self._record(item, EnrollmentState.REFUSED, error=str(error), exchange=error.exchange)
            self._set(item, RowState.REFUSED, error=str(error))
            if isinstance(error, Unauthorized | Forbidden | Redirected):
                self.stop(f"{error} {error.advice}")
        else:
            await self._not_reached(item, error)

    async def _not_reached(self, item: Item, error: RegistryError) -> None:
        self._unreached += 1
        await self._record(item, EnrollmentState.CHECKED, error=str(error))
        self._set(item, RowState.READY, error=str(error))
        if self._unreached >= UNREACHED_IN_A_ROW or isinstance(error, NotSent):
            self.stop(f"{error} {error.advice}")
        else:
            await self._clock.sleep(PAUSE_WHEN_UNREACHED)

    def _set(
        self, item: Item, state: RowState, *, worker_id: str | None = None, error: str = "", correlation_id: str = ""
    ) -> None:
        item.state, item.error, item.at = state, error, self._clock.now().wall
        item.worker_id = worker_id or item.worker_id
        item.correlation_id = correlation_id or item.correlation_id
        self._on_change(item)

    async def _write(self, item: Item, state: EnrollmentState, **told: str | None) -> None:
        """Record a state and wait until it is on disk. Raises `NotKept`."""
        *before, row = self._journal_rows(item, state, told)
        for each in before:  # written before or with the last
            self._journal.record_enrollment(self._profile.name, each)
        await off_loop(partial(self._journal.record_enrollment_now, self._profile.name, row), name="journal")

    async def _record(
        self,
        item: Item,
        state: EnrollmentState,
        *,
        worker_id: str | None = None,
        error: str = "",
        exchange: Exchange | None = None,
    ) -> None:
        """Record the result of a send at once. If the disk fails now, the row counts as unknown next time."""
        answer = exchange.response_body.decode("utf-8", "replace") if exchange is not None else None
        with contextlib.suppress(NotKept):
            await self._write(item, state, worker_id=worker_id, error=error, answer=answer)

    def _note(self, item: Item, state: EnrollmentState, **told: str | None) -> None:
        """Record a state soon, without waiting."""
        for each in self._journal_rows(item, state, told):
            self._journal.record_enrollment(self._profile.name, each)

    def _journal_rows(self, item: Item, state: EnrollmentState, told: Mapping[str, str | None]) -> list[EnrollmentRow]:
        """Return the journal's rows for an item: one more under its hash, if its own key is a package's path."""
        row = EnrollmentRow(
            batch=self._batch,
            row_key=item.row.key,
            state=state,
            at=self._clock.now().wall,
            request=body_of(item.row.request).decode(),
            correlation_id=item.correlation_id,
        )
        keys = dict.fromkeys((item.row.twin, item.row.key))
        return [msgspec.structs.replace(row, row_key=key, **told) for key in keys]
