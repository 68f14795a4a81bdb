"""What `profiles.toml` says is to be watched beside the open profile, followed while the program runs."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pyhall_tui.profiles.environment import EnvironmentMistake, overridden
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import Profiles, ProfilesFileError, ProfileStore
from pyhall_tui.threads.off_loop import off_loop


class Wanted(NamedTuple):
    """One profile of the overview."""

    stored: Profile
    """As in the file."""
    profile: Profile | None
    """With the environment's overrides; None if they can't be used."""
    mistake: str = ""
    """Why they can't be used, as a sentence."""


class Overview:
    """The file's profiles with `overview = true`. While the file can't be understood, what it said before holds."""

    def __init__(self, store: ProfileStore) -> None:
        """Read nothing yet."""
        self._store = store
        self.names: tuple[str, ...] = ()
        """All profiles, in the file's order."""
        self.wanted: tuple[Wanted, ...] = ()
        """In the file's order."""
        self._taken: object = None
        self._seen: object = None
        self._reads = 0
        """How often it was read at once."""

    def get(self, name: str) -> Wanted | None:
        """Return what is wanted under that name."""
        return next((each for each in self.wanted if each.stored.name == name), None)

    def read(self) -> None:
        """Read the file now, because it was just changed here."""
        self._reads += 1
        self._seen = _stamp(self._store.path)
        with suppress(ProfilesFileError):
            self._take(self._store.load())
            self._taken = self._seen

    def read_again(self, name: str) -> Wanted | None:
        """Read the file now, for what it says about one profile; return what is wanted of it."""
        try:
            stored = self._store.load().named(name)
        except ProfilesFileError:
            return self.get(name)
        now = _wanted(stored) if stored is not None and stored.overview else None
        if now != self.get(name):
            self._reads += 1
            kept = [each for each in self.wanted if each.stored.name != name]
            self.wanted = tuple(sorted((*kept, *filter(None, [now])), key=lambda each: self._place(each.stored.name)))
        return now

    def _place(self, name: str) -> int:
        return self.names.index(name) if name in self.names else len(self.names)

    async def look(self) -> bool:
        """Read the file if it has changed, without blocking; return whether we know what it says now.

        After the first time, it must have been the same for two looks: then a new name has its watch list already.
        """
        reads = self._reads
        stamp = await off_loop(lambda: _stamp(self._store.path), name="profiles")
        if reads != self._reads:
            return False  # what was read meanwhile is newer
        rests, self._seen = self._seen in (stamp, None), stamp
        if stamp == self._taken:
            return True
        if not rests:
            return False
        try:
            profiles = await off_loop(self._store.load, name="profiles")
        except ProfilesFileError:
            return False
        if reads == self._reads:
            self._take(profiles)
            self._taken = stamp
        return reads == self._reads

    def _take(self, profiles: Profiles) -> None:
        self.names = tuple(profile.name for profile in profiles.profiles)
        self.wanted = tuple(_wanted(profile) for profile in profiles.profiles if profile.overview)


def _wanted(stored: Profile) -> Wanted:
    try:
        return Wanted(stored, overridden(stored))
    except EnvironmentMistake as mistake:
        return Wanted(stored, None, str(mistake))


def _stamp(path: Path) -> object:
    """Return what changes with the file; a text if there is none."""
    try:
        found = path.stat()
    except OSError:
        return "none"
    return (found.st_mtime_ns, found.st_size, found.st_ino)
