"""The witness of a hall's decision log: who owns the hall's machine can't reach what this program has seen of it.

The journal keeps the log's newest row. From then on, the hall must show that row in its log: a log that was cut,
rewritten, restored from a backup or exchanged no longer has it. What the hall says is believed here; a copy of its
store is proven with `pyhall-tui hall audit verify --head SEQ:HASH`.
"""

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from pyhall_tui.alarms.alarm import Alarm, Condition
from pyhall_tui.asking_again import ask_again
from pyhall_tui.clock import Clock
from pyhall_tui.connection import Connection
from pyhall_tui.fleet.events import Event, Kind
from pyhall_tui.fleet.transitions import make_event
from pyhall_tui.journal.log_marks import LogMark, LogMarks
from pyhall_tui.monitor.connection_state import Reachability
from pyhall_tui.profile_alarms import ProfileAlarms
from pyhall_tui.registry.errors import (
    BadRequest,
    NotARegistrysAnswer,
    NotFound,
    Redirected,
    RegistryError,
    UnexpectedStatus,
)
from pyhall_tui.registry.hall_log import HallLog, hall_log
from pyhall_tui.registry.log_checkpoint import read_checkpoint
from pyhall_tui.render.text import iso_time
from pyhall_tui.threads.off_loop import off_loop

_GONE: Final = 3
"""So often in a row a hall must answer that it shows no log, before that is an alarm: a proxy may do so once."""
NO_LOG: Final = (NotFound, UnexpectedStatus, BadRequest, NotARegistrysAnswer, Redirected)
"""Answers of a registry that has no such operation."""
_PATIENCE: Final = 60.0
"""Seconds for which a hall may fail to show its log, while it answers everything else."""
_UNSEEN: Final = "Until it can, nobody notices if the log is rewritten"
_CONDITIONS: Final = (Condition.LOG_REWRITTEN, Condition.LOG_REPLACED)


class Finding(NamedTuple):
    """What is wrong with a log: the kind of event, and a sentence."""

    kind: Kind
    why: str


def judge(mark: LogMark, log: HallLog) -> Finding | None:
    """Compare a log with what was seen of it; it was asked for the mark's row. None: it is that log, and longer."""
    there = log.seen.entry_hash if log.seen.seq == mark.seq else None
    if log.log_id != mark.log_id:
        if there == mark.entry_hash and mark.seq and _goes_on(mark, log):
            return None  # the same decisions in another store: an export and import
        why = f"log {log.log_id} has {_rows(log.seq)}. {_seen(mark)} in log {mark.log_id}"
        return Finding(Kind.LOG_REPLACED, why)
    if log.seq < mark.seq:
        why = f"it ends with row {log.seq:,}. {_seen(mark)}: later decisions are missing, as after restoring a backup"
        return Finding(Kind.LOG_REWRITTEN, why)
    if there is None and log.anchor > mark.seq:
        return Finding(Kind.LOG_UNPROVEN, f"retention has removed its rows up to {log.anchor:,}. {_seen(mark)}")
    if there != mark.entry_hash or not _goes_on(mark, log):
        what = "is missing" if there is None else "is another one"
        return Finding(Kind.LOG_REWRITTEN, f"row {mark.seq:,} {what}. {_seen(mark)}: the log was written again")
    return _judge_signature(mark, log)


def _goes_on(mark: LogMark, log: HallLog) -> bool:
    """Whether the log's head can come after the row that was seen, or is that row."""
    return log.seq > mark.seq or (log.seq == mark.seq and log.entry_hash == mark.entry_hash)


def _judge_signature(mark: LogMark, log: HallLog) -> Finding | None:
    if mark.public_key and log.public_key and log.public_key != mark.public_key:
        why = f"it is signed by the key {log.public_key}. Before, it was signed by {mark.public_key}"
        return Finding(Kind.LOG_REWRITTEN, why)
    signed = read_checkpoint(log.checkpoint or "", log.public_key or "")
    if signed is None:
        return None
    if not signed.is_genuine:
        return Finding(Kind.LOG_REWRITTEN, f"its checkpoint is not signed by its key {log.public_key}")
    if signed.seq > log.seq:
        return Finding(Kind.LOG_REWRITTEN, f"it ends with row {log.seq:,}, but row {signed.seq:,} was signed")
    if any(signed.seq == seq and signed.entry_hash != entry for seq, entry in (mark[1:3], (log.seq, log.entry_hash))):
        return Finding(Kind.LOG_REWRITTEN, f"row {signed.seq:,} is not the one that was signed")
    return None


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _seen(mark: LogMark) -> str:
    return f"Row {mark.seq:,} ({mark.entry_hash[:16]}…) was seen at {iso_time(mark.at)}"


class LogWitness:
    """Follows one profile's log. Belongs to the UI's thread."""

    def __init__(
        self,
        connection: Connection,
        marks: LogMarks,
        alarms: ProfileAlarms,
        clock: Clock,
    ) -> None:
        """Ask nothing yet."""
        self._connection, self._marks, self._alarms, self._clock = connection, marks, alarms.alarms, clock
        self._gone = 0
        """How often in a row the registry has answered that it shows no log."""
        self._failing_since: float | None = None
        """Since when on the monotonic clock it does not show the log, although it answers everything else."""
        self._was_seen = False
        self._trouble: str | None = None
        alarms.log_trouble = self.trouble

    def trouble(self) -> str | None:
        """Why nobody would notice now that the log was rewritten, as a sentence; None if that is not so."""
        return self._trouble if self._connection.watcher is None else None

    async def follow(self) -> None:
        """Look again and again, until cancelled. Beside a program that watches, that one does."""
        await ask_again(self._connection, self._clock, self._look, "the log")

    @property
    def _registry(self) -> str:
        return self._connection.profile.registry_url

    async def _look(self) -> bool:
        """Compare the log with what was seen of it; False if there is none to look at."""
        try:
            has_log = await self._compare()
        except sqlite3.Error as error:
            self._trouble = f"What was seen of this hall's decision log can't be kept: {error}. {_UNSEEN}"
            raise
        except RegistryError as error:
            self._is_failing(error)
            raise
        self._trouble = self._failing_since = None
        return has_log

    def _is_failing(self, error: RegistryError) -> None:
        """Say so if it fails for long, and only this does: otherwise, the connection's own state says it."""
        now = self._clock.now().mono
        if self._connection.state.reach is not Reachability.LIVE:
            self._failing_since = None
            return
        self._failing_since = now if self._failing_since is None else self._failing_since
        if now - self._failing_since >= _PATIENCE and self._was_seen:
            self._trouble = f"This hall's decision log can't be read: {error} {_UNSEEN}"

    async def _compare(self) -> bool:
        registry = self._registry
        mark = await self._read(self._marks.at_registry, registry)
        self._was_seen = mark is not None
        try:
            log = await self._ask(mark)
        except NO_LOG:
            return await self._is_gone(registry, mark)
        self._gone = 0
        if mark is None and (known := await self._read(self._marks.of_log, log.log_id)) is not None:
            mark, log = known, await self._ask(known)
        if registry == self._registry:
            await self._take(registry, mark, log, judge(mark, log) if mark else _judge_signature(_nothing(log), log))
        return True

    async def _ask(self, mark: LogMark | None) -> HallLog:
        return await self._connection.ask_in_turn(partial(hall_log, seen=mark.seq if mark else 0))

    async def _read(self, question: Callable[[str], LogMark | None], about: str) -> LogMark | None:
        return await off_loop(partial(question, about), name="log witness")

    async def _is_gone(self, registry: str, mark: LogMark | None) -> bool:
        if mark is None:
            await self._take(registry, None, None, None)  # an alarm about the registry before may be acknowledged
            return any(map(self._firing, _CONDITIONS))
        self._gone += 1
        if self._gone >= _GONE:
            why = f"it is not shown any more. {_seen(mark)}"
            await self._take(registry, mark, None, Finding(Kind.LOG_REWRITTEN, why))
        return True

    async def _take(self, registry: str, mark: LogMark | None, log: HallLog | None, found: Finding | None) -> None:
        stands = [alarm for alarm in map(self._firing, _CONDITIONS) if alarm is not None]
        if stands and all(alarm.is_acknowledged for alarm in stands):
            await self._accept(registry, mark, log, stands)
        elif found is None or found.kind is Kind.LOG_UNPROVEN:
            if log is not None and not stands:
                await self._keep(registry, mark, log)
            if found is not None and not stands:
                self._record(found)
        elif not any(alarm.condition.value == found.kind.value for alarm in stands):
            self._record(found)

    def _firing(self, condition: Condition) -> Alarm | None:
        return self._alarms.book.firing("").get(condition)

    def _record(self, found: Finding) -> None:
        self._alarms.record([self._event(found.kind, found.why)])

    def _event(self, kind: Kind, why: str) -> Event:
        return make_event(kind, self._clock.now().wall, None, "", "", source="client", detail=why)

    async def _keep(self, registry: str, mark: LogMark | None, log: HallLog) -> None:
        new = _mark_of(log, self._clock.now().wall, mark)
        if mark is None or new[:3] != mark[:3] or new.public_key != mark.public_key:
            await off_loop(partial(self._marks.put, registry, new), name="log witness")

    async def _accept(self, registry: str, mark: LogMark | None, log: HallLog | None, stands: list[Alarm]) -> None:
        """From now on, the log counts as it is: somebody has seen the alarm."""
        if log is None:
            await off_loop(partial(self._marks.forget, registry), name="log witness")
        else:
            new = _mark_of(log, self._clock.now().wall, None)
            await off_loop(partial(self._marks.put, registry, new, anyway=True), name="log witness")
        self._gone = 0
        by = stands[-1].acknowledged_by
        self._alarms.record([self._event(Kind.LOG_ACCEPTED, f"acknowledged by {by}" if by else "acknowledged")])


def _nothing(log: HallLog) -> LogMark:
    return LogMark(log.log_id, log.seq, log.entry_hash, 0.0)


def _mark_of(log: HallLog, at: float, before: LogMark | None) -> LogMark:
    """Return the mark of a log; a key that signed it stays known if the hall is started without."""
    key = log.public_key or (before.public_key if before else "")
    return LogMark(log.log_id, log.seq, log.entry_hash, at, key)
