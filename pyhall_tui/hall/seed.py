"""The demo's fleet and policy: two namespaces of a believable company."""

import hashlib
import random
from collections.abc import Iterator
from typing import Any

from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.policy import Policy, Rule, save_rules
from pyhall_tui.hall.store import Store, iso

NAMESPACE = "org.yourco"
SMALL_NAMESPACE = "x.alice"
DOCUMENTED = "wkr_abc123"  # the documentation's own worker: nothing ever happens to it
_DAY = 86_400.0

# id within its namespace, name, capabilities, how many there are
_YOURCO: tuple[tuple[str, str, str, int], ...] = (
    ("summarizer", "Document summarizer", "doc.summarize llm.text.generate", 4),
    ("translator", "Translator", "llm.text.translate llm.text.generate", 3),
    ("mailer", "Customer mailer", "mail.send mail.read llm.text.generate", 3),
    ("scraper", "Web scraper", "web.fetch doc.extract", 4),
    ("support-triage", "Support triage", "ticket.read ticket.classify llm.text.generate", 3),
    ("invoice-reader", "Invoice reader", "doc.extract payments.read", 2),
    ("payout", "Payout clerk", "payments.read payments.transfer", 2),
    ("code-review", "Code reviewer", "repo.read llm.code.review", 3),
    ("release-notes", "Release notes writer", "repo.read llm.text.generate", 1),
    ("embedder", "Embedding service", "llm.embed", 4),
    ("log-watch", "Log watcher", "infra.logs.read infra.alert", 2),
    ("node-janitor", "Node janitor", "infra.nodes.drain infra.nodes.delete", 1),
    ("sql-analyst", "SQL analyst", "data.query llm.code.generate", 2),
    ("forecast", "Demand forecast", "data.query data.forecast", 2),
    ("vault-agent", "Vault agent", "secrets.read secrets.rotate", 1),
)
_ALICE: tuple[tuple[str, str, str, int], ...] = (
    ("handler-v1", "Handler v1", "llm.text.generate", 1),
    ("handler-v2", "Handler v2", "llm.text.generate web.fetch", 1),
    ("notes", "Meeting notes", "audio.transcribe doc.summarize", 2),
    ("painter", "Image painter", "llm.image.generate", 1),
    ("home-agent", "Home agent", "device.switch", 1),
)
_OPAQUE = (
    ("wkr_7d20f9", "Nightly batch", "data.query doc.summarize"),
    ("wkr_91be3c", "Partner gateway", "web.fetch llm.text.generate"),
    ("wkr_c04a58", "Chat front desk", "llm.text.generate ticket.read"),
)
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
        for worker_id, namespace, name, capabilities in _fleet():
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


def _fleet() -> Iterator[tuple[str, str, str, str]]:
    """Yield id, namespace, name and capabilities of each worker of the demo."""
    yield DOCUMENTED, NAMESPACE, "My Worker", "llm.text.generate"
    for worker_id, name, capabilities in _OPAQUE:
        yield worker_id, NAMESPACE, name, capabilities
    for namespace, kinds, suffix in ((NAMESPACE, _YOURCO, "prod-"), (SMALL_NAMESPACE, _ALICE, "")):
        for kind, name, capabilities, count in kinds:
            for number in range(1, count + 1):
                tail, nth = (f".{suffix}{number:02}", f" {number}") if count > 1 else ("", "")
                yield f"{namespace}.{kind}{tail}", namespace, name + nth, capabilities
