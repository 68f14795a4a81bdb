"""A hall's store in PostgreSQL, which several halls share. Needs the extra `pyhall-tui[postgres]`."""

from pyhall_tui.hall.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
