"""A record or manifest compared with the form, and a record written from it."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.attest.records import RecordUnreadable, artifact_hash, read_record, write_record
from pyhall_tui.enroll.draft import Draft, Package
from pyhall_tui.enroll.record import fill_from_record, lacks_for_next_level, read_record_at, record_of
from pyhall_tui.enroll.record_checks import RecordCheck, RecordStanding, check_record
from pyhall_tui.packages.package_hash import PackageHash, PackageKind, hash_package
from tests.packages.trees import go_hash

DATA = Path(__file__).parents[1] / "attest" / "data"
VECTOR = json.loads((DATA / "manifest-vector.json").read_text())
HASH = VECTOR["manifest"]["package_hash"]
OTHER = "b" * 64


def check(fields: dict[str, Any], **options: Any) -> list[RecordCheck]:
    """Check a record of `org.acme` against a computed hash, the vector's unless `options` say otherwise."""
    known: dict[str, Any] = {
        "namespace": "org.acme",
        "sha256": HASH,
        "package": "p",
        "listing": None,
        "secret": VECTOR["secret"],
    }
    return check_record(read_record(json.dumps(fields)), **(known | options))


def texts(checks: list[RecordCheck], standing: RecordStanding) -> str:
    return "\n".join(one.text for one in checks if one.standing is standing)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The vector's package, with its manifest in it."""
    for name, content in VECTOR["files"].items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "manifest.json").write_text(json.dumps(VECTOR["manifest"]))
    return tmp_path


def test_a_signed_manifest_of_this_package_holds_and_its_unsigned_fields_are_unproven() -> None:
    checks = check(VECTOR["manifest"])
    assert "Its package_hash is that of p." in texts(checks, RecordStanding.HOLDS)
    assert "Its signature is valid." in texts(checks, RecordStanding.HOLDS)
    assert "Nothing proves its attested_at_utc, trust_statement." in texts(checks, RecordStanding.UNPROVEN)
    assert texts(checks, RecordStanding.STOPS) == ""


def test_another_packages_manifest_stops_the_enrollment() -> None:
    assert "ATTEST_HASH_MISMATCH" in texts(check(VECTOR["manifest"], sha256=OTHER), RecordStanding.STOPS)


def test_a_manifest_that_was_compared_with_no_folder_is_unproven() -> None:
    assert "not compared with a folder" in texts(check(VECTOR["manifest"], package=""), RecordStanding.UNPROVEN)


def test_a_signature_by_another_secret_stops_it_and_without_a_secret_it_is_unproven() -> None:
    assert "ATTEST_SIG_INVALID" in texts(check(VECTOR["manifest"], secret="other"), RecordStanding.STOPS)
    checks = check(VECTOR["manifest"], secret=None)
    assert "WCP_ATTEST_HMAC_KEY is not set" in texts(checks, RecordStanding.UNPROVEN)
    assert "package_hash" in texts(checks, RecordStanding.UNPROVEN)


def test_fields_that_no_dialect_knows_are_named_as_kept() -> None:
    checks = check({"worker_id": "org.acme.w", "capabilities": ["a"], "of_ours": 1})
    assert "are kept: of_ours." in texts(checks, RecordStanding.HOLDS)


def test_a_placeholder_is_not_a_hash_and_attests_nothing() -> None:
    checks = check(json.loads((DATA / "manifest-pending.json").read_text()))
    assert "placeholder" in texts(checks, RecordStanding.UNPROVEN)
    assert "package_hash" not in texts(checks, RecordStanding.HOLDS)


def test_the_records_own_hash_is_never_mistaken_for_the_packages() -> None:
    record = {"worker_id": "org.acme.w", "capabilities": ["a"]}
    record["artifact_hash"] = artifact_hash(record)
    checks = check(record, sha256=record["artifact_hash"])
    assert "the record's own artifact_hash" in texts(checks, RecordStanding.STOPS)
    assert "Its artifact_hash is its own" in texts(checks, RecordStanding.HOLDS)


def test_a_workers_namespace_is_compared_with_the_profiles() -> None:
    assert "belongs to org.acme, not to org" in texts(
        check(VECTOR["manifest"], namespace="org.yourco"), RecordStanding.WRONG
    )
    assert "belongs to org.acme." in texts(check(VECTOR["manifest"]), RecordStanding.HOLDS)
    plain = check({"worker_id": "wkr_abc123", "capabilities": ["a"]})
    assert "wkr_abc123 names no namespace." in texts(plain, RecordStanding.UNPROVEN)


def test_another_sdks_order_is_neither_a_mismatch_nor_a_match(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src-tauri").mkdir()
    (tmp_path / "src" / "a").write_text("a")
    (tmp_path / "src-tauri" / "b").write_text("b")
    package: PackageHash = hash_package(tmp_path)
    manifest = VECTOR["manifest"] | {"package_hash": go_hash(package)}
    checks = check(manifest, sha256=package.sha256, listing=package, secret=None)
    assert "order: neither a match nor a mismatch" in texts(checks, RecordStanding.WRONG)
    assert "ATTEST_HASH_MISMATCH" not in texts(checks, RecordStanding.STOPS)


def test_the_controls_that_are_met_and_what_the_next_level_lacks() -> None:
    basic = {"worker_id": "org.acme.w", "worker_species_id": "wrk.w", "capabilities": ["a"], "risk_tier": "low"}
    checks = check(basic)
    assert "It meets WCP-Basic." in texts(checks, RecordStanding.HOLDS)
    assert "For WCP-Standard it lacks: required_controls" in texts(checks, RecordStanding.UNPROVEN)


def test_what_another_dialect_calls_by_another_name_is_lacked_under_the_schemas() -> None:
    checks = check({"worker_id": "org.acme.w", "serves_capabilities": ["a"]})
    assert "it lacks: worker_species_id, capabilities (under that name), risk_tier." in texts(
        checks, RecordStanding.UNPROVEN
    )


def test_a_record_is_found_by_its_packages_folder(package: Path) -> None:
    record, path = read_record_at(package)
    assert (record.worker_id, path.name) == ("org.acme.summarizer.prod-01", "manifest.json")
    with pytest.raises(RecordUnreadable, match="contains no record"):
        read_record_at(package / "code")


def test_filling_the_form_keeps_what_the_record_does_not_say_and_a_computed_hash() -> None:
    computed = Package(path="/p", sha256=OTHER, kind=PackageKind.FOLDER, files=1, bytes_total=1, left_out=0, warnings=0)
    draft = Draft(capabilities=["mail.send"], sha256=OTHER, package=computed)
    fill_from_record(draft, read_record(json.dumps(VECTOR["manifest"])), "manifest.json")
    assert (draft.display_name, draft.capabilities) == ("org.acme.summarizer.prod-01", ["mail.send"])
    assert draft.sha256 == OTHER
    fresh = Draft()
    fill_from_record(fresh, read_record(json.dumps(VECTOR["manifest"])), "manifest.json")
    assert fresh.sha256 == HASH


def test_a_record_written_from_the_form_reads_back_with_its_own_hash(tmp_path: Path) -> None:
    source = read_record('{"worker_id": "org.acme.w", "handles_capabilities": ["a"], "of_ours": [1]}')
    draft = Draft(display_name="W", capabilities=["a", "b"], sha256=HASH.upper())
    write_record(tmp_path / "registry_record.json", record_of(draft, source, None))
    written = read_record(tmp_path / "registry_record.json")
    assert (written.worker_id, written.capabilities, written.package_sha256) == ("org.acme.w", ("a", "b"), HASH)
    assert written.fields["of_ours"] == [1]
    assert written.doubts == ()


def test_what_a_written_record_lacks_is_reported() -> None:
    fields = record_of(Draft(display_name="W", capabilities=["a"]), None, "wkr_1")
    assert lacks_for_next_level(fields) == "For WCP-Basic it lacks: worker_species_id, risk_tier."
