"""Puts the demo into a store: its fleet in every state, its bans and its policy."""

import hashlib
import random
from typing import Any

from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.policy import Policy, Rule, save_rules
from pyhall_tui.hall.roster import NAMESPACE, fleet
from pyhall_tui.hall.store import Store, iso

_DAY = 86_400.0

_STATES: dict[str, dict[str, Any]] = {
    "org.yourco.scraper.prod-04": {"sha256": None, "attested_at": None},
    "org.yourco.forecast.prod-02": {"sha256": None, "attested_at": None},
    "org.yourco.embedder.prod-04": {"sha256": "PENDING_ATTESTATION", "attested_at": None},
    "x.alice.home-agent": {"sha256": None, "attested_at": None},
    "org.yourco.translator.prod-03": {"status": "retired"},
    "org.yourco.sql-analyst.prod-02": {"status": "retired"},
    "x.alice.handler-v1": {"status": "retired"},
    "org.yourco.node-janitor": {"status": "revoked"},
    "wkr_7d20f9": {"status": "revoked"},
}
_BANNED = {
    "org.yourco.mailer.prod-03": "Sent 4,100 mails without a recipient's consent",
    "org.yourco.code-review.prod-03": "Package was built from an unreviewed branch",
    "x.alice.painter": "Depends on a library with a known backdoor",
}
_ELSEWHERE = {
    "Credential stealer in a typosquatted package": "hall-monitor",
    "Prompt injection relay": "community",
}

POLICY = Policy(
    rule=(
        Rule(
            id="payments-critical",
            outcome="deny",
            capability="payments.*",
            risk_tiers=("critical", "unstated"),
            reason="Payments of critical or unstated risk are made by people",
        ),
        Rule(
            id="payments-high",
            outcome="hold",
            capability="payments.*",
            risk_tiers=("high",),
            reason="Finance approves payments of high risk",
        ),
        Rule(id="payments", outcome="allow", namespace=NAMESPACE, capability="payments.*"),
        Rule(id="secrets", outcome="deny", capability="secrets.*"),
        Rule(
            id="infra-destroys",
            outcome="hold",
            capability="infra.nodes.*",
            reason="The operator on duty approves what takes nodes away",
        ),
        Rule(
            id="critical",
            outcome="deny",
            risk_tiers=("critical",),
            code="DENY_REQUIRES_HUMAN",
            reason="Nothing of critical risk runs without a person",
        ),
        Rule(id="llm-high", outcome="hold", capability="llm.*", risk_tiers=("high",)),
        Rule(id="llm", outcome="allow", capability="llm.*"),
        Rule(id="documents", outcome="allow", capability="doc.*"),
        Rule(id="reading", outcome="allow", capability="*.read"),
        Rule(
            id="mail",
            outcome="allow",
            namespace=NAMESPACE,
            capability="mail.send",
            worker="org.yourco.mailer.*",
            risk_tiers=("low", "medium"),
        ),
        Rule(id="web", outcome="allow", capability="web.fetch", risk_tiers=("low", "medium")),
        Rule(id="data", outcome="allow", namespace=NAMESPACE, capability="data.*", risk_tiers=("low", "medium")),
        Rule(id="tickets", outcome="allow", namespace=NAMESPACE, capability="ticket.*"),
    )
)


def seed_demo(store: Store, wall: float) -> None:
    """Put the demo's fleet, bans and policy into a store; `wall` is now, in seconds since the epoch."""
    rng = random.Random(7)
    with store.write():
        for worker_id, namespace, name, capabilities in fleet():
            enrolled = wall - rng.uniform(20, 200) * _DAY
            fields: dict[str, Any] = {
                "sha256": fake_hash(worker_id),
                "attested_at": iso(wall - rng.uniform(0.1, 19) * _DAY),
            }
            worker = Worker(
                worker_id=worker_id,
                namespace=namespace,
                display_name=name,
                capabilities=tuple(capabilities.split()),
                enrolled_at=iso(enrolled),
                **(fields | _STATES.get(worker_id, {})),
            )
            if "translator" in worker_id or "code-review" in worker_id:
                worker.ai_generated, worker.ai_service, worker.ai_model = True, "anthropic", "claude"
            store.put_worker(worker)
        for reason, source in _ELSEWHERE.items():
            store.ban_hash(fake_hash(reason), reason, source=source)
        for worker_id, reason in _BANNED.items():
            store.ban(worker_id, reason)
        save_rules(store, POLICY)


def fake_hash(of: str, version: int = 1) -> str:
    """Return a package hash that is always the same for a worker and version."""
    return hashlib.sha256(f"{of} {version}".encode()).hexdigest()
