"""Unsaved edits of profiles: by profile, with the values that they started from. No Textual."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from pyhall_tui.files.drafts import Drafts
from pyhall_tui.profiles.profile import Profile

NEW: Final = " new"
"""The row of a profile without a name; no profile can have this name."""

Values = dict[str, Any]
"""A form's contents by field: texts as typed, and booleans."""


class Edit(NamedTuple):
    """One form that differs from its profile."""

    base: Profile | None
    """The profile as it was when the edit started; None for a new one."""
    values: Values


def values_of(profile: Profile) -> Values:
    """Return what the form shows for a profile."""
    return {name: _text(value) for name, value in msgspec.structs.asdict(profile).items()}


def fields_of(values: Mapping[str, Any]) -> Values:
    """Return a form's contents for `profiles.profile_checks`: a list of capabilities, a URL without its slash."""
    capabilities = [part for part in re.split(r"[\s,;]+", str(values.get("capabilities", ""))) if part]
    return {**values, "capabilities": capabilities}


def _text(value: object) -> str | bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


BLANK: Final = values_of(Profile(name="", namespace="", registry_url=""))
"""The form of a new profile: the defaults; other fields are empty."""


class _Kept(msgspec.Struct):
    base: Profile | None
    values: Values


class Edits:
    """The unsaved edits, stored as a draft so that they survive the screen and the program. Never holds a key."""

    def __init__(self, drafts: Drafts) -> None:
        """Load what the last run left."""
        self._drafts = drafts
        self._by_name: dict[str, Edit] = {}
        for name, kept in drafts.load("profiles").items():
            try:
                edit = msgspec.convert(kept, _Kept)
            except msgspec.ValidationError:
                continue
            values = {field: edit.values.get(field, default) for field, default in BLANK.items()}
            self._by_name[name] = Edit(edit.base, values)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def names(self) -> list[str]:
        """The edited profiles; the new one is `NEW`."""
        return list(self._by_name)

    def get(self, name: str) -> Edit | None:
        """Return that profile's edit."""
        return self._by_name.get(name)

    def put(self, name: str, edit: Edit) -> None:
        """Remember an edit; drop it if it changes nothing, or the form is untouched."""
        if edit.values == (values_of(edit.base) if edit.base else BLANK):
            self._by_name.pop(name, None)
        else:
            self._by_name[name] = edit

    def drop(self, name: str) -> None:
        """Forget an edit, because it was saved or discarded."""
        self._by_name.pop(name, None)

    def keep(self) -> None:
        """Write the draft."""
        if not self._by_name:
            self._drafts.forget("profiles")
            return
        kept = {name: msgspec.to_builtins(_Kept(*edit)) for name, edit in self._by_name.items()}
        self._drafts.save("profiles", kept)
