"""A summary of a store."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.policy import load_rules
from pyhall_tui.hall.service import offline_since
from pyhall_tui.hall.shadow import hidden_rules
from pyhall_tui.hall.signers import newest_stated
from pyhall_tui.hall.store import Store
from pyhall_tui.hall.upstream import last_state


def state(worker: Worker) -> str:
    """Return the one word that describes a worker best: a ban outranks its status, which outranks its attestation."""
    if worker.banned:
        return "banned"
    if worker.status != "active":
        return worker.status
    return "active" if worker.attested else "unattested"


def seen_halls(store: Store) -> list[dict[str, Any]]:
    """Return the halls on a store that live, or did a moment ago."""
    return [hall._asdict() | {"living": hall.is_living} for hall in store.halls.seen()]


def summary(store: Store) -> dict[str, Any]:
    """Return the store's counts: workers by state, bans, valid keys, policy, decisions of the last 24 hours."""
    yesterday = (datetime.fromisoformat(store.now()) - timedelta(days=1)).isoformat().replace("+00:00", "Z")
    policy = load_rules(store)
    stated = newest_stated(store)  # before the head, which may grow meanwhile
    workers, head = store.workers(), store.log.head()
    return {
        "workers": dict(Counter(map(state, workers))),
        "namespaces": dict(Counter(worker.namespace for worker in workers)),
        "ban_list": store.ban_count(),
        "keys": dict(Counter(key.namespace for key in store.all_keys() if key.revoked_at is None)),
        "policy": {"rules": len(policy.rule), "default": policy.default, "hidden": len(hidden_rules(policy))},
        "policy_file": store.setting("policy_file") or None,  # replaced it when the hall was last served
        "offline_since": offline_since(store),
        "decisions": store.log.count(),
        "last_day": store.log.counts(yesterday, None),
        "upstream": last_state(store),
        "halls": seen_halls(store),
        "log": {"seq": head.seq, "entry_hash": head.entry_hash, "stated": stated._asdict() if stated else None},
    }
