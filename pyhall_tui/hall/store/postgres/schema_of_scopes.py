"""The tables of the keys with scopes (see `key_rows`), and of when keys were last used."""

_KEYS = """
CREATE TABLE scoped_keys (
  number BIGINT GENERATED ALWAYS AS IDENTITY, key_id TEXT COLLATE "C" PRIMARY KEY,
  key_hash TEXT COLLATE "C" NOT NULL UNIQUE, namespace TEXT COLLATE "C" NOT NULL, label TEXT NOT NULL,
  created_at TEXT COLLATE "C" NOT NULL, revoked_at TEXT COLLATE "C", scopes TEXT NOT NULL CHECK (scopes LIKE '%:%'));
"""
_USES = """
CREATE TABLE key_uses (key_id TEXT COLLATE "C" PRIMARY KEY, used_at TEXT NOT NULL) WITH (fillfactor = 50);
"""


def step() -> str:
    """Since this version: keys with scopes, whose changes are noted as other keys' are, and when keys were last used,
    which is not noted as a change.
    """
    script = [_KEYS, _USES]
    for event, rows in (
        ("INSERT", "NEW TABLE AS new_rows"),
        ("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
        ("DELETE", "OLD TABLE AS old_rows"),
    ):
        script.append(
            f"CREATE TRIGGER scoped_keys_{event.lower()}_noted AFTER {event} ON scoped_keys REFERENCING {rows} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION keys_{event.lower()}_noted();"
        )
    return "\n".join(script)
