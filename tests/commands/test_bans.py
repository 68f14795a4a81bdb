"""`pyhall-tui bans …` against the hall."""

import json
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.journal.journal import Journal
from tests.commands.asking import environment_of, read_only_profile, run_here, run_program
from tests.live_hall import HASH, LiveHall, live_hall

BANNED = "ab" * 32
CLEAN = "cd" * 32
LIST = "/api/v1/ban-list"


def bans(home: Path, hall: LiveHall, *arguments: str) -> CompletedProcess[str]:
    return run_here(home, "bans", *arguments, url=hall.url, key=hall.key)


def ban(hall: LiveHall, sha256: str = BANNED, reason: str = "exfiltrates") -> None:
    worker = hall.add_worker(f"wkr_{sha256[:8]}", sha256=sha256)
    hall.store.ban(worker.worker_id, reason)


# check


def test_what_is_not_listed_is_zero_and_what_is_listed_is_one(hall: LiveHall, tmp_path: Path) -> None:
    ban(hall)
    clean = run_program(tmp_path, "bans", "check", CLEAN, url=hall.url, key=hall.key)
    listed = bans(tmp_path, hall, "check", CLEAN, BANNED)

    assert (clean.returncode, clean.stdout) == (0, f"●  not listed  {CLEAN}\n"), clean.stderr
    assert listed.returncode == 1
    assert listed.stdout.splitlines() == [f"●  not listed  {CLEAN}", f"✖  LISTED      {BANNED}  exfiltrates"]


@pytest.mark.parametrize(
    "written",
    [
        BANNED.upper(),
        f"sha256:{BANNED}",
        f"SHA256:{BANNED.upper()}",
        f"sha256: {BANNED}",
        f"  {BANNED}\n",
        f'"{BANNED}",',
        " ".join(BANNED[at : at + 8] for at in range(0, 64, 8)),
    ],
)
def test_a_banned_hash_is_found_however_it_is_written(hall: LiveHall, tmp_path: Path, written: str) -> None:
    ban(hall)
    assert bans(tmp_path, hall, "check", written).returncode == 1


def test_hashes_on_standard_input_are_checked_in_order(
    hall: LiveHall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ban(hall)
    done = piped(tmp_path, hall, f"\ufeff{CLEAN}\r\n\r\n  sha256:{BANNED.upper()} {CLEAN}", "--json")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [(each["sha256"], each["state"]) for each in documents] == [
        (CLEAN, "not listed"),
        (BANNED, "listed"),
        (CLEAN, "not listed"),
    ]


def piped(home: Path, hall: LiveHall, text: str, *arguments: str) -> CompletedProcess[str]:
    command = [sys.executable, "-m", "pyhall_tui", "bans", "check", "-", *arguments]
    environment = environment_of(home, url=hall.url, key=hall.key) | {"PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, input=text, capture_output=True, encoding="utf-8", timeout=60, env=environment, check=False
    )


@pytest.mark.parametrize("text", ["", "\n \n", "deadbeef\n", f"{CLEAN} {BANNED[:63]}\n", "x" * 200_000])
@pytest.mark.thorough
def test_what_is_no_hash_on_standard_input_is_two(hall: LiveHall, tmp_path: Path, text: str) -> None:
    done = piped(tmp_path, hall, text)
    assert done.returncode == 2
    assert done.stderr and "Traceback" not in done.stderr


def test_a_folder_and_a_file_are_hashed_as_the_hash_command_does(hall: LiveHall, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "run.py").write_text("print('hello')\n")
    for path in (package, package / "run.py"):
        sha256 = bans_hash(tmp_path, hall, path)
        assert bans(tmp_path, hall, "check", str(path)).returncode == 0
        ban(hall, sha256)
        done = bans(tmp_path, hall, "check", str(path), "--json")
        assert done.returncode == 1
        assert json.loads(done.stdout)["sha256"] == sha256
        assert json.loads(done.stdout)["asked"] == str(path)


def bans_hash(home: Path, hall: LiveHall, path: Path) -> str:
    return run_here(home, "hash", str(path), url=hall.url, key=hall.key).stdout.strip()


def test_a_file_of_hashes_is_not_cleared_by_its_own_hash(hall: LiveHall, tmp_path: Path) -> None:
    ban(hall)
    (tmp_path / "hashes.txt").write_text(f"{CLEAN}  one.py\n{BANNED.upper()}  two.py\n")
    done = bans(tmp_path, hall, "check", str(tmp_path / "hashes.txt"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "bans check - < FILE" in done.stderr


def test_bytes_that_are_no_text_are_two_and_the_others_are_checked(hall: LiveHall, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pyhall_tui", "bans", "check", "-"]
    environment = environment_of(tmp_path, url=hall.url, key=hall.key)
    given = b"\xff\xfe\x00 " + CLEAN.encode() + b"\n"
    done = subprocess.run(command, input=given, capture_output=True, timeout=60, env=environment, check=False)
    assert done.returncode == 2
    assert CLEAN.encode() in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("path", ["nowhere", "", "abc123", "x" * 5_000, "broken"])
def test_what_cannot_be_hashed_is_two_and_the_others_are_checked(hall: LiveHall, tmp_path: Path, path: str) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "link").symlink_to("nowhere")
    asked = str(tmp_path / path) if path == "broken" else path
    done = bans(tmp_path, hall, "check", asked, CLEAN)
    assert done.returncode == 2
    assert CLEAN in done.stdout
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 500}, "500"),
        ({"status": 404}, "404"),
        ({"body": f'[{{"sha256": "{BANNED}"}}, {{"sha256": "x"}}]'}, "some entries can't be read"),
        ({"body": '{"hashes": [], "count": 0, "source": "local-cache"}'}, "may be truncated"),
        ({"body": '[{"sha256": "'}, ""),
        ({"body": "[]", "headers": {"Age": "86400"}}, "that list is 1,440 minutes old"),
        ({"body": "[]", "headers": {"Link": '<https://x.example/2>; rel="next"'}}, "may be truncated"),
    ],
)
def test_a_list_that_is_not_whole_and_fresh_never_says_clean(
    hall: LiveHall, tmp_path: Path, fault: dict[str, object], said: str
) -> None:
    hall.faults.add(path=LIST, **({"status": 200} | fault))
    done = bans(tmp_path, hall, "check", CLEAN, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["listed"] is None
    assert said in done.stderr
    assert bans(tmp_path, hall, "list").returncode == 2


def test_a_full_list_never_says_clean_but_says_what_is_listed(tmp_path: Path) -> None:
    with live_hall() as hall:
        for number in range(50):  # a limit that a registry may have
            ban(hall, f"{number:064x}")
        assert bans(tmp_path, hall, "check", CLEAN).returncode == 2
        assert bans(tmp_path, hall, "check", f"{7:064x}").returncode == 1
        assert len(bans(tmp_path, hall, "list").stdout.splitlines()) == 50


def test_without_a_registry_it_is_two(hall: LiveHall, tmp_path: Path) -> None:
    done = run_here(tmp_path, "bans", "check", CLEAN, url="http://127.0.0.1:9", key=hall.key)
    assert done.returncode == 2
    assert done.stdout == f"?  unknown     {CLEAN}\n"


# list


def test_the_list_is_printed_newest_first_and_searched(hall: LiveHall, tmp_path: Path) -> None:
    body = [
        {"sha256": CLEAN, "reason": "Sends \x1b[31mmail", "reported_at": "2026-01-02T00:00:00Z", "source": "acme"},
        {"sha256": "ef" * 32, "reason": "no time"},
        {"sha256": BANNED, "reason": "Exfiltrates", "reported_at": "2026-03-01T01:00:00+02:00", "source": "community"},
    ]
    hall.faults.add(path=LIST, status=200, body=json.dumps(body))
    everything = bans(tmp_path, hall, "list")
    assert everything.returncode == 0, everything.stderr
    assert [line.split()[1] for line in everything.stdout.splitlines()] == [BANNED, CLEAN, "ef" * 32]
    assert "\x1b" not in everything.stdout
    assert bans(tmp_path, hall, "list", "EXFIL").stdout.count("\n") == 1
    assert bans(tmp_path, hall, "list", "acme", "mail").stdout.count("\n") == 1
    assert bans(tmp_path, hall, "list", "ABAB").stdout.count("\n") == 1
    (newest,) = bans(tmp_path, hall, "list", "--json", "-n", "1").stdout.splitlines()
    assert json.loads(newest)["source"] == "community"
    nothing = bans(tmp_path, hall, "list", "nothing-like-it")
    assert (nothing.returncode, nothing.stdout) == (0, "")


def test_without_a_command_it_lists(hall: LiveHall, tmp_path: Path) -> None:
    ban(hall)
    assert BANNED in bans(tmp_path, hall).stdout


# report


def reports(hall: LiveHall) -> int:
    return sum(request.raw_path == f"{LIST}/report" for request in hall.requests)


def test_a_report_is_sent_once_however_often_it_is_asked_for(hall: LiveHall, tmp_path: Path) -> None:
    asked = ("report", CLEAN.upper(), "--reason", "sends mail", "--link", "https://x.example/1", "--yes")
    first, second = bans(tmp_path, hall, *asked), bans(tmp_path, hall, *asked)
    assert first.returncode == 0, first.stderr
    assert CLEAN in first.stdout
    assert second.returncode == 2
    assert "accepted by the registry" in second.stderr and "--again" in second.stderr
    assert reports(hall) == 1
    assert bans(tmp_path, hall, *asked, "--again").returncode == 0
    assert reports(hall) == 2


def test_a_report_whose_outcome_is_unknown_is_not_sent_again_by_itself(hall: LiveHall, tmp_path: Path) -> None:
    hall.faults.add(path=f"{LIST}/report", status=500, count=1)
    asked = ("report", CLEAN, "--reason", "sends mail", "--yes")
    first, second = bans(tmp_path, hall, *asked), bans(tmp_path, hall, *asked)
    assert (first.returncode, second.returncode) == (2, 2)
    assert "may have reached" in first.stderr
    assert "nobody knows whether it arrived" in second.stderr
    assert reports(hall) == 1


def test_a_refused_report_can_be_sent_again(hall: LiveHall, tmp_path: Path) -> None:
    hall.faults.add(path=f"{LIST}/report", status=403, count=1)
    asked = ("report", CLEAN, "--reason", "sends mail", "--yes")
    assert bans(tmp_path, hall, *asked).returncode == 2
    assert bans(tmp_path, hall, *asked).returncode == 0


def test_what_is_listed_already_is_not_reported(hall: LiveHall, tmp_path: Path) -> None:
    ban(hall)
    done = bans(tmp_path, hall, "report", BANNED, "--reason", "sends mail", "--yes")
    assert done.returncode == 1
    assert "on the ban list already" in done.stderr
    assert reports(hall) == 0


def test_a_read_only_profile_reports_nothing(hall: LiveHall, tmp_path: Path) -> None:
    read_only_profile(tmp_path, hall)
    done = run_here(
        tmp_path, "--profile", "look", "bans", "report", CLEAN, "--reason", "x", "--yes", url="", key=hall.key
    )
    assert done.returncode == 2
    assert "read-only" in done.stderr
    assert not hall.requests


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", CLEAN, "--reason", "x"),  # no terminal to ask on
        ("report", CLEAN, "--reason", " ", "--yes"),
        ("report", "abc", "--reason", "x", "--yes"),
        ("report", CLEAN, "--reason", "x", "--link", "javascript:x", "--yes"),
        ("report", CLEAN, "--yes"),
        ("check",),
    ],
)
def test_wrong_use_sends_nothing(hall: LiveHall, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert bans(tmp_path, hall, *arguments).returncode == 64
    assert reports(hall) == 0


def test_a_report_that_cannot_be_noted_is_not_sent(hall: LiveHall, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "reports").write_text("in the way")
    done = bans(tmp_path, hall, "report", CLEAN, "--reason", "x", "--yes")
    assert done.returncode == 2
    assert "Nothing was sent" in done.stderr
    assert reports(hall) == 0


def test_a_report_is_in_the_activity(hall: LiveHall, tmp_path: Path) -> None:
    done = bans(tmp_path, hall, "report", HASH, "--reason", "sends mail", "--yes", "--json")
    with Journal.open(tmp_path / "data" / "journal.db", SystemClock()) as journal:
        touched = journal.by_correlation_id(json.loads(done.stdout)["correlation_id"])
    assert [event.after for event in touched.events] == ["taken"]
