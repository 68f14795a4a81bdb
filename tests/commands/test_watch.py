"""`pyhall-tui watch`: wrong use, and what can't be watched, get a sentence before anything is asked."""

import json
import socket
import subprocess
from pathlib import Path

import pytest

from tests.commands.asking import run_here, run_program
from tests.live_hall import LiveHall, live_hall
from tests.watch.program import profile_of

PLAIN = {"PYHALL_NAMESPACE": ""}


def watch(home: Path, hall: LiveHall, *arguments: str, key: str = "") -> subprocess.CompletedProcess[str]:
    return run_here(home, "watch", *arguments, url="", key=key or hall.key, **PLAIN)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--profile", "acme", "--all"), "--all watches all profiles: leave out --profile."),
        (("--metrics", "localhost"), "'localhost' is not an address for metrics"),
        (("--metrics", "0.0.0.0:9464"), "add --allow-remote-metrics to allow that"),
        (("--allow-remote-metrics",), "--allow-remote-metrics needs --metrics."),
        (("--webhook", "ftp://example.com"), "--webhook: "),
        (("--webhook", "@/nowhere"), "--webhook: /nowhere cannot be read: "),
        (("--alertmanager", "http://a/?b=c"), "--alertmanager: The URL ends in a query"),
        (("--heartbeat", "0"), "Invalid value for '--heartbeat'"),
        (("--print", "everything"), "Invalid value for '--print'"),
        (("extra",), "Got unexpected extra argument (extra)"),
    ],
)
def test_wrong_use_ends_it(tmp_path: Path, hall: LiveHall, arguments: tuple[str, ...], sentence: str) -> None:
    profile_of(tmp_path, hall)
    done = watch(tmp_path, hall, *arguments)
    assert (done.returncode, done.stdout) == (64, "")
    assert sentence in " ".join(done.stderr.split())
    assert not hall.requests


def test_a_command_that_is_not_there_is_wrong_use(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall, on_alarm=["/nowhere/at-all"])
    done = watch(tmp_path, hall)
    assert done.returncode == 64
    assert "on_alarm names '/nowhere/at-all', which is not a program here." in done.stderr
    assert not hall.requests


def test_a_profile_that_is_not_there_can_not_be_watched(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    done = watch(tmp_path, hall, "--profile", "acme", "--profile", "nobody")
    assert done.returncode == 2
    assert done.stderr == "pyhall-tui watch: There is no profile named nobody. Your profiles: acme.\n"


def test_without_a_profile_it_says_how_to_make_one(tmp_path: Path, hall: LiveHall) -> None:
    done = run_here(tmp_path, "watch", url="", key="", PYHALL_NAMESPACE="")
    assert done.returncode == 2
    assert done.stderr.startswith("pyhall-tui watch: There is no profile yet.")


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, hall: LiveHall) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "profiles.toml").write_text("[profiles.acme\n")
    for options in ((), ("--all",)):
        done = watch(tmp_path, hall, *options)
        assert done.returncode == 2
        assert "profiles.toml, line 1" in done.stderr


def test_a_port_in_use_can_not_be_served(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = watch(tmp_path, hall, "--metrics", f"127.0.0.1:{other.getsockname()[1]}")
    assert done.returncode == 2
    assert "can't be served at" in done.stderr
    assert not hall.requests


def test_a_url_that_is_not_an_alertmanager_ends_it(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    with live_hall() as other:
        done = run_program(tmp_path, "watch", "--alertmanager", other.url, url="", key=hall.key, PYHALL_NAMESPACE="")
    assert (done.returncode, done.stdout) == (2, "")
    assert "which an Alertmanager has" in done.stderr
    assert not hall.requests


def test_without_any_key_nothing_can_be_asked(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall, registry_url="https://registry.invalid")
    done = run_program(tmp_path, "watch", url="", key="", PYHALL_NAMESPACE="")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no key for any of these profiles, so nothing can be asked." in done.stderr


@pytest.mark.parametrize("name", ["rules", "dashboard", "unit", "schema"])
def test_files_for_other_programs_are_printed_without_a_profile(tmp_path: Path, hall: LiveHall, name: str) -> None:
    done = watch(tmp_path, hall, "--print", name)
    assert (done.returncode, done.stderr) == (0, "")
    if name in ("dashboard", "schema"):
        json.loads(done.stdout)
    assert "pyhall" in done.stdout
