"""Which profile is used, with a name and without, and what is said if there is none."""

from pathlib import Path

import pytest

from pyhall_tui.profiles.chosen_profile import choose_profile
from pyhall_tui.profiles.environment import KEY, NAMESPACE_NAME, URLS
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (KEY, NAMESPACE_NAME, *URLS):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    store = ProfileStore(tmp_path / "profiles.toml")
    for name in ("first", "second"):
        store.save(Profile(name=name, namespace="org.acme", registry_url="https://registry.example"), None)
    return store


def chosen_name(store: ProfileStore | None, name: str | None) -> str | None:
    chosen = choose_profile(store, name)
    return chosen.profile and chosen.profile.name


def test_without_a_name_the_first_is_chosen_until_there_is_a_default(store: ProfileStore) -> None:
    assert chosen_name(store, None) == "first"
    store.set_default("second")
    assert chosen_name(store, None) == "second"


def test_the_named_one_is_chosen_whatever_the_default(store: ProfileStore) -> None:
    store.set_default("second")
    assert chosen_name(store, "first") == "first"


def test_a_name_that_no_profile_has_is_reported_with_those_that_exist(store: ProfileStore, tmp_path: Path) -> None:
    chosen = choose_profile(store, "third")
    assert chosen == (None, None, "There is no profile named third. Your profiles: first, second.")
    none = choose_profile(ProfileStore(tmp_path / "none.toml"), "third")
    assert none.problem == "There is no profile named third. You have no profiles yet."


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name_is_said_to_be_empty(store: ProfileStore, name: str) -> None:
    problem = choose_profile(store, name).problem
    assert problem == "The name of the profile to use is empty. Your profiles: first, second."


def test_no_profile_at_all_is_not_a_problem(tmp_path: Path) -> None:
    assert choose_profile(ProfileStore(tmp_path / "none.toml"), None) == choose_profile(None, None) == (None, None, "")


def test_the_environment_overrides_the_chosen_one_and_the_stored_one_stays_known(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAMESPACE_NAME, "org.other")
    chosen = choose_profile(store, "first")
    assert chosen.profile and chosen.profile.namespace == "org.other"
    assert chosen.stored and chosen.stored.namespace == "org.acme"


def test_the_profile_that_the_environment_makes_has_a_name_too(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URLS[0], "https://elsewhere.example")
    assert chosen_name(store, "environment") == "environment"
    assert choose_profile(store, "environment").stored is None
    assert chosen_name(None, None) == "environment"
    store.path.write_text("profiles = [")
    assert chosen_name(store, "environment") == "environment", "a mistake in the file does not stop it"


def test_a_mistake_in_the_environment_or_the_file_is_the_problem(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAMESPACE_NAME, "not a namespace")
    assert choose_profile(store, "first").problem.startswith(f"{NAMESPACE_NAME} is set, but: ")
    store.path.write_text("profiles = [")
    chosen = choose_profile(store, None)
    assert chosen.profile is None and str(store.path) in chosen.problem
