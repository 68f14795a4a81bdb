"""`pyhall-tui evidence`: a log is whole, or the first line that breaks it is named."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pyhall_tui.commands.evidence import evidence_group
from tests.packages.trees import DATA

SAMPLE = DATA / "evidence-chain.log"
LAST = "0e42ecbb8882f6cb730dff5b7132ae0e52a1eae0d0341435c3e825945cd59216"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(evidence_group, list(map(str, arguments)))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "evidence.log"
    path.write_bytes(SAMPLE.read_bytes())
    return path


def test_a_whole_log_is_exit_0_and_gives_a_mark(log: Path) -> None:
    done = run("verify", log)
    assert (done.exit_code, done.stdout) == (0, "Whole: 3 receipts; a log cannot prove its own end.\n")
    assert f"--known 3:{LAST}" in done.stderr


def test_a_changed_receipt_is_exit_1_and_names_the_line(log: Path) -> None:
    log.write_text(log.read_text().replace("denied", "ok"))
    done = run("verify", log)
    assert done.exit_code == 1
    assert done.stdout.startswith("Broken at line 2, which was changed")


def test_a_truncated_end_is_reported_with_the_mark(log: Path) -> None:
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:2]))
    assert run("verify", log).exit_code == 0
    done = run("verify", log, "--known", f"3:{LAST}")
    assert (done.exit_code, done.stdout[:10]) == (1, "Truncated:")


def test_json_is_one_document(log: Path) -> None:
    log.write_text(log.read_text().replace("denied", "ok"))
    document = json.loads(run("verify", log, "--json").stdout)
    assert document["whole"] is False
    assert document["broken"] == {"line": 2, "how": "changed", "detail": ""}


@pytest.mark.parametrize("command", ["verify", "list"])
def test_a_log_that_cannot_be_read_is_exit_2(command: str, tmp_path: Path) -> None:
    done = run(command, tmp_path / "missing")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "can't be read: no such file or directory" in done.stderr


def test_a_mark_that_is_none_is_wrong_use(log: Path) -> None:
    assert "Usage" in run("verify", log, "--known", "many").stderr


def test_receipts_are_listed_and_found_by_correlation_id(log: Path) -> None:
    assert len(run("list", log).stdout.splitlines()) == 3
    found = run("list", log, "--correlation-id", "00000000-0000-4000-8000-000000000001", "--json")
    assert (found.exit_code, json.loads(found.stdout)["receipt"]["status"]) == (0, "denied")
    assert run("list", log, "--correlation-id", "none").exit_code == 1


def test_a_receipt_does_not_drive_the_terminal(log: Path) -> None:
    log.write_text(log.read_text().replace('"status": "ok"', '"status": "\\u001b[2J"'))
    assert "\x1b" not in run("list", log).stdout
