"""What the hall shows its own machine: the policy and its hits, an explanation, and faults set by a request."""

import asyncio
import socket
from collections.abc import Iterator

import httpx
import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.listening import listen
from pyhall_tui.hall.policy import Policy, Rule, save_rules
from pyhall_tui.hall.store import SqliteStore
from pyhall_tui.hall.store.chain import GENESIS
from tests.clock import ManualClock
from tests.hall.tampering import tampering
from tests.live_hall import CAPABILITY, NAMESPACE, WORKER, LiveHall, live_hall


def client_of(hall: LiveHall) -> httpx.Client:
    return httpx.Client(base_url=hall.url, headers=hall.headers, trust_env=False, verify=False, timeout=30)


@pytest.fixture
def http(hall: LiveHall) -> Iterator[httpx.Client]:
    with client_of(hall) as http:
        yield http


def dispatch(http: httpx.Client, tier: str, worker: str = WORKER) -> None:
    ask = {"namespace": NAMESPACE, "capability": CAPABILITY, "worker_id": worker, "context": {"risk_tier": tier}}
    http.post("/api/v1/dispatch", json=ask)


# The policy


def test_each_rule_comes_in_order_with_how_often_it_decided(http: httpx.Client) -> None:
    for tier in ("low", "low", "critical"):
        dispatch(http, tier)
    dispatch(http, "low", "wkr_nobody")

    told = http.get("/policy").json()

    assert [(rule["id"], rule["hits"]) for rule in told["rules"]] == [
        ("hold-high", 0),
        ("deny-critical", 1),
        ("allow-llm", 2),
    ]
    assert (told["default"], told["default_hits"], told["other_hits"]) == ("deny", 0, {"registry": 1})
    dispatch(http, "low")
    assert http.get("/policy").json()["rules"][2]["hits"] == 3, "it is counted on"


def test_a_hidden_rule_is_named_and_explained(hall: LiveHall, http: httpx.Client) -> None:
    rules = (Rule(id="all", outcome="deny"), Rule(id="never", outcome="allow", capability="llm.*"))
    save_rules(hall.store, Policy(rule=rules))
    never = http.get("/policy").json()["rules"][1]
    assert never["hidden_by"] == ["all"]
    assert "never is unreachable" in never["hidden"] and "with another outcome" in never["hidden"]


def test_another_namespaces_decisions_are_not_counted(hall: LiveHall, http: httpx.Client) -> None:
    audit.append(hall.store, {"namespace": "x.alice", "rule": "allow-llm", "outcome": "allow", "decided_at": "2026"})
    dispatch(http, "low")
    assert http.get("/policy").json()["rules"][2]["hits"] == 1


async def test_a_log_that_replaced_another_is_counted_again(hall: LiveHall, http: httpx.Client) -> None:
    tally = audit.Tally()
    for _ in range(3):
        dispatch(http, "low")
    await tally.count_on(hall.store)
    assert tally.by_rule(None) == {"allow-llm": 3}
    with tampering(hall.store) as db:
        db.execute("DELETE FROM decisions")
        hall.store.set_setting("audit_head", f"0:{GENESIS}")
    await tally.count_on(hall.store)
    assert tally.by_rule(None) == {} and tally.of_day(hall.store.now()[:10], None) == {}


async def test_a_day_is_counted_by_itself_and_each_namespace_too() -> None:
    clock = ManualClock()
    store, tally = SqliteStore(clock=clock), audit.Tally()
    for number, (namespace, outcome) in enumerate([("a", "deny"), ("a", "allow"), ("b", "deny"), ("a", "deny")]):
        clock.skip(86_400 * (number == 1))
        receipt = {"namespace": namespace, "rule": "r", "outcome": outcome, "decided_at": store.now()}
        audit.append(store, receipt)
        await asyncio.gather(tally.count_on(store), tally.count_on(store))  # two at once count nothing twice
    today = store.now()[:10]
    assert tally.of_day(today, "a") == {"allow": 1, "deny": 1}
    assert tally.of_day(today, None) == {"allow": 1, "deny": 2}
    assert tally.by_rule("a") == {"r": 3}


# An explanation


def test_an_explanation_names_the_rule_and_why_not_the_others(http: httpx.Client) -> None:
    ask = {"worker_id": WORKER, "capability": CAPABILITY, "risk_tier": "low"}
    told = http.get("/policy/explain", params=ask).json()
    assert told["decision"]["outcome"] == "allow" and told["decision"]["rule"] == "allow-llm"
    assert [(step["rule"], step["matches"]) for step in told["steps"]] == [
        ("hold-high", False),
        ("deny-critical", False),
        ("allow-llm", True),
    ]
    assert "risk tier low is not among high" in told["steps"][0]["why"]
    assert http.get("/dispatches").json()["count"] == 0, "nothing is logged"


def test_it_is_for_the_requested_time(hall: LiveHall, http: httpx.Client) -> None:
    save_rules(hall.store, Policy(rule=(Rule(id="by-night", outcome="allow", hours="22:00-06:00"),)))
    ask = {"worker_id": WORKER, "capability": CAPABILITY}
    noon, midnight = 1_774_008_000 // 86_400 * 86_400 + 43_200, 1_774_008_000 // 86_400 * 86_400
    assert http.get("/policy/explain", params=ask | {"at": noon}).json()["decision"]["outcome"] == "deny"
    assert http.get("/policy/explain", params=ask | {"at": midnight}).json()["decision"]["outcome"] == "allow"


def test_it_looks_at_the_context_that_is_given(hall: LiveHall, http: httpx.Client) -> None:
    save_rules(hall.store, Policy(rule=(Rule(id="prod", outcome="allow", context={"env": ("prod",)}),)))
    ask = {"worker_id": WORKER, "capability": CAPABILITY}
    told = http.get("/policy/explain", params=ask | {"context": '{"env": "prod"}'}).json()
    assert told["decision"]["rule"] == "prod"
    without = http.get("/policy/explain", params=ask).json()
    assert without["steps"][0]["why"] == "the context has no env; the rule needs 'prod'"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"capability": ""}, 400),
        ({"risk_tier": "huge"}, 400),
        ({"at": "noon"}, 400),
        ({"namespace": "x.alice"}, 403),
        ({"context": "[]"}, 400),
        ({"context": '{"a":' + "[" * 1_500}, 400),
    ],
)
def test_a_wrong_question_is_refused_with_the_field(http: httpx.Client, more: dict[str, str], status: int) -> None:
    answer = http.get("/policy/explain", params={"worker_id": WORKER, "capability": CAPABILITY} | more)
    assert answer.status_code == status and "error" in answer.json()


# Faults


def test_faults_are_put_in_force_listed_and_taken_away(hall: LiveHall, http: httpx.Client) -> None:
    put = http.put("/admin/faults", json={"faults": [{"status": 503, "retry_after": 2}]})
    assert put.status_code == 200 and put.json()["faults"][0]["status"] == 503
    broken = http.get("/health")
    assert (broken.status_code, broken.headers["retry-after"]) == (503, "2")
    assert len(http.get("/admin/faults").json()["faults"]) == 1, "no fault keeps one from taking it away"
    assert http.delete("/admin/faults").json() == {"faults": []}
    assert http.get("/health").status_code == 200


@pytest.mark.parametrize("body", [b"{}", b"no", b'{"faults": [{"probability": 2}]}', b'{"faults": [{"sttus": 1}]}'])
def test_a_mistake_changes_nothing(hall: LiveHall, http: httpx.Client, body: bytes) -> None:
    hall.faults.add(path="/health", status=500)
    answer = http.put("/admin/faults", content=body)
    assert answer.status_code == 400 and answer.json()["error"]
    assert http.get("/health").status_code == 500


def test_faults_need_a_key_even_if_reads_are_public(hall: LiveHall) -> None:
    hall.hall.public_reads = True
    answer = httpx.put(f"{hall.url}/admin/faults", json={"faults": [{"status": 500}]}, trust_env=False, verify=False)
    assert answer.status_code == 401 and hall.faults.in_force == ()


def test_the_document_describes_faults_without_making_them_an_operation(http: httpx.Client) -> None:
    document = http.get("/openapi.json").json()
    assert "PUT /admin/faults" in document["info"]["description"] and "/admin/faults" not in document["paths"]


def _own_address() -> str | None:
    """Return this machine's address on its network, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return None if address.startswith("127.") else address


def test_another_machine_is_refused_whatever_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    address = _own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    monkeypatch.setattr("pyhall_tui.hall.server.listen", lambda host, port: listen("0.0.0.0", port))
    with live_hall() as hall, client_of(hall) as http:
        url = f"http://{address}:{hall.url.rpartition(':')[2]}"
        for method, path in (("GET", "/policy"), ("GET", "/policy/explain"), ("DELETE", "/admin/faults")):
            assert http.request(method, url + path).status_code == 403, path
        assert http.get(f"{url}/status").status_code == 200
