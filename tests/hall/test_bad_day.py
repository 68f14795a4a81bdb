"""Half an hour of mixed faults in simulated time: no decision is lost, none is made twice."""

import random

import httpx

from pyhall_tui.hall import audit
from tests.clock import ManualClock
from tests.live_hall import CAPABILITY, NAMESPACE, WORKER, live_hall

MINUTES = 30
EVERY = 10  # seconds between two dispatches


def test_every_decision_that_was_sent_is_in_the_log_once() -> None:
    clock = ManualClock()
    with live_hall(clock=clock, rate=2) as hall:
        hall.hall.faults.rng = random.Random(5)

        async def pass_time(seconds: float) -> None:
            clock.skip(seconds)

        hall.faults.sleep = pass_time
        hall.faults.add(path="/api/v1/dispatch", probability=0.05, drop="unheard")
        hall.faults.add(path="/api/v1/dispatch", probability=0.05, drop="answered")
        hall.faults.add(path="/api/v1/dispatch", probability=0.05, cut=20)
        hall.faults.add(path="/api/v1/dispatch", probability=0.05, status=500)
        hall.faults.add(path="/api/v1/dispatch", probability=0.05, status=429, retry_after=1)
        hall.faults.add(path="/api/v1/dispatch", probability=0.05, body="<html>")
        hall.faults.add(path="/api/v1/dispatch", probability=0.1, slow=100)
        hall.faults.add(path="/api/v1/dispatch", probability=0.3, latency=0.2, tail=0.5)
        told: dict[str, str] = {}
        sent = MINUTES * 60 // EVERY
        with httpx.Client(base_url=hall.url, headers=hall.headers, trust_env=False, verify=False) as http:
            for number in range(sent):
                clock.skip(EVERY)
                if decision_id := dispatch(http, f"c-{number}"):
                    told[f"c-{number}"] = decision_id
        logged = list(audit.decisions(hall.store, sent * 2))
        assert audit.verify(hall.store).whole
    kept = {entry["correlation_id"]: entry["decision_id"] for entry in logged}
    assert len(kept) == len(logged)  # none twice
    assert told.items() <= kept.items()  # none lost
    assert len(told) < len(kept) < sent  # answers were lost after they were decided, and requests before


def dispatch(http: httpx.Client, correlation_id: str) -> str | None:
    """Dispatch once; return the decision id if an answer came."""
    ask = {"namespace": NAMESPACE, "capability": CAPABILITY, "worker_id": WORKER}
    try:
        answer = http.post("/api/v1/dispatch", json=ask | {"context": {"correlation_id": correlation_id}})
        told = answer.json()
    except (httpx.TransportError, ValueError):
        return None
    assert told.get("correlation_id", correlation_id) == correlation_id
    return told["decision_id"] if answer.status_code == 200 else None
