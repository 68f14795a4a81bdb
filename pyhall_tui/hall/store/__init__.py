"""What a hall stores: the operations (`Store`), and their implementation in SQLite (`SqliteStore`)."""

from pyhall_tui.hall.store.database import MEMORY
from pyhall_tui.hall.store.ids import hash_key, iso, new_id
from pyhall_tui.hall.store.protocol import Store
from pyhall_tui.hall.store.sqlite import SqliteStore

__all__ = ["MEMORY", "SqliteStore", "Store", "hash_key", "iso", "new_id"]
