"""F71: a profiles file that is empty, truncated or gone is reported, and not mistaken for a first run."""

import os
from pathlib import Path

import pytest

from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfilesFileError, ProfilesFileLost, ProfileStore

ACME = Profile(name="acme", namespace="org.acme", registry_url="https://api.pyhall.dev")
GOOD = '[profiles.acme]\nnamespace = "org.acme"\nregistry_url = "https://api.pyhall.dev"\n'


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "profiles.toml")


@pytest.mark.parametrize("data", [b"", b"\n", b" \t\r\n", b"\0" * 4096, b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_an_empty_file_is_said_to_be_empty_since_when_and_is_not_written_over(
    store: ProfileStore, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F71"""
    store.path.write_bytes(data)
    os.utime(store.path, (1_700_000_000, 1_700_000_000))
    for attempt in (store.load, lambda: store.save(ACME, None), lambda: store.delete("acme")):
        with pytest.raises(ProfilesFileLost, match=r"profiles\.toml: It is empty, since 2023-11-1\d \d\d:\d\d:\d\d "):
            attempt()
    assert store.path.read_bytes() == data
    store.begin()
    assert store.load().profiles == ()
    store.save(ACME, None)
    assert store.load().profiles == (ACME,)


def test_a_file_that_goes_while_the_program_runs_is_not_begun_again_untold(store: ProfileStore) -> None:
    """F71"""
    assert store.load().profiles == ()  # a first run
    store.save(ACME, None)
    store.path.unlink()
    for attempt in (store.load, lambda: store.save(ACME, ACME)):
        with pytest.raises(ProfilesFileLost, match="It has disappeared since this program read it"):
            attempt()
    assert not store.path.exists()
    store.begin()
    assert store.load().profiles == ()


def test_what_is_begun_again_is_only_what_was_lost(store: ProfileStore) -> None:
    """F71: meanwhile somebody has restored a copy, or it has a mistake."""
    store.path.write_text(GOOD)
    store.begin()
    assert store.path.read_text() == GOOD
    store.path.write_text("[")
    with pytest.raises(ProfilesFileError):
        store.load()
    store.begin()
    assert store.path.read_text() == "["


def test_the_file_of_the_last_profile_that_was_deleted_is_not_called_empty(store: ProfileStore) -> None:
    """F71: somebody chose that."""
    store.save(ACME, None)
    store.delete("acme")
    assert store.load().profiles == ()
    assert store.path.read_text().strip() != ""
    store.save(ACME, None)
    assert store.load().profiles == (ACME,)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (GOOD.encode("utf-16"), "line 1, column 1: This is UTF-16: save it as UTF-8."),
        (GOOD[:-30].encode(), "line 3, column"),
        (GOOD[: GOOD.index("registry")].encode(), "The registry's URL is missing"),
        (b'default = "acme"\n', "The default must be the name of a profile"),
    ],
)
def test_a_file_that_is_cut_off_or_of_another_encoding_is_a_mistake(
    store: ProfileStore, data: bytes, said: str
) -> None:
    """F71"""
    store.path.write_bytes(data)
    with pytest.raises(ProfilesFileError, match=said):
        store.load()
    with pytest.raises(ProfilesFileError, match=said):
        store.save(ACME, None)
    assert store.path.read_bytes() == data


def test_a_folder_in_its_place_is_reported(store: ProfileStore) -> None:
    """F71"""
    store.path.mkdir()
    with pytest.raises(ProfilesFileError, match="it is a folder"):
        store.load()


def test_a_link_with_a_missing_target_is_not_a_first_run(store: ProfileStore, tmp_path: Path) -> None:
    """F71: a folder of dotfiles that is not mounted yet."""
    target = tmp_path / "dotfiles.toml"
    store.path.symlink_to(target)
    for attempt in (store.load, lambda: store.save(ACME, None)):
        with pytest.raises(ProfilesFileLost, match=r"a link to .*dotfiles\.toml, which is not there"):
            attempt()
    assert not target.exists()
    store.begin()
    assert (store.path.is_symlink(), store.load().profiles) == (True, ())
