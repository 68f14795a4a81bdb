"""The report of a batch: one line per row, as JSON Lines or CSV."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyhall_tui.enroll.batch import Item
from pyhall_tui.files.safe_file import write_atomically
from pyhall_tui.journal.export import harmless

COLUMNS = (
    *("number", "state", "display_name", "worker_id", "sha256", "capabilities"),
    *("package", "error", "correlation_id", "at", "earlier"),
)


def report_line(item: Item) -> dict[str, Any]:
    """Return one row as plain values."""
    request = item.row.request
    return {
        "number": item.row.number,
        "state": item.state.value,
        "display_name": request.display_name,
        "worker_id": item.worker_id,
        "sha256": request.sha256,
        "capabilities": list(request.capabilities),
        "package": item.row.package or None,
        "error": item.error or None,
        "correlation_id": item.correlation_id or None,
        "at": datetime.fromtimestamp(item.at, UTC).isoformat(timespec="milliseconds") if item.at else None,
        "earlier": item.earlier,
    }


def as_json_lines(items: Iterable[Item]) -> str:
    """Return the report as JSON Lines, in ASCII: invisible characters are escaped."""
    return "".join(f"{json.dumps(report_line(item))}\n" for item in items)


def as_csv(items: Iterable[Item]) -> str:
    """Return the report as CSV; a cell that a spreadsheet would run as a formula has a `'` before it."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for item in items:
        line = report_line(item) | {"capabilities": " ".join(item.row.request.capabilities)}
        writer.writerow({name: harmless(value) for name, value in line.items()})
    return out.getvalue()


def write_report(path: Path, items: Sequence[Item]) -> None:
    """Write the report, as CSV if the name ends in .csv, else as JSON Lines; all or nothing. Raises `OSError`."""
    text = as_csv(items) if path.suffix.lower() == ".csv" else as_json_lines(items)
    write_atomically(path, text.encode())
