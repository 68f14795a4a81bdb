"""What a signed manifest proves, in the ecosystem's codes, and what remains unproven."""

from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.attest.manifests import SIGNED, Code, check_manifest, secret_of_environment
from pyhall_tui.packages.package_hash import hash_package
from tests.packages.trees import sample, write_tree

VECTOR = sample("manifest-vector.json")
CASES = [case for case in VECTOR["cases"] if case["code"] != "ATTEST_MANIFEST_ID_MISMATCH"]
"""Which worker a manifest is for is compared with the form, not by its code."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_sdks_verifiers_code(case: dict[str, Any], tmp_path: Path) -> None:
    files = VECTOR["files"] | ({case["add_file"]: ""} if "add_file" in case else {})
    check = check_manifest(
        VECTOR["manifest"] | case["change"],
        package_sha256=hash_package(write_tree(tmp_path, files)).sha256,
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


def test_a_placeholder_manifest_is_a_mismatch() -> None:
    manifest = sample("manifest-pending.json")
    check = check_manifest(manifest, package_sha256="0" * 64, secret="x")
    assert check.code is Code.HASH_MISMATCH


def test_the_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WCP_ATTEST_HMAC_KEY", "s")
    assert secret_of_environment() == "s"
    monkeypatch.setenv("WCP_ATTEST_HMAC_KEY", "")
    assert secret_of_environment() is None
