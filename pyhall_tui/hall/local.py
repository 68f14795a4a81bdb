"""The routes of the published local hall (contract, part 2), served from the same store.

With a key they show its namespace; a hall with public reads shows everything to requests without one.
"""

from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pyhall_tui import __version__
from pyhall_tui.hall import audit
from pyhall_tui.hall.checkpoints import state_of
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.models import Worker, verify_older
from pyhall_tui.hall.service import OFFLINE
from pyhall_tui.hall.summary import seen_halls
from pyhall_tui.hall.upstream import STALE
from pyhall_tui.hall.wire import admit_read, answer, answer_in_pages, find_worker, hall_of, whole_number

_DAY = len("2026-11-25")
_MOST_ALERTS = 500


async def status(request: Request) -> Response:
    """`GET /status`: the published hall's fields, and the state of the fleet, the policy and the log."""
    namespace = admit_read(request)
    hall = hall_of(request)
    now = hall.store.now()
    await hall.tally.count_on(hall.store)
    today = hall.tally.of_day(now[:_DAY], namespace)
    workers, banned, bans = await hall.long_reads.counts(namespace)
    policy = hall.policy.current()
    upstream = hall.upstream.state() if hall.upstream else None
    session = upstream["session"] if upstream else None
    offline = hall.service.since
    told: dict[str, Any] = {
        "hall_version": __version__,
        "hall_name": "pyhall-tui",
        "online": offline is None,
        "offline_since": offline,
        **_standing(session, now),
        "timestamp": now,
        "namespace": namespace,
        "workers_enrolled": workers,
        "workers_banned": banned,
        "ban_list": bans,
        "decisions_total": sum(hall.tally.by_rule(namespace).values()),
        "decisions_today": sum(today.values()),
        "denials_today": today.get("deny", 0),
        "holds_today": today.get("hold", 0),
        "upstream": upstream,
        "streams": len(hall.streams),
        "store_note": (hall.store.note or "").replace(hall.store.path, "the store") or None,
        "log": state_of(hall.store, hall.signing),
        "instance": hall.instance,
        "halls": [{**each, "policy_file": None} for each in seen_halls(hall.store)],  # its path is nobody's business
        "policy": {
            "rules": len(policy.rule),
            "default": policy.default,
            "error": hall.policy.error,
            "hidden": [str(hidden) for hidden in hall.hidden_rules()],
        },
    }
    return answer(request, told)


def standing_of(hall: Hall) -> dict[str, str | None]:
    """Return the account's standing and since when it is known, in the words of `/status`."""
    upstream = hall.upstream.state() if hall.upstream else None
    return _standing(upstream["session"] if upstream else None, hall.store.now())


def _standing(session: dict[str, Any] | None, now: str) -> dict[str, str | None]:
    """Return the account's standing and since when it is known: as the upstream said, not known, or its own: ok."""
    if session is None:
        return {"account_standing": "ok", "standing_checked_at": now}
    told = session["standing"]
    return {"account_standing": told, "standing_checked_at": session["renewed"] if told else None}


async def workers(request: Request) -> Response:
    """`GET /workers`: every worker, in the shape that verify answers."""
    pages = hall_of(request).long_reads.workers(admit_read(request))
    return await answer_in_pages(request, '{"workers":[', pages, lambda count: f'],"count":{count}}}')


async def dispatches(request: Request) -> Response:
    """`GET /dispatches?limit=50&after=SEQ`: the last decisions, newest first; `after` gives only newer ones."""
    namespace = admit_read(request)
    limit = whole_number(request, "limit", default=50, most=1000)
    after = whole_number(request, "after", default=0, most=10**12, least=0)
    store = hall_of(request).store
    found = [_theirs(receipt) | receipt for receipt in audit.decisions(store, limit, namespace=namespace, after=after)]
    return answer(request, {"dispatches": found, "count": len(found)})


def _theirs(receipt: dict[str, Any]) -> dict[str, Any]:
    """Return a decision with the published hall's field names."""
    allowed = receipt["outcome"] == "allow"
    return {
        "capability_id": receipt["capability"],
        "tenant_id": receipt["namespace"],
        "denied": 0 if allowed else 1,
        "deny_reason": receipt["deny_code"],
        "selected_worker": receipt["worker_id"] if allowed else None,
        "blast_score": None,
        "artifact_hash": None,
    }


async def active(request: Request) -> Response:
    """`GET /dispatches/active`: always empty; a dispatch is decided at once."""
    admit_read(request)
    return answer(request, {"dispatches": [], "count": 0})


async def alerts(request: Request) -> Response:
    """`GET /alerts`: what an operator should look at now."""
    namespace = admit_read(request)
    hall = hall_of(request)
    found = [
        *_own_alerts(hall, banned=await hall.own_code.banned()),
        *_upstream_alerts(hall),
        *_policy_alerts(hall),
        *_log_alerts(hall),
        *_worker_alerts(await hall.long_reads.perhaps_amiss(namespace, _MOST_ALERTS)),
    ]
    found = [{"alert_id": f"{alert['code']}:{alert['worker_id'] or alert['message']}"} | alert for alert in found]
    return answer(request, {"alerts": found, "count": len(found)})


def _own_alerts(hall: Hall, *, banned: bool | None) -> Iterator[dict[str, Any]]:
    if banned:
        yield _alert(hall.store.now(), "error", "HALL_HASH_BANNED", "This hall's own code is on the ban list")
    since, refusal = hall.service.since, hall.service.refusal
    if since and refusal:
        yield _alert(since, "warning", OFFLINE, refusal)


def _upstream_alerts(hall: Hall) -> Iterator[dict[str, Any]]:
    if hall.upstream is None:
        return
    state = hall.upstream.state()
    since = state["last_heard"] or hall.store.now()
    if state["stale"]:
        said = f"The upstream {state['url']} is unreachable: {state['error'] or 'not polled yet'}"
        yield _alert(since, "error", STALE, said)
    session = state["session"]
    if session["state"] in ("refused", "expired"):
        said = session["error"] or f"The session to {state['url']} ended at {session['expires']}"
        yield _alert(session["expires"] or since, "error", f"UPSTREAM_SESSION_{session['state'].upper()}", said)
    if session["standing"] not in (None, "ok", "grace"):
        said = f"The upstream says that the account's standing is {session['standing']}"
        yield _alert(session["renewed"] or since, "warning", "UPSTREAM_STANDING", said)


def _policy_alerts(hall: Hall) -> Iterator[dict[str, Any]]:
    hidden_rules = hall.hidden_rules()  # first, because it reads the policy
    if hall.policy.error:
        yield _alert(hall.store.now(), "error", "POLICY_NOT_RELOADED", hall.policy.error)
    for hidden in hidden_rules:
        yield _alert(hall.store.now(), "warning", "DENY_SHADOW_RULES_DETECTED", str(hidden))


def _log_alerts(hall: Hall) -> Iterator[dict[str, Any]]:
    if hall.signing and hall.signing.error:
        yield _alert(hall.store.now(), "error", "LOG_NOT_SIGNED", hall.signing.error)


def _worker_alerts(workers: list[Worker]) -> Iterator[dict[str, Any]]:
    for worker in workers:
        since = worker.banned_at or worker.attested_at or worker.enrolled_at
        if worker.banned:
            reason = worker.ban_reason or worker.hash_ban_reason or ""
            yield _alert(since, "error", "ATTEST_BANNED_HASH", f"{worker.worker_id} is banned: {reason}", worker)
        elif worker.status == "active" and not worker.attested:
            said = f"{worker.worker_id} is not attested"
            yield _alert(since, "warning", "DENY_WORKER_ATTESTATION_MISSING", said, worker)


def _alert(at: str, level: str, code: str, message: str, worker: Worker | None = None) -> dict[str, Any]:
    named = worker.worker_id if worker else None
    return {
        "created_at": at,
        "level": level,
        "code": code,
        "message": message,
        "worker_id": named,
        "capability_id": None,
    }


async def ban_hashes(request: Request) -> Response:
    """`GET /wcp/registry/ban-list`: only the banned hashes."""
    admit_read(request)
    pages = hall_of(request).long_reads.ban_hashes()
    return await answer_in_pages(
        request, '{"hashes":[', pages, lambda count: f'],"count":{count},"source":"local-hall"}}'
    )


async def verify(request: Request) -> Response:
    """`GET /wcp/registry/verify/{worker_id}`: only the older shape, which is what clients read there."""
    admit_read(request)
    return answer(request, verify_older(find_worker(request)))


ROUTES = [
    Route("/status", status),
    Route("/workers", workers),
    Route("/dispatches", dispatches),
    Route("/dispatches/active", active),
    Route("/alerts", alerts),
    Route("/wcp/registry/ban-list", ban_hashes),
    Route("/wcp/registry/verify/{worker_id}", verify),
]
