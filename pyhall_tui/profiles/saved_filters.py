"""Filters saved by name in a profile: `[profiles.<name>.filters]` in `profiles.toml`."""

from typing import Final

from pyhall_tui.profiles.profile_store import ProfilesFileError, ProfilesNotSaved, ProfileStore

_TABLE: Final = "filters"
_LONGEST: Final = 64
_LONGEST_FILTER: Final = 1_000


class SavedFilters:
    """Those of one profile. Nothing is cached: others change the file too."""

    def __init__(self, store: ProfileStore, profile: str) -> None:
        self._store, self._profile = store, profile

    def load(self) -> tuple[dict[str, str], str]:
        """Return the filters by name, in the file's order, and what could not be read, as a sentence."""
        try:
            table = self._store.table_in(self._profile, _TABLE)
        except ProfilesFileError as wrong:
            return {}, str(wrong)
        if not isinstance(table.value, dict):
            return {}, f"{table.where(())}: filters must be a table of names and filters."
        found = {name: text for name, text in table.value.items() if isinstance(text, str)}
        for name in table.value.keys() - found.keys():
            return found, f"{table.where((name,))}: a filter must be text in quotes."
        return found, ""

    def save(self, name: str, text: str) -> str:
        """Save a filter under a name, in place of one that has it already; return what to say.

        Raises:
            ValueError: it was not saved; the message is a sentence.
        """
        if not name or len(name) > _LONGEST or not name.isprintable():
            raise ValueError(f"A filter's name must be 1 to {_LONGEST} characters, without control characters.")
        if len(text) > _LONGEST_FILTER or not text.isprintable():
            raise ValueError(f"A filter must be at most {_LONGEST_FILTER} characters, without control characters.")
        return self._write(name, text, f"Saved as {name}.")

    def drop(self, name: str) -> str:
        """Delete a filter; return what to say.

        Raises:
            ValueError: as `save`.
        """
        return self._write(name, None, f"The filter {name} is deleted.")

    def put_back(self, name: str, before: str | None, after: str | None) -> str:
        """Undo a `save` or a `drop`, if the filter is still as that left it; return what to say.

        Args:
            before: the filter before that change; None for none.
            after: the filter after it; None for none.

        Raises:
            ValueError: as `save`.
        """
        now, wrong = self.load()
        if wrong:
            raise ValueError(wrong)
        if now.get(name) != after:
            return f"The filter {name} has been changed since: it stays as it is."
        said = f"The filter {name} is deleted again." if before is None else f"The filter {name} is as before."
        return self._write(name, before, said)

    def _write(self, name: str, text: str | None, said: str) -> str:
        try:
            self._store.set_in_table(self._profile, _TABLE, name, text)
        except (ProfilesFileError, ProfilesNotSaved) as wrong:
            raise ValueError(str(wrong)) from wrong
        return said
