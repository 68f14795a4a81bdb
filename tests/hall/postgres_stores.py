"""A store in PostgreSQL to try things on: one worker, and the rules of the tests."""

from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.policy import save_rules
from pyhall_tui.hall.store.postgres import PostgresStore
from tests.live_hall import HASH, POLICY


def store_with_a_worker(address: str) -> PostgresStore:
    """Make it in an empty database; whoever calls this closes it."""
    made = PostgresStore(address, make=True)
    made.put_worker(
        Worker(worker_id="w", namespace="n", sha256=HASH, attested_at="2026", enrolled_at="1", capabilities=("llm.x",))
    )
    save_rules(made, POLICY)
    return made
