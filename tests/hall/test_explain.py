"""An explanation: exactly the decision that the hall makes, and how it gets there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyhall_tui.commands.hall import hall_group
from pyhall_tui.hall import audit
from pyhall_tui.hall.context import Grounds
from pyhall_tui.hall.explain import explain
from pyhall_tui.hall.hours import DAYS
from pyhall_tui.hall.models import Asked, Worker
from pyhall_tui.hall.policy import TIERS, Policy, Rule, save_rules
from pyhall_tui.hall.store import SqliteStore, Store
from pyhall_tui.hall.upstream import Upstream
from tests.clock import ManualClock
from tests.examples import examples
from tests.live_hall import CAPABILITY, NAMESPACE, WORKER, LiveHall, live_hall


def grounds(store: Store, *rules: Rule) -> Grounds:
    return Grounds(store, Policy(rule=rules), None, lambda tier: None)


def test_it_names_the_rule_and_why_not_the_earlier_ones() -> None:
    store = SqliteStore()
    store.put_worker(
        Worker(worker_id="w", namespace="n", capabilities=("llm.x",), sha256="ab" * 32, attested_at="2026")
    )
    rules = (
        Rule(id="mail", outcome="deny", capability="mail.*"),
        Rule(id="low", outcome="allow", risk_tiers=("low",)),
        Rule(id="dev", outcome="allow", context={"env": ("dev",)}),
        Rule(id="rest", outcome="hold"),
        Rule(id="never", outcome="allow"),
    )
    asked = Asked(namespace="n", capability="llm.x", worker_id="w", tier="high", context={"env": "prod"})
    found = explain(grounds(store, *rules), asked)
    assert (found.decision.outcome, found.decision.rule) == ("hold", "rest")
    assert [(step.rule, step.matches) for step in found.steps] == [
        ("mail", False),
        ("low", False),
        ("dev", False),
        ("rest", True),
    ]
    assert [step.why for step in found.steps[:3]] == [
        "capability llm.x does not match mail.*",
        "risk tier high is not among low",
        "context's env is 'prod'; the rule needs 'dev'",
    ]


def test_it_says_what_the_registry_refuses_and_what_the_rules_would_say() -> None:
    asked = Asked(namespace="n", capability="c", worker_id="w")
    found = explain(grounds(SqliteStore(), Rule(id="all", outcome="allow")), asked)
    assert (found.decision.rule, found.decision.code) == ("registry", "DENY_NO_AVAILABLE_WORKER")
    assert found.worker == "No worker w is enrolled in n"
    assert found.steps[-1].rule == "all"


# It is what is enforced


@pytest.fixture(scope="module")
def live() -> Iterator[tuple[LiveHall, httpx.Client]]:
    clock = ManualClock()
    with live_hall(clock=clock) as hall:
        for name, fields in {
            "banned": {"ban_reason": "r"},
            "retired": {"status": "retired"},
            "unattested": {"attested_at": None},
            "other": {"namespace": "x.alice"},
        }.items():
            hall.add_worker(name, **fields)
        with httpx.Client(base_url=hall.url, headers=hall.headers, trust_env=False, timeout=30) as http:
            yield hall, http


VALUES = st.sampled_from(["prod", "dev", "", 1, 1.0, True, False, 0])
GLOBS = st.sampled_from(["*", "llm.*", CAPABILITY, "mail.*", "l?m.*", "[!l]*"])
HOURS = st.sampled_from([None, "00:00-24:00", "08:00-18:00", "22:00-06:00", "18:00-00:00"])
RULES = st.fixed_dictionaries(
    {"outcome": st.sampled_from(["allow", "deny", "hold"])},
    optional={
        "capability": GLOBS,
        "worker": st.sampled_from(["*", WORKER, "wkr_*", "banned"]),
        "risk_tiers": st.lists(st.sampled_from(TIERS), min_size=1, max_size=3).map(tuple),
        "context": st.dictionaries(
            st.sampled_from(["env", "risk_tier", "x"]), st.lists(VALUES, min_size=1, max_size=2).map(tuple), min_size=1
        ),
        "hours": HOURS,
        "days": st.lists(st.sampled_from(DAYS), min_size=1, max_size=4).map(tuple),
        "timezone": st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]),
        "rate": st.sampled_from(["1/second", "2/hour", "3/day"]),
    },
)
CONTEXTS = st.dictionaries(
    st.sampled_from(["env", "x", "risk_tier", "correlation_id"]),
    VALUES | st.sampled_from(["low", "high", "critical", "unstated", None, ["dev"], {"a": 1}]),
)
WORKERS = st.sampled_from([WORKER] * 4 + ["banned", "retired", "unattested", "other", "nobody"])


def enforced_and_explained(
    hall: LiveHall, http: httpx.Client, worker: str, context: object
) -> tuple[dict[str, Any], dict[str, Any]]:
    ask = {"worker_id": worker, "capability": CAPABILITY, "namespace": NAMESPACE}
    explained = http.get("/policy/explain", params=ask | {"context": json.dumps(context)})
    answer = http.post("/api/v1/dispatch", json=ask | {"context": context})
    assert (explained.status_code == 200) == (answer.status_code == 200), answer.text + explained.text
    if answer.status_code != 200:
        return explained.json(), answer.json()
    (logged,) = audit.decisions(hall.store, 1)
    told = {
        "outcome": logged["outcome"],
        "rule": logged["rule"],
        "code": logged["deny_code"],
        "reason": logged["reason"],
    }
    decision = explained.json()["decision"]
    decision.pop("rate")
    return decision, told


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rules=st.lists(RULES, max_size=4),
    default=st.sampled_from(["allow", "deny"]),
    asks=st.lists(st.tuples(WORKERS, CONTEXTS), min_size=1, max_size=5),
    wait=st.sampled_from([0, 1, 600, 5 * 3600]),
)
def test_it_is_what_the_hall_decides_on_the_same_request(
    live: tuple[LiveHall, httpx.Client], rules: list[Any], default: Any, asks: list[Any], wait: int
) -> None:
    """F83"""
    hall, http = live
    policy = Policy(rule=tuple(Rule(id=f"r{n}", **rule) for n, rule in enumerate(rules)), default=default)
    save_rules(hall.store, policy)
    for worker, context in asks:
        explained, enforced = enforced_and_explained(hall, http, worker, context)
        assert explained.get("error", explained) == enforced.get("error", enforced)
        assert isinstance(hall.hall.clock, ManualClock)
        hall.hall.clock.skip(wait)


def test_the_risk_tier_may_stand_in_the_context(live: tuple[LiveHall, httpx.Client]) -> None:
    """F83"""
    _, http = live
    ask = {"worker_id": WORKER, "capability": CAPABILITY}
    save_rules(live[0].store, Policy(rule=(Rule(id="high", outcome="deny", risk_tiers=("high",)),), default="allow"))
    for more in ({"context": '{"risk_tier": "high"}'}, {"risk_tier": "high"}):
        assert http.get("/policy/explain", params=ask | more).json()["decision"]["rule"] == "high", more
    both = http.get("/policy/explain", params=ask | {"context": '{"risk_tier": "low"}', "risk_tier": "high"})
    assert both.status_code == 400 and "risk_tier" in both.json()["error"]
    same = http.get("/policy/explain", params=ask | {"context": '{"risk_tier": "high"}', "risk_tier": "high"})
    assert same.json()["decision"]["rule"] == "high"


@pytest.mark.parametrize(
    "context", ['{"risk_tier": "huge"}', '{"risk_tier": 3}', '{} , "namespace": "x"', "[]", "3", "{", '{"a": NaN}', ""]
)
def test_what_the_hall_would_refuse_is_refused(live: tuple[LiveHall, httpx.Client], context: str) -> None:
    """F83"""
    params = {"worker_id": WORKER, "capability": CAPABILITY, "context": context}
    answer = live[1].get("/policy/explain", params=params)
    assert answer.status_code == 400 and "context" in answer.json()["error"]


def test_a_silent_upstream_refuses_in_both(live: tuple[LiveHall, httpx.Client]) -> None:
    """F83"""
    hall, http = live

    async def never() -> Any:
        raise AssertionError

    save_rules(hall.store, Policy(default="allow"))
    hall.hall.upstream = Upstream("http://up", never, hall.store, hall.hall.clock, when_stale="deny-high")
    try:
        for context in ({}, {"risk_tier": "low"}, {"risk_tier": "critical"}):
            explained, enforced = enforced_and_explained(hall, http, WORKER, context)
            assert explained == enforced
            assert (explained["rule"] == "upstream") == (context.get("risk_tier") != "low")
    finally:
        hall.hall.upstream = None


# On the command line


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(hall_group, ["policy", "explain", *map(str, arguments)])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[LiveHall]:
    with live_hall(tmp_path / "hall.db") as hall:
        yield hall


def asked(hall: LiveHall, *more: str) -> tuple[str, ...]:
    return ("--worker", WORKER, "--capability", CAPABILITY, "--db", hall.store.path, "--json", *more)


def dispatched(hall: LiveHall, context: object) -> tuple[str, str]:
    ask = {"worker_id": WORKER, "capability": CAPABILITY, "namespace": NAMESPACE, "context": context}
    httpx.post(f"{hall.url}/api/v1/dispatch", json=ask, headers=hall.headers, trust_env=False)
    (logged,) = audit.decisions(hall.store, 1)
    return logged["outcome"], logged["rule"]


@pytest.mark.parametrize(
    "context", [{}, {"risk_tier": "high"}, {"risk_tier": "critical"}, {"risk_tier": None}, {"env": "prod"}]
)
def test_the_command_says_what_the_served_hall_decides(served: LiveHall, context: dict[str, Any]) -> None:
    """F83"""
    told = json.loads(run(*asked(served, "--context", json.dumps(context))).stdout)["decision"]
    assert (told["outcome"], told["rule"]) == dispatched(served, context)


def test_the_command_sees_what_was_used_up_of_a_rate(served: LiveHall) -> None:
    """F83, F84: it uses no rate itself."""
    save_rules(served.store, Policy(rule=(Rule(id="r", outcome="allow", rate="2/hour"),)))
    for expected in (("allow", None), ("allow", None), ("deny", "POLICY_RATE_EXCEEDED")):
        for _ in range(3):
            told = json.loads(run(*asked(served)).stdout)["decision"]
            assert (told["outcome"], told["code"]) == expected
        dispatched(served, {})


def test_the_command_sees_that_the_upstream_is_silent(served: LiveHall) -> None:
    """F83"""
    told = json.loads(run(*asked(served, "--risk-tier", "low")).stdout)
    assert told["decision"]["outcome"] == "allow"

    async def never() -> Any:
        raise AssertionError

    silent = Upstream("http://up", never, served.store, served.hall.clock, when_stale="deny-all")
    served.hall.upstream = silent
    served.store.set_setting("upstream", json.dumps(silent.state()))
    told = json.loads(run(*asked(served, "--risk-tier", "low")).stdout)
    assert (told["decision"]["rule"], told["decision"]["outcome"]) == ("upstream", "deny")
    assert dispatched(served, {"risk_tier": "low"}) == ("deny", "upstream")


@pytest.mark.parametrize(
    "more",
    [
        ("--context", "[]"),
        ("--context", "{"),
        ("--context", '{"risk_tier": "huge"}'),
        ("--context", '{"risk_tier": "low"}', "--risk-tier", "high"),
        ("--capability", "x" * 301),
    ],
)
def test_a_wrong_question_is_a_sentence(served: LiveHall, more: tuple[str, ...]) -> None:
    result = run(*asked(served, *more))
    assert result.exit_code == 2 and "invalid field" in result.stderr and result.stdout == ""


def test_of_a_worker_that_is_not_there_the_namespace_has_to_be_named(served: LiveHall) -> None:
    ask = ("--worker", "nobody", "--capability", "c", "--db", served.store.path)
    assert "give its namespace" in run(*ask).stderr
    assert "deny  by registry" in run(*ask, "--namespace", "n").stdout
