"""The tables of the halls that live on a store, and of leases.

They are not read by decisions, so they don't raise the revision. `seen` and `expires` are by the server's clock.
"""


def step() -> str:
    """Since this version: the halls that live, and the lease of the one that polls the upstream."""
    return """
CREATE TABLE halls (
  instance TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, since TIMESTAMPTZ NOT NULL,
  seen TIMESTAMPTZ NOT NULL, decisions DOUBLE PRECISION NOT NULL, policy_file TEXT, policy_error TEXT, upstream TEXT,
  stale BOOLEAN NOT NULL) WITH (fillfactor = 50);
CREATE TABLE leases (
  name TEXT PRIMARY KEY, holder TEXT, fence BIGINT NOT NULL, expires TIMESTAMPTZ NOT NULL, heard TIMESTAMPTZ)
  WITH (fillfactor = 10);
INSERT INTO leases VALUES ('upstream', NULL, 0, '-infinity', NULL);
"""
