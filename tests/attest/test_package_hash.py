"""The canonical package hash: the contract's vectors, and nothing hashed over silently."""

from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.attest.package_hash import hash_package
from tests.attest.trees import contract_hash, sample, write_tree


@pytest.mark.parametrize("vector", sample("package-hash-vectors.json"), ids=lambda vector: vector["name"])
def test_the_contracts_vectors(vector: dict[str, Any], tmp_path: Path) -> None:
    assert hash_package(write_tree(tmp_path, vector["files"])).sha256 == vector["sha256"]


@pytest.mark.parametrize("vector", sample("package-hash-dialects.json"), ids=lambda vector: vector["name"])
def test_the_python_sdks_order(vector: dict[str, Any], tmp_path: Path) -> None:
    root = write_tree(tmp_path, vector["files"])
    assert hash_package(root).sha256 == vector["python"] == contract_hash(root)
