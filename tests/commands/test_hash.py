"""`pyhall-tui hash`: what it prints where, and its exit codes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pyhall_tui.command_line import pyhall_tui
from tests.packages.trees import sample, write_tree

PROGRAM = [sys.executable, "-m", "pyhall_tui", "hash"]
VECTOR = sample("package-hash-dialects.json")[3]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(pyhall_tui, ["hash", *map(str, arguments)])


def run_program(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60, env=os.environ | environment
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "package", VECTOR["files"] | {"manifest.json": "{}"})


def test_it_prints_64_hex_digits_and_nothing_else(package: Path) -> None:
    done = run_program(package)
    assert (done.returncode, done.stdout, done.stderr) == (0, VECTOR["python"] + "\n", "")


def test_files_are_listed_with_size_digest_and_path_and_what_was_left_out(package: Path) -> None:
    lines = run(package, "--files").stdout.splitlines()
    assert lines[0] == VECTOR["python"]
    assert re.fullmatch(r" +1  [0-9a-f]{64}  src/a\.py", lines[1])
    assert re.fullmatch(r" +1  [0-9a-f]{64}  src-tauri/b\.py", lines[2])
    assert lines[3].split(maxsplit=2) == ["left", "out", "manifest.json: a name that never counts"]


def test_json_is_one_document(package: Path) -> None:
    write_tree(package, {".env": "K=1"})
    document: dict[str, Any] = json.loads(run(package, "--json", "--files").stdout)
    assert [file["path"] for file in document["files"]] == [".env", "src/a.py", "src-tauri/b.py"]
    assert (document["kind"], document["bytes"], document["file_count"]) == ("folder", 5, 3)
    assert [left["path"] for left in document["left_out"]] == ["manifest.json"]
    assert [concern["path"] for concern in document["warnings"]] == [".env"]


def test_warnings_go_to_standard_error(package: Path) -> None:
    done = run(write_tree(package, {"id_rsa": "x"}))
    assert re.fullmatch(r"[0-9a-f]{64}\n", done.stdout)
    assert done.stderr == "warning: id_rsa: a private key, by its name\n"


def test_a_package_that_cannot_be_hashed_is_exit_2_and_one_line(package: Path) -> None:
    (package / "broken").symlink_to("nowhere")
    done = run_program(package)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "broken: a link to something that does not exist" in done.stderr


def test_a_missing_path_is_exit_2(tmp_path: Path) -> None:
    done = run(tmp_path / "missing")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no such file or folder" in done.stderr


def test_json_names_every_problem(package: Path) -> None:
    for name in "abcdef":
        (package / name).symlink_to("nowhere")
    done = run(package, "--json")
    assert done.exit_code == 2
    assert [problem["path"] for problem in json.loads(done.stdout)["problems"]] == list("abcdef")


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes")
def test_a_pipe_is_never_waited_on_and_can_be_left_out(package: Path) -> None:
    """F43."""
    os.mkfifo(package / "pipe")
    refused = run(package)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "pipe: a named pipe" in refused.stderr and "--skip-special" in refused.stderr
    done = run(package, "--skip-special", "--files")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, VECTOR["python"])
    assert "pipe: a pipe, socket or device" in done.stdout
    brief = run(package, "--skip-special")
    assert (brief.stdout.split(), brief.stderr.startswith("left out: pipe: a pipe,")) == ([VECTOR["python"]], True)


def test_a_hash_can_be_expected(package: Path) -> None:
    assert run(package, "--expect", f"sha256:{VECTOR['python'].upper()}").exit_code == 0
    go = run(package, "--expect", VECTOR["go"])
    assert (go.exit_code, "in Go's or TypeScript's order" in go.stderr) == (1, True)
    assert run(package, "--expect", "0" * 64).exit_code == 1


def test_wrong_use_is_exit_64(package: Path) -> None:
    assert run_program(package, "--expect", "PENDING_ATTESTATION").returncode == 64
    assert run_program().returncode == 64


def test_names_that_look_alike_are_spelled_out(package: Path) -> None:
    """F44."""
    listed = run(write_tree(package, {"é": "1", "e\u0301": "2"}), "--files").stdout
    assert "(\\xe9)" in listed and "(e\\u0301)" in listed


@pytest.mark.skipif(sys.platform == "win32", reason="names that Windows has not")
def test_a_name_neither_drives_the_terminal_nor_fails_to_be_printed(package: Path) -> None:
    done = run_program(write_tree(package, {"\x1b[2Jé": "1"}), "--files", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "[2J\\xe9" in done.stdout


def test_a_single_file_says_what_its_hash_is(tmp_path: Path) -> None:
    done = run(write_tree(tmp_path, {"w.whl": "abc"}) / "w.whl")
    assert done.stdout.startswith("ba7816bf")
    assert "the file's bytes" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.thorough
def test_on_a_terminal_progress_is_shown_and_ctrl_c_ends_with_130(tmp_path: Path) -> None:
    """F30: even if the disk would take minutes more."""
    import pexpect

    with (write_tree(tmp_path / "large", {}) / "sparse").open("wb") as file:
        file.truncate(256 << 30)
    child = pexpect.spawn(PROGRAM[0], [*PROGRAM[1:], str(tmp_path / "large")], encoding="utf-8", timeout=30)
    child.expect(r"[1-9]\d* \D* of 256\.0 GiB")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
