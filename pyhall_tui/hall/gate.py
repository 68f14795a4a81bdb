"""May this worker do this? First what the registry knows about the worker decides, then the policy."""

import math
from collections.abc import Sequence
from typing import Any

from pyhall_tui.hall import audit
from pyhall_tui.hall.context import Grounds, Hall
from pyhall_tui.hall.ledger import Dispatch, Receipt
from pyhall_tui.hall.models import Asked, Worker
from pyhall_tui.hall.policy import Decision
from pyhall_tui.hall.service import OFFLINE
from pyhall_tui.hall.store import iso, new_id
from pyhall_tui.hall.store.protocol import Batch, KeptRate
from pyhall_tui.hall.upstream import STALE

# The contract's codes if one fits. `DENY_WORKER_…`, for a ban on the worker itself and for its status, are ours.
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
    """Decide a dispatch, log it, and return its receipt."""
    (receipt,) = dispatch_all(hall, [(asked, correlation_id)])
    if isinstance(receipt, Exception):
        raise receipt
    return receipt


def dispatch_all(hall: Hall, dispatches: Sequence[Dispatch]) -> Sequence[Receipt | Exception]:
    """Decide dispatches in one transaction, at their place in the log: no ban that stands before them is missed.

    Return their receipts, which are in the log by then, or what kept one from being decided.

    Raises:
        StoreError: they could not be written; none is in the log.
    """
    judging = _Judging(hall, dispatches)
    hall.store.log.decide(judging.judge_all)
    return judging.logged()


async def dispatch_all_beside(hall: Hall, dispatches: Sequence[Dispatch]) -> Sequence[Receipt | Exception]:
    """As `dispatch_all`, but let the event loop go on while the store writes. One call at a time."""
    judging = _Judging(hall, dispatches)
    await hall.store.log.decide_beside(judging.judge_all)
    return judging.logged()


class _Judging:
    """Dispatches that are decided together."""

    def __init__(self, hall: Hall, dispatches: Sequence[Dispatch]) -> None:
        self._hall, self._dispatches = hall, dispatches
        self._receipts: list[Receipt | Exception] = []
        self._used_up: list[KeptRate] = []

    def judge_all(self) -> Batch:
        """Decide them by the store's state, and by the rates they have used up."""
        hall = self._hall
        if self._receipts:  # somebody else was faster, so it is decided again
            self._receipts.clear()
            hall.rates.undo()
        grounds = hall.grounds()
        for asked, correlation_id in self._dispatches:
            try:
                self._receipts.append(_judge(hall, grounds, asked, correlation_id))
            except Exception as error:
                self._receipts.append(error)
        self._used_up = hall.rates.unsaved()
        receipts = [audit.encode(each) for each in self._receipts if not isinstance(each, Exception)]
        return Batch(receipts, self._used_up)

    def logged(self) -> Sequence[Receipt | Exception]:
        """Note that they are in the log; return their receipts."""
        self._hall.rates.saved(self._used_up)
        return self._receipts


def judge(hall: Hall, asked: Asked, correlation_id: str) -> Receipt:
    """Decide a dispatch as things are, and return its receipt, which is not in the log."""
    return _judge(hall, hall.grounds(), asked, correlation_id)


def _judge(hall: Hall, grounds: Grounds, asked: Asked, correlation_id: str) -> Receipt:
    began = hall.clock.now().mono
    decision = decide(grounds, asked, take=True)
    now = hall.clock.now()
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
        "decided_at": iso(now.wall),
        "latency_ms": round((now.mono - began) * 1000, 3),
    }


def decide(grounds: Grounds, asked: Asked, *, take: bool) -> Decision:
    """Decide a dispatch: is the hall online, the worker, the rules, the upstream, the rule's rate, in this order.

    `take`: an allow counts against its rule's rate. An explanation doesn't count, and is otherwise the same decision.
    """
    if grounds.offline:
        return Decision("deny", "hall", OFFLINE, grounds.offline)
    decision = _by_worker_and_rules(grounds, asked)
    if decision.outcome != "deny" and (reason := grounds.refusal(asked.tier)):  # bans at the upstream are unknown
        return Decision("deny", "upstream", STALE, reason)
    if decision.rate is None or grounds.rates is None:
        return decision
    wait = grounds.rates.wait(decision.rule, asked.worker_id, decision.rate, take=take)
    if not wait:
        return decision
    reason = f"The rule {decision.rule} allows each worker {decision.rate}: again in {math.ceil(wait)} s"
    return Decision("deny", decision.rule, RATE_EXCEEDED, reason)


def _by_worker_and_rules(grounds: Grounds, asked: Asked) -> Decision:
    """Decide by what the registry knows about the worker, and then by the rules."""
    if not asked.worker_id:  # the hall was to choose one
        return Decision("deny", "registry", UNKNOWN, f"No worker in {asked.namespace} may do {asked.capability} now")
    refused = refusal(grounds.state.worker(asked.worker_id), asked)
    if refused is not None:
        code, reason = refused
        return Decision("deny", "registry", code, reason)
    return grounds.policy.decide(asked)


def refusal(worker: Worker | None, asked: Asked) -> tuple[str, str] | None:
    """Return the code and reason if the worker may not do this, whatever the policy says; otherwise None."""
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
