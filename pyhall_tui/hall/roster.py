"""Who is in the demo's fleet: two namespaces of a believable company. It imports nothing heavy: see `late_demo`."""

from collections.abc import Iterator

NAMESPACE = "org.yourco"
SMALL_NAMESPACE = "x.alice"
DOCUMENTED = "wkr_abc123"  # the documentation's own worker: nothing ever happens to it

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


def fleet() -> Iterator[tuple[str, str, str, str]]:
    """Yield id, namespace, name and capabilities of each worker of the demo."""
    yield DOCUMENTED, NAMESPACE, "My Worker", "llm.text.generate"
    for worker_id, name, capabilities in _OPAQUE:
        yield worker_id, NAMESPACE, name, capabilities
    for namespace, kinds, suffix in ((NAMESPACE, _YOURCO, "prod-"), (SMALL_NAMESPACE, _ALICE, "")):
        for kind, name, capabilities, count in kinds:
            for number in range(1, count + 1):
                tail, nth = (f".{suffix}{number:02}", f" {number}") if count > 1 else ("", "")
                yield f"{namespace}.{kind}{tail}", namespace, name + nth, capabilities
