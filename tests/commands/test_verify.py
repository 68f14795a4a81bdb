"""`pyhall-tui verify …` against the hall."""

import json
import os
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.commands.asking import run_here, run_program
from tests.live_hall import HASH, LiveHall


def verify(home: Path, hall: LiveHall, *arguments: str, key: str | None = None) -> CompletedProcess[str]:
    return run_here(home, "verify", *arguments, url=hall.url, key=hall.key if key is None else key)


def test_a_clean_and_attested_worker_is_zero(hall: LiveHall, tmp_path: Path) -> None:
    done = run_program(tmp_path, "verify", "wkr_abc123", url=hall.url, key=hall.key)

    assert done.returncode == 0, done.stderr
    assert "● " in done.stdout
    assert f"wkr_abc123                    {HASH}" in done.stdout
    assert done.stderr == ""


def test_one_that_is_not_clean_is_one_and_all_are_printed_in_order(hall: LiveHall, tmp_path: Path) -> None:
    hall.add_worker("wkr_banned", sha256="b" * 64)
    hall.store.ban("wkr_banned", "exfiltrates")

    done = verify(tmp_path, hall, "wkr_banned", "wkr_nobody", "wkr_abc123", "--json")
    documents = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 1
    assert [document["state"] for document in documents] == ["banned", "unknown", "clean"]
    assert documents[0]["ban_reason"] == "exfiltrates"


def test_a_registry_that_is_down_is_two_with_one_line_that_says_so(hall: LiveHall, tmp_path: Path) -> None:
    done = run_program(tmp_path, "verify", "wkr_abc123", url="http://127.0.0.1:9", key=hall.key)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert hall.key not in done.stderr + done.stdout


def test_a_rejected_key_is_two(hall: LiveHall, tmp_path: Path) -> None:
    done = verify(tmp_path, hall, "wkr_abc123", key="phk_live_wrong")

    assert done.returncode == 2
    assert "401" in done.stderr
    assert "phk_live_wrong" not in done.stderr


def test_no_profile_at_all_is_two_and_says_what_to_do(tmp_path: Path) -> None:
    done = run_program(tmp_path, "verify", "wkr_abc123", url="", key="")

    assert done.returncode == 2
    assert "PYHALL_REGISTRY_URL" in done.stderr


def test_a_profile_that_is_not_there_names_those_that_are(hall: LiveHall, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    text = f'[profiles.acme]\nnamespace = "org.yourco"\nregistry_url = "{hall.url}"\n'
    (tmp_path / "config" / "profiles.toml").write_text(text)

    done = run_program(tmp_path, "--profile", "acne", "verify", "wkr_abc123", url="", key=hall.key)
    found = run_program(tmp_path, "--profile", "acme", "verify", "wkr_abc123", url="", key=hall.key)

    assert done.returncode == 2
    assert "acme" in done.stderr
    assert found.returncode == 0, found.stderr


def test_wrong_use_is_not_a_registry_that_is_down(hall: LiveHall, tmp_path: Path) -> None:
    assert verify(tmp_path, hall).returncode == 64


@pytest.mark.parametrize("arguments", [("verify", "wkr_abc123"), ("doctor",)])
@pytest.mark.thorough
def test_a_hanging_name_lookup_does_not_outlast_the_timeout(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """F16: not the command's either."""
    (tmp_path / "sitecustomize.py").write_text(
        "import socket, time\n"
        "look_up = socket.getaddrinfo\n"
        "def slow(host, *more, **named):\n"
        "    if host in ('slow.example', b'slow.example'): time.sleep(60)\n"
        "    return look_up(host, *more, **named)\n"
        "socket.getaddrinfo = slow\n"
    )
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "profiles.toml").write_text(
        '[profiles.slow]\nnamespace = "org.yourco"\nregistry_url = "https://slow.example"\ntimeout = 0.2\n'
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])

    done = run_program(tmp_path, *arguments, url="", key="phk_live_k", PYTHONPATH=path)  # ends it after 30 s

    assert done.returncode == 2
    assert "No complete answer came from slow.example within 0.2 s" in done.stdout + done.stderr


def test_if_there_is_no_key_the_command_says_how_to_set_one(hall: LiveHall, tmp_path: Path) -> None:
    """F06: nobody can type it into a command."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "profiles.toml").write_text(f'[profiles.acme]\nnamespace = "org.yourco"\nregistry_url = "{hall.url}"\n')
    done = run_program(tmp_path, "verify", "wkr_abc123", url="", key="", PYTHON_KEYRING_BACKEND="")

    assert done.returncode == 2
    assert "Set PYHALL_API_KEY" in done.stderr and "ype " not in done.stderr


UNSENDABLE = "phk_live_abc\u200bdef0123456789"


@pytest.mark.parametrize(
    "command",
    [
        ("verify", "wkr_abc123"),
        ("dispatch", "--capability", "mail.send", "--worker", "w"),
        ("policy", "save", "x.toml", "--capability", "mail.send", "--worker", "w"),
    ],
    ids=lambda command: command[0],
)
def test_a_key_that_cannot_be_sent_is_refused_with_its_place(
    hall: LiveHall, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """F70: nothing is sent without it."""
    done = run_here(tmp_path, *command, url=hall.url, key=UNSENDABLE)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "PYHALL_API_KEY" in line and "Character 13 of the key is U+200B" in line
    assert not hall.requests
    assert "def0123456789" not in done.stderr


def test_a_profile_that_is_named_and_overridden_says_who_is_asked(hall: LiveHall, tmp_path: Path) -> None:
    """F63"""
    (tmp_path / "config").mkdir()
    text = '[profiles.acme]\nnamespace = "org.acme"\nregistry_url = "https://elsewhere.example"\n'
    (tmp_path / "config" / "profiles.toml").write_text(text)
    done = run_program(tmp_path, "--profile", "acme", "verify", "wkr_abc123", url=hall.url, key=hall.key)
    assert done.returncode == 0, done.stderr
    assert f"PYHALL_REGISTRY_URL and PYHALL_NAMESPACE override acme: using org.yourco at {hall.url}." in done.stderr


BANNED_HASH = "cd" * 32


@pytest.mark.parametrize("written", [BANNED_HASH, BANNED_HASH.upper(), f"sha256:{BANNED_HASH}"])
def test_a_hash_on_the_ban_list_is_said_to_be_listed(hall: LiveHall, tmp_path: Path, written: str) -> None:
    """F59."""
    hall.store.ban_hash(BANNED_HASH, "steals")
    done = verify(tmp_path, hall, written)
    assert (done.returncode, done.stderr) == (1, "")
    assert f"LISTED      {BANNED_HASH}  steals" in done.stdout


def test_hashes_and_workers_are_reported_in_the_order_asked(hall: LiveHall, tmp_path: Path) -> None:
    """F59."""
    hall.store.ban_hash(BANNED_HASH, "steals")
    done = verify(tmp_path, hall, "ef" * 32, "wkr_abc123", BANNED_HASH, "--json")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [document["state"] for document in documents] == ["not listed", "clean", "listed"]
    assert (documents[0]["listed"], documents[2]["listed"], documents[2]["reason"]) == (False, True, "steals")
    assert verify(tmp_path, hall, "ef" * 32).returncode == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 200, "body": '{"hashes": []}'},
        {"status": 200, "body": f'{{"hashes": ["{"ab" * 32}"], "count": 9}}'},
        {"status": 200, "body": '[{"sha256": "unverified"}, {"sha256": "' + "ab" * 32 + '"}]'},
        {"status": 404},
        {"status": 200, "body": '{"hashes": [], "hashes": []}'},
    ],
)
def test_a_hash_is_never_said_to_be_clean_by_a_list_that_may_not_be_whole(
    hall: LiveHall, tmp_path: Path, fault: dict[str, object]
) -> None:
    """F59."""
    hall.faults.add(path="/api/v1/ban-list", **fault)
    done = verify(tmp_path, hall, BANNED_HASH, "--json")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    document = json.loads(done.stdout)
    assert (document["state"], document["listed"]) == ("unknown", None)


def test_what_is_not_known_is_null(hall: LiveHall, tmp_path: Path) -> None:
    """F58."""
    hall.faults.add(path="/api/v1/verify/wkr_odd", status=200, body='{"worker_id": "wkr_odd", "status": "active"}')
    done = verify(tmp_path, hall, "wkr_nobody", "wkr_odd", "wkr_abc123", "--json")
    nobody, odd, known = (json.loads(line) for line in done.stdout.splitlines())
    assert (nobody["banned"], nobody["attested"]) == (None, None)
    assert odd["banned"] is None
    assert (known["banned"], known["attested"]) == (False, True)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "SOCKS5H://user:geheim@h:1", "socks4://h", "gopher://h"])
def test_a_proxy_of_another_kind_is_one_sentence_at_once(hall: LiveHall, tmp_path: Path, proxy: str) -> None:
    """F77."""
    url = "https://registry.example"
    done = run_here(tmp_path, "verify", "wkr_abc123", url=url, key=hall.key, NO_PROXY="", ALL_PROXY=proxy)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "ALL_PROXY" in done.stderr and "not supported" in done.stderr and "geheim" not in done.stderr
