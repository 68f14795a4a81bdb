"""What comes for other programs: each is checked by the program that it is for, and uses only what exists."""

import json
import re
import shlex
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
from pyhall_tui.share.printed import HALL, WATCH, text_of
from pyhall_tui.watch.metrics import OUTCOMES, names
from tests.hall.process import served

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
    lines = (line.strip() for line in text_of(WATCH["rules"]).splitlines())
    rules = [line for line in lines if "pyhall_" in line and not line.startswith(("#", "- record"))]
    return {"rules": rules, "dashboard": [*expressions(json.loads(text_of(WATCH["dashboard"])))]}


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
    panels = json.loads(text_of(WATCH["dashboard"]))["panels"]
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
    rules.write_text(text_of(WATCH["rules"]))
    done = subprocess.run([tool("promtool"), "check", "rules", rules], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "SUCCESS: 10 rules found" in done.stdout


def test_each_rule_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(text_of(WATCH["rules"]))
    test = shutil.copy(Path(__file__).with_name("rules_test.yml"), tmp_path)
    done = subprocess.run([tool("promtool"), "test", "rules", test], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "SUCCESS" in done.stdout


def test_every_rule_is_tested() -> None:
    tested = Path(__file__).with_name("rules_test.yml").read_text()
    alerts = re.findall(r"alert: (\w+)", text_of(WATCH["rules"]))
    assert alerts
    assert [alert for alert in alerts if f"alertname: {alert}\n        exp_alerts" not in tested] == []


UNITS = [WATCH["unit"], HALL["unit"]]


def unit(tmp_path: Path, name: str) -> Path:
    """Write a unit with a program that exists."""
    path = tmp_path / name
    path.write_text(re.sub(r"ExecStart=\S+", f"ExecStart={sys.executable}", text_of(name)))
    return path


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path, name: str) -> None:
    command = [tool("systemd-analyze"), "verify", "--man=no", unit(tmp_path, name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_the_units_hardened(tmp_path: Path, name: str) -> None:
    command = [tool("systemd-analyze"), "security", "--offline=true", "--threshold=20", unit(tmp_path, name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-500:]
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+) OK", done.stdout)
    assert float(exposure) <= 1.5


def command_of(unit: str) -> str:
    """Return what a unit starts."""
    (line,) = [line for line in text_of(unit).splitlines() if line.startswith("ExecStart=")]
    return line.removeprefix("ExecStart=")


def test_the_units_name_this_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "100% own" / "pyhall-tui"
    program.parent.mkdir()
    program.touch()
    monkeypatch.setattr(sys, "argv", [str(program)])
    assert command_of(WATCH["unit"]) == f'"{tmp_path}/100%% own/pyhall-tui" watch --metrics 127.0.0.1:9464'
    assert command_of(HALL["unit"]).startswith(f'"{tmp_path}/100%% own/pyhall-tui" hall serve ')


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_halls_unit_starts_a_hall_that_keeps_its_first_key_to_itself(tmp_path: Path) -> None:
    _, _, *words = shlex.split(command_of(HALL["unit"]))
    expanded = {"${STATE_DIRECTORY}/first-key": f"{tmp_path}/first-key", "127.0.0.1:9465": "127.0.0.1:0"}
    assert words[0] == "serve"
    assert words[-1] == "$HALL_OPTIONS"
    options = [expanded.get(word, word) for word in words[1:-1]]
    with served(tmp_path / "hall.db", *options, key="in the file") as hall:
        assert (tmp_path / "first-key").read_text().startswith("phk_live_")
        assert hall.end() == 0


def test_each_name_is_a_file_of_the_package() -> None:
    assert [*WATCH] == ["rules", "dashboard", "unit", "schema", "webhook-schema"]
    assert all(map(text_of, (*WATCH.values(), *HALL.values())))
    root = Path(__file__).parents[2]
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["pyhall_tui"]
