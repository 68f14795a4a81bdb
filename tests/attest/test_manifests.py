"""What a signed manifest proves, in the field's codes, and what nothing proves."""

from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.attest.manifests import SIGNED, Code, check_manifest, check_manifest_file, secret_of_environment
from pyhall_tui.packages.package_hash import hash_package
from tests.packages.trees import DATA, sample, write_tree

VECTOR = sample("manifest-vector.json")


@pytest.mark.parametrize("case", VECTOR["cases"], ids=lambda case: case["name"])
def test_the_sdks_verifiers_code(case: dict[str, Any], tmp_path: Path) -> None:
    files = VECTOR["files"] | ({case["add_file"]: ""} if "add_file" in case else {})
    check = check_manifest(
        VECTOR["manifest"] | case["change"],
        package_sha256=hash_package(write_tree(tmp_path, files)).sha256,
        worker_id=case["worker_id"],
        worker_species_id="wrk.doc.summarizer",
        secret=case["secret"],
    )
    assert check.code == case["code"]
    assert check.sentence.endswith(".")


def _check(secret: str | None, **change: Any) -> Any:
    manifest = VECTOR["manifest"] | change
    return check_manifest(manifest, package_sha256=manifest["package_hash"], secret=secret)


def test_a_signature_leaves_two_fields_and_all_unknown_ones_unproven() -> None:
    check = _check(VECTOR["secret"], note="mine")
    assert (check.code, set(check.unproven)) == (None, {"attested_at_utc", "trust_statement", "note"})


@pytest.mark.parametrize("secret", [None, "", "other"])
def test_without_a_signature_that_holds_nothing_is_proven(secret: str | None) -> None:
    assert set(SIGNED) <= set(_check(secret).unproven)


@pytest.mark.parametrize("signature", ["é", 5, ["x"], {"a": 1}, "\ud800"])
def test_a_signature_of_any_shape_is_invalid_and_no_crash(signature: object) -> None:
    assert _check(VECTOR["secret"], signature_hmac_sha256=signature).code is Code.SIGNATURE_INVALID


def test_a_manifest_that_cannot_be_read_is_missing(tmp_path: Path) -> None:
    write_tree(tmp_path, {"broken.json": "{"})
    for name in ("none.json", "broken.json"):
        check = check_manifest_file(tmp_path / name, package_sha256="0" * 64, worker_id=None, secret=None)
        assert check.code is Code.MISSING


def test_a_placeholder_manifest_is_a_mismatch() -> None:
    check = check_manifest_file(
        DATA / "manifest-pending.json", package_sha256="0" * 64, worker_id="org.acme.mailer.instance-1", secret="x"
    )
    assert check.code is Code.HASH_MISMATCH


def test_the_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WCP_ATTEST_HMAC_KEY", "s")
    assert secret_of_environment() == "s"
    monkeypatch.setenv("WCP_ATTEST_HMAC_KEY", "")
    assert secret_of_environment() is None
