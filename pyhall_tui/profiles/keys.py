"""Where a profile's API key is stored: the OS keyring, the environment, or this run's memory; never a file of ours.

A service has no keyring. Its service manager provides the key as a file that only the service can read.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from pyhall_tui.clock import Clock, SystemClock
from pyhall_tui.files.regular_file import NotText, edited_text, read_bounded, reason
from pyhall_tui.profiles import os_keyring
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.environment import CREDENTIAL, KEY, credential_file, value_of
from pyhall_tui.profiles.os_keyring import Keyring
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import origin

T = TypeVar("T")

SERVICE: Final = "pyhall-tui"
"""The service's name in the keyring."""
_CREDENTIAL_LIMIT: Final = 64 * 1024
"""Bytes of a credential."""
TIMEOUT: Final = 30.0
"""Seconds that the keyring (and whoever it asks for its password) has to answer."""


class KeySource(Enum):
    """Where the key that is sent comes from; the value is the word on the screen."""

    KEYRING = "OS keyring"
    ENVIRONMENT = "environment"
    CREDENTIAL = "service credential"
    THIS_RUN = "this run only"
    NONE = "none"


class KeyState(Enum):
    """The result of asking for the key; the value is the word on the screen."""

    FOUND = "found"
    ABSENT = "no key yet"
    LOCKED = "locked"
    UNAVAILABLE = "no keyring"
    TIMED_OUT = "no answer"
    UNUSABLE = "unusable"
    """There is a text, but it can't be in an HTTP header."""
    WAITING = "waiting"


class KeyAnswer(NamedTuple):
    """The key to send from now on, and what to say about it.

    `state` is the answer of the place that was asked: after a `save` that the keyring refused it may be LOCKED, for
    example, while the key is kept for this run.
    """

    key: ApiKey | None
    source: KeySource
    state: KeyState
    sentence: str
    """For the operator: where the key is, or why there is none and what to do."""
    way_out: str = ""
    """The end of the sentence, if it says what to do on a screen."""

    @property
    def is_found(self) -> bool:
        """Whether there is a key, and the place that was asked has it."""
        return self.key is not None and self.state is KeyState.FOUND

    @property
    def is_from_environment(self) -> bool:
        """Whether a variable overrides what the keyring has."""
        return self.source is KeySource.ENVIRONMENT


class KeyStore:
    """Finds, stores and forgets the keys of profiles, without ever blocking the caller's loop.

    The keyring is asked in daemon threads, which never keep the process alive. A key is bound to its profile's name and
    origin: a profile whose URL was changed or overridden has no key there yet. Keys that were found are remembered for
    this run, because some systems prompt the user at every read.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        find_keyring: Callable[[], Keyring] = os_keyring.find_keyring,
        environ: Mapping[str, str] = os.environ,
        timeout: float = TIMEOUT,
    ) -> None:
        """Ask nothing yet. `timeout` is in seconds of `clock`."""
        self._clock = clock or SystemClock()
        self._find_keyring = find_keyring
        self._environ = environ
        self._timeout = timeout
        self._keyring: Keyring | None = None
        self._known: dict[str, KeyAnswer] = {}
        self._waiting: dict[str, int] = {}

    def peek(self, profile: Profile) -> KeyAnswer | None:
        """Return what is known without asking the keyring, for a list of profiles; None if it was not asked yet."""
        answer = self._from_environment() or self._known.get(_user(profile))
        if answer is None and self._waiting.get(_user(profile)):
            sentence = f"Waiting for the OS keyring (for {self._timeout:g} s at most); it may ask for its password."
            return KeyAnswer(None, KeySource.NONE, KeyState.WAITING, sentence)
        return answer

    async def load(self, profile: Profile) -> KeyAnswer:
        """Return the key to send for `profile`: the environment's, this run's, or the keyring's (one read)."""
        return self._from_environment() or await self._stored(profile)

    async def load_quietly(self, profile: Profile, *, by_variable: bool) -> KeyAnswer:
        """Return the key as `load` does, but without a prompt: a keyring that would ask for its password is not read.

        `by_variable`: the environment's key may be sent to this profile's registry.
        """
        given = self._from_environment()
        if given is not None and not by_variable:
            why = f"{KEY} is set, but is not sent to {origin(profile.registry_url)} before you open {profile.name}."
            return KeyAnswer(None, KeySource.NONE, KeyState.ABSENT, why)
        answer = given or await self._stored(profile, quietly=True)
        if answer.state is not KeyState.LOCKED:
            return answer
        way_out = "Open the profile to unlock it, or to type the key."
        return answer._replace(sentence=f"The OS keyring is locked. {way_out}", way_out=way_out)

    def known(self, profile: Profile) -> KeyAnswer | None:
        """Return the key that was found or typed in this run; None if there is none, whatever the environment has."""
        return self._known.get(_user(profile))

    async def save(self, profile: Profile, key: ApiKey) -> KeyAnswer:
        """Store `key` in the keyring, or keep it for this run if that fails. The answer has the key to send now.

        As long as the environment sets a key, that one is still sent, and the sentence says so.
        """
        user = _user(profile)
        return self._keep(user, await self._store(user, key))

    def hold_for_this_run(self, profile: Profile, key: ApiKey) -> KeyAnswer:
        """Keep `key` only in memory; it takes precedence over the keyring's."""
        why = "The key is kept for this run only."
        return self._keep(_user(profile), KeyAnswer(key, KeySource.THIS_RUN, KeyState.FOUND, why))

    async def forget(self, profile: Profile) -> KeyAnswer:
        """Delete the key from memory and keyring. Any answer but ABSENT means that it may still be stored."""
        user = _user(profile)
        self._known.pop(user, None)
        try:
            await self._ask(user, lambda keyring: os_keyring.delete(keyring, SERVICE, user))
        except _Unanswered as no:
            return KeyAnswer(None, KeySource.NONE, no.state, f"{no.sentence} A stored key may still be there.")
        return KeyAnswer(None, KeySource.NONE, KeyState.ABSENT, "The key was deleted.")

    async def move(self, old: Profile, new: Profile) -> KeyAnswer:
        """Move the key to a profile's new name. It never goes to another origin, which needs its own key."""
        answer = await self._stored(old)
        if answer.key is None or _user(old) == _user(new):
            return answer
        if origin(old.registry_url) != origin(new.registry_url):
            return self._absent(new)
        if answer.source is KeySource.THIS_RUN:
            self._known.pop(_user(old), None)
            return self._keep(_user(new), answer)
        stored = await self._store(_user(new), answer.key)
        if stored.source is not KeySource.KEYRING:
            stays = f"{stored.sentence} In the keyring it is still under the old name, {old.name}."
            return self._keep(_user(new), stored._replace(sentence=stays))
        left = await self.forget(old)
        if left.state is not KeyState.ABSENT:
            told = f"{stored.sentence} It may also still be there under the old name, {old.name}."
            stored = stored._replace(sentence=told)
        return self._keep(_user(new), stored)

    async def _store(self, user: str, key: ApiKey) -> KeyAnswer:
        """Put `key` into the keyring, or say why it is not stored completely."""
        try:
            await self._ask(user, lambda keyring: os_keyring.write(keyring, SERVICE, user, key.reveal()))
        except _Unanswered as no:
            why = f"The key is not stored: it is kept for this run only. {no.sentence}"
            return KeyAnswer(key, KeySource.THIS_RUN, no.state, why)
        return KeyAnswer(key, KeySource.KEYRING, KeyState.FOUND, "The key is in the OS keyring.")

    async def _stored(self, profile: Profile, *, quietly: bool = False) -> KeyAnswer:
        user = _user(profile)
        if known := self._known.get(user):
            return known
        try:
            text = await self._ask(user, lambda keyring: _read(keyring, user, quietly=quietly))
        except _Unanswered as no:
            return KeyAnswer(None, KeySource.NONE, no.state, f"{no.sentence} {no.way_out}", no.way_out)
        if text is None:
            return self._absent(profile)
        answer = _answer(text, KeySource.KEYRING, "The key is in the OS keyring.", "What the OS keyring holds")
        if answer.key is not None:
            self._known[user] = answer
        return answer

    def _from_environment(self) -> KeyAnswer | None:
        text = value_of(KEY, self._environ)
        if text is not None:
            return _answer(text, KeySource.ENVIRONMENT, f"The key comes from the variable {KEY}.", KEY)
        file = credential_file(self._environ)
        return None if file is None else _of_credential(file)

    def _absent(self, profile: Profile) -> KeyAnswer:
        where = f"There is no key yet for {profile.name} at {origin(profile.registry_url)}: type it in."
        return KeyAnswer(None, KeySource.NONE, KeyState.ABSENT, where, "type it in.")

    def _keep(self, user: str, answer: KeyAnswer) -> KeyAnswer:
        """Remember `answer`; return the key to send now, which may be the environment's."""
        self._known[user] = answer
        sent = self._from_environment()
        if sent is None:
            return answer
        what = f"{KEY} is set" if sent.source is KeySource.ENVIRONMENT else "the service has a credential"
        unused = f"{answer.sentence} It is not used while {what}."
        return sent._replace(state=answer.state if sent.key else sent.state, sentence=unused)

    async def _ask(self, user: str, action: Callable[[Keyring], T]) -> T:
        """Run `action` in its own thread.

        Raises:
            _Unanswered: the keyring did not do it, or not in time.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                result = action(self._found())
            except Exception as error:
                _hand_over(loop, answer, partial(answer.set_exception, error))
            else:
                _hand_over(loop, answer, partial(answer.set_result, result))

        self._waiting[user] = self._waiting.get(user, 0) + 1
        threading.Thread(target=work, name="keyring", daemon=True).start()
        timer = asyncio.ensure_future(self._clock.sleep(self._timeout))
        try:
            await asyncio.wait((answer, timer), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise _Unanswered.in_time(self._timeout)
            return answer.result()
        except (os_keyring.NoKeyring, os_keyring.Locked, os_keyring.Failed) as error:
            raise _Unanswered.because(error) from None
        finally:
            self._waiting[user] -= 1
            timer.cancel()
            answer.cancel()  # nobody waits for a late answer

    def _found(self) -> Keyring:
        """Return the keyring. Search for it until there is one, because a session may get one while the app runs."""
        if self._keyring is None:
            self._keyring = self._find_keyring()
        return self._keyring


class _Unanswered(Exception):
    """The keyring did not do what it was asked."""

    def __init__(self, state: KeyState, sentence: str, way_out: str) -> None:
        super().__init__(sentence)
        self.state, self.sentence, self.way_out = state, sentence, way_out

    @classmethod
    def in_time(cls, seconds: float) -> "_Unanswered":
        return cls(
            KeyState.TIMED_OUT, f"The OS keyring did not answer within {seconds:g} s.", "Try again, or type the key."
        )

    @classmethod
    def because(cls, error: Exception) -> "_Unanswered":
        if isinstance(error, os_keyring.Locked):
            return cls(KeyState.LOCKED, "The OS keyring is locked.", "Try again and unlock it, or type the key.")
        return cls(
            KeyState.UNAVAILABLE,
            f"The OS keyring cannot be used: {error}.",
            "Type the key, which is then kept for this run only.",
        )


def _read(keyring: Keyring, user: str, *, quietly: bool) -> str | None:
    if not quietly:
        return os_keyring.read(keyring, SERVICE, user)
    from pyhall_tui.profiles import quiet_keyring  # not before the first frame

    return quiet_keyring.read(keyring, SERVICE, user)


def _hand_over(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[T], deliver: Callable[[], None]) -> None:
    """Deliver a result on the loop, if anybody still waits for it there."""
    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(lambda: None if answer.done() else deliver())


def _answer(text: str, source: KeySource, found: str, place: str) -> KeyAnswer:
    try:
        key = ApiKey(text)
    except ValueError as wrong:
        return KeyAnswer(None, source, KeyState.UNUSABLE, f"{place} is not a key that can be sent: {wrong}")
    return KeyAnswer(key, source, KeyState.FOUND, found)


def _of_credential(file: Path) -> KeyAnswer:
    """Return the key that the service manager provides. If it can't be read, no other key is sent instead."""
    try:
        text = edited_text(read_bounded(file, _CREDENTIAL_LIMIT))
    except (OSError, NotText) as error:
        why = reason(error) if isinstance(error, OSError) else error
        sentence = f"The credential {CREDENTIAL} of the service cannot be read: {why}."
        return KeyAnswer(None, KeySource.CREDENTIAL, KeyState.UNUSABLE, sentence)
    found = f"The key comes from the service's credential {CREDENTIAL}."
    return _answer(text, KeySource.CREDENTIAL, found, f"The service's credential {CREDENTIAL}")


def _user(profile: Profile) -> str:
    """Return the user name in the keyring. The origin follows the last “@”, so it is unambiguous."""
    return f"{profile.name}@{origin(profile.registry_url)}"
