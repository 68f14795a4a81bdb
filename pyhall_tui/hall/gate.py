"""May this worker do this? First what the registry knows of the worker, then the policy."""

from typing import Any

from pyhall_tui.hall import audit
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.models import DispatchRequest, Worker
from pyhall_tui.hall.policy import Decision, Policy
from pyhall_tui.hall.store import new_id

# The contract's codes where one fits; the `DENY_WORKER_…` of a ban on the worker itself and of its status are ours.
UNKNOWN = "DENY_NO_AVAILABLE_WORKER"
BANNED_HASH = "ATTEST_BANNED_HASH"
BANNED_WORKER = "DENY_WORKER_BANNED"
RETIRED = "DENY_WORKER_RETIRED"
REVOKED = "DENY_WORKER_REVOKED"
UNATTESTED = "DENY_WORKER_ATTESTATION_MISSING"
BAD_HASH = "DENY_WORKER_ATTESTATION_INVALID_HASH"
LACKS_CAPABILITY = "NO_WORKER_FOR_CAPABILITY"


def dispatch(hall: Hall, asked: DispatchRequest, correlation_id: str) -> dict[str, Any]:
    """Decide a dispatch and return its receipt, which is in the decision log by then."""
    began = hall.clock.now().mono
    decision = decide(hall.store.worker(asked.worker_id), asked, hall.policy.current())
    receipt = {
        "decision_id": new_id("dec"),
        "correlation_id": correlation_id,
        "namespace": asked.namespace,
        "capability": asked.capability,
        "worker_id": asked.worker_id,
        "risk_tier": asked.context.risk_tier if asked.context else None,
        "outcome": decision.outcome,
        "rule": decision.rule,
        "deny_code": decision.code,
        "reason": decision.reason,
        "decided_at": hall.store.now(),
        "latency_ms": round((hall.clock.now().mono - began) * 1000, 3),
    }
    audit.append(hall.store, receipt)
    return receipt


def decide(worker: Worker | None, request: DispatchRequest, policy: Policy) -> Decision:
    """Decide a dispatch: what the registry knows of the worker counts before any rule."""
    refusal = _refusal(worker, request)
    if refusal is not None:
        code, reason = refusal
        return Decision("deny", "registry", code, reason)
    tier = request.context.risk_tier if request.context else None
    return policy.decide(request.namespace, request.capability, request.worker_id, tier)


def _refusal(worker: Worker | None, request: DispatchRequest) -> tuple[str, str] | None:
    """Return code and reason why the worker may do nothing of the kind, whatever the policy says; else None."""
    if worker is None or worker.namespace != request.namespace:
        return UNKNOWN, f"No worker {request.worker_id} is enrolled in {request.namespace}"
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
            request.capability not in worker.capabilities,
            LACKS_CAPABILITY,
            f"The worker is not enrolled for {request.capability}",
        ),
    )
    return next(((code, reason) for wrong, code, reason in checks if wrong), None)
