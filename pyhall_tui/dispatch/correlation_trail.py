"""From a correlation id to everything it touched: dispatches, events, enrollments, verdicts, log lines, receipts."""

import contextlib
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from pyhall_tui.attest.evidence import Receipt, receipts
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import Touched
from pyhall_tui.registry.asking import Ask
from pyhall_tui.registry.errors import (
    BadRequest,
    NotARegistrysAnswer,
    NotFound,
    NotSent,
    Redirected,
    RegistryError,
    UnexpectedStatus,
)
from pyhall_tui.registry.local_hall import HallDecision, hall_decisions

_MOST_LINES: Final = 200
_BACKUPS: Final = ("", ".1", ".2")
_LOGS: Final = ("*evidence*.log", "*evidence*.jsonl", "evidence/*.log", "evidence/*.jsonl")
"""Where published workers have their evidence log, within the package's folder."""


class Trace(NamedTuple):
    """Everything that one id touched."""

    correlation_id: str
    touched: Touched
    log_lines: list[str]
    """The newest lines, oldest first."""
    receipts: list[tuple[Path, Receipt]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known about it."""
        return not any((*self.touched, self.log_lines, self.receipts))


class HallLog(NamedTuple):
    """What the connected hall's own log says of an id."""

    decisions: list[HallDecision] = []
    is_asked: bool = True
    """False while the answer is awaited."""
    is_hall: bool = True
    """False if what is connected has no such log: the registry's own API shows no decisions."""
    problem: str = ""
    """Why the log could not be read, as a sentence."""


async def hall_log(correlation_id: str, ask: Ask) -> HallLog:
    """Ask the connected hall which of its last decisions have an id. A registry that is not a hall has none."""
    try:
        last = await ask(hall_decisions)
    except (NotFound, UnexpectedStatus, BadRequest, NotARegistrysAnswer, Redirected, NotSent):
        return HallLog(is_hall=False)
    except RegistryError as error:
        return HallLog(problem=f"The hall's decisions could not be read: {error}")
    return HallLog([each for each in last if each.correlation_id == correlation_id])


def trace(correlation_id: str, journal: Journal, log: Path | None, folders: Iterable[Path]) -> Trace:
    """Search everywhere for an id. It reads files, so don't call it on the UI's thread.

    Args:
        log: the program's own log; its older files are read too.
        folders: package folders of watched workers, which are searched for evidence logs.
    """
    return Trace(
        correlation_id,
        journal.by_correlation_id(correlation_id),
        _lines(correlation_id, log),
        [(path, receipt) for path in _evidence_logs(folders) for receipt in _receipts(path, correlation_id)],
    )


def _lines(correlation_id: str, log: Path | None) -> list[str]:
    found: deque[str] = deque(maxlen=_MOST_LINES)
    for suffix in reversed(_BACKUPS if log is not None else ()):
        with contextlib.suppress(OSError), Path(f"{log}{suffix}").open(encoding="utf-8", errors="replace") as file:
            found.extend(line.rstrip("\n") for line in file if correlation_id in line)
    return list(found)


def _evidence_logs(folders: Iterable[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for folder in folders:
        with contextlib.suppress(OSError):
            found.update(dict.fromkeys(path for pattern in _LOGS for path in folder.glob(pattern) if path.is_file()))
    return list(found)


def _receipts(path: Path, correlation_id: str) -> list[Receipt]:
    with contextlib.suppress(OSError):
        return list(receipts(path, correlation_id=correlation_id))
    return []
