"""The hall on a SQLite file. There is one, so nobody has to give way to another."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.hall.store.halls import SHOWN, Feed, Report, SeenHall
from pyhall_tui.hall.store.ids import iso
from pyhall_tui.hall.store.tables import OF_HALLS

_SEEN, _HEARD = OF_HALLS
_FENCE = 1


class _Kept(msgspec.Struct):
    at: float
    report: Report


class _Store(Protocol):
    def setting(self, name: str) -> str | None: ...

    def set_setting(self, name: str, value: str) -> None: ...

    def write(self) -> AbstractContextManager[None]: ...


class SqliteHalls:
    """`Halls` of one hall."""

    def __init__(self, store: _Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def beat(self, report: Report) -> int:
        """As `Halls` says."""
        kept = _Kept(self._clock.now().wall, report)
        self._store.set_setting(_SEEN, msgspec.json.encode(kept).decode())
        return 1

    def leave(self, instance: str) -> None:
        """As `Halls` says."""
        with self._store.write():
            kept = self._kept()
            if kept and kept.report.instance == instance:
                self._store.set_setting(_SEEN, "")

    def seen(self) -> list[SeenHall]:
        """As `Halls` says."""
        kept = self._kept()
        silent = abs(self._clock.now().wall - kept.at) if kept else math.inf
        if kept is None or silent > SHOWN:
            return []
        report = kept.report
        since = iso(kept.at - report.uptime)
        return [
            SeenHall(
                report.instance,
                report.name,
                report.version,
                since,
                silent,
                report.decisions,
                report.policy_file,
                report.policy_error,
                report.upstream,
                stale=report.stale,
                polls=report.upstream is not None,
            )
        ]

    def _kept(self) -> _Kept | None:
        try:
            return msgspec.json.decode(self._store.setting(_SEEN) or "", type=_Kept)
        except msgspec.DecodeError:
            return None

    def lease(self, instance: str) -> int:
        """As `Halls` says."""
        return _FENCE

    def give_up(self, instance: str) -> None:
        """As `Halls` says: there is no other hall."""

    @contextmanager
    def fenced(self, instance: str, fence: int) -> Iterator[None]:
        """As `Halls` says."""
        with self._store.write():
            yield

    def heard(self, age: float) -> None:
        """As `Halls` says."""
        self._store.set_setting(_HEARD, repr(self._clock.now().wall - age))

    def feed(self) -> Feed:
        """As `Halls` says."""
        try:
            heard = max(0.0, self._clock.now().wall - float(self._store.setting(_HEARD) or ""))
        except ValueError:
            heard = None
        return Feed(None, heard)
