"""F103: what a killed program was writing is deleted by whoever writes there next, and never while it is written."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyhall_tui.files.safe_file import write_atomically
from pyhall_tui.files.whole_file import claim, new_file, sweep_below, temporary_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

WRITES = """
import sys, time
from pathlib import Path
from pyhall_tui.files import whole_file
from pyhall_tui.files import safe_file
path = Path(sys.argv[1])
{before}
print("writing", flush=True)
time.sleep(60)
"""
ATOMICALLY = """
safe_file.os.fsync = lambda handle: (print("writing", flush=True), time.sleep(60))
safe_file.write_atomically(path, b"half")
"""
EXPORT = """
whole_file.os.fsync = lambda handle: (print("writing", flush=True), time.sleep(60))
from pyhall_tui.journal.export import write_records
write_records([{"a": 1}], ["a"], path)
"""


@contextmanager
def writing(path: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program that is in the middle of writing that file."""
    command = [sys.executable, "-c", WRITES.format(before=how), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None and program.stdout.readline() == "writing\n"
            yield program
        finally:
            program.kill()


def kill(program: subprocess.Popen[str]) -> None:
    program.send_signal(signal.SIGKILL)
    program.wait()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("how", [ATOMICALLY, EXPORT], ids=["replaced", "new"])
def test_what_a_killed_program_left_is_deleted_by_the_next_write(tmp_path: Path, how: str) -> None:
    """F103"""
    path = tmp_path / "file.csv"
    with writing(path, how) as program:
        assert len(names(tmp_path)) == 1
        kill(program)
    assert len(names(tmp_path)) == 1 and names(tmp_path)[0].endswith(".new")
    write_atomically(path, b"whole")
    assert names(tmp_path) == ["file.csv"] and path.read_bytes() == b"whole"


def test_what_a_running_program_writes_is_left_untouched(tmp_path: Path) -> None:
    """F103"""
    path = tmp_path / "file.csv"
    with writing(path, ATOMICALLY) as program:
        before = names(tmp_path)
        write_atomically(path, b"whole")
        sweep_below(tmp_path)
        assert names(tmp_path) == sorted([*before, "file.csv"])
        kill(program)
    sweep_below(tmp_path)
    assert names(tmp_path) == ["file.csv"]


def test_what_a_killed_program_left_anywhere_is_deleted_at_the_next_start(tmp_path: Path) -> None:
    """F103: a draft of a form, say, that is never written again."""
    path = tmp_path / "drafts" / "abc" / "one.json"
    with writing(path, ATOMICALLY) as program:
        kill(program)
    assert len(names(path.parent)) == 1
    sweep_below(tmp_path)
    assert names(path.parent) == []


FOLDER = """
made = whole_file.temporary_folder("pyhall-tui-demo-")
folder = made.__enter__()
claimed = whole_file.claim(folder, "pyhall-tui-demo-")
claimed.__enter__()
(folder / "file").write_text("x")
"""


def test_the_folder_of_a_killed_demo_is_deleted_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F103: but not that of a running program, nor one that we did not make."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "pyhall-tui-demo-foreign").mkdir()
    with writing(tmp_path, FOLDER) as running, writing(tmp_path, FOLDER) as killed:
        assert len(names(tmp_path)) == 3
        kill(killed)
        with temporary_folder("pyhall-tui-demo-") as folder, claim(folder, "pyhall-tui-demo-"):
            assert len(names(tmp_path)) == 3 and folder.name in names(tmp_path)
        assert len(names(tmp_path)) == 2
        kill(running)
    with temporary_folder("pyhall-tui-demo-") as folder, claim(folder, "pyhall-tui-demo-"):
        pass
    assert names(tmp_path) == ["pyhall-tui-demo-foreign"]


def test_only_our_own_left_behind_files_are_deleted(tmp_path: Path) -> None:
    """F103"""
    kept = ["file.new", ".file.new", ".file.abcdefgh.new.txt", ".other.ABCDEFGH.new", ".file.abcdefgh.old"]
    for name in kept:
        (tmp_path / name).write_text("mine")
    (tmp_path / ".file.folder00.new").mkdir()
    (tmp_path / ".file.link0000.new").symlink_to(tmp_path / "file.new")
    (tmp_path / ".file.theirs00.new").write_text("theirs")
    expected = sorted([*kept, ".file.folder00.new", ".file.link0000.new"])
    if os.geteuid() == 0:
        os.chown(tmp_path / ".file.theirs00.new", 12_345, 12_345)
        expected = sorted([*expected, ".file.theirs00.new"])
    write_atomically(tmp_path / "file", b"whole")
    assert names(tmp_path) == sorted([*expected, "file"])


def test_a_write_sweeps_its_own_name_only(tmp_path: Path) -> None:
    """F103: in a user's folder, only this file's own leftovers are touched."""
    (tmp_path / ".other.abcdefgh.new").write_text("x")
    write_atomically(tmp_path / "file", b"whole")
    assert names(tmp_path) == [".other.abcdefgh.new", "file"]


def test_a_new_file_never_takes_anothers_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F103: also one that comes meanwhile, and on a file system without second names."""
    path = tmp_path / "file"
    for link in (os.link, None):
        if link is None:

            def refuse(source: object, target: object) -> None:
                raise PermissionError(1, "Operation not permitted")

            monkeypatch.setattr(os, "link", refuse)
        with pytest.raises(FileExistsError), new_file(path) as file:
            file.write(b"ours")
            path.write_text("theirs")
        assert path.read_text() == "theirs" and names(tmp_path) == ["file"]
        path.unlink()
        with new_file(path) as file:
            file.write(b"ours")
        assert path.read_bytes() == b"ours" and names(tmp_path) == ["file"]
        path.unlink()


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_file(tmp_path / "file") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_a_name_of_255_bytes_can_be_written(tmp_path: Path) -> None:
    for name in ("x" * 255, "é" * 127):
        write_atomically(tmp_path / name, b"whole")
        assert (tmp_path / name).read_bytes() == b"whole"


def test_many_writers_at_once_do_not_sweep_each_others_file(tmp_path: Path) -> None:
    """F103"""
    path = tmp_path / "file"
    program = (
        "import sys; from pathlib import Path; from pyhall_tui.files.safe_file import write_atomically\n"
        "for number in range(200): write_atomically(Path(sys.argv[1]), b'x' * 1000)"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(path)]) for _ in range(3)]
    assert [each.wait(timeout=60) for each in running] == [0, 0, 0]
    assert names(tmp_path) == ["file"] and path.read_bytes() == b"x" * 1000
