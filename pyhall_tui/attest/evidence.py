"""Evidence logs: JSON Lines of receipts, chained by SHA-256 from `GENESIS` on. Only read, a line at a time.

`entry_hash` is SHA-256 of `prev_hash` and the receipt's JSON (the contract's "Records and manifests"). A chain reveals
every change, gap and swap within it, and a last line that was only partly written. By itself it can't reveal that whole
lines are missing from its end: for that, note its `LogPosition` and pass it to the next check.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from pyhall_tui.attest.json_text import NotJson, Object, canonical, read_object
from pyhall_tui.files.regular_file import open_regular

GENESIS = "GENESIS"
LINE_LIMIT = 4 << 20
"""A line with more bytes than this is not an entry, so memory use stays limited, whatever the file contains."""


class Broken(StrEnum):
    """How the first bad line breaks the chain."""

    NOT_AN_ENTRY = "is not an entry"
    NO_GENESIS = "does not begin the chain: the log's first lines are missing"
    GAP = "does not follow the line before it: lines are missing, were inserted or were reordered"
    CHANGED = "was changed: its entry_hash is not that of its content"


class Tail(StrEnum):
    """What is known about the log's end."""

    UNKNOWN = "a log cannot prove its own end"
    AS_MARKED = "every line known from before is there"
    CUT = "lines known from before are gone from its end"
    REWRITTEN = "it is a different chain from the one known before"
    TORN = "the last line is incomplete, as after a crash or during a write"


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """The first line that breaks the chain, counted from 1."""

    line: int
    how: Broken
    detail: str = ""


class LogPosition(msgspec.Struct, frozen=True):
    """How far a log was whole, to be noted and passed to a later check of the same log."""

    entries: int
    last_hash: str


class ChainCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of checking one log. Only `whole` is good."""

    entries: int
    """Good entries up to the end, or to the break."""
    last_hash: str
    """The last good entry's hash, or `GENESIS`."""
    broken: Break | None
    tail: Tail

    @property
    def whole(self) -> bool:
        """Whether nothing is known to be wrong."""
        return self.broken is None and self.tail in (Tail.UNKNOWN, Tail.AS_MARKED)

    @property
    def mark(self) -> LogPosition:
        """What to note for the next check."""
        return LogPosition(self.entries, self.last_hash)

    @property
    def sentence(self) -> str:
        """The result, as a sentence for the operator."""
        receipts = f"{self.entries:,} receipt{'' if self.entries == 1 else 's'}"
        if self.broken is not None:
            detail = f" ({self.broken.detail})" if self.broken.detail else ""
            return f"Broken at line {self.broken.line:,}, which {self.broken.how.value}{detail}; {receipts} before it."
        if self.whole:
            return f"Whole: {receipts}; {self.tail.value}."
        kind = {Tail.REWRITTEN: "Rewritten", Tail.TORN: "Incomplete"}.get(self.tail, "Truncated")
        return f"{kind}: {receipts} verified, but {self.tail.value}."


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a log as a list shows it. This doesn't check the chain (see `verify_log`)."""

    line: int
    fields: dict[str, Any]
    entry_hash: str

    @property
    def correlation_id(self) -> str:
        """The id of its request, or empty."""
        return self._text("correlation_id")

    @property
    def worker_id(self) -> str:
        """The worker that wrote it, or empty."""
        return self._text("worker_id")

    @property
    def capability(self) -> str:
        """The requested capability, or empty."""
        return self._text("capability_id")

    @property
    def status(self) -> str:
        """`ok`, `denied` or another word, unchanged."""
        return self._text("status")

    @property
    def at(self) -> str:
        """The time that it states (UTC, ISO 8601), unchanged."""
        return self._text("dispatched_at_utc")

    def _text(self, name: str) -> str:
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""


class _Entry(msgspec.Struct, frozen=True):
    prev_hash: str
    entry_hash: str
    receipt: dict[str, Any]


def verify_log(
    path: Path, *, known: LogPosition | None = None, cancelled: Callable[[], bool] = lambda: False
) -> ChainCheck:
    """Check a log from its first line to its end, or to the first line that breaks it.

    Raises `OSError` if it can't be read, `InterruptedError` if `cancelled` returns true (called for every line).
    """
    entries, last_hash, tail = 0, GENESIS, _tail_at(0, GENESIS, known)
    for number, line, ended in _lines(path):
        if cancelled():
            raise InterruptedError("The check was stopped.")
        broken = _break_of(line, number, last_hash)
        if broken is not None and not ended and broken.how is Broken.NOT_AN_ENTRY:
            return ChainCheck(entries=entries, last_hash=last_hash, broken=None, tail=Tail.TORN)
        if broken is not None:
            return ChainCheck(entries=entries, last_hash=last_hash, broken=broken, tail=Tail.UNKNOWN)
        entries, last_hash = entries + 1, _entry_of(line).entry_hash
        if known is not None and entries == known.entries:
            tail = _tail_at(entries, last_hash, known)
    return ChainCheck(entries=entries, last_hash=last_hash, broken=None, tail=tail)


def receipts(path: Path, *, correlation_id: str | None = None) -> Iterator[Receipt]:
    """Yield a log's receipts in order, or those of one correlation id; lines that are not receipts are skipped.

    Raises `OSError` if the log can't be read.
    """
    wanted = correlation_id.encode() if correlation_id and correlation_id.isascii() else b""
    for number, line, _ in _lines(path):
        if wanted and wanted not in line and b"\\u" not in line:
            continue  # the id is not in the line, so don't parse it
        try:
            entry = _entry_of(line)
        except NotJson:
            continue
        receipt = Receipt(line=number, fields=entry.receipt, entry_hash=entry.entry_hash)
        if correlation_id is None or receipt.correlation_id == correlation_id:
            yield receipt


def _tail_at(entries: int, last_hash: str, known: LogPosition | None) -> Tail:
    """Return what a mark, if there is one, says about a log that is whole up to here."""
    if known is None:
        return Tail.UNKNOWN
    if entries < known.entries:
        return Tail.CUT
    return Tail.AS_MARKED if last_hash == known.last_hash else Tail.REWRITTEN


def _break_of(line: bytes, number: int, last_hash: str) -> Break | None:
    try:
        entry = _entry_of(line)
    except NotJson as error:
        return Break(line=number, how=Broken.NOT_AN_ENTRY, detail=str(error))
    own = hashlib.sha256(entry.prev_hash.encode("utf-8", "surrogatepass") + canonical(entry.receipt)).hexdigest()
    if own != entry.entry_hash:
        return Break(line=number, how=Broken.CHANGED)
    if entry.prev_hash != last_hash:
        detail = "a new chain begins here" if entry.prev_hash == GENESIS else ""
        return Break(line=number, how=Broken.NO_GENESIS if last_hash == GENESIS else Broken.GAP, detail=detail)
    return None


def _entry_of(line: bytes) -> _Entry:
    """Read one line. Raises `NotJson`, even for a line that two readers could read differently."""
    if len(line) > LINE_LIMIT:
        raise NotJson(f"it is longer than {LINE_LIMIT >> 20} MiB")
    fields = read_object(line)
    if fields.twice:
        raise NotJson(f"it has {fields.twice[0]} twice")
    prev_hash, entry_hash, receipt = (fields.get(name) for name in ("prev_hash", "entry_hash", "receipt"))
    if not isinstance(prev_hash, str) or not isinstance(entry_hash, str) or not isinstance(receipt, Object):
        raise NotJson("it lacks prev_hash, entry_hash or receipt")
    return _Entry(prev_hash, entry_hash, receipt)


def _lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Yield each line that is not empty: its number, its bytes, and whether it is complete.

    A line over the limit is yielded truncated, as the last one: it is not an entry, and the rest is not read.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        for number in count(1):
            line = file.readline(LINE_LIMIT + 2)
            if line.strip():
                yield number, line.rstrip(b"\r\n"), line.endswith(b"\n") or len(line) > LINE_LIMIT
            if not line.endswith(b"\n"):
                return
