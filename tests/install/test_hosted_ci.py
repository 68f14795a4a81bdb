"""The workflow for hosted runners: it tries what the package claims, with what `.ci/run` uses."""

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github/workflows/ci.yml"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def jobs() -> dict[str, Any]:
    return dict(yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"])


def steps() -> list[dict[str, Any]]:
    return [step for job in jobs().values() for step in job["steps"]]


def test_each_python_and_system_that_the_package_names_is_tried() -> None:
    matrix = jobs()["test"]["strategy"]["matrix"]
    named = [entry.rpartition(" ")[2] for entry in SETTINGS["classifiers"] if re.search(r":: 3\.\d+$", entry)]
    assert matrix["python"] == named
    assert SETTINGS["requires-python"] == f">={named[0]}"
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}


def test_each_action_and_runner_is_pinned() -> None:
    """An action is a commit, since its tags can be moved, and a comment has the version."""
    used = re.findall(r"uses: (.+)", WORKFLOW.read_text(encoding="utf-8"))
    assert len(used) == len([step for step in steps() if "uses" in step])
    pins = {re.fullmatch(r"([\w/-]+)@([0-9a-f]{40}) # v(\d+\.\d+\.\d+)", each) for each in used}
    assert None not in pins
    assert len({pin[1] for pin in pins if pin}) == len({pin[0] for pin in pins if pin})
    runners = [*(job["runs-on"] for job in jobs().values()), *jobs()["test"]["strategy"]["matrix"]["os"]]
    assert not [runner for runner in runners if runner.endswith("latest")]


def test_each_script_that_it_runs_is_there() -> None:
    scripts = [name for step in steps() for name in re.findall(r"\.ci/\w+\.py", step.get("run", ""))]
    assert scripts
    assert all((ROOT / name).is_file() for name in scripts)
    assert all(name in (ROOT / ".ci/run").read_text(encoding="utf-8") for name in scripts if "single_file" not in name)


def test_each_command_that_it_runs_is_one_of_the_whole_ci_too() -> None:
    """So what hosted runners would run has run: `.ci/run` uses the same commands on one machine."""
    whole = (ROOT / ".ci/run").read_text(encoding="utf-8") + (ROOT / "README.md").read_text(encoding="utf-8")
    commands = [part for step in steps() for part in re.split(r" && ", step.get("run", "")) if part]
    assert commands
    for command in commands:
        words = [word for word in re.sub(r"[\"']", "", command).split() if word not in ("dist", "dist/*.whl")]
        if ".ci/single_file.py" not in words:  # .ci/install_ways.py runs it
            assert " ".join(words).removeprefix("python ") in re.sub(r"[\"']", "", whole), command


def test_it_may_only_read_the_repository() -> None:
    assert yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["permissions"] == {"contents": "read"}
