"""What this run did and said: each request, fault and piece of news. The oldest of each kind are dropped."""

import threading
from collections import deque
from collections.abc import Iterator
from enum import StrEnum
from itertools import takewhile
from typing import Final

import msgspec

from pyhall_tui.feeds.news import Tone
from pyhall_tui.registry.models import RequestRecord

_LONGEST: Final = 2_000
"""Characters that are kept of one text."""


class Kind(StrEnum):
    """What a row of the log is about."""

    REQUEST = "request"
    FAULT = "fault"
    NEWS = "news"


MOST: Final = {Kind.REQUEST: 2_000, Kind.FAULT: 500, Kind.NEWS: 1_000}
"""Rows that are kept of each kind."""


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row. Its text is masked, but not clean."""

    number: int = 0
    at: float
    """Wall time."""
    kind: Kind
    tone: Tone
    text: str
    profile: str = ""
    status: str = ""
    """A request's status, or the kind of error it ended with."""
    elapsed: float | None = None
    """Seconds that a request took."""
    correlation_id: str = ""


class RunLog:
    """The rows, numbered in the order they came. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows = {kind: deque[LogRow](maxlen=most) for kind, most in MOST.items()}
        self._came = dict.fromkeys(Kind, 0)
        self._newest = 0
        self.file_trouble: str | None = None
        """Why the log's file can't be written, as a sentence."""
        self.config_trouble: str | None = None
        """What is wrong with `config.toml`, as a sentence."""
        self.missing_part = ""
        """Why nothing is asked, as a sentence, if a part of the program can't be loaded."""

    @property
    def troubles(self) -> tuple[str | None, ...]:
        """What is wrong with the program's own files, if anything is."""
        return self.file_trouble, self.config_trouble

    @property
    def standing(self) -> tuple[str, ...]:
        """What is wrong with the program itself for as long as it is, whichever profile is open, or none."""
        return tuple(filter(None, (self.missing_part, *self.troubles)))

    @property
    def newest(self) -> int:
        """The number of the newest row; 0 if there is none."""
        return self._newest

    @property
    def dropped(self) -> dict[Kind, int]:
        """How many rows of each kind are gone, for those that have lost any."""
        with self._lock:
            gone = {kind: came - len(self._rows[kind]) for kind, came in self._came.items()}
        return {kind: count for kind, count in gone.items() if count}

    def since(self, number: int) -> list[LogRow]:
        """Return the rows newer than that one, oldest first."""
        with self._lock:
            found = [row for rows in self._rows.values() for row in _newer(rows, number)]
        return sorted(found, key=lambda row: row.number)

    def request(self, profile: str, record: RequestRecord) -> None:
        """Add a request that has ended."""
        status = "" if record.status is None else str(record.status)
        row = LogRow(
            at=record.at.wall,
            kind=Kind.REQUEST,
            tone=Tone.NOTE if record.error is None else Tone.WARNING,
            text=f"{record.method} {record.path}",
            profile=profile,
            status=f"{status} {record.error or ''}".strip(),
            elapsed=record.elapsed,
            correlation_id=record.correlation_id,
        )
        self._add(row)

    def fault(self, at: float, text: str, tone: Tone, correlation_id: str = "") -> None:
        """Add what went wrong in this program, at that wall time."""
        self._add(LogRow(at=at, kind=Kind.FAULT, tone=tone, text=text, correlation_id=correlation_id))

    def news(self, at: float, text: str, tone: Tone) -> None:
        """Add what the line said, at that wall time."""
        self._add(LogRow(at=at, kind=Kind.NEWS, tone=tone, text=text))

    def _add(self, row: LogRow) -> None:
        from pyhall_tui.logs.masking import mask  # not before the first frame

        masked = mask(row.text, _LONGEST)
        with self._lock:
            self._newest += 1
            self._came[row.kind] += 1
            self._rows[row.kind].append(msgspec.structs.replace(row, number=self._newest, text=masked))


def _newer(rows: "deque[LogRow]", number: int) -> Iterator[LogRow]:
    return takewhile(lambda row: row.number > number, reversed(rows))
