"""`pyhall-tui alarms`: what the app recorded, read and changed by another program."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.journal.journal import Journal
from tests.commands.asking import run_here, run_program
from tests.journal.makers import event, verdict
from tests.open_alarms import open_alarms

PROFILE = "environment"


def alarms(home: Path, *arguments: str) -> CompletedProcess[str]:
    return run_here(home, "alarms", *arguments, url="http://127.0.0.1:9", key="phk_live_x")


@pytest.fixture
def journal(tmp_path: Path):
    (tmp_path / "data").mkdir()
    with Journal.open(tmp_path / "data" / "journal.db", SystemClock()) as opened:
        opened.save_verdict(PROFILE, verdict(at=SystemClock().now().wall))
        assert opened.flush(30)
        yield opened


def fire(journal: Journal, *workers: str) -> None:
    wall = SystemClock().now().wall
    for worker in workers:
        journal.record_event(PROFILE, event(worker_id=worker, at=wall, source="verify", detail="exfiltrates"))
    assert journal.flush(30)


def rows(done: CompletedProcess[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_none_firing_is_0_and_some_1(tmp_path: Path, journal: Journal) -> None:
    done = alarms(tmp_path, "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    fire(journal, "wkr_1", "wkr_2")
    done = alarms(tmp_path)
    assert done.returncode == 1
    assert "wkr_1 is BANNED (verify): exfiltrates" in done.stdout and "[firing since" in done.stdout
    document = rows(alarms(tmp_path, "list", "--json"))[0]
    assert (document["kind"], document["worker"], document["state"], document["times"]) == (
        "banned",
        "wkr_1",
        "firing",
        1,
    )
    assert document["acknowledged_by"] is None and document["resolved_at"] is None


def test_an_acknowledgement_by_the_beginning_of_an_id_with_a_note_is_kept(tmp_path: Path, journal: Journal) -> None:
    fire(journal, "wkr_1", "wkr_2")
    first, second = (str(row["id"]) for row in rows(alarms(tmp_path, "list", "--json")))
    assert alarms(tmp_path, "ack", first[:6], "--note", "on it").returncode == 0
    assert alarms(tmp_path, "ack", first).returncode == 1
    done = alarms(tmp_path, "list", "--json")
    assert done.returncode == 1
    found = {row["id"]: (row["state"], row["note"]) for row in rows(done)}
    assert found == {first: ("acknowledged", "on it"), second: ("firing", None)}
    assert {each.acknowledged for each in journal.events(PROFILE, worker="wkr_1")} == {True}
    assert alarms(tmp_path, "ack", "--all").returncode == 0
    assert alarms(tmp_path, "list").returncode == 0
    assert open_alarms(journal, PROFILE) == 0


def test_ended_alarms_are_listed_only_on_request(tmp_path: Path, journal: Journal) -> None:
    fire(journal, "wkr_1")
    lifted = {"before": "BANNED", "after": "clean", "severity": Severity.NOTICE, "at": SystemClock().now().wall}
    journal.record_event(PROFILE, event(Kind.UNBANNED, "wkr_1", **lifted))
    assert journal.flush(30)
    assert alarms(tmp_path, "list").stdout == ""
    done = alarms(tmp_path, "list", "--all", "--json")
    (row,) = rows(done)
    assert (done.returncode, row["state"], row["resolved_by"]) == (0, "resolved", "verify")


def test_silences_are_made_listed_and_ended(tmp_path: Path, journal: Journal) -> None:
    fire(journal, "wkr_1")
    made = alarms(tmp_path, "silence", "--worker", "wkr_*", "--kind", "banned", "--until", "2h", "--reason", "upgrade")
    assert made.returncode == 0
    assert alarms(tmp_path, "list").returncode == 0
    assert "silenced until" in alarms(tmp_path, "list").stdout
    (row,) = rows(alarms(tmp_path, "silences", "--json"))
    assert (row["id"], row["worker"], row["kind"]) == (made.stdout.strip(), "wkr_*", "banned")
    assert "banned of wkr_*" in alarms(tmp_path, "silences").stdout
    assert alarms(tmp_path, "unsilence", made.stdout.strip()).returncode == 0
    assert alarms(tmp_path, "silences").stdout == ""
    assert alarms(tmp_path, "list").returncode == 1
    kinds = [each.kind for each in journal.events(PROFILE)]
    assert kinds[:2] == [Kind.SILENCE_ENDED, Kind.SILENCED]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("silence", "--worker", "w", "--until", "soon"), "Give a time"),
        (("silence", "--until", "2h"), "Say what to silence"),
        (("silence", "--kind", "loud", "--until", "2h"), "no kind of alarm 'loud'"),
        (("silence", "--worker", "w"), "--until"),
        (("ack",), "or use --all"),
    ],
)
def test_wrong_use_is_64_with_a_sentence(
    tmp_path: Path, journal: Journal, arguments: tuple[str, ...], said: str
) -> None:
    done = alarms(tmp_path, *arguments)
    assert done.returncode == 64
    assert said in done.stderr


@pytest.mark.parametrize("arguments", [("ack", "ffffffff"), ("unsilence", "ffffffff"), ("ack", "f")])
def test_an_id_that_names_nothing_is_2(tmp_path: Path, journal: Journal, arguments: tuple[str, ...]) -> None:
    done = alarms(tmp_path, *arguments)
    assert done.returncode == 2 and done.stderr.count("\n") == 1


def test_what_is_not_known_is_2_and_what_is_old_is_said(tmp_path: Path) -> None:
    assert alarms(tmp_path, "list").returncode == 2
    (tmp_path / "data").mkdir(exist_ok=True)
    with Journal.open(tmp_path / "data" / "journal.db", SystemClock()) as journal:
        journal.save_verdict(PROFILE, verdict(at=SystemClock().now().wall - 7_200))
        assert journal.flush(30)
    done = alarms(tmp_path, "list")
    assert done.returncode == 0 and "2h ago" in done.stderr


def test_a_journal_of_a_newer_version_is_2(tmp_path: Path, journal: Journal) -> None:
    journal.close()
    import sqlite3

    with sqlite3.connect(tmp_path / "data" / "journal.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    done = run_program(tmp_path, "alarms", url="http://127.0.0.1:9", key="phk_live_x")
    assert done.returncode == 2
    assert "newer pyhall-tui" in done.stderr and "Traceback" not in done.stderr
