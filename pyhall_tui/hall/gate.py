"""May this worker do this? First what the registry knows of the worker, then the policy."""

from typing import Any

from pyhall_tui.hall import audit
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.models import Asked, Worker
from pyhall_tui.hall.policy import SECONDS, Decision, Policy
from pyhall_tui.hall.store import new_id
from pyhall_tui.hall.upstream import STALE

# The contract's codes where one fits; the `DENY_WORKER_…` of a ban on the worker itself and of its status are ours.
UNKNOWN = "DENY_NO_AVAILABLE_WORKER"
BANNED_HASH = "ATTEST_BANNED_HASH"
BANNED_WORKER = "DENY_WORKER_BANNED"
RETIRED = "DENY_WORKER_RETIRED"
REVOKED = "DENY_WORKER_REVOKED"
UNATTESTED = "DENY_WORKER_ATTESTATION_MISSING"
BAD_HASH = "DENY_WORKER_ATTESTATION_INVALID_HASH"
RATE_EXCEEDED = "POLICY_RATE_EXCEEDED"
LACKS_CAPABILITY = "NO_WORKER_FOR_CAPABILITY"


def dispatch(hall: Hall, asked: Asked, correlation_id: str) -> dict[str, Any]:
    """Decide a dispatch and return its receipt, which is in the decision log by then."""
    receipt = judge(hall, asked, correlation_id)
    audit.append(hall.store, receipt)
    return receipt


def judge(hall: Hall, asked: Asked, correlation_id: str) -> dict[str, Any]:
    """Decide a dispatch and return its receipt, which is not in the log yet."""
    began = hall.clock.now().mono
    decision = decide(hall.store.worker(asked.worker_id), asked, hall.policy.current())
    decision = _within_rate(hall, asked, _if_upstream_is_heard(hall, asked, decision))
    return {
        "decision_id": new_id("dec"),
        "correlation_id": correlation_id,
        "namespace": asked.namespace,
        "capability": asked.capability,
        "worker_id": asked.worker_id,
        "risk_tier": asked.tier,
        "outcome": decision.outcome,
        "rule": decision.rule,
        "deny_code": decision.code,
        "reason": decision.reason,
        "decided_at": hall.store.now(),
        "latency_ms": round((hall.clock.now().mono - began) * 1000, 3),
    }


def decide(worker: Worker | None, asked: Asked, policy: Policy) -> Decision:
    """Decide a dispatch: what the registry knows of the worker counts before any rule."""
    refusal = _refusal(worker, asked)
    if refusal is not None:
        code, reason = refusal
        return Decision("deny", "registry", code, reason)
    return policy.decide(asked)


def _if_upstream_is_heard(hall: Hall, asked: Asked, decision: Decision) -> Decision:
    """Turn an allow into a deny while it is not known who is banned upstream."""
    if decision.outcome == "deny" or hall.upstream is None or not (reason := hall.upstream.refusal(asked.tier)):
        return decision
    return Decision("deny", "upstream", STALE, reason)


def _within_rate(hall: Hall, asked: Asked, decision: Decision) -> Decision:
    """Turn an allow into a deny where its rule has allowed this worker as often as it may."""
    if decision.rate is None:
        return decision
    number, _, unit = decision.rate.partition("/")
    wait = hall.rule_rates.wait_at(f"{decision.rule} {asked.worker_id}", int(number) / SECONDS[unit], int(number))
    if not wait:
        return decision
    reason = f"The rule {decision.rule} allows each worker {decision.rate}: again in {wait:.0f} s"
    return Decision("deny", decision.rule, RATE_EXCEEDED, reason)


def _refusal(worker: Worker | None, asked: Asked) -> tuple[str, str] | None:
    """Return code and reason why the worker may do nothing of the kind, whatever the policy says; else None."""
    if worker is None or worker.namespace != asked.namespace:
        return UNKNOWN, f"No worker {asked.worker_id} is enrolled in {asked.namespace}"
    checks = (
        (
            worker.hash_ban_reason is not None,
            BANNED_HASH,
            f"The worker's package hash is banned: {worker.hash_ban_reason}",
        ),
        (worker.ban_reason is not None, BANNED_WORKER, f"The worker is banned: {worker.ban_reason}"),
        (worker.status == "retired", RETIRED, "The worker is retired"),
        (worker.status == "revoked", REVOKED, "The worker's enrollment is revoked"),
        (worker.sha256 is None or worker.attested_at is None, UNATTESTED, "The worker is not attested"),
        (not worker.attested, BAD_HASH, "The worker's attestation holds no SHA-256"),
        (
            asked.capability not in worker.capabilities,
            LACKS_CAPABILITY,
            f"The worker is not enrolled for {asked.capability}",
        ),
    )
    return next(((code, reason) for wrong, code, reason in checks if wrong), None)
