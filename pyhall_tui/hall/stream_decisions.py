"""What is new in the decision log, for the clients of a stream. All halls on the store write to it."""

from collections import defaultdict
from typing import Any, NamedTuple

import msgspec

from pyhall_tui.hall.store import Store

MOST_LISTED = 200
"""Decisions that are told one by one after a look; if there are more, these are the newest."""


class Counts(NamedTuple):
    """How many decisions there were, by outcome."""

    allowed: int = 0
    denied: int = 0
    held: int = 0


class _Receipt(msgspec.Struct):
    namespace: str
    capability: str
    outcome: str
    decided_at: str


class NewDecisions:
    """Counts and lists the decisions since it was made. Its methods read the store: call them in a thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counted = self._listed = store.beside().log.head().seq

    def counts(self) -> dict[str | None, Counts]:
        """Return how many decisions were made since the last call, by namespace; of all under None."""
        log = self._store.beside().log
        last = log.head().seq
        before, self._counted = self._counted, last
        if last <= before:  # lower if the server was replaced by one that lagged behind
            return {}
        sums: defaultdict[str | None, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for tallied in log.tally(before, last):
            for namespace in (tallied.namespace, None):
                sums[namespace][tallied.outcome] += tallied.decisions
        return {namespace: Counts(by["allow"], by["deny"], by["hold"]) for namespace, by in sums.items()}

    def dispatches(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the decisions since the last call, oldest first, each with its namespace."""
        log = self._store.beside().log
        found = log.newest(MOST_LISTED, None, self._listed)
        if not found:
            self._listed = min(self._listed, log.head().seq)
            return []
        self._listed = found[0][0]
        return [_told(receipt) for _, receipt in reversed(found)]


def _told(receipt: str) -> tuple[str, dict[str, Any]]:
    read = msgspec.json.decode(receipt, type=_Receipt)
    told = {"type": "dispatch", "capability": read.capability, "decision": read.outcome, "ts": read.decided_at}
    return read.namespace, told
