"""How rows of a PostgreSQL store become what the hall works with."""

from typing import Any

from pyhall_tui.hall.models import Ban, Worker
from pyhall_tui.hall.store.postgres.escaped import Row
from pyhall_tui.hall.store.remembered import WORKER_COLUMNS, worker_of

BAN_COLUMNS = ", ".join(Ban.__struct_fields__)


def as_ban(row: Row) -> Ban:
    """Return a ban, read as `BAN_COLUMNS`."""
    return Ban(**dict(zip(Ban.__struct_fields__, row, strict=True)))


def as_worker(row: Row) -> Worker:
    """Return a worker, read as `remembered.GET_WORKER`."""
    fields: dict[str, Any] = dict(zip((*WORKER_COLUMNS, "hash_ban_reason"), row, strict=True))
    return worker_of(fields)
