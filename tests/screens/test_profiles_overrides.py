"""F63: a variable that overrides a profile: Test and Save ask, and say, what is really asked."""

import pytest

from pyhall_tui.profiles.keys import KeyStore
from pyhall_tui.screens.profiles.choice import ChoiceScreen
from tests.clock import ManualClock
from tests.live_hall import LiveHall, live_hall
from tests.profiles.test_keys import FakeKeyring
from tests.registry.raw_server import raw_server, verdict
from tests.screens.conftest import OpenApp
from tests.screens.profile_form import answer, fill, go_to_profiles
from tests.screens.test_profiles import profile_of
from tests.waiting import until

TYPED = "phk_live_typed_for_the_profile"


@pytest.mark.parametrize("name", ["PYHALL_REGISTRY_URL", "PYHALL_REGISTRY"])
@pytest.mark.thorough
async def test_a_test_asks_the_address_that_a_variable_names_and_says_so(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """F63"""
    keyring = FakeKeyring()
    keys = KeyStore(ManualClock(), find_keyring=lambda: keyring)
    with live_hall() as other:
        keyring.entries |= {f"acme@{hall.url}": hall.key, f"acme@{other.url}": other.key}
        monkeypatch.setenv(name, other.url)
        async with open_app(profile_of(hall), keys=keys, size=(120, 60)) as opened:
            await until(lambda: opened.workspace.connection.is_connected)
            await go_to_profiles(opened)
            other.requests.clear()
            await opened.pilot.press("ctrl+g")
            await until(lambda: "The registry accepts the key." in opened.words())
            assert f"{name} is set: {other.url} is used, not {hall.url}." in opened.words()
            assert len(other.requests) > 3 and not hall.requests


@pytest.mark.thorough
async def test_a_typed_key_goes_to_no_address_that_a_variable_names(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F63: neither by Test nor by Save, which stores it for the profile's own address and says what is asked."""
    keyring = FakeKeyring()
    keys = KeyStore(ManualClock(), find_keyring=lambda: keyring)
    async with raw_server() as other:
        other.answer(verdict())
        monkeypatch.setenv("PYHALL_REGISTRY_URL", other.url)
        said = f"PYHALL_REGISTRY_URL is set: {other.url} is used, not {hall.url}."
        async with open_app(profile_of(hall), keys=keys, size=(120, 60), watch=("wkr_abc123",)) as opened:
            await until(lambda: opened.workspace.connection.is_connected)
            await go_to_profiles(opened)
            await fill(opened, key=TYPED)
            before = len(other.requests)
            await opened.pilot.press("ctrl+g")
            await until(lambda: said in opened.words() and "not a registry's answer" in opened.words())
            assert len(other.requests) > before

            await opened.pilot.press("ctrl+s")
            await until(lambda: isinstance(opened.screen, ChoiceScreen))
            assert "Can't be tested now" in opened.text() and said in opened.words()
            assert not opened.screen.query("#choice-test")
            await answer(opened, "save")
            await until(lambda: f"Saved. The key is in the OS keyring. {said}" in opened.words())
            assert keyring.entries == {f"acme@{hall.url}": TYPED}
            before = len(other.requests)
            await opened.pilot.press("escape", "r")
            await until(lambda: "There is no key yet for acme at" in opened.words())
            await until(lambda: len(other.requests) > before, clock=opened.clock)
            assert TYPED.encode() not in other.bytes_seen and not hall.requests


async def test_the_namespace_of_a_variable_is_the_one_that_is_tested(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F63"""
    monkeypatch.setenv("PYHALL_NAMESPACE", "x.other")
    async with open_app(profile_of(hall), key=hall.key, size=(120, 60)) as opened:
        await until(lambda: opened.workspace.connection.is_connected)
        await go_to_profiles(opened)
        await opened.pilot.press("ctrl+g")
        await until(lambda: "PYHALL_NAMESPACE is set: the namespace is x.other, not org.yourco." in opened.words())
        await until(lambda: "whether the key is for x.other." in opened.words())
        await fill(opened, poll_interval="30")
        await opened.pilot.press("ctrl+s")
        await until(lambda: "Saved. PYHALL_NAMESPACE is set: the namespace is x.other" in opened.words())


@pytest.mark.thorough
async def test_the_key_of_a_variable_is_the_one_that_is_tested_also_over_a_typed_one(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F63: and a test with it proves nothing of the typed key."""
    monkeypatch.setenv("PYHALL_API_KEY", hall.key)
    async with open_app(profile_of(hall), size=(120, 60)) as opened:
        await until(lambda: opened.workspace.connection.is_connected)
        await go_to_profiles(opened)
        await fill(opened, key=TYPED)
        await opened.pilot.press("ctrl+g")
        await until(lambda: "The registry accepts the key." in opened.words())
        assert "PYHALL_API_KEY is set: its key is sent." in opened.words()
        await opened.pilot.press("ctrl+s")
        await until(lambda: isinstance(opened.screen, ChoiceScreen))
        assert "its key is sent, not the typed one. Save" in opened.words()
        await opened.pilot.press("escape")


async def test_a_variable_that_cannot_be_used_is_reported_by_the_test(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F63"""
    async with open_app(profile_of(hall), key=hall.key) as opened:
        await until(lambda: opened.workspace.connection.is_connected)
        await go_to_profiles(opened)
        monkeypatch.setenv("PYHALL_REGISTRY_URL", "api.pyhall.dev")
        await opened.pilot.press("ctrl+g")
        await until(lambda: "PYHALL_REGISTRY_URL is set, but: The URL must begin with https://" in opened.words())
