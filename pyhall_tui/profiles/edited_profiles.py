"""The profiles on the screen: those in the file, unsaved edits, and what is known about their keys. No Textual."""

from pyhall_tui.profiles.edits import BLANK, NEW, Edit, Edits, Values, values_of
from pyhall_tui.profiles.environment import EnvironmentMistake, overridden
from pyhall_tui.profiles.keys import KeyAnswer, KeyStore
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import (
    Profiles,
    ProfilesFileError,
    ProfilesFileLost,
    ProfilesNotSaved,
    ProfileStore,
)


class EditedProfiles:
    """Profiles by name, including `NEW`. It never asks a keyring."""

    def __init__(self, store: ProfileStore, keys: KeyStore, edits: Edits) -> None:
        """Read nothing yet."""
        self._store, self._keys, self._edits = store, keys, edits
        self.profiles = Profiles((), None)
        self.mistake: str | None = None
        """Why the file can't be used, with line and column."""
        self.is_lost = False
        """Whether the file is empty or gone: it is started again only when you say so."""
        self.typed_keys: dict[str, str] = {}
        """The text in each profile's key field; only in memory."""
        self.answers: dict[str, KeyAnswer] = {}
        """The result of asking for each key, even if none was found."""

    def load(self) -> None:
        """Read the file again; never raises."""
        try:
            self.profiles, self.mistake, self.is_lost = self._store.load(), None, False
        except ProfilesFileError as mistake:
            self.profiles, self.mistake = Profiles((), None), str(mistake)
            self.is_lost = isinstance(mistake, ProfilesFileLost)

    def begin_file(self) -> str:
        """Start an empty list if the file was lost; return why that failed, or nothing."""
        try:
            self._store.begin()
        except ProfilesNotSaved as wrong:
            return str(wrong)
        return ""

    def names(self, shown: str | None) -> list[str]:
        """Return the rows: the file's profiles, edited ones that are gone from it, and a new one."""
        names = [profile.name for profile in self.profiles.profiles]
        gone = [name for name in self._edits.names if name not in (*names, NEW)] if self.mistake is None else []
        new = [NEW] if NEW in self._edits or NEW in (shown, *filter(self.typed_keys.get, self.typed_keys)) else []
        return [*names, *gone, *new]

    def profile(self, name: str) -> Profile | None:
        """Return a profile from the file, or one that disappeared from it while it was edited."""
        return self.profiles.named(name) or self.base(name)

    def base(self, name: str) -> Profile | None:
        """Return the profile that an edit starts, or started, from; None for a new one."""
        edit = self._edits.get(name)
        return edit.base if edit else self.profiles.named(name)

    def values_of(self, name: str) -> Values:
        """Return what the form shows for it."""
        edit, profile = self._edits.get(name), self.profiles.named(name)
        return edit.values if edit else values_of(profile) if profile else BLANK

    def is_edited(self, name: str) -> bool:
        """Whether it has unsaved edits."""
        return name in self._edits or bool(self.typed_keys.get(name))

    def take(self, name: str, values: Values, typed_key: str) -> None:
        """Remember the form's content."""
        self._edits.put(name, Edit(self.base(name), values))
        self.typed_keys[name] = typed_key

    def begin(self, name: str, base: Profile | None, values: Values) -> None:
        """Start an edit from another profile than the file's, or with other values."""
        self._edits.put(name, Edit(base, values))

    def forget_typed(self, *names: str) -> None:
        """Drop unsaved edits, because they were saved or discarded."""
        for name in names:
            self._edits.drop(name)
            self.typed_keys.pop(name, None)
        self._edits.keep()

    def keep(self) -> None:
        """Save unsaved edits for the next start."""
        self._edits.keep()

    def known_key(self, profile: Profile, opened: KeyAnswer | None) -> KeyAnswer | None:
        """Return what is known about a profile's key; `opened` is the result of opening the profile, if it is open."""
        try:
            known = self._keys.peek(overridden(profile))
        except EnvironmentMistake:
            known = self._keys.peek(profile)
        return known or opened or self.answers.get(profile.name)
