"""The hall's own metrics: what it decided, how long that took, its log; at an address of their own."""

import math
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.metrics import DecisionCounts, render
from tests.hall.process import ASK, run, served
from tests.live_hall import CAPABILITY, NAMESPACE, WORKER, LiveHall


def values(page: str) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in page.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_decisions_are_counted_by_outcome_and_rule(hall: LiveHall) -> None:
    with httpx.Client(base_url=hall.url, headers=hall.headers, trust_env=False) as http:
        for worker, tier in ((WORKER, "low"), (WORKER, "low"), (WORKER, "high"), (WORKER, "critical"), ("gone", "low")):
            asked = {"namespace": NAMESPACE, "capability": CAPABILITY, "worker_id": worker}
            http.post("/api/v1/dispatch", json=asked | {"context": {"risk_tier": tier}})
    got = values(render(hall.hall, connections=3))
    counted = {name: value for name, value in got.items() if "decisions_total" in name and value}
    assert counted == {
        'pyhall_hall_decisions_total{outcome="allow",rule="allow-llm"}': 2,
        'pyhall_hall_decisions_total{outcome="hold",rule="hold-high"}': 1,
        'pyhall_hall_decisions_total{outcome="deny",rule="deny-critical"}': 1,
        'pyhall_hall_decisions_total{outcome="deny",rule="registry"}': 1,
    }
    assert got['pyhall_hall_decisions_total{outcome="deny",rule="default"}'] == 0
    assert got["pyhall_hall_decision_duration_seconds_count"] == 5
    assert got["pyhall_hall_log_head"] == 5
    assert got["pyhall_hall_connections"] == 3
    assert got['pyhall_hall_upstream_session{state="none"}'] == 1
    assert got["pyhall_hall_policy_current"] == 1


def test_no_policy_can_make_series_without_end() -> None:
    counts = DecisionCounts()
    for number in range(2_000):
        counts.take({"rule": f"rule-{number}", "outcome": "allow"}, 0.001)
    assert len(counts.totals) == 501
    assert counts.totals[("allow", "other")] == 1_500


def test_a_store_that_cannot_be_read_leaves_the_rest(hall: LiveHall, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(hall.hall.policy, "current", fails)
    monkeypatch.setattr(hall.store.log, "head", fails)
    got = values(render(hall.hall, connections=2))
    assert math.isnan(got["pyhall_hall_log_head"])
    assert got["pyhall_hall_connections"] == 2


def test_prometheus_own_check_finds_nothing(hall: LiveHall) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    page = render(hall.hall, connections=0)
    done = subprocess.run(["promtool", "check", "metrics"], input=page, text=True, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_serve_has_them_at_an_address_of_their_own_and_without_a_key(tmp_path: Path) -> None:
    with served(tmp_path / "hall.db", "--metrics", "127.0.0.1:0") as hall:
        assert hall.process.stderr is not None
        said = hall.process.stderr.readline()
        (url,) = re.findall(r"The metrics are at (http://127\.0\.0\.1:\d+/metrics)", said)
        with hall.http() as http:
            http.post("/api/v1/dispatch", json=ASK | {"namespace": "org.yourco"})
            assert http.get("/metrics").status_code == 404
        page = httpx.get(url, trust_env=False)
        assert page.status_code == 200
        assert values(page.text)['pyhall_hall_decisions_total{outcome="deny",rule="registry"}'] == 1
        assert httpx.get(url, headers={"Host": "evil.example"}, trust_env=False).status_code == 421
        assert hall.end() == 0


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--metrics", "9465"), 2, "is not an address for metrics"),
        (("--metrics", "0.0.0.0:9465"), 2, "add --allow-remote-metrics"),
        (("--allow-remote-metrics",), 2, "--allow-remote-metrics needs --metrics"),
        (("--metrics", "203.0.113.1:9465", "--allow-remote-metrics"), 2, "The metrics can't be served at"),
    ],
)
def test_an_address_that_cannot_be_used_gets_a_sentence_before_a_store_is_made(
    tmp_path: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    result = run("serve", "--db", tmp_path / "hall.db", *options)
    assert (result.exit_code, (tmp_path / "hall.db").exists()) == (code, False)
    assert said in result.output
