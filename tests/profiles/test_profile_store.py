"""`profiles.toml`: what is read, what is refused with line and column, and that a change touches nothing else."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileConflict, ProfilesFileError, ProfilesNotSaved, ProfileStore

ACME = Profile(name="acme-prod", namespace="org.acme", registry_url="https://api.pyhall.dev")
WRITTEN_BY_HAND = """\
# my dotfiles, do not lose this
default = "acme-prod"      # the daily one

[profiles.acme-prod]
namespace = 'org.acme'
registry_url = "https://api.pyhall.dev"
poll_interval = 60  # slower at night
added_by_a_later_version = [ 1,
  2 ]  # keep

# the other one
["profiles" . "x.lab"]
namespace = "x.lab"
registry_url = "http://127.0.0.1:8765"

[profiles.acme-prod.later]
x = { y = "]" }

[theme]
accent = "#ff00ff"
"""


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "config" / "profiles.toml")


@pytest.fixture
def by_hand(store: ProfileStore) -> ProfileStore:
    store.path.parent.mkdir()
    store.path.write_text(WRITTEN_BY_HAND)
    return store


def changed(profile: Profile, **fields: object) -> Profile:
    return msgspec.structs.replace(profile, **fields)


def test_no_file_yet_means_no_profiles_and_nothing_is_made(store: ProfileStore) -> None:
    assert store.load() == ((), None)
    assert not store.path.parent.exists()


def test_profiles_come_in_the_files_order_with_the_default(by_hand: ProfileStore) -> None:
    profiles, default = by_hand.load()
    assert [profile.name for profile in profiles] == ["acme-prod", "x.lab"]
    assert default == "acme-prod"
    assert profiles[1].registry_url == "http://127.0.0.1:8765"


def test_a_saved_profile_comes_back_and_the_file_holds_no_default_values(store: ProfileStore) -> None:
    profile = changed(ACME, poll_interval=12.5, capabilities=("llm.text.generate",), production=True)
    assert store.save(profile, None) == profile
    assert store.load().profiles == (profile,)
    assert "timeout" not in store.path.read_text()


@pytest.mark.parametrize("name", ["a.b", 'say "hi"', "it's", "Ü 界", "a]b", "#1", "=", "\\n", "profiles"])
def test_odd_names_are_made_changed_renamed_and_deleted(by_hand: ProfileStore, name: str) -> None:
    made = by_hand.save(changed(ACME, name=name), None)
    by_hand.save(changed(made, poll_interval=5.0), made)
    by_hand.set_default(name)
    by_hand.rename(name, f"{name}.2")
    assert by_hand.load().default == f"{name}.2"
    assert by_hand.load().profiles[-1] == changed(made, poll_interval=5.0, name=f"{name}.2")
    by_hand.delete(f"{name}.2")
    assert [profile.name for profile in by_hand.load().profiles] == ["acme-prod", "x.lab"]
    assert "# my dotfiles" in by_hand.path.read_text()


def test_a_changed_value_is_the_only_character_that_changes(by_hand: ProfileStore) -> None:
    """F36"""
    base = by_hand.load().profiles[0]
    by_hand.save(changed(base, poll_interval=30.0), base)
    expected = WRITTEN_BY_HAND.replace("poll_interval = 60 ", "poll_interval = 30 ")
    assert by_hand.path.read_text() == expected


def test_a_new_key_joins_its_table_and_a_new_table_the_end(by_hand: ProfileStore) -> None:
    base = by_hand.load().profiles[0]
    by_hand.save(changed(base, bell=True), base)
    by_hand.save(changed(ACME, name="third"), None)
    before, after = WRITTEN_BY_HAND.split("\n\n# the other one")
    assert by_hand.path.read_text() == (
        f"{before}\nbell = true\n\n# the other one{after}\n"
        '[profiles.third]\nnamespace = "org.acme"\nregistry_url = "https://api.pyhall.dev"\n'
    )


def test_deleting_takes_the_profile_with_what_lies_below_it_and_its_default(by_hand: ProfileStore) -> None:
    by_hand.delete("acme-prod")
    text = by_hand.path.read_text()
    assert by_hand.load().default is None
    assert "acme" not in text and "later" not in text
    assert "# the other one" in text and '[theme]\naccent = "#ff00ff"' in text


def test_deleting_what_is_not_there_leaves_the_file_alone(by_hand: ProfileStore) -> None:
    before = by_hand.path.stat()
    by_hand.delete("nobody")
    assert by_hand.path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_layout_that_cannot_be_spliced_is_rewritten_completely(store: ProfileStore) -> None:
    store.path.parent.mkdir()
    store.path.write_text(
        'profiles = { one = { namespace = "org.a", registry_url = "https://a.example", x = 1 } }\ny = 2\n'
    )
    base = store.load().profiles[0]
    store.save(changed(base, bell=True), base)
    store.save(changed(ACME, name="two"), None)
    assert [profile.name for profile in store.load().profiles] == ["one", "two"]
    assert store.load().profiles[0].bell
    assert "x = 1" in store.path.read_text() and "y = 2" in store.path.read_text()


def test_line_ends_of_windows_and_a_byte_order_mark_survive(store: ProfileStore) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(b"\xef\xbb\xbf" + WRITTEN_BY_HAND.replace("\n", "\r\n").encode())
    base = store.load().profiles[0]
    store.save(changed(base, poll_interval=30.0, bell=True), base)
    data = store.path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf# my dotfiles")
    assert data.count(b"\r\n") == data.count(b"\n")
    assert store.load().profiles[0].bell


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("x = 1\n[profiles.a\n", 2, 12, "not TOML"),
        ('default = "a', 1, 13, "not TOML"),
        ("x = 1\nx = 2\n", 2, 6, "not TOML"),
        ("[profiles.a]\nnamespace = 3\n", 2, 13, "namespace"),
        ('[profiles.a]\nnamespace = "acme"\nregistry_url = "https://a"\n', 2, 13, "org.yourco"),
        ('[profiles.a]\n\nnamespace = "org.acme"\n', 1, 1, "URL is missing"),
        ('[profiles.a]\nnamespace = "org.a"\nregistry_url = "ftp://a"\n', 3, 16, "https://"),
        ('[profiles.a]\nnamespace = "org.a"\nregistry_url = "https://a"\n  timeout = 0\n', 4, 13, "timeout"),
        ('[profiles.a]\nnamespace = "org.a"\nregistry_url = "https://a"\npoll_interval = nan', 4, 17, "poll"),
        ('[profiles.a]\nnamespace = "org.a"\nregistry_url = "https://a"\nbell = "yes"', 4, 8, "Bell"),
        ('[profiles.a]\nnamespace = "org.a"\nregistry_url = "https://a"\ncapabilities = [\n1]', 4, 16, "Capab"),
        ('[profiles.""]\nnamespace = "org.a"\nregistry_url = "https://a"\n', 1, 1, "needs a name"),
        ("profiles = 3", 1, 12, "[profiles.<name>]"),
        ("[profiles]\na = 3", 2, 5, "must be a table"),
        ('default = "gone"', 1, 11, "default"),
    ],
)
def test_a_mistake_is_a_sentence_with_its_place_and_the_file_is_left(
    store: ProfileStore, text: str, line: int, column: int, says: str
) -> None:
    store.path.parent.mkdir()
    store.path.write_text(text)
    for act in (store.load, lambda: store.save(ACME, None), lambda: store.delete("a")):
        with pytest.raises(ProfilesFileError, match=f"profiles.toml, line {line}, column {column}: ") as caught:
            act()
        assert says in str(caught.value)
    assert store.path.read_text() == text


def test_a_byte_that_is_not_utf8_is_reported_with_its_place(store: ProfileStore) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(b"# caf\xc3\xa9\nx = '\xe9'\n")
    with pytest.raises(ProfilesFileError, match="line 2, column 6"):
        store.load()


def test_a_profile_with_a_mistake_is_not_written(store: ProfileStore) -> None:
    with pytest.raises(ValueError, match="namespace"):
        store.save(changed(ACME, namespace="acme"), None)
    with pytest.raises(ValueError, match="renamed before"):
        store.save(ACME, changed(ACME, name="other"))
    assert not store.path.exists()


def test_two_programs_changes_of_different_keys_are_both_kept(by_hand: ProfileStore) -> None:
    """F38"""
    base = by_hand.load().profiles[0]
    other = ProfileStore(by_hand.path)
    other.save(changed(ACME, name="added-by-a"), None)
    other.save(changed(base, timeout=3.0), base)
    merged = by_hand.save(changed(base, poll_interval=30.0), base)
    assert (merged.timeout, merged.poll_interval) == (3.0, 30.0)
    assert by_hand.load().named("added-by-a")


def test_whoever_changes_a_key_second_is_asked_and_may_overwrite(by_hand: ProfileStore) -> None:
    """F38: the first change was made in an editor."""
    base = by_hand.load().profiles[0]
    by_hand.path.write_text(WRITTEN_BY_HAND.replace("poll_interval = 60", "poll_interval = 99\ntimeout = 4"))
    mine = changed(base, poll_interval=30.0, bell=True)
    with pytest.raises(ProfileConflict, match="poll_interval") as caught:
        by_hand.save(mine, base)
    assert caught.value.keys == ("poll_interval",)
    assert caught.value.theirs is not None and caught.value.theirs.poll_interval == 99
    assert not by_hand.load().profiles[0].bell
    assert by_hand.save(mine, base, force=True) == changed(mine, timeout=4.0)


def test_the_same_change_made_twice_is_not_a_conflict(by_hand: ProfileStore) -> None:
    base = by_hand.load().profiles[0]
    mine = changed(base, poll_interval=30.0)
    assert by_hand.save(mine, base) == by_hand.save(mine, base) == mine


def test_a_profile_deleted_meanwhile_comes_back_only_by_force(by_hand: ProfileStore) -> None:
    base = by_hand.load().profiles[0]
    by_hand.delete(base.name)
    with pytest.raises(ProfileConflict, match="deleted") as caught:
        by_hand.save(changed(base, bell=True), base)
    assert caught.value.theirs is None
    assert by_hand.save(changed(base, bell=True), base, force=True).bell


def test_a_new_profile_does_not_silently_replace_one_of_its_name(by_hand: ProfileStore) -> None:
    with pytest.raises(ProfileConflict, match="already"):
        by_hand.save(changed(ACME, namespace="org.other"), None)
    with pytest.raises(ProfileConflict, match="already"):
        by_hand.rename("x.lab", "acme-prod")
    assert by_hand.path.read_text() == WRITTEN_BY_HAND


def test_ten_writers_at_once_lose_nothing(store: ProfileStore) -> None:
    """F38"""
    names = [f"p{number}" for number in range(10)]
    threads = [
        threading.Thread(target=ProfileStore(store.path).save, args=(changed(ACME, name=name), None)) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(profile.name for profile in store.load().profiles) == names


def test_a_link_stays_a_link_and_its_target_is_replaced(by_hand: ProfileStore, tmp_path: Path) -> None:
    """F36"""
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir()
    target = dotfiles / "pyhall.toml"
    by_hand.path.rename(target)
    by_hand.path.symlink_to(Path("..") / "dotfiles" / "pyhall.toml")
    by_hand.set_default("x.lab")
    assert by_hand.path.is_symlink()
    assert target.read_text() == WRITTEN_BY_HAND.replace('default = "acme-prod"', 'default = "x.lab"')
    assert [path.name for path in dotfiles.iterdir()] == ["pyhall.toml"]


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_file_and_folder_are_only_for_their_owner_whatever_the_umask(store: ProfileStore, umask: int) -> None:
    store.path.parent.parent.chmod(0o755)
    before = os.umask(umask & 0o077)
    try:
        store.save(ACME, None)
        os.umask(umask)
        store.set_default(ACME.name)
    finally:
        os.umask(before)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_a_full_disk_leaves_the_old_file_and_no_rest(by_hand: ProfileStore) -> None:
    import resource

    _, hard = soft_and_hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        with pytest.raises(ProfilesNotSaved, match="nothing was changed"):
            by_hand.set_default("x.lab")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, soft_and_hard)
    assert by_hand.path.read_text() == WRITTEN_BY_HAND
    assert not list(by_hand.path.parent.glob("*.new"))


def test_a_crash_while_writing_leaves_the_old_file(by_hand: ProfileStore) -> None:
    crash = (
        "import os, sys, pathlib; from pyhall_tui.profiles.profile_store import ProfileStore\n"
        "os.fsync = lambda handle: os._exit(9)\n"
        "ProfileStore(pathlib.Path(sys.argv[1])).set_default('x.lab')"
    )
    assert subprocess.run([sys.executable, "-c", crash, by_hand.path], check=False).returncode == 9
    assert by_hand.path.read_text() == WRITTEN_BY_HAND
    by_hand.set_default("x.lab")
    assert by_hand.load().default == "x.lab"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to")
def test_an_unwritable_folder_can_be_read_and_gives_a_sentence_when_saving() -> None:
    """F37"""
    store = ProfileStore(Path("/proc/pyhall-tui/profiles.toml"))
    assert store.load().profiles == ()
    with pytest.raises(ProfilesNotSaved, match=r"^/proc/pyhall-tui/profiles.toml cannot be written \("):
        store.save(ACME, None)
