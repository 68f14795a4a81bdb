"""Never overwrites our own files that can't be read: they are set aside, and a sentence says so.

Somebody may have edited such a file and saved it as UTF-16: its content is not lost.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from pyhall_tui.files.regular_file import NotText, edited_text, read_bounded, reason

T = TypeVar("T")

_MOST: Final = 3
"""Files that are named, if a whole folder can't be read."""


class UnreadableFiles:
    """What one reader of small JSON files could not read. Thread-safe."""

    def __init__(self) -> None:
        self._aside: tuple[tuple[Path, str], ...] = ()
        self._held_back: dict[Path, str] = {}

    @property
    def sentences(self) -> tuple[str, ...]:
        """Sentences for the user about files that were set aside, and are still there."""
        return tuple(said for aside, said in self._aside if os.path.lexists(aside))

    def read(self, path: Path, decode: Callable[[str], T]) -> T | None:
        """Return what `decode` makes of a file's text; None if there is no file, or it is empty or has another shape.

        A file that isn't text or JSON is renamed. One that another version wrote in another shape isn't damaged.
        """
        self._held_back.pop(path, None)
        try:
            data = read_bounded(path)
            return decode(edited_text(data)) if data.strip() else None
        except (FileNotFoundError, NotADirectoryError, msgspec.ValidationError):
            return None
        except OSError as error:
            why = reason(error)
        except NotText as error:
            why = str(error)
        except (msgspec.DecodeError, RecursionError):
            why = "it is not JSON"
        self._set_aside(path, why)
        return None

    def held_back(self, path: Path) -> str:
        """Return why that file must not be written over, as a sentence; empty if it may be."""
        return self._held_back.get(path, "")

    def _set_aside(self, path: Path, why: str) -> None:
        aside = path.with_name(f"{path.name}.unreadable-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
        try:
            path.rename(aside)
        except OSError as error:
            self._held_back[path] = f"{path} can't be read ({why}), nor set aside ({reason(error)})."
        else:
            said = f"{path} can't be read ({why}). It was set aside as {aside.name}: mend it, or delete it."
            self._aside = (*self._aside, (aside, said))[:_MOST]
