"""The tables, their version, and the steps from each version to the next."""

import sqlite3

VERSION = 6

_FIRST = """
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  profile TEXT NOT NULL,
  kind TEXT NOT NULL,
  severity INTEGER NOT NULL,
  at REAL NOT NULL,
  worker_id TEXT,
  was TEXT NOT NULL,
  became TEXT NOT NULL,
  source TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  earlier_ids TEXT NOT NULL,
  detail TEXT NOT NULL,
  times INTEGER NOT NULL,
  acknowledged INTEGER NOT NULL
);
CREATE INDEX events_newest ON events (profile, id);
CREATE INDEX events_worker ON events (profile, worker_id, id);
CREATE INDEX events_correlation ON events (correlation_id) WHERE correlation_id <> '';
CREATE INDEX events_folded ON events (id) WHERE earlier_ids <> '';
CREATE INDEX events_open ON events (profile, severity) WHERE acknowledged = 0;

CREATE TABLE dispatches (
  id INTEGER PRIMARY KEY,
  profile TEXT NOT NULL,
  at REAL NOT NULL,
  namespace TEXT NOT NULL,
  capability TEXT NOT NULL,
  worker_id TEXT NOT NULL,
  context TEXT NOT NULL,
  outcome TEXT NOT NULL,
  deny_code TEXT,
  reason TEXT,
  decision_id TEXT,
  correlation_id TEXT NOT NULL,
  correlation_back TEXT,
  status INTEGER,
  elapsed_ms REAL,
  error TEXT NOT NULL,
  may_have_reached INTEGER NOT NULL,
  request_raw BLOB NOT NULL,
  response_raw BLOB NOT NULL
);
CREATE INDEX dispatches_newest ON dispatches (profile, id);
CREATE INDEX dispatches_correlation ON dispatches (correlation_id);

CREATE TABLE enrollments (
  profile TEXT NOT NULL,
  batch TEXT NOT NULL,
  row_key TEXT NOT NULL,
  state TEXT NOT NULL,
  at REAL NOT NULL,
  began_at REAL NOT NULL,
  worker_id TEXT,
  request TEXT NOT NULL,
  answer TEXT,
  error TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  PRIMARY KEY (profile, batch, row_key)
);
CREATE INDEX enrollments_row ON enrollments (profile, row_key);
CREATE INDEX enrollments_correlation ON enrollments (correlation_id) WHERE correlation_id <> '';

CREATE TABLE verdicts (
  profile TEXT NOT NULL,
  worker_id TEXT NOT NULL,
  state_rank INTEGER NOT NULL,
  at REAL NOT NULL,
  changed_at REAL NOT NULL,
  correlation_id TEXT NOT NULL,
  verdict BLOB NOT NULL,
  banned_by BLOB,
  raw BLOB NOT NULL,
  PRIMARY KEY (profile, worker_id)
);
CREATE INDEX verdicts_loudest ON verdicts (profile, state_rank, worker_id);
"""

_WHAT_WAS_UNDERSTOOD = "ALTER TABLE dispatches ADD COLUMN result TEXT NOT NULL DEFAULT ''"
"""A dispatch's result, besides the registry's own word for it; empty in earlier rows."""

_ALARMS = """
CREATE TABLE alarms (
  id TEXT PRIMARY KEY,
  profile TEXT NOT NULL,
  condition TEXT NOT NULL,
  subject TEXT NOT NULL,
  namespace TEXT NOT NULL DEFAULT '',
  severity INTEGER NOT NULL,
  times INTEGER NOT NULL,
  streak INTEGER NOT NULL,
  first_at REAL NOT NULL,
  fired_at REAL NOT NULL,
  event_id INTEGER NOT NULL,
  was TEXT NOT NULL,
  source TEXT NOT NULL,
  detail TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  resolved_at REAL,
  resolved_by TEXT NOT NULL DEFAULT '',
  resolved_event INTEGER NOT NULL DEFAULT 0,
  acknowledged_at REAL,
  acknowledged_by TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  act INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX alarms_firing ON alarms (profile, fired_at) WHERE resolved_at IS NULL;
CREATE INDEX alarms_act ON alarms (act) WHERE act <> 0;
CREATE INDEX alarms_resolved ON alarms (resolved_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX events_act ON events (acknowledged) WHERE acknowledged > 1;

CREATE TABLE silences (
  id TEXT PRIMARY KEY,
  profile TEXT NOT NULL,
  worker TEXT NOT NULL,
  namespace TEXT NOT NULL,
  condition TEXT NOT NULL,
  began_at REAL NOT NULL,
  until REAL NOT NULL,
  reason TEXT NOT NULL,
  by TEXT NOT NULL,
  ended_at REAL,
  ended_by TEXT NOT NULL
);
CREATE INDEX silences_profile ON silences (profile, ended_at);

CREATE TABLE alarm_changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  profile TEXT NOT NULL,
  id TEXT NOT NULL,
  body BLOB NOT NULL
);
CREATE INDEX alarm_changes_newest ON alarm_changes (profile, seq);

WITH said AS (
  SELECT *, CASE
    WHEN kind IN ('banned', 'unbanned') THEN 'banned'
    WHEN kind IN ('vanished', 'appeared') THEN 'vanished'
    WHEN kind IN ('drifted', 'drift ended') THEN 'drifted'
    WHEN kind IN ('registry lost', 'registry regained') THEN 'registry lost'
    WHEN kind IN ('verify failing', 'verify recovered') THEN 'verify failing'
    WHEN kind IN ('key rejected', 'key accepted') THEN 'key rejected' END AS condition
  FROM events
  UNION ALL
  SELECT *, 'revoked' FROM events WHERE kind IN ('status changed', 'unbanned', 'appeared')
), newest AS (
  SELECT *, row_number() OVER (PARTITION BY profile, condition, worker_id ORDER BY id DESC) AS place
  FROM said WHERE condition IS NOT NULL
)
INSERT INTO alarms (id, profile, condition, subject, severity, times, streak, first_at, fired_at, event_id, was, source,
  detail, correlation_id, acknowledged_at, act)
SELECT alarm_id(profile, condition, coalesce(worker_id, '')), profile, condition, coalesce(worker_id, ''),
  CASE WHEN kind IN ('drifted', 'registry lost') THEN 3 ELSE severity END, 1, 1, at, at, id, was, source, detail,
  correlation_id, CASE WHEN acknowledged THEN at END, acknowledged
FROM newest WHERE place = 1 AND CASE condition WHEN 'revoked' THEN became = 'revoked' ELSE kind = condition END;
"""
"""Alarms have a life: what earlier versions left open, or open and seen, fires; what had ended by then does not."""

_WATCHERS = """
CREATE TABLE watchers (
  profile TEXT PRIMARY KEY,
  token TEXT NOT NULL,
  pid INTEGER NOT NULL,
  host TEXT NOT NULL,
  place TEXT NOT NULL,
  beat INTEGER NOT NULL
)"""
"""Who watches a profile without a screen."""

_PUBLISHED = """
ALTER TABLE watchers ADD COLUMN published BLOB NOT NULL DEFAULT x'';
ALTER TABLE verdicts ADD COLUMN written INTEGER NOT NULL DEFAULT 0;
CREATE INDEX verdicts_written ON verdicts (profile, written);
CREATE TABLE writes (number INTEGER NOT NULL);
INSERT INTO writes VALUES (0)"""
"""What a watcher knows of its connection; and in which write each verdict came: to follow them needs no clock."""

_LOG_MARKS = """
CREATE TABLE log_marks (
  log_id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  entry_hash TEXT NOT NULL,
  at REAL NOT NULL
);
CREATE TABLE hall_logs (
  registry TEXT PRIMARY KEY,
  log_id TEXT NOT NULL,
  public_key TEXT NOT NULL
)"""
"""The newest row seen of each hall's decision log, and which log each address serves."""

MIGRATIONS = (_FIRST, _WHAT_WAS_UNDERSTOOD, _ALARMS, _WATCHERS, _PUBLISHED, _LOG_MARKS)
"""`MIGRATIONS[n]` leads from version n to n + 1. Never edit a released step."""


def version_of(connection: sqlite3.Connection) -> int:
    """Return the file's version; 0 for a new file."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection) -> None:
    """Migrate an open file to `VERSION` in one transaction; take the write lock once even if there is nothing to do.

    The lock reveals at once that a file can be read but not written, rather than at the first event.

    Raises:
        sqlite3.Error: it can't be written, or is damaged.
    """
    connection.create_function("alarm_id", 3, _alarm_id, deterministic=True)
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Checked again under the lock: a program that started at the same time may have done it.
        for step in MIGRATIONS[version_of(connection) :]:
            for statement in step.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version_of(connection) + 1}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _alarm_id(profile: str, condition: str, subject: str) -> str:
    from pyhall_tui.alarms.alarm import alarm_id  # with the first alarm of an older file

    return alarm_id(profile, condition, subject)
