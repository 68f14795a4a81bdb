"""What comes for other programs: each is checked by the program that it is for, and uses only what exists."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.alarms.alarm import Standing
from pyhall_tui.alarms.rules import SEVERITIES
from pyhall_tui.fleet.entry import State
from pyhall_tui.monitor.connection_state import BanListState
from pyhall_tui.watch.metrics import OUTCOMES, names
from pyhall_tui.watch.printed import NAMES, text_of

FAMILY = re.compile(r"\bpyhall_[a-z_]+")
LABEL = re.compile(r'\b(state|severity|outcome)=~?"([a-z ]+)"')
VALUES = {
    "state": {state.name.lower() for state in State} | {state.value for state in (*BanListState, *Standing)},
    "severity": set(SEVERITIES),
    "outcome": set(OUTCOMES),
}


def tool(name: str) -> str:
    """Return the path of a program of Debian's, or skip the test."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: see .ci/run for its package")
    return path


def expressions(value: Any) -> Iterator[str]:
    """Yield the expressions of a dashboard."""
    if isinstance(value, dict):
        yield from (one for key, one in value.items() if key in ("expr", "definition"))
        value = [*value.values()]
    if isinstance(value, list):
        for each in value:
            yield from expressions(each)


def queries() -> dict[str, list[str]]:
    lines = (line.strip() for line in text_of("rules").splitlines())
    rules = [line for line in lines if "pyhall_" in line and not line.startswith(("#", "- record"))]
    return {"rules": rules, "dashboard": [*expressions(json.loads(text_of("dashboard")))]}


@pytest.mark.parametrize("name", ["rules", "dashboard"])
def test_it_asks_only_for_families_that_exist(name: str) -> None:
    parts = {f"pyhall_registry_request_duration_seconds_{part}" for part in ("bucket", "sum", "count")}
    asked = {family for query in queries()[name] for family in FAMILY.findall(query)}
    assert asked
    assert asked <= {*names(), *parts}


@pytest.mark.parametrize("name", ["rules", "dashboard"])
def test_it_asks_only_for_states_that_exist(name: str) -> None:
    asked = {found for query in queries()[name] for found in LABEL.findall(query)}
    assert asked
    assert {(label, value) for label, value in asked if value not in VALUES[label]} == set()


def test_the_dashboard_shows_every_family() -> None:
    asked = " ".join(queries()["dashboard"])
    assert [name for name in names() if name not in asked] == []


def test_the_dashboards_panels_do_not_overlap_and_have_their_own_ids() -> None:
    panels = json.loads(text_of("dashboard"))["panels"]
    places = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) == 23
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_prometheus_checks_the_rules(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(text_of("rules"))
    done = subprocess.run([tool("promtool"), "check", "rules", rules], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "SUCCESS: 10 rules found" in done.stdout


def test_each_rule_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(text_of("rules"))
    test = shutil.copy(Path(__file__).with_name("rules_test.yml"), tmp_path)
    done = subprocess.run([tool("promtool"), "test", "rules", test], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "SUCCESS" in done.stdout


def test_every_rule_is_tested() -> None:
    tested = Path(__file__).with_name("rules_test.yml").read_text()
    alerts = re.findall(r"alert: (\w+)", text_of("rules"))
    assert alerts
    assert [alert for alert in alerts if f"alertname: {alert}\n        exp_alerts" not in tested] == []


def unit(tmp_path: Path) -> Path:
    """Write the unit with a program that exists."""
    path = tmp_path / "pyhall-tui-watch.service"
    path.write_text(re.sub(r"ExecStart=\S+", f"ExecStart={sys.executable}", text_of("unit")))
    return path


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    command = [tool("systemd-analyze"), "verify", "--man=no", unit(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_finds_the_unit_hardened(tmp_path: Path) -> None:
    command = [tool("systemd-analyze"), "security", "--offline=true", "--threshold=20", unit(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-500:]
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+) OK", done.stdout)
    assert float(exposure) <= 1.5


def test_the_unit_names_this_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "100% own" / "pyhall-tui"
    program.parent.mkdir()
    program.touch()
    monkeypatch.setattr(sys, "argv", [str(program)])
    (line,) = [line for line in text_of("unit").splitlines() if line.startswith("ExecStart=")]
    assert line == f'ExecStart="{tmp_path}/100%% own/pyhall-tui" watch --metrics 127.0.0.1:9464'


def test_each_name_is_a_file_of_the_package() -> None:
    assert NAMES == ("rules", "dashboard", "unit", "schema", "webhook-schema")
    assert all(map(text_of, NAMES))
    root = Path(__file__).parents[2]
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["pyhall_tui"]
