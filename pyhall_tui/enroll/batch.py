"""Runs a batch: each worker is enrolled at most once, whenever the program is killed and started again.

Before a send the journal has the row as `SENDING`, on disk; after it what came. So a row that is found `SENDING` was
perhaps sent: its outcome is unknown. It is looked up where the batch gives the worker's id; else the operator
decides, for no operation of the registry tells by a name or a hash whether a worker is enrolled.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.enroll.off_loop import off_loop
from pyhall_tui.enroll.request import body_of
from pyhall_tui.enroll.rows import BatchRow
from pyhall_tui.journal.drafts import Drafts
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import EnrollmentRow, EnrollmentState, NotKept
from pyhall_tui.profiles.profile import Profile
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

T = TypeVar("T")

UNREACHED_IN_A_ROW = 3
"""Sends in a row that did not reach the registry, after which the run stops: the rest would fare no better."""
PAUSE_WHEN_UNREACHED = 1.0
"""Seconds until a row that did not reach the registry is tried again."""
_MOST_ROWS = 1_000_000


class State(StrEnum):
    """How far one row is."""

    WRONG = "wrong"
    """A check fails: it is not sent."""
    READY = "ready"
    SENDING = "sending"
    ENROLLED = "enrolled"
    REFUSED = "refused"
    """The registry said no: nothing was enrolled."""
    UNKNOWN = "unknown"
    """It was sent, and no answer is known."""


class Item(msgspec.Struct, kw_only=True):
    """One row and what came of it so far."""

    row: BatchRow
    state: State
    worker_id: str | None = None
    error: str = ""
    correlation_id: str = ""
    earlier: bool = False
    """It was enrolled in an earlier run."""
    at: float = 0.0
    """Wall time of the state; 0 for never sent."""


class Registry(Protocol):
    """What a batch needs of the client."""

    async def enroll(self, request: EnrollRequest, *, correlation_id: str | None = None) -> EnrollAnswer: ...
    async def verify(self, worker_id: str, *, retry: bool = True) -> Verdict: ...


class InTurn(Protocol):
    """Calls back with the client when the request budget allows another request; obeys a 429 for all."""

    async def __call__(self, call: Callable[[Registry], Awaitable[T]], /) -> T: ...


def batch_lock(drafts: Drafts) -> Path:
    """Return what is locked (`profiles.safe_file.locked`) while a batch of a profile is planned and runs.

    Two at once could each send the same row.
    """
    return drafts.folder / "batch"


def plan(rows: Iterable[BatchRow], profile: Profile, journal: Journal) -> list[Item]:
    """Return the rows with the states that the journal has of them, from whichever batch. Reads the disk."""
    known: dict[str, EnrollmentRow] = {}
    for kept in journal.enrollments(profile.name, limit=_MOST_ROWS):
        before = known.get(kept.row_key)
        if before is None or _WEIGHT[kept.state] >= _WEIGHT[before.state]:
            known[kept.row_key] = kept
    return [_item(row, known.get(row.key)) for row in rows]


_WEIGHT = {
    EnrollmentState.CHECKED: 0,
    EnrollmentState.REFUSED: 1,
    EnrollmentState.SENDING: 2,
    EnrollmentState.UNKNOWN: 2,
    EnrollmentState.ANSWERED: 3,
}
"""Of several batches' words on one worker the one that speaks most against another send counts."""


def _item(row: BatchRow, kept: EnrollmentRow | None) -> Item:
    if kept is not None and kept.state is EnrollmentState.ANSWERED:
        return Item(row=row, state=State.ENROLLED, worker_id=kept.worker_id, earlier=True, at=kept.at)
    if kept is not None and kept.state in (EnrollmentState.SENDING, EnrollmentState.UNKNOWN):
        error = kept.error or "It was being sent when the program ended."
        return Item(row=row, state=State.UNKNOWN, error=error, correlation_id=kept.correlation_id, at=kept.at)
    if row.mistakes:
        return Item(row=row, state=State.WRONG, error=" ".join(row.mistakes))
    return Item(row=row, state=State.READY)


def counts(items: Iterable[Item]) -> dict[State, int]:
    """Count the rows by state."""
    found = Counter(item.state for item in items)
    return {state: found[state] for state in State if found[state]}


class BatchRun:
    """One run over a planned batch. Belongs to the event loop it is used on, but for what `in_turn` calls back."""

    def __init__(
        self,
        items: Sequence[Item],
        *,
        batch: str,
        profile: Profile,
        journal: Journal,
        clock: Clock,
        in_turn: InTurn,
        on_change: Callable[[Item], None] = lambda item: None,
    ) -> None:
        """Make a run.

        Args:
            batch: what the journal calls it.
            on_change: told of each item whose state changed: on the loop of the run, or on that of `in_turn`.
        """
        self.items = items
        self.stopped_because = ""
        """A sentence, where the run ended before its end."""
        self._batch = batch
        self._profile = profile
        self._journal = journal
        self._clock = clock
        self._in_turn = in_turn
        self._on_change = on_change
        self._stopping = False
        self._unreached = 0

    def stop(self, because: str = "Stopped on demand.") -> None:
        """Send no more; what is in flight is waited for."""
        if not self._stopping:
            self._stopping, self.stopped_because = True, because

    async def decide(self, numbers: Collection[int], *, enrolled: bool) -> None:
        """Take the operator's word on rows of unknown outcome: they are enrolled, or are to be sent again.

        Raises:
            NotKept: the journal could not write it down.
        """
        for item in self.items:
            if item.row.number in numbers and item.state is State.UNKNOWN:
                state = EnrollmentState.ANSWERED if enrolled else EnrollmentState.CHECKED
                await self._write(item, state, error="The operator's word." if enrolled else "")
                # A row that fails its checks is not sent, whatever the operator says of its last send.
                again = State.WRONG if item.row.mistakes else State.READY
                self._set(item, State.ENROLLED if enrolled else again, error=" ".join(item.row.mistakes))

    async def look_up(self) -> None:
        """Verify the rows of unknown outcome whose worker id the batch gives; what the registry knows is enrolled."""
        for item in self.items:
            if item.state is State.UNKNOWN and item.row.worker_id and not self._stopping:
                await self._look_up(item, item.row.worker_id)

    async def _look_up(self, item: Item, worker_id: str) -> None:
        try:
            verdict = await self._in_turn(lambda client: client.verify(worker_id, retry=False))
        except RegistryError as error:
            self._set(item, State.UNKNOWN, error=f"{item.error} Looking it up failed: {error}")
            return
        same = verdict.sha256 == item.row.request.sha256
        if verdict.known and same and verdict.namespace in (None, item.row.request.namespace):
            await self._write(item, EnrollmentState.ANSWERED, worker_id=worker_id)
            self._set(item, State.ENROLLED, worker_id=worker_id)

    async def run(self) -> None:
        """Send what is ready, as fast as the budget allows, until the end or a stop; before and after it, look up
        what is unknown."""
        await self.look_up()
        waiting = iter([item for item in self.items if item.state is State.READY])

        async def work() -> None:
            for item in waiting:
                while item.state is State.READY and not self._stopping:
                    await self._enroll(item)

        await asyncio.gather(*(work() for _ in range(self._profile.requests_in_flight)))
        await self.look_up()

    async def _enroll(self, item: Item) -> None:
        """Send one row once, when its turn has come. After a 429 it is ready again."""
        correlation_id = new_correlation_id(self._profile.correlation_prefix)

        async def send(client: Registry) -> EnrollAnswer | None:
            if self._stopping:
                return None
            await self._write(item, EnrollmentState.SENDING)
            self._set(item, State.SENDING, correlation_id=correlation_id)
            return await client.enroll(item.row.request, correlation_id=correlation_id)

        item.correlation_id = correlation_id
        try:
            answer = await self._in_turn(send)
        except RegistryError as error:
            await self._failed(item, error)
        except NotKept as error:
            self._set(item, State.READY, error="")
            self.stop(str(error))
        except asyncio.CancelledError:
            if item.state is State.SENDING:
                self._note(item, EnrollmentState.UNKNOWN, error="It was dropped before an answer came.")
            raise
        else:
            if answer is not None:
                self._unreached = 0
                await self._record(item, EnrollmentState.ANSWERED, worker_id=answer.worker_id, exchange=answer.exchange)
                self._set(item, State.ENROLLED, worker_id=answer.worker_id)

    async def _failed(self, item: Item, error: RegistryError) -> None:
        if error.may_have_reached:
            self._unreached = 0
            await self._record(item, EnrollmentState.UNKNOWN, error=str(error), exchange=error.exchange)
            self._set(item, State.UNKNOWN, error=str(error))
        elif isinstance(error, RateLimited):
            await self._record(item, EnrollmentState.CHECKED)
            self._set(item, State.READY, error="")
        elif isinstance(error, StatusError | Redirected):
            self._unreached = 0
            await self._record(item, EnrollmentState.REFUSED, error=str(error), exchange=error.exchange)
            self._set(item, State.REFUSED, error=str(error))
            if isinstance(error, Unauthorized | Forbidden | Redirected):
                self.stop(f"{error} {error.advice}")
        else:
            await self._not_reached(item, error)

    async def _not_reached(self, item: Item, error: RegistryError) -> None:
        self._unreached += 1
        await self._record(item, EnrollmentState.CHECKED, error=str(error))
        self._set(item, State.READY, error=str(error))
        if self._unreached >= UNREACHED_IN_A_ROW or isinstance(error, NotSent):
            self.stop(f"{error} {error.advice}")
        else:
            await self._clock.sleep(PAUSE_WHEN_UNREACHED)

    def _set(
        self, item: Item, state: State, *, worker_id: str | None = None, error: str = "", correlation_id: str = ""
    ) -> None:
        item.state, item.error, item.at = state, error, self._clock.now().wall
        item.worker_id = worker_id or item.worker_id
        item.correlation_id = correlation_id or item.correlation_id
        self._on_change(item)

    async def _write(self, item: Item, state: EnrollmentState, **told: str | None) -> None:
        """Wait until it is on disk. Raises `NotKept`."""
        row = self._journal_row(item, state, told)
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
        """Write down what came of a send, at once. Where the disk fails now, the row reads as unknown next time."""
        answer = exchange.response_body.decode("utf-8", "replace") if exchange is not None else None
        with contextlib.suppress(NotKept):
            await self._write(item, state, worker_id=worker_id, error=error, answer=answer)

    def _note(self, item: Item, state: EnrollmentState, **told: str | None) -> None:
        """Write it down soon, without waiting."""
        self._journal.record_enrollment(self._profile.name, self._journal_row(item, state, told))

    def _journal_row(self, item: Item, state: EnrollmentState, told: Mapping[str, str | None]) -> EnrollmentRow:
        row = EnrollmentRow(
            batch=self._batch,
            row_key=item.row.key,
            state=state,
            at=self._clock.now().wall,
            request=body_of(item.row.request).decode(),
            correlation_id=item.correlation_id,
        )
        return msgspec.structs.replace(row, **told)
