"""F68: what a keyring stored is read back and compared, and an incomplete key is not reported as stored."""

import asyncio
import threading
from collections.abc import Callable

import msgspec
import pytest
from keyring.errors import KeyringError, KeyringLocked, PasswordDeleteError

from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.keys import TIMEOUT, KeySource, KeyState, KeyStore
from pyhall_tui.profiles.profile import Profile
from tests.clock import ManualClock
from tests.profiles.test_keys import ACME, FakeKeyring
from tests.waiting import until

LONG = ApiKey("phk_live_" + "k" * 2_991)
SHORT = ApiKey("phk_live_short")
RENAMED = msgspec.structs.replace(ACME, name="acme-eu")
USER, NEW_USER = "acme-prod@https://api.pyhall.dev", "acme-eu@https://api.pyhall.dev"


class BadKeyring(FakeKeyring):
    """A keyring that does not do what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.keeps: Callable[[str], str | None] = lambda secret: secret
        self.reading: Exception | None = None
        self.deletes = True

    def set_password(self, service: str, username: str, password: str) -> None:
        super().set_password(service, username, password)
        kept = self.keeps(password)
        if kept is None:
            del self.entries[username]
        else:
            self.entries[username] = kept

    def get_password(self, service: str, username: str) -> str | None:
        if self.reading is not None:
            raise self.reading
        return super().get_password(service, username)

    def delete_password(self, service: str, username: str) -> None:
        if self.deletes:
            super().delete_password(service, username)


@pytest.fixture
def keyring() -> BadKeyring:
    return BadKeyring()


@pytest.fixture
def keys(keyring: BadKeyring) -> KeyStore:
    return fresh(keyring)


def fresh(keyring: FakeKeyring) -> KeyStore:
    """The next start: nothing is remembered."""
    return KeyStore(ManualClock(), find_keyring=lambda: keyring, environ={})


@pytest.mark.parametrize(
    ("keeps", "said"),
    [
        (lambda secret: secret[:1_000], "it returned only the first 1,000 of the key's 3,000 characters"),
        (lambda secret: secret[:-1], "it returned only the first 2,999 of the key's 3,000 characters"),
        (lambda secret: "", "it took the key and returned nothing"),
        (lambda secret: None, "it took the key and returned nothing"),
        (lambda secret: secret + "\n", "it returned something other than the key"),
        (lambda secret: "x", "it returned something other than the key"),
    ],
)
async def test_a_key_that_does_not_come_back_whole_is_not_stored_and_lives_for_this_run(
    keys: KeyStore, keyring: BadKeyring, keeps: Callable[[str], str | None], said: str
) -> None:
    """F68"""
    keyring.keeps = keeps
    saved = await keys.save(ACME, LONG)
    assert (saved.key, saved.source, saved.state) == (LONG, KeySource.THIS_RUN, KeyState.UNAVAILABLE)
    assert saved.sentence == (
        f"The key is not stored: it is kept for this run only. The OS keyring cannot be used: {said}."
    )
    assert keyring.entries == {}
    assert await keys.load(ACME) == saved
    assert (await fresh(keyring).load(ACME)).state is KeyState.ABSENT


@pytest.mark.parametrize(
    ("error", "state"),
    [(KeyringLocked("no"), KeyState.LOCKED), (KeyringError(f"{LONG.reveal()} bad"), KeyState.UNAVAILABLE)],
)
async def test_a_keyring_that_cannot_be_read_after_the_write_is_not_believed(
    keys: KeyStore, keyring: BadKeyring, error: Exception, state: KeyState
) -> None:
    """F68"""
    keyring.reading = error
    saved = await keys.save(ACME, LONG)
    assert (saved.key, saved.source, saved.state) == (LONG, KeySource.THIS_RUN, state)
    assert LONG.reveal() not in saved.sentence
    assert keyring.entries == {}


async def test_a_half_entry_that_cannot_be_deleted_is_reported(keys: KeyStore, keyring: BadKeyring) -> None:
    """F68"""
    keyring.keeps, keyring.deletes = (lambda secret: secret[:1_000]), False
    saved = await keys.save(ACME, LONG)
    assert (
        "returned only the first 1,000 of the key's 3,000 characters, and what it holds now could not be deleted."
        in saved.sentence
    )


async def test_a_move_that_does_not_arrive_whole_leaves_the_old_entry(keys: KeyStore, keyring: BadKeyring) -> None:
    """F68"""
    keyring.entries[USER] = LONG.reveal()
    keyring.keeps = lambda secret: secret[:1_000]
    moved = await keys.move(ACME, RENAMED)
    assert (moved.key, moved.source) == (LONG, KeySource.THIS_RUN)
    assert moved.sentence.endswith("In the keyring it is still under the old name, acme-prod.")
    assert keyring.entries == {USER: LONG.reveal()}
    assert (await keys.load(RENAMED)).key == LONG


async def test_a_move_whose_old_entry_stays_says_so(keys: KeyStore, keyring: BadKeyring) -> None:
    """F68"""
    keyring.entries[USER] = SHORT.reveal()
    keyring.deletes = False
    moved = await keys.move(ACME, RENAMED)
    assert (moved.key, moved.source, moved.state) == (SHORT, KeySource.KEYRING, KeyState.FOUND)
    assert moved.sentence == ("The key is in the OS keyring. It may also still be there under the old name, acme-prod.")


async def test_a_move_leaves_no_second_entry_while_a_variable_names_an_unusable_key(keyring: BadKeyring) -> None:
    """F68: a variable affects what is sent, not what is stored."""
    keyring.entries[USER] = SHORT.reveal()
    keys = KeyStore(ManualClock(), find_keyring=lambda: keyring, environ={"PYHALL_API_KEY": "a b"})
    assert (await keys.move(ACME, RENAMED)).state is KeyState.UNUSABLE
    assert keyring.entries == {NEW_USER: SHORT.reveal()}


async def test_a_delete_that_deletes_nothing_is_reported(keys: KeyStore, keyring: BadKeyring) -> None:
    """F68"""
    keyring.entries[USER], keyring.deletes = SHORT.reveal(), False
    forgotten = await keys.forget(ACME)
    assert forgotten.state is KeyState.UNAVAILABLE
    assert forgotten.sentence.endswith("A stored key may still be there.")


async def test_an_entry_that_cannot_be_deleted_stays_reported_when_the_library_says_so(
    keys: KeyStore, keyring: FakeKeyring
) -> None:
    keyring.entries[USER] = SHORT.reveal()
    keyring.error = PasswordDeleteError("not allowed")
    assert (await keys.forget(ACME)).state is KeyState.UNAVAILABLE


async def test_a_keyring_that_hangs_while_it_is_read_back_is_given_up_and_cleaned_up_when_it_answers() -> None:
    """F68: it stored half of the key, and then prompts nobody."""
    answered, asked = threading.Event(), threading.Event()

    class Hanging(BadKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            asked.set()
            answered.wait(20)
            return super().get_password(service, username)

    keyring, clock = Hanging(), ManualClock()
    keyring.keeps = lambda secret: secret[:1_000]
    keys = KeyStore(clock, find_keyring=lambda: keyring, environ={})
    saving = asyncio.create_task(keys.save(ACME, LONG))
    await until(asked.is_set)
    await clock.advance(TIMEOUT)
    saved = await saving
    assert (saved.key, saved.source, saved.state) == (LONG, KeySource.THIS_RUN, KeyState.TIMED_OUT)
    answered.set()
    await until(lambda: keyring.entries == {})


def test_profiles_of_one_name_and_origin_share_their_key_whatever_the_namespace() -> None:
    """F68: a new namespace, or a path below the same host, moves nothing, so nothing can be lost on the way."""
    other = Profile(name=ACME.name, namespace="x.other", registry_url=f"{ACME.registry_url}/v2")

    async def moved() -> list[str]:
        keyring = FakeKeyring()
        keyring.entries[USER] = SHORT.reveal()
        assert (await fresh(keyring).move(ACME, other)).key == SHORT
        return keyring.calls

    assert asyncio.run(moved()) == [f"get {USER}"]
