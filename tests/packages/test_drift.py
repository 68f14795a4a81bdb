"""A package on disk compared with what the registry attests."""

from pathlib import Path

import pytest

from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.packages.dialects import Dialect
from pyhall_tui.packages.drift import Changes, compare
from pyhall_tui.packages.package_hash import PackageHash, PackageUnreadable, hash_package
from tests.packages.trees import go_hash, write_tree

FILES = {"src/a.py": "1", "src-x/b.py": "2", "gone.py": "3"}


@pytest.fixture
def package(tmp_path: Path) -> PackageHash:
    return hash_package(write_tree(tmp_path, FILES))


def test_the_same_hash_matches_with_prefix_and_in_upper_case(package: PackageHash) -> None:
    assert compare(package, f"sha256:{package.sha256.upper()}").state is DriftState.MATCH


def test_another_sdks_order_is_neither_a_match_nor_drift(package: PackageHash) -> None:
    drift = compare(package, go_hash(package))
    assert (drift.state, Dialect.GO in drift.dialects) == (DriftState.OTHER_ORDER, True)


def test_drift_names_the_files_that_changed_since_the_last_match(package: PackageHash, tmp_path: Path) -> None:
    attested, then = package.sha256, package.files
    (tmp_path / "gone.py").unlink()
    now = hash_package(write_tree(tmp_path, {"src/a.py": "other", "src/new.py": "4"}))
    drift = compare(now, attested, then)
    assert drift.state is DriftState.DRIFTED
    assert drift.changes == Changes(added=("src/new.py",), removed=("gone.py",), changed=("src/a.py",))


def test_drift_without_a_match_to_compare_with_names_no_files(package: PackageHash) -> None:
    assert compare(package, "0" * 64).changes is None


@pytest.mark.parametrize("claim", [None, "", "PENDING_ATTESTATION", "unverified", "a1b2c3..."])
def test_what_is_not_a_hash_attests_nothing(package: PackageHash, claim: str | None) -> None:
    assert compare(package, claim).state is DriftState.NOT_ATTESTED


def test_an_unreadable_package_is_reported_as_such_whatever_is_attested(package: PackageHash, tmp_path: Path) -> None:
    with pytest.raises(PackageUnreadable) as caught:
        hash_package(tmp_path / "missing")
    drift = compare(caught.value, package.sha256)
    assert (drift.state, drift.sha256, drift.attested) == (DriftState.UNREADABLE, None, package.sha256)
    assert "no such file or folder" in drift.detail
