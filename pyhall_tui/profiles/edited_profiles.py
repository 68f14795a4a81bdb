"""The profiles as the screen has them: the file's, what is typed over them, what is known of their keys. No Textual."""

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
    """Profiles by name, `NEW` among them. Nothing in it asks a keyring."""

    def __init__(self, store: ProfileStore, keys: KeyStore, edits: Edits) -> None:
        """Nothing is read yet."""
        self._store, self._keys, self._edits = store, keys, edits
        self.profiles = Profiles((), None)
        self.mistake: str | None = None
        """Why the file cannot be used, with line and column."""
        self.is_lost = False
        """Whether the file is empty or gone: it is begun only when one says so."""
        self.typed_keys: dict[str, str] = {}
        """What stands in each profile's key field: in memory alone."""
        self.answers: dict[str, KeyAnswer] = {}
        """What asking for each key came to, also where none was found."""

    def load(self) -> None:
        """Read the file again; never raises."""
        try:
            self.profiles, self.mistake, self.is_lost = self._store.load(), None, False
        except ProfilesFileError as mistake:
            self.profiles, self.mistake = Profiles((), None), str(mistake)
            self.is_lost = isinstance(mistake, ProfilesFileLost)

    def begin_file(self) -> str:
        """Start an empty list where the file was lost; return why that failed, or nothing."""
        try:
            self._store.begin()
        except ProfilesNotSaved as wrong:
            return str(wrong)
        return ""

    def names(self, shown: str | None) -> list[str]:
        """Return the rows: what the file holds, what is edited and gone from it, and a new one."""
        names = [profile.name for profile in self.profiles.profiles]
        gone = [name for name in self._edits.names if name not in (*names, NEW)] if self.mistake is None else []
        new = [NEW] if NEW in self._edits or NEW in (shown, *filter(self.typed_keys.get, self.typed_keys)) else []
        return [*names, *gone, *new]

    def profile(self, name: str) -> Profile | None:
        """Return a profile of the file, or one that went from it while it was edited."""
        return self.profiles.named(name) or self.base(name)

    def base(self, name: str) -> Profile | None:
        """Return what an edit of that profile begins, or began, from; None for a new one."""
        edit = self._edits.get(name)
        return edit.base if edit else self.profiles.named(name)

    def values_of(self, name: str) -> Values:
        """Return what the form is to show of it."""
        edit, profile = self._edits.get(name), self.profiles.named(name)
        return edit.values if edit else values_of(profile) if profile else BLANK

    def is_edited(self, name: str) -> bool:
        """Whether something is typed and not saved."""
        return name in self._edits or bool(self.typed_keys.get(name))

    def take(self, name: str, values: Values, typed_key: str) -> None:
        """Remember what stands in the form."""
        self._edits.put(name, Edit(self.base(name), values))
        self.typed_keys[name] = typed_key

    def begin(self, name: str, base: Profile | None, values: Values) -> None:
        """Begin an edit from another profile than the file's own, or with other values."""
        self._edits.put(name, Edit(base, values))

    def forget_typed(self, *names: str) -> None:
        """Drop what is typed: it was saved, or discarded."""
        for name in names:
            self._edits.drop(name)
            self.typed_keys.pop(name, None)
        self._edits.keep()

    def keep(self) -> None:
        """Write what is typed down, for the next start."""
        self._edits.keep()

    def known_key(self, profile: Profile, opened: KeyAnswer | None) -> KeyAnswer | None:
        """Return what is known of a profile's key; `opened` is what opening it came to, where it is open."""
        try:
            known = self._keys.peek(overridden(profile))
        except EnvironmentMistake:
            known = self._keys.peek(profile)
        return known or opened or self.answers.get(profile.name)
