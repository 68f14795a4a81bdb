"""The published local hall's routes, and the OpenAPI document."""

from collections.abc import Iterator

import httpx
import pytest

from tests.live_hall import CAPABILITY, HASH, NAMESPACE, WORKER, LiveHall


@pytest.fixture
def http(hall: LiveHall) -> Iterator[httpx.Client]:
    hall.add_worker("x.alice.one", namespace="x.alice", sha256=None, attested_at=None)
    with httpx.Client(base_url=hall.url, headers=hall.headers, trust_env=False, verify=False) as http:
        yield http


def dispatch(http: httpx.Client, tier: str, correlation: str) -> None:
    ask = {"namespace": NAMESPACE, "capability": CAPABILITY, "worker_id": WORKER}
    http.post("/api/v1/dispatch", json=ask | {"context": {"risk_tier": tier, "correlation_id": correlation}})


def test_status_has_the_published_fields_and_counts(http: httpx.Client) -> None:
    for tier in ("low", "high", "critical"):
        dispatch(http, tier, "c")
    status = http.get("/status").json()
    published = {"hall_version", "hall_name", "workers_enrolled", "decisions_total", "decisions_today", "denials_today"}
    assert published | {"timestamp", "online", "account_standing", "standing_checked_at"} <= set(status)
    assert (status["workers_enrolled"], status["decisions_today"], status["denials_today"]) == (1, 3, 1)
    assert status["policy"] == {"rules": 3, "default": "deny", "error": None, "hidden": []}


def test_workers_lists_the_keys_namespace_each_as_verify_answers_it(http: httpx.Client) -> None:
    listed = http.get("/workers").json()
    assert listed == {"workers": [http.get(f"/api/v1/verify/{WORKER}").json()], "count": 1}


def test_a_public_hall_shows_everything_without_a_key(hall: LiveHall, http: httpx.Client) -> None:
    assert httpx.get(f"{hall.url}/workers", trust_env=False, verify=False).status_code == 401
    hall.hall.public_reads = True
    assert httpx.get(f"{hall.url}/workers", trust_env=False, verify=False).json()["count"] == 2


def test_dispatches_are_a_feed_that_continues_after_the_last_one(http: httpx.Client) -> None:
    dispatch(http, "low", "one")
    dispatch(http, "critical", "two")
    feed = http.get("/dispatches", params={"limit": 10}).json()
    assert [item["correlation_id"] for item in feed["dispatches"]] == ["two", "one"]
    denied, allowed = feed["dispatches"]
    assert (denied["denied"], denied["deny_reason"], denied["selected_worker"]) == (1, "POLICY_BLOCKED", None)
    assert (allowed["denied"], allowed["selected_worker"], allowed["rule"]) == (0, WORKER, "allow-llm")
    dispatch(http, "low", "three")
    newer = http.get("/dispatches", params={"after": denied["seq"]}).json()
    assert [item["correlation_id"] for item in newer["dispatches"]] == ["three"]
    assert http.get("/dispatches", params={"limit": "x"}).status_code == 400
    assert http.get("/dispatches/active").json() == {"dispatches": [], "count": 0}


def test_alerts_say_what_to_look_at(hall: LiveHall, http: httpx.Client) -> None:
    assert http.get("/alerts").json()["alerts"] == []
    hall.store.ban(WORKER, "leaks")
    hall.add_worker("pending", sha256="PENDING_ATTESTATION", attested_at=None)
    alerts = {alert["worker_id"]: alert for alert in http.get("/alerts").json()["alerts"]}
    assert (alerts[WORKER]["level"], alerts[WORKER]["code"]) == ("error", "ATTEST_BANNED_HASH")
    assert "leaks" in alerts[WORKER]["message"]
    assert alerts["pending"]["code"] == "DENY_WORKER_ATTESTATION_MISSING"


def test_of_very_many_alerts_the_bans_come_first_and_not_all_are_listed(hall: LiveHall, http: httpx.Client) -> None:
    with hall.store.write():
        for number in range(600):
            hall.add_worker(f"w{number}", sha256=None, attested_at=None)
    hall.store.ban_hash(HASH, "leaks")
    alerts = http.get("/alerts").json()["alerts"]
    assert len(alerts) == 500
    assert (alerts[0]["worker_id"], alerts[0]["code"]) == (WORKER, "ATTEST_BANNED_HASH")
    status = http.get("/status").json()
    assert (status["workers_enrolled"], status["workers_banned"]) == (601, 1)


def test_the_registrys_routes_of_the_local_hall(hall: LiveHall, http: httpx.Client) -> None:
    hall.store.ban(WORKER, "leaks")
    assert http.get("/wcp/registry/ban-list").json() == {"hashes": [HASH], "count": 1, "source": "local-hall"}
    verdict = http.get(f"/wcp/registry/verify/{WORKER}").json()
    assert (verdict["banned"], verdict["current_hash"]) == (True, HASH)
    assert "ban_status" not in verdict


def test_the_openapi_document_names_every_route_that_is_answered(hall: LiveHall) -> None:
    document = httpx.get(f"{hall.url}/openapi.json", trust_env=False, verify=False).json()
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for method in operations:
            answer = httpx.request(
                method, hall.url + path.replace("{worker_id}", WORKER), trust_env=False, verify=False
            )
            assert answer.status_code in (200, 401), (method, path)
    assert document["components"]["schemas"]["DispatchRequest"]["required"] == ["namespace", "capability", "worker_id"]
