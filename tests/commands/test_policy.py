"""`pyhall-tui policy save|check` against a hall whose policy changes between them."""

import json
import tomllib
from pathlib import Path
from subprocess import CompletedProcess

import msgspec

from pyhall_tui.clock import SystemClock
from pyhall_tui.hall.policy import Rule, load_rules, save_rules
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import EnrollmentRow, EnrollmentState
from pyhall_tui.profiles.watch_list import WatchList
from tests.commands.asking import read_only_profile, run_here, run_program
from tests.live_hall import LiveHall

CHOICE = ("--worker", "wkr_abc123", "--capability", "llm.text.generate", "--risk", "low,high", "--risk", "critical")


def policy(home: Path, hall: LiveHall, *arguments: str, **more: str) -> CompletedProcess[str]:
    return run_here(home, "policy", *arguments, **{"url": hall.url, "key": hall.key, **more})


def saved(home: Path, hall: LiveHall) -> Path:
    path = home / "nightly.toml"
    done = policy(home, hall, "save", str(path), *CHOICE)
    assert done.returncode == 0, done.stderr
    return path


def forbid_all(hall: LiveHall) -> None:
    before = load_rules(hall.store)
    rule = Rule(id="freeze", outcome="deny", code="FROZEN")
    save_rules(hall.store, msgspec.structs.replace(before, rule=(rule, *before.rule)))


def test_a_baseline_is_text_with_a_line_a_cell(hall: LiveHall, tmp_path: Path) -> None:
    path = saved(tmp_path, hall)

    document = tomllib.loads(path.read_text())
    assert document["cells"]["llm.text.generate"]["wkr_abc123"] == {
        "low": "allow",
        "high": "hold DENY_REQUIRES_HUMAN_APPROVAL",
        "critical": "deny POLICY_BLOCKED",
    }


def test_the_same_policy_makes_the_same_file(hall: LiveHall, tmp_path: Path) -> None:
    first = saved(tmp_path, hall).read_bytes()

    assert saved(tmp_path, hall).read_bytes() == first


def test_check_is_zero_while_policy_says_the_same(hall: LiveHall, tmp_path: Path) -> None:
    done = policy(tmp_path, hall, "check", str(saved(tmp_path, hall)))

    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_check_exits_1_and_shows_before_and_after_if_it_differs(hall: LiveHall, tmp_path: Path) -> None:
    path = saved(tmp_path, hall)
    forbid_all(hall)

    done = policy(tmp_path, hall, "check", str(path))
    as_json = policy(tmp_path, hall, "check", str(path), "--json")

    assert done.returncode == as_json.returncode == 1
    assert "llm.text.generate  wkr_abc123  low  allow → deny FROZEN" in done.stdout
    document = json.loads(as_json.stdout)
    assert (document["cells"], document["same"], len(document["differences"])) == (3, 0, 3)
    assert document["differences"][0]["after"] == {"result": "deny", "code": "FROZEN"}


def test_check_exits_2_if_it_cannot_ask(hall: LiveHall, tmp_path: Path) -> None:
    path = saved(tmp_path, hall)

    assert policy(tmp_path, hall, "check", str(path), url="http://127.0.0.1:9").returncode == 2
    assert policy(tmp_path, hall, "check", "never-saved").returncode == 2


def test_nothing_is_saved_if_a_cell_got_no_answer(hall: LiveHall, tmp_path: Path) -> None:
    hall.faults.add(path="/api/v1/dispatch", status=500, count=1)

    done = policy(tmp_path, hall, "save", "nightly", *CHOICE)

    assert done.returncode == 2
    assert not (tmp_path / "config" / "baselines" / "nightly.toml").exists()


def test_a_rate_limit_only_makes_it_slower(hall: LiveHall, tmp_path: Path) -> None:
    hall.faults.add(path="/api/v1/dispatch", status=429, retry_after=1, count=1)

    assert saved(tmp_path, hall).exists()


def test_a_pattern_that_fits_nothing_known_is_not_an_empty_baseline(hall: LiveHall, tmp_path: Path) -> None:
    done = policy(tmp_path, hall, "save", "n", "--worker", "wkr_*", "--capability", "llm.text.generate")

    assert done.returncode == 2
    assert "wkr_*" in done.stderr


def test_a_tier_that_is_none_is_wrong_use(hall: LiveHall, tmp_path: Path) -> None:
    done = policy(tmp_path, hall, "save", "n", "--worker", "w", "--capability", "c", "--risk", "extreme")

    assert done.returncode == 64


def test_a_read_only_profile_asks_for_no_baseline(hall: LiveHall, tmp_path: Path) -> None:
    """F45: save as well as check would send dispatches."""
    path = saved(tmp_path, hall)
    sent = len(hall.requests)
    read_only_profile(tmp_path, hall)
    for command in (("save", str(tmp_path / "other.toml"), *CHOICE), ("check", str(path))):
        done = run_program(tmp_path, "--profile", "look", "policy", *command, url="", key=hall.key)
        assert done.returncode == 2
        assert "read-only" in done.stderr
    assert len(hall.requests) == sent


def watched(home: Path, *workers: str) -> None:
    WatchList(home / "data", "environment").add(workers)


def test_a_worker_that_fits_the_pattern_and_is_new_is_named(hall: LiveHall, tmp_path: Path) -> None:
    """F86: also if it was enrolled with this program and is not watched."""
    pattern = ("--worker", "org.yourco.mailer*", "--capability", "mail.send", "--risk", "low,high")
    baseline = tmp_path / "nightly.toml"
    watched(tmp_path, "org.yourco.mailer1", "org.yourco.other")
    assert policy(tmp_path, hall, "save", str(baseline), *pattern).returncode == 0
    assert policy(tmp_path, hall, "check", str(baseline)).returncode == 0

    watched(tmp_path, "org.yourco.mailer2", "org.yourco.another")
    with Journal.open(tmp_path / "data" / "journal.db", SystemClock()) as journal:
        state, worker = EnrollmentState.ANSWERED, "org.yourco.mailer3"
        row = EnrollmentRow(batch="b", row_key="k", state=state, at=1.0, worker_id=worker)
        journal.record_enrollment_now("environment", row)
    done = policy(tmp_path, hall, "check", str(baseline))

    assert done.returncode == 1
    assert [line.split()[1:] for line in done.stdout.splitlines()] == [
        ["mail.send", f"org.yourco.mailer{number}", tier, "never", "asked"]
        for number in (2, 3)
        for tier in ("low", "high")
    ]
    assert "4 cells are new" in done.stderr
    as_json = json.loads(policy(tmp_path, hall, "check", str(baseline), "--json").stdout)
    assert as_json["new"][0] == {"capability": "mail.send", "worker_id": "org.yourco.mailer2", "risk_tier": "low"}


def test_without_known_workers_it_says_that_new_ones_cannot_be_found(hall: LiveHall, tmp_path: Path) -> None:
    """F86: as in a CI that has the baseline and nothing else."""
    watched(tmp_path, "org.yourco.mailer1")
    baseline = tmp_path / "nightly.toml"
    pattern = ("--worker", "org.yourco.*", "--capability", "mail.send")
    assert policy(tmp_path, hall, "save", str(baseline), *pattern).returncode == 0
    (tmp_path / "ci").mkdir()
    done = policy(tmp_path / "ci", hall, "check", str(baseline))

    assert done.returncode == 0
    assert "No workers are known here" in done.stderr
