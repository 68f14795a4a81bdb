"""F73: drafts and notes that can't be read are kept, and a sentence names them."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pyhall_tui.files.drafts import Drafts, drafts_set_aside
from pyhall_tui.files.notes import Notes

UNREADABLE = {
    "UTF-16": ('{"typed": "before"}'.encode("utf-16"), "it is UTF-16: save it as UTF-8"),
    "Latin-1": ('{"typed": "é"}'.encode("latin-1"), "line 1 holds a byte that is not UTF-8: save it as UTF-8"),
    "not JSON": (b'{"typed": "before"', "it is not JSON"),
    "too deep": (b'{"typed": ' + b"[" * 100_000, "it is not JSON"),
    "a crash": (bytes(20), "it holds nothing but NUL bytes"),
}


def drafts_of(state: Path) -> tuple[Path, Drafts]:
    drafts = Drafts(state, "acme")
    drafts.folder.mkdir(parents=True, exist_ok=True)
    return drafts.folder / "form.json", drafts


def notes_of(state: Path) -> tuple[Path, Notes]:
    notes = Notes(state, "acme")
    notes.save("kind", "key", {"typed": "x"})
    (path,) = (path for path in state.rglob("*.json"))
    return path, notes


@pytest.fixture
def no_renaming(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)


@pytest.mark.parametrize(("data", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_draft_that_cannot_be_read_is_set_aside_and_named(tmp_path: Path, data: bytes, why: str) -> None:
    path, drafts = drafts_of(tmp_path)
    path.write_bytes(data)
    assert drafts.load("form") == {}
    (sentence,) = drafts.set_aside
    assert sentence in drafts_set_aside() and sentence.startswith(f"{path} can't be read ({why}")
    drafts.save("form", {"typed": "now"})
    assert drafts.load("form") == {"typed": "now"} and drafts.problem is None
    (aside,) = (each for each in path.parent.iterdir() if each != path)
    assert aside.name in sentence and aside.read_bytes() == data


@pytest.mark.parametrize(("data", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_note_that_cannot_be_read_is_set_aside_and_named(tmp_path: Path, data: bytes, why: str) -> None:
    path, notes = notes_of(tmp_path)
    path.write_bytes(data)
    assert notes.load("kind", "key", dict) is None
    assert notes.set_aside[0].startswith(f"{path} can't be read ({why}")
    assert notes.save("kind", "key", {"typed": "now"})
    assert notes.load("kind", "key", dict) == {"typed": "now"}
    assert [each.read_bytes() for each in path.parent.iterdir() if each != path] == [data]


@pytest.mark.parametrize("data", [b"", b"  \n", b"[1]", b'"text"'], ids=repr)
def test_what_is_empty_or_of_another_shape_is_not_damaged(tmp_path: Path, data: bytes) -> None:
    """Another version may have written it."""
    path, drafts = drafts_of(tmp_path)
    path.write_bytes(data)
    assert drafts.load("form") == {}
    drafts.save("form", {"typed": "now"})
    assert drafts.load("form") == {"typed": "now"}
    assert drafts.set_aside == () and list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("no_renaming")
def test_a_draft_that_cannot_be_set_aside_is_not_written_over_until_it_is_mended(tmp_path: Path) -> None:
    path, drafts = drafts_of(tmp_path)
    data = UNREADABLE["UTF-16"][0]
    path.write_bytes(data)
    assert drafts.load("form") == {}
    drafts.save("form", {"typed": "now"})
    drafts.keep_what_was_not()
    assert path.read_bytes() == data
    assert drafts.problem == (
        f"What is typed can't be kept: {path} can't be read (it is UTF-16: save it as UTF-8), nor set aside"
        " (permission denied)."
    )
    drafts.forget("form")
    assert path.read_bytes() == data
    drafts.save("form", {"typed": "now"})
    path.write_text('{"typed": "mended"}')
    drafts.keep_what_was_not()
    assert json.loads(path.read_text()) == {"typed": "now"} and drafts.problem is None


@pytest.mark.usefixtures("no_renaming")
def test_a_note_that_cannot_be_set_aside_is_not_written_over(tmp_path: Path) -> None:
    path, notes = notes_of(tmp_path)
    data = UNREADABLE["UTF-16"][0]
    path.write_bytes(data)
    assert notes.load("kind", "key", dict) is None
    assert not notes.save("kind", "key", {"typed": "now"})
    notes.forget("kind", "key")
    assert path.read_bytes() == data


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_not_a_file_is_set_aside_too(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """F43"""
    path, drafts = drafts_of(tmp_path)
    make(path)
    assert drafts.load("form") == {}
    drafts.save("form", {"typed": "now"})
    assert json.loads(path.read_text()) == {"typed": "now"}
    assert "it is a " in drafts.set_aside[0]
