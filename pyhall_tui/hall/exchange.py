"""A whole store as JSON Lines, exported and imported. Keys are exported as hashes, so existing keys stay valid."""

import json
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any

from pyhall_tui.hall import audit
from pyhall_tui.hall.errors import FileMistake, StoreError
from pyhall_tui.hall.store import Store

_FORMAT = 1
_LOG = "decisions"
_END = "end"
"""The last line. An export without it is truncated, and bans may be missing from it."""
_IN_MEMORY = 8 * 1024 * 1024  # bytes


def export(store: Store) -> Iterator[str]:
    """Yield the store's lines, the first of which names the format. They all show the same instant.

    A slow reader holds no transaction open: what can change is copied first, to memory or a temporary file, and the
    decision log, which only grows, is read in pages.

    Raises:
        StoreError: decisions were removed from the log before they were read.
    """
    with SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8") as aside:
        with store.snapshot():
            about = {"table": "hall", "format": _FORMAT, "exported_at": store.now(), "ended": True}
            first, last = store.log.anchor().seq, store.log.head().seq
            rows = ({"table": table} | row for table, row in store.rows_beside_the_log())
            aside.writelines(json.dumps(row) + "\n" for row in rows)
        yield json.dumps(about)
        count = 0
        aside.seek(0)
        for line in aside:
            count += 1
            yield line.rstrip("\n")
    for row in audit.rows_between(store, first, last):
        count += 1
        yield json.dumps({"table": _LOG} | row._asdict())
    yield json.dumps({"table": _END, "rows": count})


def load(store: Store, lines: Iterable[str], name: str) -> dict[str, int]:
    """Fill an empty store with exported lines, all or none, and return how many rows each table got.

    Raises:
        FileMistake: a line does not belong to an export; the sentence has its number.
        StoreError: the store is not empty.
    """
    got: dict[str, int] = {}
    ended, number = False, 0
    with store.write():
        if not store.is_empty():
            raise StoreError(f"{store.path} is not empty: import into a new store")
        for number, line in enumerate(lines, 1):
            try:
                table, row = _read(line.removeprefix("\ufeff") if number == 1 else line)
                if number == 1:
                    ended = _check_format(table, row)
                elif table == _END:
                    ended = _check_end(row, got)
                else:
                    store.put_row(table, row)
                    got[table] = got.get(table, 0) + 1
            except (ValueError, KeyError, AttributeError, TypeError) as error:
                raise FileMistake(f"{name}:{number}:1: not a line of an export: {error}") from None
        if not got:
            raise FileMistake(f"{name}:1:1: not an export: it has no lines")
        if not ended:
            raise FileMistake(f"{name}:{number}:1: the export was cut off after this line: export again")
    return got


def _read(line: str) -> tuple[str, dict[str, Any]]:
    try:
        row: dict[str, Any] = json.loads(line)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return row.pop("table"), row


def _check_format(table: str, row: dict[str, Any]) -> bool:
    """Return whether the export may end here: exports of an earlier version have no last line."""
    if table != "hall":
        raise ValueError("the first line names no format")
    if row.get("format") != _FORMAT:
        raise ValueError(f"format {row.get('format')} is not known to this version")
    return "ended" not in row


def _check_end(row: dict[str, Any], got: dict[str, int]) -> bool:
    if row.get("rows") != sum(got.values()):
        raise ValueError(f"the export has {row.get('rows')} rows, and {sum(got.values())} came before its end")
    return True
