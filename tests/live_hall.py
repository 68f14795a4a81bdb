"""A running hall for a test, with everything that a test needs from it.

with live_hall(rate=1) as hall:
    hall.faults.add(path="/api/v1/verify/*", status=500, count=1)
    ...  # ask hall.url with hall.key
    assert hall.requests[-1].raw_path == "/api/v1/verify/wkr_abc123"
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyhall_tui.clock import Clock
from pyhall_tui.hall.context import Hall, SeenRequest
from pyhall_tui.hall.faults import Faults
from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.policy import Policy, Rule, save_rules
from pyhall_tui.hall.server import serve_in_thread
from pyhall_tui.hall.store import MEMORY, SqliteStore, Store

NAMESPACE = "org.yourco"
WORKER = "wkr_abc123"
CAPABILITY = "llm.text.generate"
HASH = "a1b2c3" + "0" * 58

# By risk tier: low, medium and none stated are allowed, high is held, critical is denied with POLICY_BLOCKED.
POLICY = Policy(
    rule=(
        Rule(id="hold-high", outcome="hold", capability="llm.*", risk_tiers=("high",)),
        Rule(id="deny-critical", outcome="deny", capability="llm.*", risk_tiers=("critical",)),
        Rule(id="allow-llm", outcome="allow", capability="llm.*"),
    )
)


@dataclass
class LiveHall:
    """`hall` holds the options that can be changed while it runs (`ban_list`, `verify_shape`, `public_reads`, …)."""

    url: str
    key: str
    hall: Hall
    namespace: str = NAMESPACE

    @property
    def store(self) -> Store:
        return self.hall.store

    @property
    def faults(self) -> Faults:
        return self.hall.faults

    @property
    def requests(self) -> deque[SeenRequest]:
        return self.hall.requests

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def add_worker(self, worker_id: str, **fields: Any) -> Worker:
        """Enroll an active, attested, clean worker of `org.yourco`, unless `fields` say otherwise."""
        known: dict[str, Any] = {
            "namespace": NAMESPACE,
            "display_name": worker_id,
            "capabilities": (CAPABILITY,),
            "sha256": HASH,
            "attested_at": self.store.now(),
        }
        return self.store.put_worker(Worker(worker_id=worker_id, **(known | fields)))


@contextmanager
def live_hall(
    path: Path | str = MEMORY,
    *,
    rate: float = 0,
    record: int = 100_000,
    certfile: Path | None = None,
    keyfile: Path | None = None,
    **options: Any,
) -> Iterator[LiveHall]:
    """Run a hall with a key of `org.yourco` and the one worker `wkr_abc123`, which may `llm.text.generate`.

    There is no rate limit unless `rate` is given; further options are those of `pyhall_tui.hall.context.Hall`.
    `path` is a file, or a database's address.
    """
    store = _opened(path, options.get("clock"))
    save_rules(store, POLICY)
    with serve_in_thread(store, rate=rate, record=record, certfile=certfile, keyfile=keyfile, **options) as running:
        live = LiveHall(running.url, store.add_key(NAMESPACE), running.hall)
        live.add_worker(WORKER, display_name="My Worker")
        yield live
    store.close()


def _opened(path: Path | str, clock: Clock | None) -> Store:
    if not str(path).startswith("postgresql:"):
        return SqliteStore(path, clock=clock)
    from pyhall_tui.hall.store.postgres import PostgresStore

    store = PostgresStore(str(path), make=True, clock=clock)
    store.listen()
    return store
