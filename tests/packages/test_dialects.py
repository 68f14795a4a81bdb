"""The same content, hashed by another SDK: distinguished from a match and from drift."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyhall_tui.packages.collation import decides, english_key
from pyhall_tui.packages.dialects import Dialect, Matched, match_dialect
from pyhall_tui.packages.package_hash import hash_package
from tests.examples import examples
from tests.packages.trees import go_hash, sample, windows_hash, write_tree

VECTORS = sample("package-hash-dialects.json")
each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
node = shutil.which("node")


@each_vector
@pytest.mark.parametrize("sdk", ["python", "go", "typescript_en"])
def test_a_registrys_hash_of_any_sdk_is_recognised(vector: dict[str, Any], sdk: str, tmp_path: Path) -> None:
    match = match_dialect(hash_package(write_tree(tmp_path, vector["files"])), f"sha256:{vector[sdk].upper()}")
    same = vector[sdk] == vector["python"]
    assert match.matched is (Matched.MATCH if same else Matched.OTHER_ORDER)
    wanted = {"python": None, "go": Dialect.GO, "typescript_en": Dialect.TYPESCRIPT}[sdk]
    assert same or wanted in match.dialects


def test_if_two_sdks_agree_both_are_named(tmp_path: Path) -> None:
    vector = VECTORS[3]
    match = match_dialect(hash_package(write_tree(tmp_path, vector["files"])), vector["go"])
    assert match.dialects == (Dialect.GO, Dialect.TYPESCRIPT)
    assert str(match).startswith("Same content, hashed in Go's or TypeScript's order")


def test_files_that_the_other_sdk_leaves_out_are_named(tmp_path: Path) -> None:
    vector = VECTORS[-1]
    match = match_dialect(hash_package(write_tree(tmp_path, vector["files"])), vector["typescript_en"])
    assert match.uncovered == ("x.pyc/f.py",)
    assert "leaves out 1 file" in str(match)


def test_python_on_windows_sorts_without_case(tmp_path: Path) -> None:
    package = hash_package(write_tree(tmp_path, {"B.py": "1", "a.py": "2", "a/Z": "3", "a/y": "4"}))
    lowered = windows_hash(package)
    assert match_dialect(package, lowered).dialects == (Dialect.PYTHON_ON_WINDOWS,)


def test_go_has_no_hash_of_a_package_with_a_linked_folder(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"src/a": "1", "src-x/b": "2"})
    (root / "link").symlink_to(root / "src")
    package = hash_package(root)
    assert Dialect.GO not in match_dialect(package, go_hash(package)).dialects


def test_typescript_knows_no_links(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"a": "1"})
    without = hash_package(root).sha256
    (root / "link").symlink_to(root / "a")
    assert match_dialect(hash_package(root), without).dialects == (Dialect.TYPESCRIPT,)


def test_other_content_differs_and_says_when_a_locale_leaves_a_doubt(tmp_path: Path) -> None:
    plain = match_dialect(hash_package(write_tree(tmp_path / "a", {"a.py": "1"})), "0" * 64)
    accents = match_dialect(hash_package(write_tree(tmp_path / "b", {"ä.py": "1"})), "0" * 64)
    assert (plain.matched, plain.undecided) == (Matched.DIFFERS, False)
    assert (accents.matched, accents.undecided) == (Matched.DIFFERS, True)


def test_the_order_of_ascii_is_that_of_unicodes_root_collation() -> None:
    """As Node's `localeCompare` gives it, written down for machines without Node."""
    order = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ"
    assert "".join(sorted(sorted(order), key=english_key)) == order


@pytest.mark.parametrize("words", [["README", "readme2"], ["ab", "aB", "Ab", "AB"], ["a", "á", "à", "ä", "ab"]])
def test_case_and_accents_count_only_for_the_same_letters(words: list[str]) -> None:
    assert sorted(set(words), key=english_key) == words


def test_names_that_tie_or_are_beyond_ascii_are_not_decided() -> None:
    assert decides(["a", "A", "b-1"])
    assert not decides(["a\x01", "a"])
    assert not decides(["ä"])


_LATIN = st.text(st.sampled_from("abzABZ09 _-.()+$~#éÉäÄöåñçøØłÅ"), max_size=6)


@pytest.mark.skipif(node is None, reason="needs Node")
@settings(max_examples=examples(5))
@given(names=st.lists(_LATIN, min_size=30, max_size=60, unique=True))
def test_latin_names_sort_as_node_sorts_them(names: list[str]) -> None:
    program = "console.log(JSON.stringify(JSON.parse(process.argv[1]).sort(new Intl.Collator('en').compare)))"
    done = subprocess.run([str(node), "-e", program, json.dumps(names)], capture_output=True, text=True, check=True)
    assert sorted(names, key=english_key) == json.loads(done.stdout)
