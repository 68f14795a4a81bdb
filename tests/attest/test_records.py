"""A worker's record in every known dialect, its own hash, and writing one."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.attest.records import (
    Form,
    RecordUnreadable,
    artifact_hash,
    artifact_hash_holds,
    as_registry_record,
    find_records,
    namespace_doubt,
    namespace_of,
    read_record,
    write_record,
)
from tests.packages.trees import DATA, sample, write_tree


@pytest.mark.parametrize(
    "vector", sample("record-artifact-hash-vectors.json"), ids=lambda one: one["record"]["worker_id"]
)
def test_artifact_hash_is_the_records_own(vector: dict[str, Any]) -> None:
    record = vector["record"]
    assert artifact_hash(record) == vector["artifact_hash"]
    assert artifact_hash(record | {"artifact_hash": "whatever"}) == vector["artifact_hash"]


def test_a_public_record_is_read_by_path() -> None:
    record = read_record(DATA / "record-hello-greeter.json")
    assert (record.form, record.worker_id, record.capabilities) == (
        Form.RECORD,
        "org.example.hello-greeter",
        ("cap.hello.greet",),
    )
    assert record.allowed_environments == ("dev", "stage", "prod")
    assert record.blast_radius is not None and record.blast_radius["reversibility"] == "reversible"
    assert record.doubts == ()


def test_gos_names_for_the_fields_are_understood() -> None:
    record = read_record(DATA / "record-go-dialect.json")
    assert (record.form, record.capabilities, record.allowed_environments) == (
        Form.GO,
        ("cap.doc.summarize",),
        ("dev",),
    )


def test_the_clis_scaffold_has_no_worker_id() -> None:
    record = read_record('{"worker_species_id": "wrk.a.b", "handles_capabilities": ["cap.a"]}')
    assert (record.form, record.worker_id, record.capabilities) == (Form.SCAFFOLD, None, ("cap.a",))


def test_hall_monitors_species_id_is_understood() -> None:
    record = read_record('{"species_id": "wrk.a.b", "blast_score": 3, "guarantee": "at-least-once"}')
    assert (record.form, record.worker_species_id) == (Form.MONITOR, "wrk.a.b")


def test_a_manifest_is_understood_and_its_hash_is_the_packages() -> None:
    manifest = sample("manifest-vector.json")["manifest"]
    record = read_record(json.dumps(manifest))
    assert (record.form, record.package_sha256) == (Form.MANIFEST, manifest["package_hash"])


def test_a_placeholder_is_reported_as_not_a_hash() -> None:
    record = read_record(DATA / "manifest-pending.json")
    assert (record.package_claim, record.package_sha256) == ("PENDING_ATTESTATION", None)
    assert any("placeholder" in doubt for doubt in record.doubts)


def test_the_artifact_hash_is_never_mistaken_for_the_packages() -> None:
    fields = sample("record-hello-greeter.json")
    record = read_record(json.dumps(fields | {"artifact_hash": artifact_hash(fields)}))
    assert (record.package_claim, record.package_sha256, record.doubts) == (None, None, ())


def test_a_record_changed_after_it_was_written_is_reported() -> None:
    fields = sample("record-hello-greeter.json")
    changed = fields | {"artifact_hash": artifact_hash(fields), "owner": "org.other"}
    assert artifact_hash_holds(changed) is False
    assert any("artifact_hash" in doubt for doubt in read_record(json.dumps(changed)).doubts)


def test_fields_not_heard_of_before_are_kept() -> None:
    record = read_record('{"worker_id": "org.a.b", "shoe_size": 43, "nested": {"x": [1]}}')
    assert record.unknown == {"shoe_size": 43, "nested": {"x": [1]}}
    assert as_registry_record(record)["nested"] == {"x": [1]}


def test_a_field_of_the_wrong_type_is_reported_and_does_not_stop_the_rest() -> None:
    record = read_record('{"worker_id": 5, "capabilities": ["a", 1], "risk_tier": "low", "blast_radius": []}')
    assert (record.worker_id, record.capabilities, record.risk_tier) == (None, (), "low")
    assert sorted(record.doubts) == [
        "blast_radius is not an object.",
        "capabilities is not a list of texts.",
        "worker_id is not a string.",
    ]


def test_a_name_that_comes_twice_is_reported() -> None:
    record = read_record('{"worker_id": "org.a.b", "worker_id": "org.c.d"}')
    assert record.worker_id == "org.c.d"
    assert "worker_id appears twice" in record.doubts[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('"worker_id"', "not a JSON object"),
        ('{"worker_id": NaN}', "NaN"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5_000 + "}", "not JSON"),
        ('{"name": "left-pad", "version": "1.0.0"}', "names no worker"),
        (b'{"worker_id": "\xff"}', "not UTF-8"),
    ],
)
def test_what_is_not_a_record_is_refused_with_the_reason(text: str | bytes, why: str) -> None:
    with pytest.raises(RecordUnreadable, match=why):
        read_record(text)


def test_a_byte_order_mark_is_not_a_fault(tmp_path: Path) -> None:
    write_tree(tmp_path, {"record.json": b'\xef\xbb\xbf{"worker_id": "org.a.b"}'})
    assert read_record(tmp_path / "record.json").worker_id == "org.a.b"


def test_a_path_that_is_not_a_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, why in [
        (tmp_path / "pipe", "regular file"),
        (tmp_path, "regular file"),
        (tmp_path / "no", "no such file"),
    ]:
        with pytest.raises(RecordUnreadable, match=why):
            read_record(path)


def test_a_file_beyond_a_mebibyte_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {"record.json": b" " * ((1 << 20) + 1)})
    with pytest.raises(RecordUnreadable, match="larger than"):
        read_record(tmp_path / "record.json")


def test_a_written_record_carries_its_hash_and_reads_back(tmp_path: Path) -> None:
    fields = as_registry_record(read_record(DATA / "record-go-dialect.json")) | {"notes": "Grüße 日本 🤖"}
    write_record(tmp_path / "record.json", fields)
    back = read_record(tmp_path / "record.json")
    assert artifact_hash_holds(back.fields) is True
    assert (back.form, back.capabilities, back.notes) == (Form.RECORD, ("cap.doc.summarize",), "Grüße 日本 🤖")
    assert back.fields["endpoint"] == "http://localhost:8080/run"


def test_a_record_is_not_written_over_unasked(tmp_path: Path) -> None:
    write_record(tmp_path / "r.json", {"worker_id": "org.a.b"})
    with pytest.raises(FileExistsError):
        write_record(tmp_path / "r.json", {"worker_id": "org.c.d"})
    write_record(tmp_path / "r.json", {"worker_id": "org.c.d"}, overwrite=True)
    assert read_record(tmp_path / "r.json").worker_id == "org.c.d"
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_records_of_a_package_are_found_best_first(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"manifest.json": "{}", "registry-record.json": "{}", "other.json": "{}"})
    assert [path.name for path in find_records(root)] == ["registry-record.json", "manifest.json"]


@pytest.mark.parametrize(
    ("worker_id", "namespace"),
    [
        ("org.acme.mailer.prod-01", "org.acme"),
        ("x.alice.handler-v1", "x.alice"),
        ("wkr_abc123", None),
        ("wrk.doc.summarizer", None),
        ("org.", None),
    ],
)
def test_only_a_dotted_ids_first_two_parts_carry_trust(worker_id: str, namespace: str | None) -> None:
    assert namespace_of(worker_id) == namespace


def test_an_id_of_another_namespace_is_reported() -> None:
    assert namespace_doubt("org.acme.mailer", "org.acme") is None
    assert namespace_doubt("wkr_abc123", "org.acme") is None
    assert "belongs to org.acme2" in str(namespace_doubt("org.acme2.mailer", "org.acme"))
