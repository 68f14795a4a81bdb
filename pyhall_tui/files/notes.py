"""Small things to remember between runs: when a package last matched, how far an evidence log was whole."""

import contextlib
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pyhall_tui.files.name_digest import name_digest
from pyhall_tui.files.unreadable import UnreadableFiles

T = TypeVar("T")


class Notes:
    """One JSON file per note, by kind and key, in one profile's state folder. Never holds an API key. Thread-safe."""

    def __init__(self, state: Path | None, profile_name: str) -> None:
        """Read or write nothing yet. Without a folder nothing is saved."""
        self._folder = state / "notes" / _digest(profile_name) if state else None
        self._unreadable = UnreadableFiles()

    def load(self, kind: str, key: str, type_: type[T]) -> T | None:
        """Return what was noted; None if nothing was, or what is there can't be read: that is set aside."""
        if self._folder is None:
            return None
        return self._unreadable.read(self._path(self._folder, kind, key), partial(msgspec.json.decode, type=type_))

    def save(self, kind: str, key: str, value: Any) -> bool:
        """Note a value; return whether it is on disk."""
        if self._folder is None or self._unreadable.held_back(path := self._path(self._folder, kind, key)):
            return False
        from pyhall_tui.files.safe_file import write_atomically  # the first frame reads only

        try:
            write_atomically(path, msgspec.json.encode(value))
        except (OSError, UnicodeEncodeError):
            return False
        return True

    def forget(self, kind: str, key: str) -> None:
        """Delete a note."""
        if self._folder is None or self._unreadable.held_back(path := self._path(self._folder, kind, key)):
            return
        with contextlib.suppress(OSError):
            path.unlink()

    def rename(self, profile_name: str) -> None:
        """Move to the profile's new name; a note that can't be moved is lost."""
        if self._folder is None or self._folder.name == _digest(profile_name):
            return
        old, self._folder = self._folder, self._folder.with_name(_digest(profile_name))
        _move(old, self._folder)

    @property
    def set_aside(self) -> tuple[str, ...]:
        """Which notes could not be read and were set aside, in sentences."""
        return self._unreadable.sentences

    @staticmethod
    def _path(folder: Path, kind: str, key: str) -> Path:
        return folder / kind / f"{name_digest(key, 24)}.json"


def _digest(profile_name: str) -> str:
    return name_digest(profile_name, 12)


def _move(old: Path, new: Path) -> None:
    """Move a folder; what is in it replaces what is there."""
    with contextlib.suppress(OSError):
        if not new.exists() or not old.is_dir():
            old.replace(new)
            return
        for each in list(old.iterdir()):
            _move(each, new / each.name)
