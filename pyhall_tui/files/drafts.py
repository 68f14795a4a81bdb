"""What was typed into a form and not sent yet: it survives an error, a change of screen, a restart and a crash."""

import contextlib
import hashlib
import weakref
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from pyhall_tui.files.regular_file import reason
from pyhall_tui.files.safe_file import write_atomically
from pyhall_tui.files.unreadable import UnreadableFiles

_all: "weakref.WeakSet[Drafts]" = weakref.WeakSet()
"""The drafts of all screens."""


def keep_drafts_that_were_not() -> str | None:
    """Try again to save what could not be saved; return why it still can't be, as a sentence."""
    for drafts in list(_all):
        drafts.keep_what_was_not()
    return next((drafts.problem for drafts in list(_all) if drafts.problem), None)


def drafts_set_aside() -> tuple[str, ...]:
    """Return which drafts could not be read and were set aside, in sentences."""
    return tuple(sentence for drafts in list(_all) for sentence in drafts.set_aside)


class Drafts:
    """One small JSON file per form and profile, in the state folder. Never holds a key."""

    def __init__(self, state: Path, profile_name: str) -> None:
        """Read or write nothing yet."""
        digest = hashlib.sha256(profile_name.encode()).hexdigest()[:12]
        self._folder = state / "drafts" / digest
        self.problem: str | None = None
        """Why the last draft could not be saved, as a sentence."""
        self._unkept: dict[str, dict[str, Any]] = {}
        self._unreadable = UnreadableFiles()
        _all.add(self)

    @property
    def folder(self) -> Path:
        """The folder of this profile's drafts."""
        return self._folder

    @property
    def set_aside(self) -> tuple[str, ...]:
        """Which drafts could not be read and were set aside, in sentences."""
        return self._unreadable.sentences

    def load(self, form: str) -> dict[str, Any]:
        """Return what was typed into that form, or nothing. A file that can't be read is set aside."""
        return self._unreadable.read(self._path(form), partial(msgspec.json.decode, type=dict[str, Any])) or {}

    def save(self, form: str, values: dict[str, Any]) -> None:
        """Save what is typed. If the folder can't be written, the draft is lost only when the program ends."""
        if why := self._held_back(form):
            self._unkept[form] = values
            self.problem = f"What is typed can't be kept: {why}"
            return
        try:
            write_atomically(self._path(form), msgspec.json.encode(values))
            self._unkept.pop(form, None)
            self.problem = self.problem if self._unkept else None
        except OSError as error:
            self._unkept[form] = values
            self.problem = f"What is typed can't be kept in {self._folder} ({reason(error)})."

    def keep_what_was_not(self) -> None:
        """Try again to save what could not be saved, if anything."""
        for form, values in list(self._unkept.items()):
            self.save(form, values)

    def forget(self, form: str) -> None:
        """Delete a draft, because its form was sent or emptied."""
        if self._unkept.pop(form, None) is not None and not self._unkept:
            self.problem = None
        if not self._held_back(form):
            with contextlib.suppress(OSError):
                self._path(form).unlink()

    def _held_back(self, form: str) -> str:
        if self._unreadable.held_back(self._path(form)):
            self.load(form)  # it may have been mended meanwhile
        return self._unreadable.held_back(self._path(form))

    def _path(self, form: str) -> Path:
        return self._folder / f"{form}.json"
