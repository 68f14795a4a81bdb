"""Exports records for other programs: JSON Lines, Markdown, or CSV in which no spreadsheet finds a formula."""

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from pyhall_tui.files.safe_file import write_atomically
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


class AlreadyThere(ExportFailed):
    """There is such a file, and nobody has said that it may be replaced."""


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


def write_records(records: Iterable[Record], columns: Sequence[str], path: Path, *, replaces: bool = False) -> int:
    """Write records to a file in the format of its ending, one of `ENDINGS`. Return their number.

    Of each record, `columns` are written, in that order. Without `replaces`, an existing file is never overwritten. If
    the file can't be written completely, nothing is left behind, and what was there stays.

    Raises:
        AlreadyThere: there is such a file.
        ExportFailed: nothing was written, and its sentence says why.
    """
    write = _writer(path)
    try:
        path = path.expanduser()
        if replaces:
            out = io.StringIO(newline="")
            count = write(records, columns, out)
            write_atomically(path, out.getvalue().encode("utf-8", "backslashreplace"))
            return count
        with new_file(path) as data:
            file = io.TextIOWrapper(data, encoding="utf-8", errors="backslashreplace", newline="")
            count = write(records, columns, file)
            file.detach()  # flushes; whoever opened the file below closes it
            return count
    except FileExistsError:
        raise AlreadyThere(f"{path} already exists.") from None
    except FileNotFoundError:
        raise ExportFailed(f"There is no folder {path.parent}: make it first, or choose another.") from None
    except RuntimeError:  # `~somebody`, an unknown user
        raise ExportFailed(f"There is no home folder for {path.parts[0]}.") from None
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise ExportFailed(f"{path} can't be written: {why}.") from error


def text_of(records: Iterable[Record], columns: Sequence[str], ending: str, most: int) -> str | None:
    """Return records as text in the format of that ending; None if it has more than `most` characters."""
    out = io.StringIO(newline="")
    ENDINGS[ending](takewhile(lambda _: out.tell() <= most, records), columns, out)
    return out.getvalue() if out.tell() <= most else None


def _writer(path: Path) -> Callable[[Iterable[Record], Sequence[str], IO[str]], int]:
    if (write := ENDINGS.get(path.suffix.lower())) is not None:
        return write
    raise ExportFailed("End the name in .csv, .jsonl or .md, which sets the format.")


def event_record(event: Event) -> Record:
    """Return an event's fields, `COLUMNS`, as plain values."""
    fields = msgspec.structs.asdict(event)
    fields["at"] = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds")
    fields["severity"] = event.severity.name.lower()
    return {column: fields[column] for column in COLUMNS}


def _json_lines(records: Iterable[Record], columns: Sequence[str], file: IO[str]) -> int:
    count = 0
    for record in records:
        chosen = {column: record[column] for column in columns}
        file.write(json.dumps(chosen) + "\n")  # in ASCII: invisible characters are escaped
        count += 1
    return count


def _csv(records: Iterable[Record], columns: Sequence[str], file: IO[str]) -> int:
    rows = csv.writer(file)
    rows.writerow(columns)
    count = 0
    for record in records:
        rows.writerow(harmless(_in_a_cell(record[column])) for column in columns)
        count += 1
    return count


def _in_a_cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _markdown(records: Iterable[Record], columns: Sequence[str], file: IO[str]) -> int:
    file.write(_markdown_row(columns) + _markdown_row(["---"] * len(columns)))
    count = 0
    for record in records:
        file.write(_markdown_row([_markdown_cell(_in_a_cell(record[column])) for column in columns]))
        count += 1
    return count


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _markdown_cell(value: Any) -> str:
    """Return a value for a table's cell. Text is in a code span, where Markdown, mentions and links have no effect."""
    if not isinstance(value, str):
        return str(harmless(value))
    shown = _visible(value, "").strip()
    if not shown:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{fence}{pad}{shown}{pad}{fence}".replace("|", "\\|")


ENDINGS: Final[dict[str, Callable[[Iterable[Record], Sequence[str], IO[str]], int]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".md": _markdown,
    ".markdown": _markdown,
}
"""How a file's name ends, and what then writes it."""


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
    return _AT_RISK.sub(r"\1'", _visible(value, "\n\t"))


def _visible(text: str, besides: str) -> str:
    """Return text in which invisible characters are escaped, except for some."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in besides else each.encode("unicode_escape").decode() for each in text
    )


def as_it_was(cell: str) -> str:
    """Return a text without the `'` that `harmless` added, so that reading our own files returns what was written."""
    return _MADE_HARMLESS.sub(r"\1", cell)
