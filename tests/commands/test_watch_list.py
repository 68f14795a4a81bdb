"""`pyhall-tui watch-list`: who is watched, changed without the app."""

import json
import os
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from pyhall_tui.profiles.watch_list import WatchedWorker, WatchList
from tests.commands.asking import environment_of, read_only_profile, run_here
from tests.live_hall import LiveHall
from tests.watch.program import environment, profile_of, watching

URL = "http://127.0.0.1:9"


def watch_list(home: Path, *arguments: str) -> CompletedProcess[str]:
    return run_here(home, "watch-list", *arguments, url=URL, key="phk_live_x")


def piped(home: Path, data: bytes, *arguments: str) -> CompletedProcess[bytes]:
    """Run the real program with data on its standard input."""
    command = [sys.executable, "-m", "pyhall_tui", "watch-list", *arguments]
    present = environment_of(home, url=URL, key="phk_live_x")
    return subprocess.run(command, input=data, capture_output=True, timeout=60, env=present, check=False)


def listed(home: Path, profile: str = "environment") -> list[str]:
    return [worker.id for worker in WatchList(home / "data", profile).load()]


def test_workers_are_added_listed_and_removed(tmp_path: Path) -> None:
    done = watch_list(tmp_path, "add", "wkr_b", "wkr_a", "wkr_b")
    assert (done.returncode, done.stdout, done.stderr) == (0, "added: wkr_b\nadded: wkr_a\n", "")
    done = watch_list(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "wkr_b\nwkr_a\n", "")
    assert watch_list(tmp_path, "list").stdout == done.stdout
    done = watch_list(tmp_path, "remove", "wkr_b")
    assert (done.returncode, done.stdout, done.stderr) == (0, "removed: wkr_b\n", "")
    assert listed(tmp_path) == ["wkr_a"]


def test_nobody_watched_is_1(tmp_path: Path) -> None:
    done = watch_list(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    watch_list(tmp_path, "add", "wkr_a")
    watch_list(tmp_path, "remove", "wkr_a")
    assert watch_list(tmp_path).returncode == 1


def test_who_is_watched_already_is_not_added_again(tmp_path: Path) -> None:
    watch_list(tmp_path, "add", "wkr_a")
    done = watch_list(tmp_path, "add", "wkr_a")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "pyhall-tui watch-list add: Nothing to add: already on the watch list.\n"


def test_the_list_is_also_json_and_shows_folders(tmp_path: Path) -> None:
    kept = WatchList(tmp_path / "data", "environment")
    kept.add(["wkr_a", "wkr_b"])
    kept.set_folder("wkr_b", "/srv/b")
    rows = [json.loads(line) for line in watch_list(tmp_path, "list", "--json").stdout.splitlines()]
    assert rows == [{"worker_id": "wkr_a", "folder": None}, {"worker_id": "wkr_b", "folder": "/srv/b"}]


def test_an_odd_id_is_named_and_keeps_no_other_off(tmp_path: Path) -> None:
    done = watch_list(tmp_path, "add", "wkr_a", "...", "x" * 257, "wkr_\u200b", "")
    assert (done.returncode, listed(tmp_path)) == (2, ["wkr_a"])
    assert done.stdout == "added: wkr_a\n"
    assert "“...” contains no letter and no digit" in done.stderr
    assert "is longer than 256 characters" in done.stderr
    assert "“wkr_\\u200b” contains a control character or an invisible one" in done.stderr
    assert done.stderr.endswith("and 1 more.\n")


def test_control_sequences_do_not_reach_the_terminal(tmp_path: Path) -> None:
    for done in (watch_list(tmp_path, "add", "\x1b]0;owned\x07"), watch_list(tmp_path, "remove", "\x1b]0;owned\x07")):
        assert "\x1b" not in done.stdout + done.stderr
        assert done.returncode in (1, 2)


def test_removing_who_is_not_watched_is_1_and_removes_the_others(tmp_path: Path) -> None:
    watch_list(tmp_path, "add", "wkr_a", "wkr_b")
    done = watch_list(tmp_path, "remove", "wkr_a", "wkr_x")
    assert (done.returncode, done.stdout) == (1, "removed: wkr_a\n")
    assert done.stderr == "pyhall-tui watch-list remove: wkr_x is not on the watch list.\n"
    assert listed(tmp_path) == ["wkr_b"]
    done = watch_list(tmp_path, "remove", *(f"wkr_{number}" for number in range(5_000)))
    assert done.stderr.endswith("Nor are 4,990 more.\n")


@pytest.mark.parametrize(
    "data",
    [
        b"wkr_a\nwkr_b\n",
        b'\xef\xbb\xbf"wkr_a", wkr_b;wkr_a\r\n',
        b'{"worker_id":"wkr_a","folder":null}\n{"worker_id":"wkr_b","folder":null}\n',
        b'["wkr_a", "wkr_b"]',
    ],
    ids=["lines", "pasted", "what list --json prints", "json"],
)
@pytest.mark.parametrize("arguments", [("add",), ("add", "-")])
def test_ids_come_from_standard_input(tmp_path: Path, data: bytes, arguments: tuple[str, ...]) -> None:
    done = piped(tmp_path, data, *arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.split() == [b"added:", b"wkr_a", b"added:", b"wkr_b"]
    assert listed(tmp_path) == ["wkr_a", "wkr_b"]


def test_ids_are_named_and_piped_at_once(tmp_path: Path) -> None:
    assert piped(tmp_path, b"wkr_b wkr_c", "add", "wkr_a", "-", "wkr_d").returncode == 0
    assert listed(tmp_path) == ["wkr_a", "wkr_b", "wkr_c", "wkr_d"]


def test_standard_input_is_left_alone_if_ids_are_named(tmp_path: Path) -> None:
    piped(tmp_path, b"wkr_b", "add", "wkr_a")
    assert listed(tmp_path) == ["wkr_a"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", b"There is no worker id on standard input"),
        (b" \n", b"There is no worker id on standard input"),
        (b"wkr_\xff", b"Standard input can't be read, so nothing was changed: line 1 holds a byte that is not UTF-8"),
        ("wkr_a".encode("utf-16"), b"it is UTF-16"),
    ],
)
@pytest.mark.parametrize("command", ["add", "remove"])
def test_what_cannot_be_read_changes_nothing(tmp_path: Path, data: bytes, sentence: bytes, command: str) -> None:
    WatchList(tmp_path / "data", "environment").add(["wkr_kept"])
    done = piped(tmp_path, data, command)
    assert (done.returncode, done.stdout) == (2, b"")
    assert sentence in done.stderr
    assert listed(tmp_path) == ["wkr_kept"]


def test_a_closed_standard_input_is_wrong_use(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pyhall_tui", "watch-list", "add"]
    present = environment_of(tmp_path, url=URL, key="")
    closed = f"import os, sys; os.close(0); os.execv({sys.executable!r}, {command!r})"
    done = subprocess.run([sys.executable, "-c", closed], env=present, capture_output=True, timeout=60, check=False)
    assert done.returncode in (2, 64)
    assert b"Traceback" not in done.stderr
    assert listed(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root and Windows may write it")
def test_a_folder_that_cannot_be_written_is_2(tmp_path: Path) -> None:
    WatchList(tmp_path / "data", "environment").add(["wkr_a"])
    (tmp_path / "data" / "watch").chmod(0o500)
    _assert_not_written(tmp_path)
    (tmp_path / "data" / "watch").chmod(0o700)


def test_a_folder_in_place_of_the_file_is_2(tmp_path: Path) -> None:
    path = WatchList(tmp_path / "data", "environment").path
    path.mkdir(parents=True)
    _assert_not_written(tmp_path)
    assert watch_list(tmp_path).returncode == 2


def _assert_not_written(home: Path) -> None:
    for command in ("add", "remove"):
        done = watch_list(home, command, "wkr_b")
        assert (done.returncode, done.stdout) == (2, "")
        assert "The watch list" in done.stderr


def test_a_file_that_cannot_be_written_is_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk's fault is made up: no user can be kept from writing here."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyhall_tui.files.safe_file.write_atomically", full)
    for command in ("add", "remove"):
        done = watch_list(tmp_path, command, "wkr_a")
        assert (done.returncode, done.stdout) == (2, "")
        assert "no space left on device" in done.stderr
    assert listed(tmp_path) == []


def test_lines_that_cannot_be_read_stay_and_make_the_list_unknown(tmp_path: Path) -> None:
    kept = WatchList(tmp_path / "data", "environment")
    kept.add(["wkr_a"])
    with kept.path.open("ab") as file:
        file.write(b'{"id": half\n')
    done = watch_list(tmp_path)
    assert (done.returncode, done.stdout) == (2, "wkr_a\n")
    assert "1 line of the watch list" in done.stderr
    done = watch_list(tmp_path, "add", "wkr_b")
    assert (done.returncode, done.stdout) == (0, "added: wkr_b\n")
    assert b'{"id": half\n' in kept.path.read_bytes()


def test_it_is_the_list_of_the_named_profile_also_if_that_is_read_only(tmp_path: Path, hall: LiveHall) -> None:
    read_only_profile(tmp_path, hall)
    done = run_here(tmp_path, "--profile", "look", "watch-list", "add", "wkr_a", url="", key="", PYHALL_NAMESPACE="")
    assert done.returncode == 0
    assert listed(tmp_path, "look") == ["wkr_a"]
    assert not hall.requests
    done = run_here(tmp_path, "--profile", "other", "watch-list", "add", "wkr_a", url="", key="", PYHALL_NAMESPACE="")
    assert done.returncode == 2
    assert "There is no profile named other." in done.stderr


def test_ten_thousand_are_added_at_once_and_folders_stay(tmp_path: Path) -> None:
    kept = WatchList(tmp_path / "data", "environment")
    kept.add(["wkr_a"])
    kept.set_folder("wkr_a", "/srv/a")
    many = [f"wkr_{number}" for number in range(10_000)]
    assert piped(tmp_path, "\n".join(many).encode(), "add").returncode == 0
    assert WatchList(tmp_path / "data", "environment").load()[0] == WatchedWorker("wkr_a", "/srv/a")
    assert listed(tmp_path) == ["wkr_a", *many]


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="`watch` ends by a signal")
def test_a_running_watch_follows(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall)
    hall.add_worker("wkr_new")
    with watching(tmp_path, hall.key) as watch:

        def clean() -> int:
            return int(watch.of_type("heartbeat")[-1]["profiles"][0]["workers"]["clean"])

        def change(command: str) -> None:
            arguments = [sys.executable, "-m", "pyhall_tui", "watch-list", command, "wkr_new"]
            subprocess.run(arguments, env=environment(tmp_path, ""), check=True, capture_output=True, timeout=60)

        watch.wait_until_live()
        change("add")
        watch.wait_for(lambda: clean() == 2)
        change("remove")
        watch.wait_for(lambda: clean() == 1)
