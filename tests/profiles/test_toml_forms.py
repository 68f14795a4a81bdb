"""F72: a profile in any form that TOML allows is changed with its comments, or not at all."""

import sys
import tomllib
from pathlib import Path
from subprocess import run

import msgspec
import pytest

from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfilesNotSaved, ProfileStore
from pyhall_tui.profiles.toml_text import comments

FORMS = {
    "inline table": """\
# head
[profiles]
acme = { namespace = "org.a", registry_url = "https://a.example", later = [1, 2] }  # the daily one
# between
other = { namespace = "org.b", registry_url = "https://b.example" } # spare
# tail
""",
    "inline table of inline tables": """\
# head
profiles = { acme = { namespace = "org.a", registry_url = "https://a.example", later = [1, 2] }, other = \
{ namespace = "org.b", registry_url = "https://b.example" } } # both
# tail
""",
    "dotted keys": """\
# head
[profiles]
acme.namespace = "org.a"  # ours
acme.registry_url = 'https://a.example'
# about later
acme.later = [ 1, # one
  2 ]
other.namespace = "org.b" # spare
other.registry_url = "https://b.example"
""",
    "dotted keys at the top": """\
profiles.acme.namespace = "org.a"  # ours
profiles.acme.registry_url = \"\"\"https://a.example\"\"\" # three quotes
profiles.acme.later = [1, 2]
# the other
profiles.other.namespace = "org.b"
profiles.other.registry_url = "https://b.example"
""",
    "a header and an inline table": """\
[profiles.acme] # header
namespace = "org.a"
registry_url = "https://a.example"
later = [1, 2]
[profiles]
# inline
other = { namespace = "org.b", registry_url = "https://b.example" } # spare
""",
    "beside an array of tables": """\
[[servers]] # first
x = 1
[profiles] # here
acme = { namespace = "org.a", registry_url = "https://a.example", later = [1, 2] } # daily
[[servers]] # second
x = 2
[profiles.other] # spare
namespace = "org.b"
registry_url = "https://b.example"
""",
}


@pytest.fixture(params=FORMS)
def text(request: pytest.FixtureRequest) -> str:
    return FORMS[request.param]


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "profiles.toml")


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False], ids=["last newline", "no last newline"])
def test_a_change_of_one_value_keeps_every_comment(store: ProfileStore, text: str, ends: str, last: bool) -> None:
    """F72"""
    whole = text if last else text.removesuffix("\n")
    store.path.write_bytes(whole.replace("\n", ends).encode())
    base = store.load().named("acme")
    assert base is not None
    store.save(msgspec.structs.replace(base, namespace="org.new", bell=True), base)
    store.set_default("other")
    after = store.path.read_bytes().decode().replace("\r\n", "\n")
    expected = tomllib.loads(text)
    expected["profiles"]["acme"] |= {"namespace": "org.new", "bell": True}
    assert tomllib.loads(after) == expected | {"default": "other"}
    assert comments(after) == comments(text)
    assert ("\r\n" in store.path.read_bytes().decode()) == (ends == "\r\n")


def test_a_new_profile_a_new_name_and_a_profile_less_keep_the_other_comments(store: ProfileStore, text: str) -> None:
    """F72: if that is impossible, nothing is changed, and the reason is given."""
    store.path.write_text(text)
    for change in (
        lambda: store.save(Profile(name="new", namespace="org.n", registry_url="https://n.example"), None),
        lambda: store.rename("other", "spare"),
    ):
        before = store.path.read_text()
        try:
            change()
        except ProfilesNotSaved as refused:
            assert "its comments would be lost: change it in an editor" in str(refused)
            assert store.path.read_text() == before
        else:
            assert comments(store.path.read_text()) >= comments(text)
            assert tomllib.loads(store.path.read_text()) != tomllib.loads(before)


def test_an_inline_profile_is_deleted_and_the_comments_of_the_others_stay(store: ProfileStore) -> None:
    """F72"""
    store.path.write_text(FORMS["inline table"])
    store.delete("acme")
    after = store.path.read_text()
    assert list(tomllib.loads(after)["profiles"]) == ["other"]
    assert "# head" in after and "# spare" in after and "# tail" in after


def test_a_commented_list_loses_no_comment_of_what_stays(store: ProfileStore) -> None:
    """F72"""
    store.path.write_text(
        '[profiles.a]\nnamespace = "org.a"\nregistry_url = "https://a.example"\n'
        'capabilities = [\n  "one", # the first\n  "two", # the second\n]\n'
    )
    base = store.load().profiles[0]
    store.save(msgspec.structs.replace(base, capabilities=("one", "two", "three")), base)
    assert store.load().profiles[0].capabilities == ("one", "two", "three")
    assert set(comments(store.path.read_text())) == {"# the first", "# the second"}


def test_a_change_that_would_cost_a_comment_is_refused(store: ProfileStore) -> None:
    """F72: another order of a commented list cannot keep each comment beside its item."""
    text = (
        '[profiles.a]\nnamespace = "org.a"\nregistry_url = "https://a.example"\n'
        'capabilities = [\n  "one", # the first\n  "two", # the second\n]\n'
    )
    store.path.write_text(text)
    base = store.load().profiles[0]
    with pytest.raises(ProfilesNotSaved, match="its comments would be lost: change it in an editor"):
        store.save(msgspec.structs.replace(base, capabilities=("two", "one")), base)
    assert store.path.read_text() == text


def test_a_plain_file_is_changed_without_the_large_library(tmp_path: Path) -> None:
    """The first frame, and most changes, don't need it."""
    script = (
        "import sys; from pathlib import Path; from pyhall_tui.profiles.profile_store import ProfileStore\n"
        "from pyhall_tui.profiles.profile import Profile\n"
        "store = ProfileStore(Path(sys.argv[1]))\n"
        "store.save(Profile(name='a', namespace='org.a', registry_url='https://a.example'), None)\n"
        "store.set_default('a'); assert 'tomlkit' not in sys.modules"
    )
    run([sys.executable, "-c", script, str(tmp_path / "profiles.toml")], check=True)
