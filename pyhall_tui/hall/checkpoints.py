"""Signed checkpoints of the decision log.

The log's chain has no secret, so whoever can write the store can write all of the log again. A checkpoint is the log's
head signed with a key that is kept outside the store: the log must contain that row for ever.
"""

import asyncio
import base64
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from pyhall_tui.clock import Clock
from pyhall_tui.hall import audit
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.signed_note import NoteMistake, PublicKey, SigningKey, opened
from pyhall_tui.hall.signers import newest_stated, notes_in, require_signer
from pyhall_tui.hall.store import Store
from pyhall_tui.hall.store.chain import GENESIS, Mark

EVERY: Final = 60.0
"""Seconds between two checkpoints, if the log has grown …"""
EVERY_ROWS: Final = 1_000
"""… and rows after which there is one earlier."""
_LOOK: Final = 1.0  # seconds between two looks at the head
_LATE: Final = 3.0  # times `EVERY` that the rows after the last checkpoint may be old
_LAST_WORD: Final = 2.0  # seconds to take the last checkpoint elsewhere

_log = logging.getLogger(__name__)
Send = Callable[[str], Awaitable[None]]
"""Takes a note elsewhere; raises OSError if it can't, with a sentence."""


class Checkpoint(NamedTuple):
    """What a note says: this row was the log's head at that time (ISO 8601 in UTC)."""

    origin: str
    seq: int
    entry_hash: str
    at: str

    def text(self) -> str:
        """Return the text that is signed, in the form of a `tlog-checkpoint`: origin, size, hash, and the time.

        The hash is that of the last row, because the log is a chain, not a tree.
        """
        packed = base64.b64encode(bytes.fromhex(self.entry_hash)).decode()
        return f"{self.origin}\n{self.seq}\n{packed}\nat {self.at}\n"

    @classmethod
    def read(cls, note: str, key: PublicKey) -> "Checkpoint":
        """Read a checkpoint that this key has signed.

        Raises:
            NoteMistake: it is not one.
        """
        lines = opened(note, key).splitlines()
        try:
            origin, seq, packed, at, *_ = lines
            entry = base64.b64decode(packed, validate=True).hex()
            if not (seq.isascii() and seq.isdigit()) or len(entry) != 64 or not at.startswith("at "):
                raise ValueError
        except ValueError:
            raise NoteMistake("it is signed, but it is not a checkpoint of a decision log") from None
        if origin != key.name:
            raise NoteMistake(f"it is a checkpoint of another log, {origin}")
        return cls(origin, int(seq), entry, at.removeprefix("at "))


class Rewritten(StoreError):
    """The log no longer contains a row that was signed."""


def sign_head(store: Store, key: SigningKey) -> str | None:
    """Sign the log's head, keep the note in the store, and return it; None if the log is empty.

    A head that this key has signed already is not signed again.

    Raises:
        OtherKey: another key signs this log, so nothing is signed.
        Rewritten: the log does not contain the rows of earlier checkpoints, so nothing is signed.
        StoreError: it can't be read or written.
    """
    with store.write():
        note = require_signer(store, key.public)
        last = Checkpoint.read(note, key.public) if note else None
        if last and (problem := contradiction(store, last)):
            raise Rewritten(problem.why)
        head = store.log.head()
        if head.entry_hash == GENESIS:
            return None
        return note if last and last.seq == head.seq else _put(store, key, head)


def change_key(store: Store, before: PublicKey, key: SigningKey) -> str:
    """Let another key sign the log from now on, and return its first note. The notes of the one before stay.

    Raises:
        OtherKey: the log is not signed by `before`.
        Rewritten: the log does not contain the rows that `before` has signed, so nothing is signed.
        StoreError: it can't be read or written.
    """
    with store.write():
        if require_signer(store, before) is None:
            raise StoreError(f"{store.path}: the decision log is not signed: serve it with --signing-key")
        for each in read_all(store.log.checkpoints(), before):
            if problem := contradiction(store, each):
                raise Rewritten(f"{store.path}: {problem.why}")
        return _put(store, key, store.log.head())


def _put(store: Store, key: SigningKey, head: Mark) -> str:
    note = key.sign(Checkpoint(key.public.name, head.seq, head.entry_hash, store.now()).text())
    store.log.put_checkpoint(head.seq, note)
    return note


def read_all(notes: Iterable[str], *keys: PublicKey) -> list[Checkpoint]:
    """Return the checkpoints among the notes that one of these keys has signed; others are skipped."""
    found = []
    for note in (each for text in notes for each in notes_in(text)):
        for key in keys:
            with contextlib.suppress(NoteMistake):
                found.append(Checkpoint.read(note, key))
    return found


class Contradiction(NamedTuple):
    """Why a log is not the one that was signed. `missing_from` is its first missing row; None if it was rewritten."""

    why: str
    missing_from: int | None = None


def contradiction(store: Store, signed: Checkpoint) -> Contradiction | None:
    """Return how the log contradicts a checkpoint; None if it contains that row, or retention removed it."""
    anchor, head = store.log.anchor(), store.log.head()
    if signed.seq < anchor.seq:
        return None
    found = anchor.entry_hash if signed.seq == anchor.seq else store.log.hash_of(signed.seq)
    if signed.seq > head.seq or found is None:
        return Contradiction(
            f"the log ends with row {head.seq:,}, but row {signed.seq:,} was signed on {signed.at}: decisions are "
            "missing. Put back the store that has them, or start a new log with a new key",
            min(signed.seq, head.seq + 1),
        )
    if found != signed.entry_hash:
        return Contradiction(
            f"row {signed.seq:,} is not the one that was signed on {signed.at}: the log was rewritten. "
            "Put back the store that has the signed one, or start a new log with a new key"
        )
    return None


class Proof(NamedTuple):
    """What the log's checkpoints prove. `why` says what is wrong, and `bad_seq` from which row on; else None."""

    upto: int = 0
    at: str | None = None
    bad_seq: int | None = None
    why: str = ""
    after: int = 0
    """Rows after the last checkpoint, which are not proven yet."""


def prove(store: Store, keys: Sequence[PublicKey], kept_elsewhere: Iterable[Checkpoint] = ()) -> Proof:
    """Say up to which row the log is proven by checkpoints of these keys: the store's, and those kept elsewhere.

    Use it on a log that `audit.verify` found whole. Deleting rows, checkpoints or all of it proves nothing.
    """
    ours = read_all(store.log.checkpoints(), *keys)
    with store.snapshot():
        anchor, head = store.log.anchor(), store.log.head()
        last_good: Checkpoint | None = None
        for each in sorted({*ours, *kept_elsewhere}, key=lambda each: each.seq):
            if problem := contradiction(store, each):
                return _contradicted(problem, last_good, anchor, head)
            if each.seq >= anchor.seq:
                last_good = each
        if head.entry_hash == GENESIS:
            return Proof(0, None, 1, _EMPTY)
        if last_good is None:
            names = " or ".join(dict.fromkeys(key.name for key in keys))
            why = f"no checkpoint signed by {names} covers the log, so none of it is proven"
            return Proof(0, None, anchor.seq + 1, why)
        return _beyond(store, last_good, head)


_EMPTY: Final = (
    "the log is empty and no checkpoint is there, so nothing is proven: a new hall looks like this, and so does one "
    "whose decisions were all deleted. Give the checkpoints that you kept elsewhere (--checkpoint)"
)


def _contradicted(problem: Contradiction, last: Checkpoint | None, anchor: Mark, head: Mark) -> Proof:
    """Say from which row on a log is not the one that was signed: the first missing one, or the first unproven one."""
    upto, at = (last.seq, last.at) if last else (0, None)
    unproven = max(upto, anchor.seq) + 1
    if problem.missing_from is None:
        return Proof(upto, at, unproven, problem.why)
    why = problem.why
    if unproven < problem.missing_from:
        some = f"row {unproven:,} is" if unproven == head.seq else f"rows {unproven:,} to {head.seq:,} are"
        why = f"{why}. Also, {some} not proven, because only what comes later was signed"
    return Proof(upto, at, problem.missing_from, why)


def _beyond(store: Store, last: Checkpoint, head: Mark) -> Proof:
    """Judge the rows after the last checkpoint: there can be only a few, and none of them old."""
    after = head.seq - last.seq
    if not after:
        return Proof(last.seq, last.at)
    (first,) = store.log.page(last.seq, last.seq + 1, 1)
    since = max(_seconds(last.at), _seconds(audit.time_of(first)))  # a decision made elsewhere may be older
    if since - max(_seconds(last.at), _seconds(store.now())) > _LATE * EVERY:
        why = (
            f"the last checkpoint is row {last.seq:,} of {last.at}, and the row after it says that it was made in the "
            "future, so it is not proven: check the clocks"
        )
        return Proof(last.seq, last.at, last.seq + 1, why, after)
    if after > 2 * EVERY_ROWS or _seconds(store.now()) - since > _LATE * EVERY:
        why = (
            f"the last checkpoint is row {last.seq:,} of {last.at}: what comes after it, up to row {head.seq:,}, is "
            "not proven, although a hall signs its log each minute"
        )
        return Proof(last.seq, last.at, last.seq + 1, why, after)
    return Proof(last.seq, last.at, after=after)


def _seconds(at: str | None) -> float:
    try:
        stated = datetime.fromisoformat(at or "")
    except ValueError:
        return 0.0
    return stated.replace(tzinfo=stated.tzinfo or UTC).timestamp()


class Signing:
    """Signs the log's head while the hall is served: each minute, each thousand decisions, and at the end.

    Args:
        known: the newest checkpoint kept elsewhere, if any: nothing is signed that contradicts it.
        elsewhere: takes each checkpoint to where the operator wants it kept, if anywhere.
    """

    def __init__(
        self,
        store: Store,
        key: SigningKey,
        clock: Clock,
        *,
        known: Checkpoint | None = None,
        elsewhere: Send | None = None,
    ) -> None:
        self.last: Checkpoint | None = known
        self._store, self._key, self._clock, self._elsewhere = store, key, clock, elsewhere
        self._signed_at = -EVERY  # monotonic
        self._unsent: str | None = None
        self._problems: dict[str, str] = {}

    @property
    def key_name(self) -> str:
        """The name of the key that signs."""
        return self._key.public.name

    @property
    def public_key(self) -> str:
        """The line that checks its signatures."""
        return str(self._key.public)

    @property
    def error(self) -> str | None:
        """What is wrong, as a sentence."""
        return next(iter(self._problems.values()), None)

    def require_whole(self) -> None:
        """Make sure before the start that the log contains what was signed.

        Raises:
            OtherKey: another key signs this log.
            Rewritten: it doesn't.
        """
        note = require_signer(self._store, self._key.public)
        kept = read_all([note] if note else [], self._key.public)
        for each in (*kept, *([self.last] if self.last else [])):
            if problem := contradiction(self._store, each):
                raise Rewritten(f"{self._store.path}: {problem.why}")

    async def run(self) -> None:
        """Sign until cancelled, and once more at the end."""
        self._sign()
        try:
            while True:
                await self._send()
                await self._clock.sleep(_LOOK)
                if self._is_due():
                    await self._sign_beside()
        finally:
            self._sign()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORD):
                    await self._send()
            if self._unsent and self._elsewhere:
                _log.error("the last checkpoint of the decision log is only in the store")

    def _is_due(self) -> bool:
        try:
            grown = self._store.log.head().seq - (self.last.seq if self.last else 0)
        except (StoreError, sqlite3.Error) as error:
            self._say("sign", f"the decision log is not signed: {error}")
            return False
        waited = self._clock.now().mono - self._signed_at
        return grown >= EVERY_ROWS or (grown != 0 and waited >= EVERY)

    def _sign(self) -> None:
        try:
            self._signed(self._note(self._store))
        except (StoreError, sqlite3.Error) as error:
            self._say("sign", f"the decision log is not signed: {error}")

    async def _sign_beside(self) -> None:
        """As `_sign`, but let the event loop go on: it waits for other halls' decisions."""
        try:
            self._signed(await self._store.change_beside(self._note))
        except (StoreError, sqlite3.Error) as error:
            self._say("sign", f"the decision log is not signed: {error}")

    def _signed(self, note: str | None) -> None:
        self._problems.pop("sign", None)
        if note:
            self._signed_at = self._clock.now().mono
            self.last = Checkpoint.read(note, self._key.public)
            self._unsent = note

    def _note(self, store: Store) -> str | None:
        """Sign the head, unless it is signed already."""
        head = store.log.head()
        if self.last:
            if problem := contradiction(store, self.last):
                raise Rewritten(problem.why)
            if head.seq == self.last.seq:
                return None
        return sign_head(store, self._key)

    async def _send(self) -> None:
        note = self._unsent
        if note is None or self._elsewhere is None:
            return
        try:
            await self._elsewhere(note)
        except OSError as error:
            self._say("send", f"the checkpoint of the decision log is not kept elsewhere: {error}")
            return
        self._problems.pop("send", None)
        if self._unsent == note:
            self._unsent = None

    def _say(self, about: str, problem: str) -> None:
        if self._problems.get(about) != problem:
            _log.error("%s", problem)
        self._problems[about] = problem


def state_of(store: Store, signing: Signing | None) -> dict[str, object]:
    """Return what `/status` says about the log: its head, the last checkpoint, and what the newest in the store states.

    `signed_by` is None if this hall doesn't sign the log; `stated` may then be another hall's, or an older one.
    """
    head = store.log.head()
    last, error = (signing.last, signing.error) if signing else (None, None)
    try:
        stated = newest_stated(store)
    except StoreError:
        stated, error = None, error or "the newest checkpoint of the decision log can't be read"
    return {
        "seq": head.seq,
        "entry_hash": head.entry_hash,
        "signed_by": signing.key_name if signing else None,
        "checkpoint": last._asdict() if last else None,
        "stated": stated._asdict() if stated else None,
        "error": error,
    }
