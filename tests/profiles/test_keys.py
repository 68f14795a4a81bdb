"""Where the key lives, with keyrings that answer, refuse, or never come back."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from keyring.errors import InitError, KeyringError, KeyringLocked, PasswordDeleteError, PasswordSetError

from pyhall_tui.profiles import os_keyring
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.environment import overridden
from pyhall_tui.profiles.keys import TIMEOUT, KeySource, KeyState, KeyStore
from pyhall_tui.profiles.profile import Profile
from tests.clock import ManualClock, settle

ACME = Profile(name="acme-prod", namespace="org.acme", registry_url="https://api.pyhall.dev")
LAB = Profile(name="lab", namespace="x.lab", registry_url="http://127.0.0.1:8765")
KEY, OTHER = ApiKey("phk_live_abc"), ApiKey("phk_live_other")
USER = "acme-prod@https://api.pyhall.dev"


class FakeKeyring:
    """A backend as the `keyring` library's are: entries by user name, and an error to raise instead."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        self.calls: list[str] = []
        self.error: BaseException | None = None

    def _called(self, what: str, service: str, user: str) -> None:
        assert service == "pyhall-tui"
        self.calls.append(f"{what} {user}")
        if self.error is not None:
            raise self.error

    def get_password(self, service: str, username: str) -> str | None:
        self._called("get", service, username)
        return self.entries.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._called("set", service, username)
        self.entries[username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._called("delete", service, username)
        if self.entries.pop(username, None) is None:
            raise PasswordDeleteError("No such password!")


@pytest.fixture
def keyring() -> FakeKeyring:
    return FakeKeyring()


@pytest.fixture
def environ() -> dict[str, str]:
    return {}


@pytest.fixture
def keys(keyring: FakeKeyring, environ: dict[str, str]) -> KeyStore:
    return KeyStore(ManualClock(), find_keyring=lambda: keyring, environ=environ)


async def test_a_saved_key_is_in_the_keyring_under_profile_and_origin(keys: KeyStore, keyring: FakeKeyring) -> None:
    assert (await keys.load(ACME)).state is KeyState.ABSENT
    saved = await keys.save(ACME, KEY)
    assert (saved.key, saved.source, saved.state) == (KEY, KeySource.KEYRING, KeyState.FOUND)
    assert keyring.entries == {USER: "phk_live_abc"}
    assert await keys.load(ACME) == saved


async def test_one_read_opens_a_profile_and_none_lists_the_others(keys: KeyStore, keyring: FakeKeyring) -> None:
    """F04"""
    profiles = [msgspec.structs.replace(ACME, name=f"p{number}") for number in range(8)]
    for profile in profiles:
        keyring.entries[f"{profile.name}@https://api.pyhall.dev"] = KEY.reveal()
    opened = await keys.load(profiles[3])
    assert [keys.peek(profile) for profile in profiles] == [None] * 3 + [opened] + [None] * 4
    assert await keys.load(profiles[3]) is opened
    assert keyring.calls == ["get p3@https://api.pyhall.dev"]


@pytest.mark.parametrize("around", [" ", "\n", "\r\n", "\t", "\u00a0", "\u200b", "\ufeff", "\u2028", " \u2060\n"])
def test_invisible_characters_around_a_pasted_key_are_dropped(around: str) -> None:
    """F05."""
    assert ApiKey(f"{around}phk_live_abc{around}").reveal() == "phk_live_abc"


async def test_the_environments_key_goes_before_all_and_the_keyring_is_not_asked(
    keys: KeyStore, keyring: FakeKeyring, environ: dict[str, str]
) -> None:
    """F05, F07"""
    environ["PYHALL_API_KEY"] = " phk_live_abc\r\n"
    keys.hold_for_this_run(LAB, OTHER)
    for profile in (ACME, LAB):
        answer = await keys.load(profile)
        assert answer.key is not None and answer.key.reveal() == "phk_live_abc"
        assert answer.source is KeySource.ENVIRONMENT
        assert "PYHALL_API_KEY" in answer.sentence
        assert keys.peek(profile) == answer
    assert keyring.calls == []


async def test_a_key_saved_while_the_variable_is_set_is_said_not_to_be_used(
    keys: KeyStore, keyring: FakeKeyring, environ: dict[str, str]
) -> None:
    """F07"""
    environ["PYHALL_API_KEY"] = "phk_live_abc"
    answer = await keys.save(LAB, OTHER)
    assert (answer.key, answer.source) == (KEY, KeySource.ENVIRONMENT)
    assert answer.sentence == "The key is in the OS keyring. It is not used while PYHALL_API_KEY is set."
    assert list(keyring.entries.values()) == ["phk_live_other"]
    del environ["PYHALL_API_KEY"]
    assert (await keys.load(LAB)).key == OTHER


async def test_an_unusable_variable_is_reported_and_no_other_key_is_taken_instead(
    keys: KeyStore, keyring: FakeKeyring, environ: dict[str, str]
) -> None:
    keyring.entries[USER] = KEY.reveal()
    environ["PYHALL_API_KEY"] = "phk_live\nsecond line"
    answer = await keys.load(ACME)
    assert (answer.key, answer.state) == (None, KeyState.UNUSABLE)
    assert answer.sentence.startswith("PYHALL_API_KEY is not a key") and "second" not in answer.sentence


async def test_an_empty_variable_counts_as_unset(keys: KeyStore, keyring: FakeKeyring, environ: dict[str, str]) -> None:
    keyring.entries[USER] = KEY.reveal()
    environ["PYHALL_API_KEY"] = " \n"
    assert (await keys.load(ACME)).source is KeySource.KEYRING


async def test_a_key_is_never_found_for_another_origin(keys: KeyStore, keyring: FakeKeyring) -> None:
    await keys.save(ACME, KEY)
    keys.hold_for_this_run(LAB, KEY)
    for profile in (ACME, LAB):
        elsewhere = overridden(profile, {"PYHALL_REGISTRY_URL": "https://evil.example"})
        answer = await keys.load(elsewhere)
        assert (answer.key, answer.state) == (None, KeyState.ABSENT)
        assert "https://evil.example" in answer.sentence
    assert keyring.calls[2:] == ["get acme-prod@https://evil.example", "get lab@https://evil.example"]
    assert (await keys.load(msgspec.structs.replace(ACME, registry_url="https://api.pyhall.dev/v2"))).key == KEY


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (KeyringLocked("Failed to unlock the collection!"), KeyState.LOCKED),
        (KeyringLocked("Can't get password from keychain: (-128, 'Keychain Access Denied')"), KeyState.LOCKED),
        (InitError("Failed to open keyring: org.kde.kwalletd5."), KeyState.UNAVAILABLE),
        (KeyringError("Can't get password from keychain: (-25293, 'Security Auth Failure')"), KeyState.UNAVAILABLE),
        (PasswordSetError("Can't store password on keychain: (-61, 'Unknown Error')"), KeyState.UNAVAILABLE),
        (OSError(1312, "CredRead", "A specified logon session does not exist."), KeyState.UNAVAILABLE),
        (RuntimeError(), KeyState.UNAVAILABLE),
    ],
)
async def test_a_keyring_that_refuses_is_never_no_key_yet_and_keeps_its_entry(
    keys: KeyStore, keyring: FakeKeyring, error: Exception, state: KeyState
) -> None:
    """F03"""
    keyring.entries[USER] = KEY.reveal()
    keyring.error = error
    loaded = await keys.load(ACME)
    assert (loaded.key, loaded.source, loaded.state) == (None, KeySource.NONE, state)
    assert "ype the key" in loaded.sentence
    saved = await keys.save(ACME, OTHER)
    assert (saved.key, saved.source, saved.state) == (OTHER, KeySource.THIS_RUN, state)
    assert saved.sentence.startswith("The key is not stored: it is kept for this run only. ")
    assert (await keys.forget(LAB)).state is state
    assert keyring.entries == {USER: KEY.reveal()}
    assert await keys.load(ACME) == saved


async def test_locked_is_distinguished_from_an_error_by_its_cause(keys: KeyStore, keyring: FakeKeyring) -> None:
    """Libraries below hide the dismissed prompt, or macOS' "no interaction", in a general error."""

    class PromptDismissedException(Exception):
        pass

    keyring.error = KeyringError("Can't get the item")
    keyring.error.__cause__ = PromptDismissedException("Prompt dismissed.")
    assert (await keys.load(ACME)).state is KeyState.LOCKED
    keyring.error = KeyringError("Can't get password from keychain")
    keyring.error.__cause__ = Exception(-25308, "Unknown Error")
    assert (await keys.load(ACME)).state is KeyState.LOCKED


async def test_a_keyring_that_was_never_set_up_is_not_called_locked(keys: KeyStore, keyring: FakeKeyring) -> None:
    """F69: an empty keyring is not locked; the real one is in `test_secret_service`."""

    class PromptDismissedException(Exception):
        pass

    keyring.error = InitError("Failed to create the collection: Prompt dismissed..")
    keyring.error.__cause__ = PromptDismissedException("Prompt dismissed.")
    loaded = await keys.load(ACME)
    assert loaded.state is KeyState.UNAVAILABLE
    assert loaded.sentence == (
        "The OS keyring cannot be used: it is empty, and cannot be set up without someone to choose a password for "
        "it. Type the key, which is then kept for this run only."
    )


async def test_an_unlocked_keyring_answers_the_second_try(keys: KeyStore, keyring: FakeKeyring) -> None:
    keyring.entries[USER] = KEY.reveal()
    keyring.error = KeyringLocked("no")
    assert (await keys.load(ACME)).state is KeyState.LOCKED
    keyring.error = None
    assert (await keys.load(ACME)).key == KEY


async def test_a_stored_text_that_is_not_a_key_is_reported(keys: KeyStore, keyring: FakeKeyring) -> None:
    keyring.entries[USER] = "phk live"
    answer = await keys.load(ACME)
    assert (answer.key, answer.state) == (None, KeyState.UNUSABLE)


async def test_an_error_that_carries_the_key_does_not_show_it(keys: KeyStore, keyring: FakeKeyring) -> None:
    keyring.error = RuntimeError(f"bad argument {KEY.reveal()!r}")
    answer = await keys.save(ACME, KEY)
    assert "phk_live_abc" not in repr(answer)
    assert "bad argument" in answer.sentence


async def test_a_forgotten_key_is_gone_from_memory_and_keyring(keys: KeyStore, keyring: FakeKeyring) -> None:
    await keys.save(ACME, KEY)
    assert (await keys.forget(ACME)).state is KeyState.ABSENT
    assert keyring.entries == {}
    assert (await keys.load(ACME)).state is KeyState.ABSENT
    assert (await keys.forget(ACME)).state is KeyState.ABSENT


async def test_the_key_follows_a_profile_to_its_new_name_but_to_no_other_origin(
    keys: KeyStore, keyring: FakeKeyring, environ: dict[str, str]
) -> None:
    await keys.save(ACME, KEY)
    renamed = msgspec.structs.replace(ACME, name="acme-eu")
    environ["PYHALL_API_KEY"] = OTHER.reveal()
    await keys.move(ACME, renamed)
    assert keyring.entries == {"acme-eu@https://api.pyhall.dev": KEY.reveal()}
    del environ["PYHALL_API_KEY"]
    elsewhere = msgspec.structs.replace(renamed, registry_url="https://other.example")
    assert (await keys.move(renamed, elsewhere)).state is KeyState.ABSENT
    assert list(keyring.entries) == ["acme-eu@https://api.pyhall.dev"]

    keys.hold_for_this_run(LAB, OTHER)
    moved = await keys.move(LAB, msgspec.structs.replace(LAB, name="lab2"))
    assert (moved.key, moved.source) == (OTHER, KeySource.THIS_RUN)
    assert (await keys.load(LAB)).key is None


class HangingKeyring(FakeKeyring):
    """One whose prompt nobody answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.answered = threading.Event()

    def _called(self, what: str, service: str, user: str) -> None:
        self.asked.set()
        self.answered.wait(20)
        super()._called(what, service, user)


@pytest.fixture
async def hanging() -> AsyncIterator[HangingKeyring]:
    keyring = HangingKeyring()
    yield keyring
    keyring.answered.set()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await settle()


async def test_a_keyring_that_never_answers_is_given_up_after_a_stated_time(hanging: HangingKeyring) -> None:
    """F02"""
    clock = ManualClock()
    keys = KeyStore(clock, find_keyring=lambda: hanging, environ={})
    loading = asyncio.create_task(keys.load(ACME))
    await until(hanging.asked.is_set)
    waiting = keys.peek(ACME)
    assert waiting is not None and waiting.state is KeyState.WAITING and "30 s" in waiting.sentence
    await clock.advance(TIMEOUT - 1)
    assert not loading.done()
    await clock.advance(1)
    answer = await loading
    assert answer.state is KeyState.TIMED_OUT
    assert answer.sentence == "The OS keyring did not answer within 30 s. Try again, or type the key."
    assert keys.peek(ACME) is None

    saving = asyncio.create_task(keys.save(ACME, KEY))
    await until(lambda: keys.peek(ACME) is not None)
    await clock.advance(TIMEOUT)
    saved = await saving
    assert (saved.key, saved.source, saved.state) == (KEY, KeySource.THIS_RUN, KeyState.TIMED_OUT)


async def test_an_answer_that_comes_too_late_disturbs_nothing(hanging: HangingKeyring) -> None:
    clock = ManualClock()
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
    hanging.entries[USER] = OTHER.reveal()
    keys = KeyStore(clock, find_keyring=lambda: hanging, environ={})
    loading = asyncio.create_task(keys.load(ACME))
    await until(hanging.asked.is_set)
    await clock.advance(TIMEOUT)
    assert (await loading).state is KeyState.TIMED_OUT
    keys.hold_for_this_run(ACME, KEY)
    hanging.answered.set()
    await until(lambda: not any(thread.name == "keyring" for thread in threading.enumerate()))
    await settle()
    assert (await keys.load(ACME)).key == KEY
    assert faults == []


async def test_a_caller_that_goes_away_leaves_no_wait_behind(hanging: HangingKeyring) -> None:
    keys = KeyStore(ManualClock(), find_keyring=lambda: hanging, environ={})
    loading = asyncio.create_task(keys.load(ACME))
    await until(hanging.asked.is_set)
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    assert keys.peek(ACME) is None


async def test_no_session_bus_is_reported_without_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """F01"""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    keys = KeyStore(ManualClock(), environ={})
    loaded = await keys.load(ACME)
    assert loaded.state is KeyState.UNAVAILABLE
    assert "DBUS_SESSION_BUS_ADDRESS is not set" in loaded.sentence
    saved = await keys.save(ACME, KEY)
    assert (saved.key, saved.source) == (KEY, KeySource.THIS_RUN)
    assert saved.sentence.startswith("The key is not stored: it is kept for this run only. ")


@pytest.mark.parametrize(
    "backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring", "plain_keyring.PlaintextKeyring"]
)
async def test_a_keyring_that_writes_plain_text_or_nothing_is_refused(
    backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "plain_keyring.py").write_text(
        "from keyring.backends import null\nclass PlaintextKeyring(null.Keyring):\n    priority = 9\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    saved = await KeyStore(ManualClock(), environ={}).save(ACME, KEY)
    assert (saved.source, saved.state) == (KeySource.THIS_RUN, KeyState.UNAVAILABLE)
    assert f"{backend} is configured" in saved.sentence


async def test_a_chain_is_used_only_for_its_encrypted_member(monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring.backends import SecretService, chainer, null

    encrypted = SecretService.Keyring()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.chainer.ChainerBackend")
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [null.Keyring(), encrypted])
    assert os_keyring.find_keyring() is encrypted
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [null.Keyring()])
    with pytest.raises(os_keyring.NoKeyring, match="not an encrypted keyring"):
        os_keyring.find_keyring()


def test_a_bus_without_a_keyring_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/bus")
    with pytest.raises(os_keyring.NoKeyring, match=r"bus is unreachable \(no such file"):
        os_keyring.find_keyring()


async def test_a_service_gets_the_key_from_its_credential(tmp_path: Path, keyring: FakeKeyring) -> None:
    (tmp_path / "api-key").write_text("phk_live_service\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    keys = KeyStore(find_keyring=lambda: keyring, environ=environ)
    answer = await keys.load(ACME)
    assert (answer.key, answer.source, answer.is_found) == (ApiKey("phk_live_service"), KeySource.CREDENTIAL, True)
    assert answer.sentence == "The key comes from the service's credential api-key."
    assert keyring.calls == []
    assert overridden(None, environ) is not None


async def test_the_variable_counts_before_the_credential(tmp_path: Path, keyring: FakeKeyring) -> None:
    (tmp_path / "api-key").write_text("phk_live_service")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "PYHALL_API_KEY": "phk_live_abc"}
    assert (await KeyStore(find_keyring=lambda: keyring, environ=environ).load(ACME)).key == KEY


async def test_a_service_without_that_credential_asks_the_keyring(tmp_path: Path, keyring: FakeKeyring) -> None:
    keyring.entries[USER] = KEY.reveal()
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert (await KeyStore(find_keyring=lambda: keyring, environ=environ).load(ACME)).key == KEY
    assert overridden(None, environ) is None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda file: file.mkdir(), "cannot be read: it is a folder"),
        (lambda file: file.symlink_to("gone"), "cannot be read: no such file"),
        (lambda file: file.write_bytes(b"\xff\xfep\0"), "cannot be read: it is UTF-16"),
        (lambda file: file.write_bytes(b"x" * 100_000), "cannot be read: it is larger than 64 KiB"),
        (lambda file: file.write_text("two\nlines"), "is not a key that can be sent: The key is broken into 2 lines"),
        (lambda file: file.touch(), "is not a key that can be sent: The key is empty"),
    ],
)
async def test_a_credential_that_is_not_a_key_is_never_replaced_by_another(
    tmp_path: Path, keyring: FakeKeyring, make: Callable[[Path], None], said: str
) -> None:
    keyring.entries[USER] = KEY.reveal()
    make(tmp_path / "api-key")
    answer = await KeyStore(find_keyring=lambda: keyring, environ={"CREDENTIALS_DIRECTORY": str(tmp_path)}).load(ACME)
    assert (answer.key, answer.state, keyring.calls) == (None, KeyState.UNUSABLE, [])
    assert said in answer.sentence
