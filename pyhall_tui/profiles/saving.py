"""Saves a profile, its key and its watch list where they belong, and deletes them."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.edits import Values
from pyhall_tui.profiles.keys import KeyAnswer, KeyState, KeyStore
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileConflict, ProfilesFileError, ProfilesNotSaved, ProfileStore
from pyhall_tui.profiles.watch_list import WatchList

AskConflict = Callable[[ProfileConflict, Profile], Awaitable[str | None]]
"""Asks whose values count if the file has changed meanwhile: `theirs`, `mine`, or None for neither."""


class Written(NamedTuple):
    """The result of writing a profile."""

    saved: Profile | None = None
    """As it now is in the file; None if it was not written."""
    sentence: str = ""
    field: str | None = None
    """The field that the sentence is about, if it is about one."""
    theirs: ProfileConflict | None = None
    """The operator accepts somebody else's changes."""


class Saver:
    """Writes, renames and deletes profiles and what belongs to them. Files are written in a thread."""

    def __init__(self, store: ProfileStore, keys: KeyStore, data: Path, ask_conflict: AskConflict) -> None:
        """Write nothing yet. `data` is the folder of the watch lists."""
        self._store, self._keys, self._data, self._ask_conflict = store, keys, data, ask_conflict

    async def write(self, profile: Profile, base: Profile | None) -> Written:
        """Put a profile into the file; if others changed the same keys, ask first."""
        force = False
        while True:
            try:
                if base is not None and base.name != profile.name:
                    await asyncio.to_thread(self._store.rename, base.name, profile.name)
                    base = base.named(profile.name)
                return Written(await asyncio.to_thread(partial(self._store.save, profile, base, force=force)))
            except ProfileConflict as conflict:
                if base is None or conflict.keys == ("name",):
                    taken = str(conflict).removesuffix(" Overwrite it?").removesuffix(" Choose another name.")
                    return Written(sentence=f"{taken} Choose another name.", field="name")
                answer = await self._ask_conflict(conflict, profile)
                if answer == "theirs":
                    return Written(
                        sentence="Their values are in the form now; save to keep your other changes.", theirs=conflict
                    )
                if answer != "mine":
                    return Written(sentence="Not saved: the form and the file are unchanged.")
                force = True
            except (ProfilesNotSaved, ProfilesFileError) as wrong:
                return Written(sentence=str(wrong))

    async def keep_key(self, saved: Profile, base: Profile | None, typed_key: str) -> KeyAnswer | None:
        """Store a typed key, or move the stored one to a new name; None if there is nothing to do."""
        if typed_key:  # shielded: the screen may close while the keyring asks for its password
            return await asyncio.shield(self._keys.save(saved, ApiKey(typed_key)))
        if base is not None and base.name != saved.name:
            return await self._keys.move(base, saved)
        return None

    async def start_with(self, name: str) -> str:
        """Make the program start with a profile; return what to say."""
        try:
            await asyncio.to_thread(self._store.set_default, name)
        except (ProfilesNotSaved, ProfilesFileError, ValueError) as wrong:
            return str(wrong)
        return f"The program starts with {name}."

    async def move_watch_list(self, watch_list: WatchList, name: str) -> str:
        """Move a watch list to its profile's new name; return what went wrong, or nothing."""
        try:
            await asyncio.to_thread(watch_list.rename, name)
        except OSError as error:
            return f"The watch list could not be renamed ({error.strerror})."
        return ""

    async def delete(self, profile: Profile) -> tuple[bool, str]:
        """Delete a profile with its key and watch list; return whether it is gone, and what to say."""
        try:
            await asyncio.to_thread(self._store.delete, profile.name)
        except (ProfilesNotSaved, ProfilesFileError) as wrong:
            return False, str(wrong)
        sentence = f"{profile.name} was deleted."
        try:
            await asyncio.to_thread(WatchList(self._data, profile.name).delete)
        except OSError as error:
            sentence += f" Its watch list is still there ({error.strerror})."
        answer = await self._keys.forget(profile)
        if answer.state not in (KeyState.ABSENT, KeyState.UNAVAILABLE):
            sentence += f" {answer.sentence}"
        return True, sentence

    def count_watched(self, profile: Profile) -> int:
        """Return how many workers a profile watches."""
        return len(WatchList(self._data, profile.name).load())


def connection(values: Values, typed_key: str) -> tuple[object, ...]:
    """Return the part of a form that a test's result depends on."""
    return (*(values[name] for name in ("registry_url", "namespace", "allow_insecure")), typed_key)
