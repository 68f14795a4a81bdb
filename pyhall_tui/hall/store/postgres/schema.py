"""The tables of a hall's PostgreSQL store, and how an older store is migrated.

They are in a schema of their own, so the database may hold other things too. Text that is compared or sorted has the
collation `C`: every server then sorts alike, and as SQLite does. Receipts are `TEXT`: their bytes are hashed.
"""

import secrets
from collections.abc import Callable
from typing import LiteralString

from pyhall_tui.hall.store.postgres import schema_of_halls, schema_of_partitions, schema_of_rates, schema_of_scopes

SCHEMA = "pyhall"
CHANNEL = "pyhall"
"""Whoever listens here is notified of each change that decisions need to know, but of no decision."""
LOCK = 0x70796861  # for migrations: `pyha`, so that two halls that start at once make the tables once
CHANGES_KEPT = 10_000
"""Revisions. A memory that is further behind is emptied."""

_NOT_NOTIFIED = "rates"
"""They change with decisions, and a NOTIFY holds up all others that are committed meanwhile."""

_TABLES = """
CREATE TABLE schema_version (version INTEGER NOT NULL);
CREATE TABLE head (
  single BOOLEAN PRIMARY KEY DEFAULT true CHECK (single), seq BIGINT NOT NULL, entry_hash TEXT NOT NULL,
  revision BIGINT NOT NULL) WITH (fillfactor = 10);
CREATE TABLE meta (name ID PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE keys (
  number BIGINT GENERATED ALWAYS AS IDENTITY, key_id ID PRIMARY KEY, key_hash ID NOT NULL UNIQUE, namespace ID NOT NULL,
  label TEXT NOT NULL, created_at ID NOT NULL, revoked_at ID);
CREATE TABLE workers (
  number BIGINT GENERATED ALWAYS AS IDENTITY, worker_id ID PRIMARY KEY, namespace ID NOT NULL,
  display_name TEXT NOT NULL, capabilities TEXT NOT NULL,
  status ID NOT NULL CHECK (status IN ('active', 'retired', 'revoked')), sha256 ID, attested_at ID, ban_reason TEXT,
  banned_at ID, ai_generated INTEGER NOT NULL, ai_service TEXT, ai_model TEXT, ai_session_fingerprint TEXT,
  enrolled_at ID NOT NULL);
CREATE INDEX workers_in_order ON workers (enrolled_at, worker_id);
CREATE INDEX workers_of ON workers (namespace, enrolled_at, worker_id);
CREATE INDEX workers_with ON workers (sha256);
CREATE TABLE bans (
  number BIGINT GENERATED ALWAYS AS IDENTITY, sha256 ID PRIMARY KEY, reason TEXT NOT NULL, reported_at ID NOT NULL,
  source TEXT NOT NULL, review_status TEXT, upstream INTEGER NOT NULL DEFAULT 0);
CREATE INDEX bans_in_order ON bans (reported_at, number);
CREATE TABLE reports (
  number BIGINT GENERATED ALWAYS AS IDENTITY, report_id ID PRIMARY KEY, sha256 ID NOT NULL, reason TEXT NOT NULL,
  evidence_url TEXT, namespace ID NOT NULL, reported_at ID NOT NULL);
CREATE TABLE rules (position INTEGER PRIMARY KEY, rule TEXT NOT NULL);
CREATE TABLE decisions (
  seq BIGINT PRIMARY KEY, entry_hash TEXT NOT NULL, receipt TEXT NOT NULL, namespace ID, rule ID, outcome ID,
  decided_at ID);
CREATE INDEX decisions_of ON decisions (namespace, seq);
CREATE INDEX decisions_since ON decisions (decided_at, namespace, outcome);
CREATE TABLE ingested (namespace ID, decision_id ID, seq BIGINT NOT NULL, PRIMARY KEY (namespace, decision_id));
CREATE INDEX ingested_as ON ingested (seq);
CREATE TABLE rates (
  rule ID, worker_id ID, mono DOUBLE PRECISION NOT NULL, wall DOUBLE PRECISION NOT NULL, allowed BYTEA NOT NULL,
  PRIMARY KEY (rule, worker_id));
CREATE TABLE checkpoints (seq BIGINT PRIMARY KEY, note TEXT NOT NULL);
CREATE TABLE changes (revision BIGINT NOT NULL, what TEXT NOT NULL, key TEXT NOT NULL);
CREATE INDEX changes_since ON changes (revision);
"""

APPEND_COLUMNS = ("receipt", "namespace", "rule", "outcome", "decided_at")
"""Of each row, as arrays in this order."""
_APPEND = """
CREATE FUNCTION append_decisions(
  judged_by BIGINT, receipts TEXT[], namespaces TEXT[], rules TEXT[], outcomes TEXT[], times TEXT[],
  rate_rules TEXT[], rate_workers TEXT[], monos DOUBLE PRECISION[], walls DOUBLE PRECISION[], alloweds BYTEA[],
  OUT stale BOOLEAN, OUT last BIGINT, OUT revised BIGINT)
LANGUAGE plpgsql AS $$
DECLARE
  entry TEXT;
BEGIN
  SELECT head.seq, head.entry_hash, head.revision INTO last, entry, revised FROM head FOR UPDATE;
  stale := revised <> judged_by;
  IF stale THEN
    RETURN;
  END IF;
  FOR i IN 1 .. cardinality(receipts) LOOP
    last := last + 1;
    entry := encode(sha256(convert_to(entry || receipts[i], 'UTF8')), 'hex');
    INSERT INTO decisions
      VALUES (last, entry, receipts[i], namespaces[i], rules[i], outcomes[i], times[i]);
  END LOOP;
  INSERT INTO rates
    SELECT * FROM unnest(rate_rules, rate_workers, monos, walls, alloweds)
    ON CONFLICT (rule, worker_id) DO UPDATE SET mono = excluded.mono, wall = excluded.wall, allowed = excluded.allowed;
  UPDATE head SET seq = last, entry_hash = entry RETURNING head.revision INTO revised;
END $$;
"""

_WATCHED = {  # table: what is noted of a change, its key, and of which rows
    "keys": ("key", "''", "true"),
    "workers": ("worker", "worker_id", "true"),
    "bans": ("ban", "sha256", "true"),
    "rates": ("rate", "worker_id", "true"),
    "meta": ("policy", "''", "name = 'policy_revision'"),
}
_ROWS = {"INSERT": ("new_rows",), "UPDATE": ("old_rows", "new_rows"), "DELETE": ("old_rows",)}
_ALSO = {"bans": "UPDATE meta SET value = (value::bigint + 1)::text WHERE name = 'ban_revision';"}


def _noting(*, notify: bool) -> str:
    """Return what notes changes, so that memories know what to read again. A statement that changes something is a
    revision.

    Triggers do it, so nobody who writes to the store can skip it. They lock the head's row until the transaction ends:
    revisions become visible in their order, and between decisions.
    """
    script = []
    for table, (what, key, which) in _WATCHED.items():
        for event, names in _ROWS.items():
            function = f"{table}_{event.lower()}_noted"
            rows = " UNION ".join(f"SELECT {key} AS key FROM {name} WHERE {which}" for name in names)
            also = _ALSO.get(table, "")
            if notify and table != _NOT_NOTIFIED:
                also += f" PERFORM pg_notify('{CHANNEL}', '');"
            script.append(_noted(function, rows, f"SELECT revised, '{what}', key FROM ({rows}) AS changed", also))
    return "\n".join(script)


def _noted(function: str, rows: str, changes: str, also: str) -> str:
    """Return the function that notes `changes` if there are any `rows`."""
    return f"""
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  revised BIGINT;
BEGIN
  IF EXISTS ({rows}) THEN
    UPDATE head SET revision = revision + 1 RETURNING revision INTO revised;
    INSERT INTO changes {changes};
    DELETE FROM changes WHERE revision <= revised - {CHANGES_KEPT};
    {also}
  END IF;
  RETURN NULL;
END $$;"""


def _triggers() -> str:
    """Return what calls these functions."""
    script = []
    for table in _WATCHED:
        for event, names in _ROWS.items():
            function = f"{table}_{event.lower()}_noted"
            tables = " ".join(f"{name[:3]} TABLE AS {name}" for name in names)
            script.append(
                f"CREATE TRIGGER {function} AFTER {event} ON {table} REFERENCING {tables} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {function}();"
            )
    return "\n".join(script)


def _first() -> str:
    """Make the tables of version 1 in an empty schema."""
    tables = _TABLES.replace(" ID,", f" {_TEXT_ID},").replace(" ID ", f" {_TEXT_ID} ").replace(" ID)", f" {_TEXT_ID})")
    rows = f"""
INSERT INTO schema_version VALUES (0);
INSERT INTO head VALUES (true, 0, 'GENESIS', 0);
INSERT INTO meta VALUES ('store_id', '{secrets.token_hex(8)}'), ('ban_revision', '0'), ('policy_revision', '0');
"""
    return "\n".join((tables, _APPEND, _noting(notify=False), _triggers(), rows))


def _second() -> str:
    """Notify of changes."""
    return _noting(notify=True)


_HOW = """
  CASE WHEN (was.status, was.ban_reason) IS DISTINCT FROM (now.status, now.ban_reason) THEN 'status'
  WHEN (was.sha256, was.attested_at) IS DISTINCT FROM (now.sha256, now.attested_at) THEN 'attestation'
  ELSE 'enrolled' END"""


def _third() -> str:
    """Also note what of a worker has changed, for whoever is told about changes."""
    also = f"PERFORM pg_notify('{CHANNEL}', '');"
    script = ["ALTER TABLE changes ADD COLUMN how TEXT NOT NULL DEFAULT '';"]
    for event, rows, how in (
        ("insert", "new_rows", "'enrolled'"),
        ("update", "old_rows AS was JOIN new_rows AS now USING (number, worker_id)", _HOW),
        ("delete", "old_rows", "'removed'"),
    ):
        changes = f"SELECT revised, 'worker', worker_id, {how} FROM {rows}"
        script.append(_noted(f"workers_{event}_noted", f"SELECT FROM {rows}", changes, also))
    return "\n".join(script)


def _eighth() -> str:
    """Also note that the halls go offline or online."""
    also = f"PERFORM pg_notify('{CHANNEL}', '');"
    script = []
    for event, names in _ROWS.items():
        rows = " UNION ".join(f"SELECT name FROM {name} WHERE name IN ('policy_revision', 'offline')" for name in names)
        what = "CASE name WHEN 'offline' THEN 'service' ELSE 'policy' END"
        script.append(
            _noted(f"meta_{event.lower()}_noted", rows, f"SELECT revised, {what}, '' FROM ({rows}) AS changed", also)
        )
    return "\n".join(script)


_TEXT_ID: LiteralString = 'TEXT COLLATE "C"'

STEPS: tuple[Callable[[], str], ...] = (
    _first,
    _second,
    _third,
    schema_of_halls.step,
    schema_of_rates.step,
    schema_of_partitions.step,
    schema_of_scopes.step,
    _eighth,
)
"""Each returns the statements that bring a store to the next version. Halls of the version before may be running."""
VERSION = len(STEPS)
