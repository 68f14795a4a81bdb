"""The canonical package hash: the contract's vectors, random trees against an oracle, and how it is read."""

import os
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyhall_tui.packages.listing import Why
from pyhall_tui.packages.package_hash import HashProgress, PackageKind, hash_package, look_alikes, spelled
from tests.bench.package_hash import peak_of_child
from tests.packages.trees import NEVER, contract_hash, sample, write_tree


@pytest.mark.parametrize("vector", sample("package-hash-vectors.json"), ids=lambda vector: vector["name"])
def test_the_contracts_vectors(vector: dict[str, Any], tmp_path: Path) -> None:
    assert hash_package(write_tree(tmp_path, vector["files"])).sha256 == vector["sha256"]


@pytest.mark.parametrize("vector", sample("package-hash-dialects.json"), ids=lambda vector: vector["name"])
def test_the_python_sdks_order(vector: dict[str, Any], tmp_path: Path) -> None:
    root = write_tree(tmp_path, vector["files"])
    assert hash_package(root).sha256 == vector["python"] == contract_hash(root)


_LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="/\0")
_NAMES = st.one_of(
    st.text(_LETTERS, min_size=1, max_size=12).filter(lambda name: name not in (".", "..")),
    st.sampled_from(
        [*sorted(NEVER), "a", "a.b", "a-b", "A", "é", "e\u0301", "x.pyc", "X.PYC", ".pyc", "src", "src-tauri"]
    ),
)
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map("/".join)
_TREES = st.dictionaries(_PATHS, st.binary(max_size=64), max_size=12)
_LINKS = st.dictionaries(_PATHS, st.sampled_from(["file in", "file out", "folder in", "folder above"]), max_size=3)


def _grow(root: Path, files: dict[str, bytes], links: dict[str, str], outside: Path) -> None:
    """Write a random tree as far as possible, skipping paths below a file and names that are too long."""
    targets = {"file out": outside, "folder above": root, "folder in": root / "linked folder", "file in": root / "real"}
    write_tree(root, {"real": b"in", "linked folder/deep": b"d"})
    for path, content in files.items():
        try:
            write_tree(root, {path: content})
        except (OSError, NotADirectoryError):
            continue
    for path, target in links.items():
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).symlink_to(targets[target])
        except OSError:
            continue


@given(files=_TREES, links=_LINKS)
def test_any_tree_has_the_hash_that_the_contracts_text_gives(files: dict[str, bytes], links: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        outside = Path(scratch) / "outside"
        outside.write_bytes(b"out")
        root = Path(scratch) / "package"
        _grow(root, files, links, outside)
        assert hash_package(root).sha256 == contract_hash(root)


def test_the_hash_does_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    sizes = [0, 1, 65_535, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 3 << 20]
    root = write_tree(tmp_path, {f"part{index % 3}/{index}.bin": os.urandom(size) for index, size in enumerate(sizes)})
    assert {hash_package(root, threads=count).sha256 for count in (1, 2, 3, 20)} == {contract_hash(root)}


def test_a_root_below_a_folder_named_git_is_not_a_problem(tmp_path: Path) -> None:
    files = {"worker.py": "print('hi')\n"}
    assert (
        hash_package(write_tree(tmp_path / ".git" / "p", files)).sha256
        == sample("package-hash-vectors.json")[1]["sha256"]
    )


def test_a_root_that_is_a_link_is_the_folder_it_leads_to(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "real", {"a": "1"})
    (tmp_path / "link").symlink_to(root)
    assert hash_package(tmp_path / "link").sha256 == contract_hash(root)


def test_files_are_listed_in_order_with_size_and_digest_and_a_link_says_so(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"b/c": "12", "b-c": "123", "b.py": ""})
    (root / "z").symlink_to(root / "b.py")
    package = hash_package(root)
    assert [(file.path, file.size, file.link) for file in package.files] == [
        ("b/c", 2, False),
        ("b-c", 3, False),
        ("b.py", 0, False),
        ("z", 0, True),
    ]
    assert package.bytes_total == 5


def test_what_is_left_out_is_listed_with_the_reason(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {".git/HEAD": "r", "w.pyc": "z", "sub/manifest.json": "{}", "x.pyc/kept.py": "k"})
    (root / "folder").symlink_to(root / "sub")
    package = hash_package(root)
    assert {left.path: left.reason for left in package.left_out} == {
        ".git": Why.NAME,
        "sub/manifest.json": Why.NAME,
        "w.pyc": Why.BYTECODE,
        "folder": Why.LINKED_FOLDER,
    }
    assert [file.path for file in package.files] == ["x.pyc/kept.py"]


def test_a_name_composed_and_decomposed_is_two_entries_that_can_be_distinguished(tmp_path: Path) -> None:
    """F44."""
    composed, decomposed = "\u00e9", unicodedata.normalize("NFD", "\u00e9")
    root = write_tree(tmp_path, {composed: "1", decomposed: "2", "plain": "3"})
    package = hash_package(root)
    assert [file.path for file in package.files] == sorted([composed, decomposed, "plain"])
    assert look_alikes(package.files) == {composed, decomposed}
    assert (spelled(composed), spelled(decomposed)) == ("\\xe9", "e\\u0301")


@pytest.mark.parametrize(
    ("one", "other", "spellings"),
    [
        ("ab", "ab ", ("ab", "ab\\x20")),
        ("a b", "a\u00a0b", ("a b", "a\\xa0b")),
        ("a\u202eb", "a\u200fb", ("a\\u202eb", "a\\u200fb")),
        ("a\x1b", "a␛", ("a\\x1b", "a\\u241b")),
        ("K", "\N{KELVIN SIGN}", ("K", "\\u212a")),
    ],
)
def test_what_shows_the_same_can_be_distinguished(
    tmp_path: Path, one: str, other: str, spellings: tuple[str, str]
) -> None:
    """F44"""
    package = hash_package(write_tree(tmp_path, {one: "1", other: "2", "plain": "3"}))
    assert look_alikes(package.files) == {one, other}
    assert (spelled(one), spelled(other)) == spellings


def test_a_single_file_is_hashed_as_sha256sum_does(tmp_path: Path) -> None:
    wheel = tmp_path / "worker.whl"
    wheel.write_bytes(b"abc")
    package = hash_package(wheel)
    assert package.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (package.kind, [file.path for file in package.files]) == (PackageKind.FILE, ["worker.whl"])


def test_progress_counts_bytes_and_ends_at_the_total(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"a": b"x" * 3_000, "b": b"y" * 100_000})
    seen: list[HashProgress] = []
    hash_package(root, on_progress=seen.append)
    assert [progress.bytes_done for progress in seen] == sorted(progress.bytes_done for progress in seen)
    assert (seen[-1].bytes_done, seen[-1].bytes_total) == (103_000, 103_000)
    assert (seen[-1].files_done, seen[-1].files_total) == (2, 2)


@pytest.mark.thorough
def test_memory_stays_flat_however_large_the_package(tmp_path: Path) -> None:
    with (write_tree(tmp_path / "large", {}) / "sparse").open("wb") as file:
        file.truncate(512 << 20)
    write_tree(tmp_path / "small", {"a": "1"})
    assert peak_of_child(tmp_path / "large") < peak_of_child(tmp_path / "small") + 16


def _warned(root: Path) -> dict[str, str]:
    return {concern.path: concern.reason for concern in hash_package(root).warnings}


def test_secrets_are_pointed_out(tmp_path: Path) -> None:
    pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n"
    root = write_tree(
        tmp_path, {".env": "K=1", ".env.example": "K=", "conf/deploy": pem, "id_rsa": "x", "cert.pem": "-"}
    )
    assert _warned(root).keys() == {".env", "conf/deploy", "id_rsa"}


def test_an_installed_tree_is_one_warning_with_its_size(tmp_path: Path) -> None:
    files = {f"web/node_modules/{name}/node_modules/x/index.js": "1" for name in "abc"}
    root = write_tree(tmp_path, files | {"env/pyvenv.cfg": "", "env/lib/x.py": "", "w.py": ""})
    assert _warned(root) == {
        "env": "a virtual environment: 2 files, 0 bytes",
        "web/node_modules": "installed JavaScript packages: 3 files, 3 bytes",
    }


def test_a_file_beyond_100_mib_and_an_empty_package_are_pointed_out(tmp_path: Path) -> None:
    with (write_tree(tmp_path / "p", {}) / "model.bin").open("wb") as file:
        file.truncate((100 << 20) + 1)
    assert _warned(tmp_path / "p").keys() == {"model.bin"}
    assert "nothing" in _warned(write_tree(tmp_path / "empty", {}))["."]
