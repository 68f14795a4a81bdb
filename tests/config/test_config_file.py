"""The file itself: absent, unreadable, saved by any editor."""

import os
from pathlib import Path

import pytest

from pyhall_tui.config.config import Config
from pyhall_tui.config.config_file import Unreadable, load, signature
from pyhall_tui.config.known import Known

TEXT = '[keys]\nworkers.sort = "f6"\n'


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    found = load(tmp_path / "config.toml", Known())
    assert found.config == Config() and not found.mistakes and not found.is_there


@pytest.mark.parametrize(
    "data", [TEXT.encode(), b"\xef\xbb\xbf" + TEXT.encode(), TEXT.replace("\n", "\r\n").encode()], ids=["", "BOM", "CR"]
)
def test_it_is_read_however_an_editor_saved_it(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "config.toml").write_bytes(data)
    found = load(tmp_path / "config.toml", Known())
    assert found.config is not None and found.config.keys == {"workers.sort": ("f6",)}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (TEXT.encode("utf-16"), "UTF-16"),
        (b"\0" * 80, "NUL"),
        (b"[keys]\n# \xff\n", "line 2"),
        (b"# " + b"x" * (1 << 20), "larger than 1,024 KiB"),
    ],
    ids=["UTF-16", "NUL", "bytes", "huge"],
)
def test_what_can_not_be_read_is_a_sentence(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "config.toml").write_bytes(data)
    with pytest.raises(Unreadable, match=said):
        load(tmp_path / "config.toml", Known())


def test_a_folder_a_pipe_and_a_dangling_link_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("nowhere.toml")
    names = {"folder": "folder", "link": "nowhere.toml"}
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        names["pipe"] = "pipe"
    for name, said in names.items():
        with pytest.raises(Unreadable, match=said):
            load(tmp_path / name, Known())


def test_an_empty_file_is_valid(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    assert load(tmp_path / "config.toml", Known()).config == Config()


def test_half_a_file_counts_for_nothing_and_its_end_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(TEXT[:-3])
    found = load(tmp_path / "config.toml", Known())
    assert found.config is None and found.mistakes[0].line == 2


def test_a_file_that_replaces_it_is_a_change_even_with_the_same_size_and_time(tmp_path: Path) -> None:
    file, new = tmp_path / "config.toml", tmp_path / "new"
    assert signature(file) is None
    file.write_text(TEXT)
    before = signature(file)
    new.write_text(TEXT.replace("f6", "f7"))
    stamp = file.stat().st_mtime_ns
    os.utime(new, ns=(stamp, stamp))
    new.replace(file)
    assert signature(file) != before
