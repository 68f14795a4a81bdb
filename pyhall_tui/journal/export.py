"""Exports records for other programs: JSON Lines, or CSV in which no spreadsheet finds a formula."""

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from pyhall_tui.files.whole_file import new_file
from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.journal.journal import Journal

COLUMNS = (
    *("id", "at", "severity", "kind", "worker_id", "before", "after"),
    *("source", "correlation_id", "detail", "count", "acknowledged"),
)
Record = dict[str, Any]
_PAGE = 1_000
_FORMULA = "[-=+@＝＋－＠]"
"""What starts a formula in a spreadsheet (OWASP, "CSV injection")."""
_CELL_START = r'(?:^|[;|\t\r\n])[" ]*'
"""Where a cell may start: many locales separate cells by `;`, where only a line end closes a quote within a cell."""
_AT_RISK = re.compile(rf"^(?='*[\t\n])|({_CELL_START})(?='*{_FORMULA})")
_MADE_HARMLESS = re.compile(rf"^'(?='*[\t\n])|({_CELL_START})'(?='*{_FORMULA})")


class ExportFailed(Exception):
    """Nothing was written. The text is a sentence for the operator."""


def each_event(
    journal: Journal,
    profile: str,
    *,
    severity: Severity | None = None,
    kind: Kind | None = None,
    worker: str | None = None,
    text: str | None = None,
) -> Iterator[Event]:
    """Yield the events that match the filter (see `Journal.events`), newest first, a page at a time."""
    journal.flush()
    before_id: int | None = None
    while True:
        page = journal.events(
            profile, limit=_PAGE, before_id=before_id, severity=severity, kind=kind, worker=worker, text=text
        )
        yield from page
        if len(page) < _PAGE:
            return
        before_id = page[-1].id


def write_events(events: Iterable[Event], path: Path) -> int:
    """Write events to a new file, as `write_records` does."""
    return write_records(map(_fields, events), COLUMNS, path)


def write_records(records: Iterable[Record], columns: Sequence[str], path: Path) -> int:
    """Write records to a new file in the format of its ending: `.jsonl` (or `.ndjson`), or `.csv`. Return their number.

    Each record holds exactly `columns`, in that order. An existing file is never overwritten, and if the file can't be
    written completely, nothing is left behind.

    Raises:
        ExportFailed: nothing was written, and its sentence says why.
    """
    write = _writer(path)
    try:
        path = path.expanduser()
        with new_file(path) as data:
            file = io.TextIOWrapper(data, encoding="utf-8", errors="backslashreplace", newline="")
            count = write(records, columns, file)
            file.detach()  # flushes; whoever opened the file below closes it
            return count
    except FileExistsError:
        raise ExportFailed(f"{path} already exists: choose another name.") from None
    except FileNotFoundError:
        raise ExportFailed(f"There is no folder {path.parent}: make it first, or choose another.") from None
    except RuntimeError:  # `~somebody`, an unknown user
        raise ExportFailed(f"There is no home folder for {path.parts[0]}.") from None
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise ExportFailed(f"{path} can't be written: {why}.") from error


def _writer(path: Path) -> Callable[[Iterable[Record], Sequence[str], IO[str]], int]:
    ending = path.suffix.lower()
    if ending in (".jsonl", ".ndjson"):
        return _json_lines
    if ending == ".csv":
        return _csv
    raise ExportFailed("End the name in .jsonl or .csv, which sets the format.")


def _fields(event: Event) -> dict[str, Any]:
    fields = msgspec.structs.asdict(event)
    fields["at"] = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds")
    fields["severity"] = event.severity.name.lower()
    return {column: fields[column] for column in COLUMNS}


def _json_lines(records: Iterable[Record], columns: Sequence[str], file: IO[str]) -> int:
    count = 0
    for record in records:
        file.write(json.dumps(record) + "\n")  # in ASCII: invisible characters are escaped
        count += 1
    return count


def _csv(records: Iterable[Record], columns: Sequence[str], file: IO[str]) -> int:
    rows = csv.writer(file)
    rows.writerow(columns)
    count = 0
    for record in records:
        rows.writerow(harmless(value) for value in record.values())
        count += 1
    return count


def harmless(value: Any) -> Any:
    """Return a cell that a spreadsheet shows instead of running, and that can't control a terminal.

    A `'` goes before whatever would start a formula, also after a `;`, `|`, tab or line end within the cell. Invisible
    characters are escaped (`\\x1b`, `\\u202e`), except for line ends and tabs.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str):
        return value
    if not value.isprintable():
        value = "".join(
            each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode() for each in value
        )
    return _AT_RISK.sub(r"\1'", value)


def as_it_was(cell: str) -> str:
    """Return a text without the `'` that `harmless` added, so that reading our own files returns what was written."""
    return _MADE_HARMLESS.sub(r"\1", cell)
