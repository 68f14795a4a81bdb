"""Which profiles are watched, and which of them may have the one key of the environment or of the service."""

import os
from collections.abc import Mapping, Sequence
from typing import Final

from pyhall_tui.profiles.chosen_profile import HOW_TO_MAKE_ONE, NO_PROFILE, choose_profile
from pyhall_tui.profiles.environment import CREDENTIAL, KEY, EnvironmentMistake, credential_file, overridden, value_of
from pyhall_tui.profiles.keys import KeyAnswer, KeyStore
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfilesFileError, ProfileStore
from pyhall_tui.profiles.urls import origin

_NAMED: Final = 5
"""Profiles that one sentence names."""


class NotChosen(Exception):
    """There is no such profile, or the file can't be read; the message is a sentence."""


def chosen_profiles(store: ProfileStore, names: Sequence[str], *, everything: bool) -> list[Profile]:
    """Return the profiles to watch: the named ones, all in the file, or else the default one.

    The first one owns the environment's key: the first named, or the default one.

    Raises:
        NotChosen: one of them can't be used.
    """
    profiles = {each.name: each for each in (_one(store, name) for name in (names or (None,)))}
    if everything:
        try:
            profiles |= {each.name: overridden(each) for each in store.load().profiles}
        except (ProfilesFileError, EnvironmentMistake) as mistake:
            raise NotChosen(str(mistake)) from None
    return [*profiles.values()]


def _one(store: ProfileStore, name: str | None) -> Profile:
    chosen = choose_profile(store, name)
    if chosen.profile is None:
        raise NotChosen(chosen.problem or f"{NO_PROFILE} {HOW_TO_MAKE_ONE}")
    return chosen.profile


class WatcherKeys:
    """Finds the keys. A key for one registry never goes to another: the environment's goes to that of one profile."""

    def __init__(self, profiles: Sequence[Profile], environ: Mapping[str, str] = os.environ) -> None:
        """Ask nothing yet. The environment's key is for the registry of the first profile."""
        self._owner = origin(profiles[0].registry_url)
        self._others = [each for each in profiles if origin(each.registry_url) != self._owner]
        self._environ = environ
        self._with_variable = KeyStore(environ=environ)
        self._without = KeyStore(environ={})

    async def load(self, profile: Profile) -> KeyAnswer:
        """Return the key to send for a profile."""
        is_owner = origin(profile.registry_url) == self._owner
        return await (self._with_variable if is_owner else self._without).load(profile)

    async def load_again(self, profile: Profile) -> KeyAnswer:
        """Read the key again, without asking anybody for a password: it may be another one than before."""
        is_owner = origin(profile.registry_url) == self._owner
        again = KeyStore(environ=self._environ if is_owner else {})
        return await again.load_quietly(profile, by_variable=is_owner)

    def why_unused(self, profile: Profile) -> str:
        """Return that the environment's key is not sent for a profile, as a sentence; empty if it is, or if unset."""
        if origin(profile.registry_url) == self._owner or not (named := self._named):
            return ""
        return f"{named} is sent to {self._owner} only."

    @property
    def _named(self) -> str:
        if value_of(KEY, self._environ) is not None:
            return KEY
        return f"The service's credential {CREDENTIAL}" if credential_file(self._environ) else ""

    @property
    def unused(self) -> str:
        """Say for whom the environment's key is not used, as a sentence; empty if there are none, or no such key."""
        what = self._named
        if not self._others or not what:
            return ""
        named = ", ".join(each.name for each in self._others[:_NAMED])
        more = f" and {len(self._others) - _NAMED} more" if len(self._others) > _NAMED else ""
        return f"{what} is sent to {self._owner} only: the keys of {named}{more} come from the OS keyring."
