"""`profiles.toml`: read as a whole or not at all, changed key by key, written atomically."""

import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from pyhall_tui.files.regular_file import read_bounded, reason
from pyhall_tui.profiles import toml_text
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_checks import mistakes_in_table, profile_of_table
from pyhall_tui.profiles.urls import normalise_url

Document = dict[str, Any]


class Forms(Protocol):
    """A way of changing a TOML text: `toml_text` or `toml_forms`."""

    def set_value(self, text: str, path: toml_text.Path, value: object) -> str: ...
    def remove(self, text: str, path: toml_text.Path) -> str: ...
    def rename(self, text: str, path: toml_text.Path, name: str) -> str: ...


Change = Callable[[Forms, str, Document], str]

_REQUIRED: Final = ("namespace", "registry_url")
_DEFAULTS: Final = msgspec.to_builtins(Profile(name="?", namespace="?", registry_url="?"))
_PLACE: Final = r" \(at line (\d+), column (\d+)\)$"
_BOM: Final = "\ufeff"
_NOTHING: Final = b" \t\r\n\0\xef\xbb\xbf"
"""What an empty file may contain anyway: a power cut leaves zero bytes, an editor its byte order mark."""
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_NO_PROFILES: Final = "# No profiles.\n"
"""The content of a file without profiles, to distinguish it from a lost file."""
_WAY_ON: Final = "Restore a copy of it, or start an empty list on the profiles screen."


class ProfilesFileError(Exception):
    """The file can't be understood; it is unchanged. The message is a sentence with file, line and column."""

    def __init__(self, path: Path, wrong: str, line: int | None = None, column: int | None = None) -> None:
        where = f"{path}, line {line}, column {column}" if line else str(path)
        super().__init__(f"{where}: {wrong}")
        self.path, self.line, self.column = path, line, column


class ProfilesFileLost(ProfilesFileError):
    """The file is empty, or gone while the program runs: nothing is written until `ProfileStore.begin` is called."""


class ProfilesNotSaved(Exception):
    """The file could not be written; it is unchanged. The message is a sentence."""


class ProfileConflict(Exception):
    """Somebody else changed the same keys since the editor was opened; nothing was written.

    `theirs` is the profile as it now is in the file (None: it was deleted), `keys` are those that both changed.
    """

    def __init__(self, theirs: Profile | None, keys: tuple[str, ...], sentence: str) -> None:
        super().__init__(sentence)
        self.theirs, self.keys = theirs, keys


class Profiles(NamedTuple):
    """The content of the file."""

    profiles: tuple[Profile, ...]
    """In the file's order."""
    default: str | None
    """The name of the profile to start with; always one of `profiles`, or None if none is named."""

    def named(self, name: str) -> Profile | None:
        """Return the profile of that name."""
        return next((profile for profile in self.profiles if profile.name == name), None)


class Table(NamedTuple):
    """A table of a profile that is not the profile's own: what it holds, and where."""

    value: object
    """An empty table if there is none."""
    where: Callable[[toml_text.Path], str]
    """Says where a key below it stands: file, line and column."""


class Contents(NamedTuple):
    """The file at one moment."""

    profiles: Profiles
    table_in: Callable[[str, str], Table]
    """Returns what a profile, by its name, holds at a key: see `ProfileStore.table_in`."""


class ProfileStore:
    """The profiles in one `profiles.toml` (or a link to one). Nothing is cached between calls.

    Every change reads the file again, with a lock, and changes only what it must, so that two programs and an editor
    can work on the file together. Unknown keys, comments and all other formatting stay.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._was_there = False

    def load(self) -> Profiles:
        """Return the file's content; nothing if there is no file yet.

        Raises:
            ProfilesFileError: it can't be read, is not TOML, or has a wrong value.
        """
        return self._profiles(self._read())

    def contents(self) -> Contents:
        """Return the file's content with the tables that are not the profiles' own, of one moment.

        Raises:
            ProfilesFileError: as `load`.
        """
        text = self._read().removeprefix(_BOM).replace("\r\n", "\n")
        profiles = self._profiles(text)
        tables = tomllib.loads(text).get("profiles", {})

        def table_in(name: str, key: str) -> Table:
            def where(path: toml_text.Path) -> str:
                line, column = toml_text.place(text, ("profiles", name, key, *path))
                return f"{self.path}, line {line}, column {column}"

            return Table(tables.get(name, {}).get(key, {}), where)

        return Contents(profiles, table_in)

    def table_in(self, name: str, key: str) -> Table:
        """Return what the file holds at `key` of a profile, unchecked.

        Raises:
            ProfilesFileError: as `load`.
        """
        return self.contents().table_in(name, key)

    def save(self, profile: Profile, base: Profile | None, *, force: bool = False) -> Profile:
        """Write the differences between `base`, from which the edit started (None: a new profile), and `profile`.

        Others' changes in the meantime stay. Returns the profile as it now is in the file.

        Raises:
            ProfileConflict: others changed the same keys differently, deleted the profile, or made one with
                that name; `force` overwrites.
            ProfilesFileError: the file has a mistake now.
            ProfilesNotSaved: it cannot be written.
            ValueError: `profile` itself is wrong (see `checks.validate_profile`), or has another name than `base`
                (`rename` first).
        """
        profile = _checked(profile)
        if base is not None and base.name != profile.name:
            raise ValueError(f"The profile {base.name} must be renamed before it is saved as {profile.name}.")

        def change(forms: Forms, text: str, document: Document) -> str:
            theirs = self._profiles(text).named(profile.name)
            if not force:
                _refuse_conflict(profile, base, theirs)
            for key, value in _changes(profile, base, theirs).items():
                text = forms.set_value(text, ("profiles", profile.name, key), value)
                document.setdefault("profiles", {}).setdefault(profile.name, {})[key] = value
            return text

        saved = self._profiles(self._change(change)).named(profile.name)
        assert saved is not None
        return saved

    def delete(self, name: str) -> None:
        """Remove a profile, and `default` if it names the profile. It is not an error if the profile doesn't exist.

        Raises:
            ProfilesFileError, ProfilesNotSaved: as `save`.
        """

        def change(forms: Forms, text: str, document: Document) -> str:
            if document.get("profiles", {}).pop(name, None) is None:
                return text
            if document.get("default") == name:
                del document["default"]
                text = forms.remove(text, ("default",))
            return forms.remove(text, ("profiles", name))

        self._change(change, keeps_comments=False)

    def rename(self, old: str, new: str) -> None:
        """Give a profile another name; `default` follows. Its place in the file and its unknown keys stay.

        The caller has to move the key in the keyring and the watch list.

        Raises:
            ProfileConflict: the new name is taken, or there is no profile `old` any more.
            ProfilesFileError, ProfilesNotSaved, ValueError: as `save`.
        """

        def change(forms: Forms, text: str, document: Document) -> str:
            profiles = self._profiles(text)
            mine, theirs = profiles.named(old), profiles.named(new)
            if mine is None or theirs is not None:
                taken = f"A profile named {new} already exists." if theirs else f"The profile {old} no longer exists."
                raise ProfileConflict(theirs, ("name",), f"{taken} Choose another name.")
            _checked(msgspec.structs.replace(mine, name=new))
            tables = document["profiles"]
            document["profiles"] = {(new if name == old else name): table for name, table in tables.items()}
            if profiles.default == old:
                document["default"] = new
                text = forms.set_value(text, ("default",), new)
            return forms.rename(text, ("profiles", old), new)

        if old != new:
            self._change(change)

    def set_default(self, name: str) -> None:
        """Set the profile to start with.

        Raises:
            ValueError: no profile has that name.
            ProfilesFileError, ProfilesNotSaved: as `save`.
        """

        def change(forms: Forms, text: str, document: Document) -> str:
            if name not in document.get("profiles", {}):
                raise ValueError(f"There is no profile named {name}.")
            document["default"] = name
            return forms.set_value(text, ("default",), name)

        self._change(change)

    def set_in_table(self, name: str, table: str, key: str, value: str | None) -> None:
        """Set a key in a table of a profile that is not the profile's own (see `table_in`); None removes it.

        Raises:
            ProfilesNotSaved: there is no such profile, that is not a table, or the file cannot be written.
            ProfilesFileError: as `load`.
        """

        def change(forms: Forms, text: str, document: Document) -> str:
            profile = document.get("profiles", {}).get(name)
            if profile is None:
                raise ProfilesNotSaved(f"There is no profile named {name} in {self.path}: nothing was saved.")
            held = profile.setdefault(table, {})
            if not isinstance(held, dict):
                raise ProfilesNotSaved(f"{table} of {name} is not a table in {self.path}: nothing was saved.")
            path = ("profiles", name, table, key)
            if value is not None:
                held[key] = value
                return forms.set_value(text, path, value)
            if held.pop(key, None) is None:
                if not held:
                    del profile[table]
                return text
            if not held and f"{name}.{table}]" not in text:
                del profile[table]
                return forms.remove(text, path[:-1])
            return forms.remove(text, path)

        self._change(change, keeps_comments=value is not None)

    def begin(self) -> None:
        """Start a list without profiles if the file is empty or gone; any other file stays as it is.

        Raises:
            ProfilesNotSaved: it cannot be written.
        """
        from pyhall_tui.files.safe_file import locked, write_atomically  # the first frame reads only

        try:
            with locked(self.path):
                try:
                    self._read()
                except ProfilesFileLost:
                    write_atomically(self.path, _NO_PROFILES.encode())
        except OSError as error:
            raise ProfilesNotSaved(f"{self.path} cannot be written ({reason(error)}).") from error

    def _change(self, change: Change, *, keeps_comments: bool = True) -> str:
        """Read, let `change` alter text and document in the same way, write if they changed; return the new text."""
        from pyhall_tui.files.safe_file import locked, write_atomically

        try:
            with locked(self.path):
                raw = self._read()
                text = raw.removeprefix(_BOM).replace("\r\n", "\n")
                self._profiles(text)
                new = self._changed(text, change, keeps_comments=keeps_comments)
                if tomllib.loads(new) != tomllib.loads(text):
                    write_atomically(self.path, _as_before(new if new.strip() else _NO_PROFILES, raw).encode())
                    self._was_there = True
                return new
        except OSError as error:
            raise ProfilesNotSaved(f"{self.path} cannot be written ({reason(error)}): nothing was changed.") from error

    def _changed(self, text: str, change: Change, *, keeps_comments: bool) -> str:
        """Return `text` after `change`, made so that it says what it should and keeps every comment."""
        before = toml_text.comments(text)
        for forms in _forms():
            document = tomllib.loads(text)
            with suppress(toml_text.UnknownForm):
                new = change(forms, text, document)
                if _says(new, document) and (not keeps_comments or before <= toml_text.comments(new)):
                    return new
        if before:
            why = "its comments would be lost: change it in an editor"
            raise ProfilesNotSaved(f"{self.path} cannot be changed here, because {why}. Nothing was changed.")
        import tomli_w  # with the first change: the first frame reads only

        return tomli_w.dumps(_without_empty(document))

    def _read(self) -> str:
        try:
            data = read_bounded(self.path)
        except FileNotFoundError:
            if self._was_there:
                raise ProfilesFileLost(self.path, f"It has disappeared since this program read it. {_WAY_ON}") from None
            if self.path.is_symlink():
                target = self.path.readlink()
                raise ProfilesFileLost(self.path, f"It is a link to {target}, which is not there. {_WAY_ON}") from None
            return ""
        except OSError as error:
            raise ProfilesFileError(self.path, f"It cannot be read ({reason(error)}).") from error
        self._was_there = True
        if not data.strip(_NOTHING):
            raise ProfilesFileLost(self.path, f"It is empty{_since(self.path)}. {_WAY_ON}")
        if data.startswith(_UTF_16):
            raise ProfilesFileError(self.path, "This is UTF-16: save it as UTF-8.", 1, 1)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            before = data[: error.start].decode()
            line, column = toml_text.line_and_column(before, len(before))
            raise ProfilesFileError(self.path, "This byte is not UTF-8.", line, column) from None

    def _profiles(self, text: str) -> Profiles:
        text = text.removeprefix(_BOM).replace("\r\n", "\n")
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise self._syntax_error(text, str(error)) from None
        tables = document.get("profiles", {})
        if not isinstance(tables, dict):
            raise self._value_error(text, ("profiles",), "Profiles must be tables, each as [profiles.<name>].")
        profiles = tuple(self._profile(text, name, table) for name, table in tables.items())
        default = document.get("default")
        if default is not None and default not in [profile.name for profile in profiles]:
            raise self._value_error(text, ("default",), "The default must be the name of a profile in this file.")
        return Profiles(profiles, default)

    def _profile(self, text: str, name: str, table: object) -> Profile:
        if not isinstance(table, dict):
            raise self._value_error(text, ("profiles", name), f"A profile must be a table: [profiles.{name}].")
        for key, sentence in mistakes_in_table(name, table).items():
            raise self._value_error(text, ("profiles", name, key), sentence)
        return profile_of_table(name, table)

    def _value_error(self, text: str, path: toml_text.Path, sentence: str) -> ProfilesFileError:
        return ProfilesFileError(self.path, sentence, *toml_text.place(text, path))

    def _syntax_error(self, text: str, message: str) -> ProfilesFileError:
        found = re.search(_PLACE, message)
        wrong = message.removesuffix(found[0] if found else " (at end of document)")
        place = (int(found[1]), int(found[2])) if found else toml_text.line_and_column(text, len(text))
        return ProfilesFileError(self.path, f"This is not TOML: {wrong[:1].lower()}{wrong[1:]}.", *place)


def _since(path: Path) -> str:
    """Return when a file was last changed, as the end of a sentence; nothing if unknown."""
    try:
        changed = path.stat().st_mtime
        return f", since {datetime.fromtimestamp(changed).astimezone():%Y-%m-%d %H:%M:%S %Z}"
    except (OSError, ValueError, OverflowError):
        return ""


def _checked(profile: Profile) -> Profile:
    table = msgspec.to_builtins(profile)
    for sentence in mistakes_in_table(profile.name, table).values():
        raise ValueError(sentence)
    return msgspec.structs.replace(profile, registry_url=normalise_url(profile.registry_url))


def _changes(profile: Profile, base: Profile | None, theirs: Profile | None) -> dict[str, Any]:
    """Return the keys to write; for a new profile (or one deleted meanwhile), all that are not defaults."""
    mine = msgspec.to_builtins(profile)
    before = _DEFAULTS if theirs is None else msgspec.to_builtins(base or theirs)
    needed = _REQUIRED if theirs is None else ()
    return {
        key: _as_toml(value) for key, value in mine.items() if key != "name" and (key in needed or value != before[key])
    }


def _as_toml(value: object) -> object:
    """Return the value as `tomllib` will read it; whole seconds as people write them."""
    if isinstance(value, tuple):
        return list(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _refuse_conflict(profile: Profile, base: Profile | None, theirs: Profile | None) -> None:
    name = profile.name
    if theirs is None:
        if base is not None:
            raise ProfileConflict(None, (), f"The profile {name} was deleted in the meantime. Save it anyway?")
        return
    mine, now = msgspec.to_builtins(profile), msgspec.to_builtins(theirs)
    before = msgspec.to_builtins(base) if base else {}
    both = tuple(key for key, value in mine.items() if value != now[key] and now[key] != before.get(key) != value)
    if both and base is None:
        raise ProfileConflict(theirs, both, f"A profile named {name} already exists. Overwrite it?")
    if both:
        raise ProfileConflict(theirs, both, f"Changed in the file in the meantime: {', '.join(both)}. Overwrite?")


def _forms() -> Iterator[Forms]:
    yield toml_text
    from pyhall_tui.profiles import toml_forms  # its library is large, and seldom needed

    yield toml_forms


def _says(text: str, document: Document) -> bool:
    """Whether `text` means the same as `document`."""
    try:
        return _without_empty(tomllib.loads(text)) == _without_empty(document)
    except tomllib.TOMLDecodeError:
        return False


def _without_empty(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "profiles" or value}


def _as_before(text: str, raw: str) -> str:
    """Give `text` the byte order mark and the line ends of `raw`."""
    crlf = raw.count("\r\n")
    text = text.replace("\n", "\r\n") if crlf and crlf == raw.count("\n") else text
    return _BOM + text if raw.startswith(_BOM) else text
