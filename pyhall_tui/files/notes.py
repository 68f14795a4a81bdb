"""Small things to remember between runs: how a package last matched, how far an evidence log was whole."""

import contextlib
import hashlib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pyhall_tui.files.regular_file import NotText, edited_text, read_bounded
from pyhall_tui.files.safe_file import write_atomically

T = TypeVar("T")


class Notes:
    """One JSON file a note, by kind and key, in the state folder of one profile. Never holds a key. Any thread's."""

    def __init__(self, state: Path | None, profile_name: str) -> None:
        """Nothing is read or written yet. Without a folder nothing is kept."""
        digest = hashlib.sha256(profile_name.encode(errors="surrogatepass")).hexdigest()[:12]
        self._folder = state / "notes" / digest if state else None

    def load(self, kind: str, key: str, type_: type[T]) -> T | None:
        """Return what was noted; None where nothing was, or what is there cannot be read."""
        if self._folder is None:
            return None
        try:
            return msgspec.json.decode(edited_text(read_bounded(self._path(self._folder, kind, key))), type=type_)
        except (OSError, msgspec.MsgspecError, NotText, RecursionError):
            return None

    def save(self, kind: str, key: str, value: Any) -> bool:
        """Note a value; return whether it is on disk."""
        if self._folder is None:
            return False
        try:
            write_atomically(self._path(self._folder, kind, key), msgspec.json.encode(value))
        except (OSError, UnicodeEncodeError):
            return False
        return True

    def forget(self, kind: str, key: str) -> None:
        """Drop a note."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._path(self._folder, kind, key).unlink()

    @staticmethod
    def _path(folder: Path, kind: str, key: str) -> Path:
        return folder / kind / f"{hashlib.sha256(key.encode(errors='surrogatepass')).hexdigest()[:24]}.json"
