"""Our files after somebody edited them: read the same with a byte order mark and either line end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.attest.records import RecordUnreadable, read_record
from pyhall_tui.dispatch import baselines
from pyhall_tui.dispatch.baselines import BaselineMistake
from pyhall_tui.dispatch.saved import SavedMistake, SavedRequests
from pyhall_tui.enroll.batch_rows import BatchUnreadable, read_rows
from pyhall_tui.files.drafts import Drafts
from pyhall_tui.hall import rules_json, tomlfile
from pyhall_tui.hall.errors import FileMistake
from pyhall_tui.hall.faults import read_faults
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList

PROFILE = Profile(name="acme", namespace="org.yourco", registry_url="http://127.0.0.1:1")
HASH = "a" * 64

BASELINE = 'version = 1\nnamespace = "org.yourco"\n[cells."mail.send".w]\nlow = "allow"\n'
SAVED = '[requests.first]\ncapability = "mail.send"\nworker_id = "w"\n'
LINES = '{"display_name": "w", "capabilities": ["mail.send"], "sha256": "%s"}\n' % HASH  # noqa: UP031 - braces
CSV = f"display_name,capabilities,sha256\nw,mail.send,{HASH}\n"
RECORD = '{\n  "worker_id": "org.yourco.w",\n  "capabilities": ["mail.send"]\n}\n'
FAULTS = '[[fault]]\npath = "/x"\nstatus = 500\n'
RULES = '{"rules": [\n{"rule_id": "r", "match": {"capability_id": "mail.send"}}\n]}\n'
DRAFT = '{\n  "display_name": "w"\n}\n'
WATCHED = '{"id": "org.yourco.w"}\n'


def draft(path: Path) -> Any:
    drafts = Drafts(path.parent, "acme")
    drafts.folder.mkdir(parents=True, exist_ok=True)
    (drafts.folder / "form.json").write_bytes(path.read_bytes())
    return drafts.load("form")


def watch_list(path: Path) -> Any:
    watched = WatchList(path.parent, "acme")
    watched.path.parent.mkdir(exist_ok=True)
    watched.path.write_bytes(path.read_bytes())
    return watched.load()


READERS: dict[str, tuple[str, str, Callable[[Path], Any], type[Exception] | None]] = {
    "baseline": ("b.toml", BASELINE, baselines.read, BaselineMistake),
    "saved requests": ("s.toml", SAVED, lambda path: SavedRequests(path).load(), SavedMistake),
    "batch": ("b.jsonl", LINES, lambda path: read_rows(path, PROFILE), BatchUnreadable),
    "batch in CSV": ("b.csv", CSV, lambda path: read_rows(path, PROFILE), BatchUnreadable),
    "record": ("worker.json", RECORD, read_record, RecordUnreadable),
    "faults": ("faults.toml", FAULTS, read_faults, FileMistake),
    "policy": ("policy.toml", 'default = "deny"\n', tomlfile.read_text, FileMistake),
    "rules": ("rules.json", RULES, lambda path: rules_json.read(path.read_bytes(), str(path)), FileMistake),
    "draft": ("d.json", DRAFT, draft, None),
    "watch list": ("w.jsonl", WATCHED, watch_list, None),
}


@pytest.mark.parametrize("kind", READERS)
def test_a_byte_order_mark_and_windows_line_ends_are_not_a_mistake(kind: str, tmp_path: Path) -> None:
    """F73"""
    name, text, read, _ = READERS[kind]
    path = tmp_path / name
    path.write_text(text, newline="")
    plain = read(path)
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert plain
    assert repr(read(path)) == repr(plain)


@pytest.mark.parametrize("kind", [kind for kind, (_, _, _, error) in READERS.items() if error])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_another_encoding_is_said_in_a_sentence(kind: str, encoding: str, tmp_path: Path) -> None:
    """F73"""
    name, text, read, error = READERS[kind]
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    assert error is not None
    with pytest.raises(error, match="it is UTF-16: save it as UTF-8"):
        read(path)
