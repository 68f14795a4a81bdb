"""`POST /api/route`: the documented way to ask a local hall for a decision."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pyhall_tui.hall.policy import Policy, Rule, save_rules
from tests.live_hall import CAPABILITY, HASH, NAMESPACE, WORKER, LiveHall, live_hall

ASK: dict[str, Any] = {"capability_id": CAPABILITY, "env": "dev", "data_label": "PUBLIC", "tenant_id": "acme"}
BOTH_FORMS = {"decision_id", "allowed", "worker_id", "deny_reason"} | {
    *("denied", "selected_worker_species_id", "artifact_hash", "reason")
}


@pytest.fixture
def http(hall: LiveHall) -> Iterator[httpx.Client]:
    with client(hall) as http:
        yield http


def client(hall: LiveHall) -> httpx.Client:
    return httpx.Client(base_url=hall.url, headers=hall.headers, trust_env=False, verify=False)


def route(http: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = http.post("/api/route", json=ASK | fields)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_an_allow_names_the_worker_in_both_forms(http: httpx.Client) -> None:
    told = route(http, worker_id=WORKER)
    assert set(told) >= BOTH_FORMS
    assert (told["allowed"], told["denied"], told["deny_reason"]) == (True, False, None)
    assert (told["worker_id"], told["selected_worker_species_id"]) == (WORKER, WORKER)


def test_a_deny_names_no_worker(hall: LiveHall, http: httpx.Client) -> None:
    hall.store.ban(WORKER, "stolen")
    told = route(http, worker_id=WORKER)
    assert (told["allowed"], told["denied"], told["deny_reason"]) == (False, True, "ATTEST_BANNED_HASH")
    assert told["worker_id"] is None and told["selected_worker_species_id"] is None
    assert told["reason"] == "The worker's package hash is banned: stolen"


def test_a_hold_is_not_allowed(http: httpx.Client) -> None:
    told = route(http, worker_id=WORKER, risk_tier="high")
    assert (told["allowed"], told["denied"], told["supervisor_required"]) == (False, True, True)
    assert told["deny_reason"] == "DENY_REQUIRES_HUMAN_APPROVAL"


def test_it_is_decided_and_logged_as_a_dispatch_is(hall: LiveHall, http: httpx.Client) -> None:
    told = route(http, worker_id=WORKER, correlation_id="c-1")
    (logged,) = http.get("/dispatches").json()["dispatches"]
    assert (logged["decision_id"], logged["correlation_id"]) == (told["decision_id"], "c-1")
    assert (logged["namespace"], logged["rule"], logged["worker_id"]) == (NAMESPACE, "allow-llm", WORKER)
    assert hall.hall.decisions.totals.total() == 1


def test_rules_see_what_was_asked_as_the_context(hall: LiveHall, http: httpx.Client) -> None:
    rules = (
        Rule(id="no-secrets", outcome="deny", context={"data_label": ("SECRET",)}),
        Rule(id="no-tenant", outcome="deny", context={"tenant_id": ("bad",), "env": ("prod",)}),
        Rule(id="all", outcome="allow"),
    )
    save_rules(hall.store, Policy(rule=rules))
    assert route(http)["allowed"]
    assert not route(http, data_label="SECRET")["allowed"]
    assert route(http, tenant_id="bad")["allowed"]
    assert not route(http, tenant_id="bad", env="prod")["allowed"]


def test_without_a_worker_the_first_that_may_is_chosen(hall: LiveHall, http: httpx.Client) -> None:
    hall.store.ban(WORKER, "stolen")
    hall.add_worker("org.yourco.other", capabilities=("cap.other",), sha256="1" * 64)
    hall.add_worker("org.yourco.retired", status="retired", sha256="2" * 64)
    hall.add_worker("x.alice.foreign", namespace="x.alice", sha256="3" * 64)
    hall.add_worker("org.yourco.refused", sha256="4" * 64)
    hall.add_worker("org.yourco.good", display_name="wrk.doc.summarizer", sha256="5" * 64)
    rules = (Rule(id="no", outcome="deny", worker="org.yourco.refused"), Rule(id="all", outcome="allow"))
    save_rules(hall.store, Policy(rule=rules))
    told = route(http)
    assert (told["worker_id"], told["selected_worker_species_id"]) == ("org.yourco.good", "wrk.doc.summarizer")


def test_if_no_worker_fits_that_is_a_logged_deny(hall: LiveHall, http: httpx.Client) -> None:
    told = route(http, capability_id="cap.unheard")
    assert (told["allowed"], told["deny_reason"]) == (False, "DENY_NO_AVAILABLE_WORKER")
    assert told["reason"] == f"No worker in {NAMESPACE} may do cap.unheard now"
    assert hall.store.log.count() == 1


def test_a_rate_passes_to_the_next_worker(hall: LiveHall, http: httpx.Client) -> None:
    hall.add_worker("org.yourco.second", sha256="1" * 64)
    save_rules(hall.store, Policy(rule=(Rule(id="slow", outcome="allow", rate="1/hour"),)))
    assert [route(http)["worker_id"] for _ in range(3)] == [WORKER, "org.yourco.second", None]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"env": "PROD"}, "env"),
        ({"env": None}, "env"),
        ({"data_label": "secret"}, "data_label"),
        ({"tenant_id": ""}, "tenant_id"),
        ({"capability_id": 7}, "capability_id"),
        ({"worker_id": ""}, "worker_id"),
        ({"risk_tier": "none"}, "risk_tier"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_logged(
    hall: LiveHall, http: httpx.Client, fields: dict[str, Any], field: str
) -> None:
    answer = http.post("/api/route", json=ASK | fields)
    assert answer.status_code == 400
    assert f"invalid field: {field}" in answer.json()["error"]
    assert hall.store.log.count() == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"{", b'{"env":"dev"}', b"\xff", b"[" * 100_000])
def test_another_body_is_refused(http: httpx.Client, body: bytes) -> None:
    assert http.post("/api/route", content=body).status_code == 400


def test_a_key_decides_only_in_its_own_namespace(hall: LiveHall, http: httpx.Client) -> None:
    hall.add_worker("x.alice.one", namespace="x.alice", sha256=HASH)
    assert http.post("/api/route", json=ASK | {"tenant_id": "x.alice"}).status_code == 403
    assert route(http, tenant_id=NAMESPACE)["allowed"]
    assert route(http, worker_id="x.alice.one")["deny_reason"] == "DENY_NO_AVAILABLE_WORKER"
    assert httpx.post(f"{hall.url}/api/route", json=ASK, trust_env=False, verify=False).status_code == 401


def test_the_fitting_worker_is_found_among_thousands() -> None:
    with live_hall() as hall, client(hall) as http:
        with hall.store.write():
            for number in range(1_200):
                hall.add_worker(f"org.yourco.w{number:05}", capabilities=("cap.last" if number == 1_199 else "cap.x",))
        assert route(http, capability_id="cap.last")["allowed"] is False  # no rule allows it
        save_rules(hall.store, Policy(rule=(Rule(id="all", outcome="allow"),)))
        assert route(http, capability_id="cap.last")["worker_id"] == "org.yourco.w01199"
