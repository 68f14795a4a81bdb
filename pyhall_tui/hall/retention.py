"""How much of the decision log is kept: all of it, unless you ask for less.

A removal is first recorded in the log, as a row of its chain. Then the rows are removed in small pieces, each with the
anchor from which the rest is whole. A hall that is killed midway continues when it is asked to again.

Age is counted from the log's own newest decision, never from the machine's clock. While that clock and the log
disagree, nothing is removed by age.
"""

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.hall import audit
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store import Store, iso

_log = logging.getLogger(__name__)
_DAY = 86_400.0  # seconds
_PIECE = 100  # rows removed in one transaction: about 5 ms
_SCAN = 2_000  # rows whose age is checked at a time: about 5 ms
_PAUSE = 0.02  # seconds between two pieces, during which requests are answered
_LOOK = 60.0  # seconds between two checks whether it is time
_EVERY = 1_000  # decisions until it is time again
_CHECKPOINT_EVERY = 100  # pieces
_WORTH_AN_END = 10_000  # from this many rows on, the end of the removal is logged too

_DAYS_OF_USE = 7
"""After a gap, the log's time counts only once decisions were made on this many days."""
_GAP = 4 * _DAY
"""A gap longer than a long weekend may mean a wrong clock."""
_AHEAD = 1 * _DAY
"""How far ahead of the clock the log may be."""


class Retention(msgspec.Struct, frozen=True):
    """What is kept: the last `rows` decisions (None: any number), none older than `days` (0: any age)."""

    rows: int | None = None
    days: float = 0.0

    def __str__(self) -> str:
        decisions = "1 decision is" if self.rows == 1 else f"{self.rows or 0:,} decisions are"
        count = "" if self.rows is None else f"the last {decisions} kept (--keep-decisions)"
        age = f"none older than {self.days:g} day{'s' * (self.days != 1)} is kept (--keep-days)" if self.days else ""
        return " and ".join(part for part in (count, age) if part)


class Doubt(StoreError):
    """Nothing is removed by age, because the time is in doubt; the message says why."""


class TakingOut:
    """One run over the log; `gone` counts the removed decisions, `doubt` says why none is removed by age."""

    def __init__(self, store: Store, keep: Retention) -> None:
        self.gone = 0
        self.doubt: Doubt | None = None
        self.announced: str | None = None
        self._store, self._keep = store, keep
        self._beyond = 0
        """The last row that is beyond what is kept."""

    @property
    def remainder(self) -> str | None:
        """Why rows beyond what is kept are still there after the last step, and when they go; None: there are none."""
        first = self._store.log.anchor().seq + 1
        if self._beyond < first:
            return None
        end, keep = self._store.log.removed_with(first), self._keep
        when = [
            "" if keep.rows is None else f"row {end + keep.rows:,} is written",
            f"row {end:,} is {keep.days:g} day{'s' * (keep.days != 1)} older than the newest one" if keep.days else "",
        ]
        rows = f"row {first:,} stays" if first == self._beyond else f"rows {first:,} to {self._beyond:,} stay"
        return (
            f"{rows} for now: this store removes rows in large pieces, and the next one ends with row {end:,}. "
            f"It goes as soon as {' or '.join(filter(None, when))}."
        )

    def steps(self) -> Iterator[None]:
        """Do a small piece of the work before each yield.

        Raises:
            StoreError: it can't be written, or the rows are not whole. In that case they stay, as evidence.
        """
        last = _last_beyond(self._store, self._keep.rows)
        if self._keep.days:
            try:
                reference = age_reference(self._store, self._keep.days)
                since = iso(max(0.0, reference - self._keep.days * _DAY))  # a number of any size, or nan
            except Doubt as error:
                self.doubt = error
            else:
                for older in _last_older(self._store, since):
                    last = max(last, older)
                    yield
        self._beyond = last
        last = self._store.log.removable(last)
        if last <= self._store.log.anchor().seq:
            return
        self._announce(last)
        yield
        while (taken := self._store.log.take_out(last, _PIECE)) is not None:
            self.gone += taken
            yield

    def _announce(self, last: int) -> None:
        """Record in the log what is about to be removed, unless an earlier run has."""
        store = self._store
        with store.write():
            start = store.log.anchor().seq
            before = audit.last_removal(store)
            if before is not None and before.last >= start:
                start, recorded = before.last, before.recorded_from
            else:
                recorded = start + 1  # the rows before it are missing without an explanation
            if last > start:
                removal = audit.Removal(
                    at=store.now(),
                    first=start + 1,
                    last=last,
                    last_hash=audit.hash_of(store, last),
                    reason=f"only {self._keep}" if self._keep.rows is not None else str(self._keep),
                    recorded_from=recorded,
                )
                audit.append_removal(store, removal)
        begin = store.log.anchor().seq + 1
        self.announced = f"rows {begin:,} to {last:,} are being removed from the decision log: {self._keep}"


def prune(store: Store, keep: Retention) -> int:
    """Remove everything beyond `keep` and return how many decisions that were. Raises as `take_out`."""
    return take_out(store, keep).gone


def take_out(store: Store, keep: Retention) -> TakingOut:
    """Remove everything beyond `keep`, and return what was done.

    Raises:
        Doubt: the time is in doubt, so nothing is removed at all.
        StoreError: as `TakingOut.steps`.
    """
    if keep.days:
        age_reference(store, keep.days)
    store.checkpoint()
    work = TakingOut(store, keep)
    for _ in work.steps():
        pass
    return work


async def keep_short(store: Store, keep: Retention, clock: Clock) -> None:
    """Remove what is beyond `keep` while the hall is served: now, then every thousand decisions and every day.

    The program's log says what it does, or why it does nothing.
    """
    if keep == Retention():
        return
    said: str | None = None
    done_at, done_on = -1, ""
    while True:
        try:
            end, today = store.log.head().seq, store.now()[:10]
            if end >= done_at + _EVERY or today != done_on or done_at < 0:
                await asyncio.get_running_loop().run_in_executor(None, store.checkpoint)
                doubt = await _run(TakingOut(store, keep), store, clock)
                done_at, done_on = end, today
                if doubt and doubt != said:
                    _log.warning("%s", doubt)
                said = doubt
        except StoreError as error:
            if str(error) != said:
                _log.warning("old decisions stay in the log: %s", error)
            said = str(error)
        await clock.sleep(_LOOK)


async def _run(work: TakingOut, store: Store, clock: Clock) -> str | None:
    told = False
    for number, _ in enumerate(work.steps(), 1):
        if work.announced and not told:
            _log.warning("%s", work.announced)
            told = True
        if number % _CHECKPOINT_EVERY == 0:
            await asyncio.get_running_loop().run_in_executor(None, store.checkpoint)
        await clock.sleep(_PAUSE)
    if work.gone >= _WORTH_AN_END:
        _log.warning("removed from the decision log: %s decisions", f"{work.gone:,}")
    return str(work.doubt) if work.doubt else None


def _last_beyond(store: Store, rows: int | None) -> int:
    """Return the number of the last row to remove if `rows` decisions stay; rows about removals don't count."""
    if rows is None:
        return 0
    last = store.log.head().seq - rows
    for seq in store.log.removals():
        if seq < last:
            break
        last -= 1
    return last


def _last_older(store: Store, since: str) -> Iterator[int]:
    """Yield, piece by piece, the number of a row up to which all rows are older than `since` (ISO 8601)."""
    start, end = store.log.anchor().seq, store.log.head().seq
    while start < end:
        upto = min(end, start + _SCAN)
        if young := store.log.first_since(start, upto, since):
            yield young - 1
            return
        yield upto
        start = upto


def age_reference(store: Store, days: float) -> float:
    """Return the time (seconds since the epoch) from which age is counted: the newest decision's, if it can be trusted.

    The time after a gap in the log counts once decisions were made on `_DAYS_OF_USE` days since. Until then, a gap that
    is large compared with `days` sets the time back to before the gap, and one longer than `_GAP` raises `Doubt`.

    Raises:
        Doubt: the machine's clock and the log, or the log's own times, are too far apart.
    """
    now = datetime.fromisoformat(store.now()).timestamp()
    later, reference = now, now
    for number, (oldest, newest) in zip(range(_DAYS_OF_USE + 1), _days_of_use(store), strict=False):
        if number == 0:
            reference = min(now, newest)
            if newest - now > _AHEAD:
                raise _doubt(f"the newest decision is of {iso(newest)}, which is in the future by this machine's clock")
        gap = later - newest
        if gap > _GAP:
            between = "this machine's clock" if number == 0 else "the next decision"
            raise _doubt(
                f"{gap / _DAY:,.0f} days lie between the decision of {iso(newest)} and {between}, {iso(later)}"
            )
        if gap > max(_DAY, days * _DAY / 10):
            reference = newest
        later = oldest
    return reference


def _doubt(what: str) -> Doubt:
    return Doubt(
        f"no decision is removed by age: {what}. Set the clock if it is wrong; if it is right, age counts again "
        f"once decisions were made on {_DAYS_OF_USE} days. --keep-decisions does not depend on the time."
    )


def _days_of_use(store: Store) -> Iterator[tuple[float, float]]:
    """Yield the oldest and newest time of each day (UTC) with decisions, newest day first."""
    before = "~"  # comes after every date
    while newest := store.log.newest_time(before):
        before = newest[:10]
        oldest = store.log.oldest_time(before) or newest
        yield _seconds(oldest), _seconds(newest)


def _seconds(at: str) -> float:
    try:
        stated = datetime.fromisoformat(at)
    except ValueError:
        raise Doubt(f"no decision is removed by age: one of the log's times can't be read: {at}") from None
    return stated.replace(tzinfo=stated.tzinfo or UTC).timestamp()
