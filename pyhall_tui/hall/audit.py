"""The decision log: each row's hash covers the row before it, so a changed or missing row is found."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from pyhall_tui.hall.store import Store

GENESIS = "GENESIS"


def append(store: Store, receipt: dict[str, Any]) -> None:
    """Add a decision to the log, in one transaction with the head that stands outside the table."""
    text = json.dumps(receipt, sort_keys=True, separators=(",", ":"))
    with store.write() as db:
        last = db.execute("SELECT seq, entry_hash FROM decisions ORDER BY seq DESC LIMIT 1").fetchone()
        seq, before = (last[0] + 1, last[1]) if last else (1, GENESIS)
        entry = entry_hash(before, text)
        db.execute("INSERT INTO decisions VALUES (?, ?, ?)", (seq, entry, text))
        store.set_meta("audit_head", f"{seq}:{entry}")


def entry_hash(prev_hash: str, receipt: str) -> str:
    """Return a row's hash: SHA-256 of the hash before it and the receipt's JSON, as in the published workers' logs."""
    return hashlib.sha256((prev_hash + receipt).encode()).hexdigest()


def decisions(store: Store, limit: int) -> Iterator[dict[str, Any]]:
    """Yield the last `limit` decisions, newest first."""
    for row in store.read("SELECT receipt FROM decisions ORDER BY seq DESC LIMIT ?", limit):
        yield json.loads(row[0])
