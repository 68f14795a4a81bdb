"""What `profiles.toml` says about the profiles that are watched, followed while the watcher runs.

While the file can't be used, what it said before stays in force. A name is missing for a moment while a profile is
renamed: the file is written first, and then what is recorded is moved.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from pyhall_tui.profiles.environment import EnvironmentMistake, overridden
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import Contents, ProfilesFileError, ProfileStore
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.watch.command import ON_ALARM, CommandMistake, command_in

RULES: Final = "alarms"
"""The key of a profile's rules for alarms."""
OTHER_FLEET: Final = frozenset(("registry_url", "namespace"))
"""Keys that make another fleet of it: it is closed and opened again."""

_AGAIN: Final = 10
"""Looks after which a file that something was wrong with is read again although it has not changed."""


class Wanted(NamedTuple):
    """What the file says about one profile."""

    profile: Profile
    """With the environment's overrides."""
    command: tuple[str, ...] | None = None
    """Its `on_alarm`; None if it has none, or none that can be used."""
    rules: Any = None
    """Its rules for alarms, unchecked."""

    def changed(self, before: "Wanted") -> list[str]:
        """Return the keys whose values were different before."""
        was, now = msgspec.structs.asdict(before.profile), msgspec.structs.asdict(self.profile)
        keys = [key for key, value in now.items() if key != "name" and value != was[key]]
        keys += [RULES] if self.rules != before.rules else []
        return keys + ([ON_ALARM] if self.command != before.command else [])


class Found(NamedTuple):
    """The profiles to watch, as the file says now."""

    wanted: Mapping[str, Wanted]
    """By name: the first ones are those that were named, then all others, if all are to be watched."""
    mistakes: Mapping[str, str]
    """What is wrong with an `on_alarm`, as a sentence, by profile; the one before stays."""


class NotFollowed(Exception):
    """The file can't be used; the message is a sentence."""


class FollowedProfiles:
    """Reads the file when it has changed. Belongs to the loop."""

    def __init__(self, store: ProfileStore, chosen: Sequence[Profile], *, everything: bool) -> None:
        """Read nothing yet.

        Args:
            chosen: the profiles that were chosen at the start, with the environment's overrides.
            everything: whether all profiles in the file are watched.
        """
        self._store, self._everything = store, everything
        self._only_here = {profile.name: Wanted(profile) for profile in chosen}
        self.names = [] if everything else [profile.name for profile in chosen]
        """The profiles to watch by name. A name that is not in the file now may be there again later."""
        self._seen: object = None
        self._taken: object = None
        self._wrong: object = None
        """The file that something was wrong with."""
        self._looks = 0

    def renamed(self, old: str, new: str) -> None:
        """Watch a profile under its new name; does nothing if the old one is not on the list."""
        if old in self.names:
            self.names = [*dict.fromkeys(new if name == old else name for name in self.names)]
            self._taken = None

    async def has(self, name: str) -> bool:
        """Whether the file has a profile of that name; True as long as the file can't be used."""
        try:
            return (await off_loop(self._store.load, name="profiles")).named(name) is not None
        except ProfilesFileError:
            return True

    async def look(self) -> Found | None:
        """Return what the file says if it has changed, and has been the same for two looks; otherwise None.

        Raises:
            NotFollowed: it can't be used. It is read again when it has changed, or else some looks later.
        """
        self._looks += 1
        stamp = await off_loop(lambda: _stamp(self._store.path), name="profiles")
        rests, self._seen = stamp == self._seen, stamp
        if stamp == self._taken or not rests:
            return None
        if stamp == self._wrong and self._looks % _AGAIN:
            return None
        self._wrong = stamp
        found = await off_loop(self.read, name="profiles")
        if not found.mistakes:  # else a program may be put there without a change of the file
            self._taken, self._wrong = stamp, None
        return found

    def read(self) -> Found:
        """Return what the file says now; it waits for the disk. Raises as `look`."""
        try:
            contents = self._store.contents()
            profiles = {profile.name: overridden(profile) for profile in contents.profiles.profiles}
        except (ProfilesFileError, EnvironmentMistake) as mistake:
            raise NotFollowed(str(mistake)) from None
        wanted: dict[str, Wanted] = {}
        mistakes: dict[str, str] = {}
        for name in (*self._made_by_environment, *profiles) if self._everything else self.names:
            if name in profiles:
                wanted[name] = _wanted(profiles[name], contents, mistakes)
            elif name in self._made_by_environment:
                wanted[name] = self._only_here[name]
        return Found(wanted, mistakes)

    @property
    def _made_by_environment(self) -> tuple[str, ...]:
        """The name of the profile that only the environment makes, if it is watched."""
        made = overridden(None)
        return (made.name,) if made is not None and self._only_here.get(made.name) == Wanted(made) else ()


def _wanted(profile: Profile, contents: Contents, mistakes: dict[str, str]) -> Wanted:
    command = None
    try:
        command = command_in(contents.table_in(profile.name, ON_ALARM))
    except CommandMistake as mistake:
        mistakes[profile.name] = str(mistake)
    return Wanted(profile, command, contents.table_in(profile.name, RULES).value)


def _stamp(path: Path) -> object:
    """Return what changes with the file, and with who may read it; a text if there is none."""
    try:
        found = path.stat()
    except OSError:
        return "none"
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
