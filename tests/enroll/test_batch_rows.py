"""Reading batches: JSON Lines, CSV, a folder of packages."""

import hashlib
import json
from pathlib import Path

import pytest

from pyhall_tui.attest.json_text import canonical
from pyhall_tui.attest.manifests import signature_of
from pyhall_tui.attest.records import write_record
from pyhall_tui.enroll.batch_rows import BatchUnreadable, read_rows
from pyhall_tui.packages.package_hash import hash_package
from pyhall_tui.profiles.profile import Profile
from tests.packages.trees import go_hash, write_tree

PROFILE = Profile(name="acme", namespace="org.yourco", registry_url="http://127.0.0.1:1")
HASH = "a1b2c3" + "0" * 58
GOOD = {"display_name": "W", "capabilities": ["mail.send"], "sha256": HASH}


def lines(path: Path, *rows: object) -> Path:
    """Write a batch of JSON Lines; a text is written unchanged."""
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def test_json_lines_become_requests_with_their_line_numbers(tmp_path: Path) -> None:
    rows = read_rows(lines(tmp_path / "b.jsonl", GOOD, "", GOOD | {"display_name": "X"}), PROFILE)
    assert [(row.number, row.request.display_name, row.mistakes) for row in rows] == [(1, "W", ()), (3, "X", ())]
    assert rows[0].request.capabilities == ("mail.send",)


def test_each_wrong_line_says_what_is_wrong_and_none_hides_another(tmp_path: Path) -> None:
    rows = read_rows(
        lines(
            tmp_path / "b.jsonl",
            "{",
            GOOD | {"sha256": "PENDING_ATTESTATION"},
            GOOD | {"namespace": "org.other"},
            GOOD | {"worker_id": "org.other.w"},
            GOOD,
            GOOD,
        ),
        PROFILE,
    )
    told = [" ".join(row.mistakes) for row in rows]
    assert "not JSON" in told[0]
    assert "placeholder" in told[1]
    assert "It is for org.other" in told[2]
    assert "belongs to org.other" in told[3]
    assert told[4] == ""
    assert "same worker as in row 5" in told[5]


def test_a_worker_has_one_key_under_each_spelling_of_the_registry(tmp_path: Path) -> None:
    """F13, F64: and is known by the key that an earlier version gave it, which kept the spellings apart."""
    batch = lines(tmp_path / "b.jsonl", GOOD)
    urls = ("http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1/", "http://127.0.0.2:1")
    one, by_name, by_v6, another = (
        read_rows(batch, Profile(name="acme", namespace="org.yourco", registry_url=url))[0] for url in urls
    )
    assert one.key == by_name.key == by_v6.key != another.key
    before = {"url": "http://localhost:1", "namespace": "org.yourco", "name": "W", "of": HASH}
    assert hashlib.sha256(canonical(before)).hexdigest() in one.aliases
    assert not set(one.aliases) & {another.key, *another.aliases}


def test_csv_names_its_columns_and_separates_capabilities_by_spaces_or_semicolons(tmp_path: Path) -> None:
    batch = tmp_path / "b.csv"
    batch.write_text(f'\ufeffDisplay_Name,capabilities,sha256\r\n"W, 1",mail.send; mail.read,{HASH}\r\n\r\n')
    (row,) = read_rows(batch, PROFILE)
    assert (row.request.display_name, row.request.capabilities) == ("W, 1", ("mail.send", "mail.read"))
    assert row.mistakes == ()


def test_a_csv_without_names_of_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("W,mail.send\n")
    with pytest.raises(BatchUnreadable, match="names its columns"):
        read_rows(tmp_path / "b.csv", PROFILE)


def test_a_line_may_name_a_package_that_is_hashed(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "main.py").write_text("x")
    (row,) = read_rows(lines(tmp_path / "b.jsonl", {"display_name": "W", "capabilities": "a", "package": "w"}), PROFILE)
    assert row.request.sha256 == hash_package(tmp_path / "w").sha256


def test_a_folder_of_packages_is_one_row_each_by_their_records(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(name)
    write_record(tmp_path / "a" / "registry_record.json", {"worker_id": "org.yourco.a", "capabilities": ["x"]})
    first, second = read_rows(tmp_path, PROFILE)
    assert (first.request.display_name, first.worker_id, first.mistakes) == ("org.yourco.a", "org.yourco.a", ())
    assert (second.request.display_name, second.mistakes) == (
        "b",
        ("It names no capability.",),
    )


def test_a_package_that_is_not_what_its_manifest_says_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "main.py").write_text("x")
    (tmp_path / "w" / "manifest.json").write_text(json.dumps({"worker_id": "org.yourco.w", "package_hash": HASH}))
    (row,) = read_rows(tmp_path, PROFILE)
    assert "ATTEST_HASH_MISMATCH" in row.mistakes[0]


def test_a_manifest_in_another_sdks_order_is_of_the_same_content(tmp_path: Path) -> None:
    package = write_tree(tmp_path / "w", {"src/a": "a", "src-tauri/b": "b"})
    write_record(package / "registry_record.json", {"capabilities": ["x"]})
    go = go_hash(hash_package(package))
    (package / "manifest.json").write_text(json.dumps({"worker_id": "org.yourco.w", "package_hash": go}))
    (row,) = read_rows(tmp_path, PROFILE)
    assert (row.mistakes, row.request.sha256) == ((), hash_package(package).sha256)


def test_a_manifest_that_another_secret_signed_is_wrong_if_the_secret_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = write_tree(tmp_path / "w", {"main.py": "x"})
    write_record(package / "registry_record.json", {"capabilities": ["x"]})
    manifest = {"worker_id": "org.yourco.w", "package_hash": hash_package(package).sha256}
    manifest["signature_hmac_sha256"] = signature_of(manifest, "theirs")
    (package / "manifest.json").write_text(json.dumps(manifest))
    for secret, code in (("ours", "ATTEST_SIG_INVALID"), ("theirs", ""), ("", "")):
        monkeypatch.setenv("WCP_ATTEST_HMAC_KEY", secret)
        (row,) = read_rows(tmp_path, PROFILE)
        assert code in " ".join(row.mistakes) and bool(code) == bool(row.mistakes)


def test_what_should_not_be_in_a_package_is_counted(tmp_path: Path) -> None:
    write_tree(tmp_path / "w", {"main.py": "x", ".env": "A=1"})
    assert read_rows(tmp_path, PROFILE)[0].warnings == 1


def test_a_package_that_was_changed_is_the_same_row_still(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "main.py").write_text("x")
    before = read_rows(tmp_path, PROFILE)[0]
    (tmp_path / "w" / "main.py").write_text("y")
    after = read_rows(tmp_path, PROFILE)[0]
    assert (before.key, before.request.sha256 == after.request.sha256) == (after.key, False)


def test_the_same_row_in_another_namespace_or_registry_is_another(tmp_path: Path) -> None:
    batch = lines(tmp_path / "b.jsonl", GOOD)
    other = Profile(name="acme", namespace="org.yourco", registry_url="http://127.0.0.1:2")
    assert read_rows(batch, PROFILE)[0].key != read_rows(batch, other)[0].key


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_batch_is_reported(tmp_path: Path, content: str) -> None:
    with pytest.raises(BatchUnreadable, match="contains no workers"):
        read_rows(lines(tmp_path / "b.jsonl", content), PROFILE)


def test_a_missing_batch_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BatchUnreadable, match="cannot be read"):
        read_rows(tmp_path / "none.jsonl", PROFILE)
