"""The tables of a hall's SQLite file, and how an older file is migrated."""

import secrets
import sqlite3
from collections.abc import Iterator

from pyhall_tui.hall.errors import StoreError

VERSION = 8
_FIRST = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE keys (
  key_id TEXT PRIMARY KEY, key_hash TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL, label TEXT NOT NULL,
  created_at TEXT NOT NULL, revoked_at TEXT);
CREATE TABLE workers (
  worker_id TEXT PRIMARY KEY, namespace TEXT NOT NULL, display_name TEXT NOT NULL, capabilities TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'retired', 'revoked')), sha256 TEXT, attested_at TEXT,
  ban_reason TEXT, banned_at TEXT, ai_generated INTEGER NOT NULL, ai_service TEXT, ai_model TEXT,
  ai_session_fingerprint TEXT, enrolled_at TEXT NOT NULL);
CREATE TABLE bans (
  sha256 TEXT PRIMARY KEY, reason TEXT NOT NULL, reported_at TEXT NOT NULL, source TEXT NOT NULL, review_status TEXT,
  upstream INTEGER NOT NULL DEFAULT 0);
CREATE TABLE reports (
  report_id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, reason TEXT NOT NULL, evidence_url TEXT, namespace TEXT NOT NULL,
  reported_at TEXT NOT NULL);
CREATE TABLE rules (position INTEGER PRIMARY KEY, rule TEXT NOT NULL);
CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY, entry_hash TEXT NOT NULL, receipt TEXT NOT NULL,
  namespace TEXT AS (json_extract(receipt, '$.namespace')), rule TEXT AS (json_extract(receipt, '$.rule')),
  outcome TEXT AS (json_extract(receipt, '$.outcome')), decided_at TEXT AS (json_extract(receipt, '$.decided_at')));
CREATE INDEX decisions_of ON decisions (namespace, seq);
CREATE INDEX decisions_since ON decisions (decided_at, namespace, outcome);
CREATE TRIGGER bans_in AFTER INSERT ON bans BEGIN UPDATE meta SET value = value + 1 WHERE name = 'ban_revision'; END;
CREATE TRIGGER bans_up AFTER UPDATE ON bans BEGIN UPDATE meta SET value = value + 1 WHERE name = 'ban_revision'; END;
CREATE TRIGGER bans_out AFTER DELETE ON bans BEGIN UPDATE meta SET value = value + 1 WHERE name = 'ban_revision'; END;
"""
_SECOND = """
CREATE TABLE ingested (namespace TEXT, decision_id TEXT, seq INTEGER NOT NULL, PRIMARY KEY (namespace, decision_id));
"""  # since version 2: decisions made elsewhere, so that each is logged once
_THIRD = """
CREATE TABLE rates (
  rule TEXT, worker_id TEXT, mono REAL NOT NULL, wall REAL NOT NULL, allowed BLOB NOT NULL,
  PRIMARY KEY (rule, worker_id)) WITHOUT ROWID;
"""  # since version 3: what a rule's rate has allowed recently. The log may record what was removed from it.

CHANGES_KEPT = 10_000
"""A cache that is further behind is emptied."""
_WATCHED = {  # table: what is noted of a change, its key, and when
    "keys": ("key", "''", ""),
    "workers": ("worker", "{row}.worker_id", ""),
    "bans": ("ban", "{row}.sha256", ""),
    "rates": ("rate", "{row}.worker_id", ""),
    "meta": ("policy", "''", "WHEN {row}.name = 'policy_revision' "),
}


def _fourth() -> str:
    """Since version 4: notes changes, so that caches know what to read again.

    Triggers do it, so nobody who writes to the file can skip it, not even an earlier version of this program.
    """
    script = [
        "CREATE TABLE IF NOT EXISTS changes "
        "(revision INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL, key TEXT NOT NULL);",
        "CREATE TRIGGER IF NOT EXISTS changes_bounded AFTER INSERT ON changes BEGIN "
        f"DELETE FROM changes WHERE revision <= NEW.revision - {CHANGES_KEPT}; END;",
    ]
    for table, (what, key, when) in _WATCHED.items():
        script += _noting(table, what, key, when)
    return "\n".join(script)


def _noting(table: str, what: str, key: str, when: str = "") -> Iterator[str]:
    """Yield the triggers that note a table's changes."""
    for event, rows in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",))):
        noted = " UNION ".join(f"SELECT '{what}', {key.format(row=row)}" for row in rows)
        yield (
            f"CREATE TRIGGER IF NOT EXISTS {table}_{event.lower()}_noted AFTER {event} ON {table} "
            f"{when.format(row=rows[-1])}BEGIN INSERT INTO changes (what, key) {noted}; END;"
        )


_FIFTH = """
CREATE TABLE IF NOT EXISTS checkpoints (seq INTEGER PRIMARY KEY, note TEXT NOT NULL);
"""  # since version 5: the signed heads of the log

_HOW = (
    "CASE WHEN OLD.status IS NOT NEW.status OR OLD.ban_reason IS NOT NEW.ban_reason THEN 'status' "
    "WHEN OLD.sha256 IS NOT NEW.sha256 OR OLD.attested_at IS NOT NEW.attested_at THEN 'attestation' ELSE 'enrolled' END"
)


def _sixth() -> str:
    """Since version 6: also notes what of a worker has changed, for whoever is told about changes."""
    script = ["ALTER TABLE changes ADD COLUMN how TEXT NOT NULL DEFAULT '';"]
    for event, noted in (
        ("INSERT", "SELECT 'worker', NEW.worker_id, 'enrolled'"),
        ("UPDATE", f"SELECT 'worker', OLD.worker_id, {_HOW} UNION SELECT 'worker', NEW.worker_id, {_HOW}"),
        ("DELETE", "SELECT 'worker', OLD.worker_id, 'removed'"),
    ):
        name = f"workers_{event.lower()}_noted"
        script.append(f"DROP TRIGGER IF EXISTS {name};")
        script.append(
            f"CREATE TRIGGER {name} AFTER {event} ON workers BEGIN INSERT INTO changes (what, key, how) {noted}; END;"
        )
    return "\n".join(script)


def _seventh() -> str:
    """Since version 7: keys with scopes (`key_rows`), and when keys were last used, of which no change is noted."""
    tables = """
CREATE TABLE IF NOT EXISTS scoped_keys (
  key_id TEXT PRIMARY KEY, key_hash TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL, label TEXT NOT NULL,
  created_at TEXT NOT NULL, revoked_at TEXT, scopes TEXT NOT NULL CHECK (scopes LIKE '%:%'));
CREATE TABLE IF NOT EXISTS key_uses (key_id TEXT PRIMARY KEY, used_at TEXT NOT NULL);
"""
    return "\n".join((tables, *_noting("scoped_keys", "key", "''")))


def _eighth() -> str:
    """Since version 8: also notes that the halls go offline or online."""
    script = []
    for event in ("INSERT", "UPDATE", "DELETE"):
        row = "OLD" if event == "DELETE" else "NEW"
        script.append(
            f"CREATE TRIGGER IF NOT EXISTS service_{event.lower()}_noted AFTER {event} ON meta "
            f"WHEN {row}.name = 'offline' BEGIN INSERT INTO changes (what, key) VALUES ('service', ''); END;"
        )
    return "\n".join(script)


_INDEXES = """
CREATE INDEX IF NOT EXISTS workers_in_order ON workers (enrolled_at, worker_id);
CREATE INDEX IF NOT EXISTS workers_of ON workers (namespace, enrolled_at, worker_id);
CREATE INDEX IF NOT EXISTS bans_in_order ON bans (reported_at);
"""  # for reading long lists in pages


def prepare(db: sqlite3.Connection, path: str) -> None:
    """Create the tables of an empty file, or migrate an older one; if two processes open it, only one does.

    Raises:
        StoreError: a newer version made it.
    """
    db.execute("BEGIN IMMEDIATE")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise StoreError(f"{path} was made by a newer pyhall-tui (store version {version}): update this one")
    if version == 0:
        for statement in _statements(_FIRST):
            db.execute(statement)
        db.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            [("store_id", secrets.token_hex(8)), ("ban_revision", "0"), ("policy_revision", "0")],
        )
    for since, script in (
        (2, _SECOND),
        (3, _THIRD),
        (4, _fourth()),
        (5, _FIFTH),
        (6, _sixth()),
        (7, _seventh()),
        (8, _eighth()),
    ):
        if version < since:
            for statement in _statements(script):
                db.execute(statement)
            db.execute(f"PRAGMA user_version={since}")
    for statement in _statements(_INDEXES):
        db.execute(statement)
    db.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    """Yield a script's statements: `executescript` would commit before it starts."""
    statement = ""
    for line in script.strip().splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
