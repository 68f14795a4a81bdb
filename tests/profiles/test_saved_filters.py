"""Filters saved by name in the profile; nothing else in the file changes."""

import tomllib
from pathlib import Path

import pytest

from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.profiles.saved_filters import SavedFilters

TEXT = """\
# mine
[profiles.acme] # daily
namespace = "org.acme"
registry_url = "https://api.pyhall.dev"

[theme]
accent = "red"
"""


@pytest.fixture
def filters(tmp_path: Path) -> SavedFilters:
    path = tmp_path / "profiles.toml"
    path.write_text(TEXT)
    return SavedFilters(ProfileStore(path), "acme")


def test_a_filter_is_saved_replaced_and_deleted_and_comments_stay(filters: SavedFilters, tmp_path: Path) -> None:
    assert filters.load() == ({}, "")
    assert filters.save("on fire", 'state:banned "x y"') == "Saved as on fire."
    filters.save("old.ones", "verified>1h")
    filters.save("on fire", "state:banned,revoked")
    assert filters.load() == ({"on fire": "state:banned,revoked", "old.ones": "verified>1h"}, "")
    assert (tmp_path / "profiles.toml").read_text().startswith(TEXT)
    filters.drop("on fire")
    filters.drop("on fire")
    assert filters.load() == ({"old.ones": "verified>1h"}, "")
    filters.drop("old.ones")
    assert filters.load() == ({}, "")
    assert (tmp_path / "profiles.toml").read_text().startswith(TEXT)


def test_filters_written_by_hand_in_one_line_are_read_and_changed(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(TEXT.replace("\n\n", '\nfilters = { a = "x" } # short\n\n'))
    filters = SavedFilters(ProfileStore(path), "acme")
    filters.save("b", "y")
    assert filters.load() == ({"a": "x", "b": "y"}, "")
    assert "# short" in path.read_text()
    filters.drop("a")
    filters.drop("b")
    assert filters.load() == ({}, "")
    assert "# daily" in path.read_text() and tomllib.loads(path.read_text())["theme"] == {"accent": "red"}


@pytest.mark.parametrize(
    ("written", "says"), [("filters = 3", "must be a table"), ("[profiles.acme.filters]\na = 1", "text")]
)
def test_a_mistake_in_the_file_is_a_sentence_with_its_place(tmp_path: Path, written: str, says: str) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(TEXT.replace("\n[theme]", f"{written}\n[theme]"))
    found, wrong = SavedFilters(ProfileStore(path), "acme").load()
    assert found == {} and says in wrong and "line " in wrong


def test_what_cannot_be_saved_is_a_sentence_and_changes_nothing(filters: SavedFilters, tmp_path: Path) -> None:
    for name, text in (("", "x"), ("a\nb", "x"), ("a" * 65, "x"), ("a", "x\x1b"), ("a", "x" * 1_001)):
        with pytest.raises(ValueError, match="must be"):
            filters.save(name, text)
    with pytest.raises(ValueError, match="no profile named demo"):
        SavedFilters(ProfileStore(tmp_path / "profiles.toml"), "demo").save("a", "x")
    assert (tmp_path / "profiles.toml").read_text() == TEXT


def test_a_change_is_undone_unless_somebody_has_changed_it_since(filters: SavedFilters) -> None:
    filters.save("mine", "state:banned")
    assert filters.put_back("mine", None, "state:banned") == "The filter mine is deleted again."
    assert filters.load()[0] == {}
    filters.save("mine", "state:banned")
    filters.drop("mine")
    assert filters.put_back("mine", "state:banned", None) == "The filter mine is as before."
    filters.save("mine", "state:stale")
    assert (
        filters.put_back("mine", None, "state:banned") == "The filter mine has been changed since: it stays as it is."
    )
    assert filters.load()[0] == {"mine": "state:stale"}
