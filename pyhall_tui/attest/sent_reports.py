"""Which package hashes were reported to which registry, so that none is reported twice by mistake.

One file per report, made before it is sent: a program that is killed meanwhile leaves the file, which says *outcome
unknown*. Making it fails if it is there, so of two programs only one sends. Uses the disk; a report is rare.
"""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Final

import msgspec

from pyhall_tui.files.private_file import make_private_file, make_private_folder
from pyhall_tui.files.safe_file import write_atomically

_MOST: Final = 16_384
"""Bytes that are read of such a file."""


class NotKept(Exception):
    """What is sent can't be recorded, so send nothing."""


class SentReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was sent, or was about to be."""

    at: float = 0.0
    """Wall time; 0 if unknown."""
    correlation_id: str = ""
    is_taken: bool = False
    """The registry accepted it. If not, nobody knows whether it did."""


class SentReports:
    """The reports sent to one registry."""

    def __init__(self, state: Path | None, registry_url: str) -> None:
        """Read nothing yet. Without a folder nothing can be sent."""
        self._folder, self._registry_url = state / "reports" if state else None, registry_url

    def earlier(self, sha256: str) -> SentReport | None:
        """Return the report of a hash, if there is one and it was not refused."""
        if self._folder is None:
            return None
        try:
            with self._path(self._folder, sha256).open("rb") as file:
                return msgspec.json.decode(file.read(_MOST), type=SentReport)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError):
            return SentReport()  # half written, or not ours to read: it may have been sent

    def begin(self, sha256: str, report: SentReport, *, again: bool = False) -> None:
        """Note that a hash is about to be reported.

        Raises:
            NotKept: it can't be noted, or it was reported before and `again` is not set.
        """
        if self._folder is None:
            raise NotKept("There is no folder to note in what is reported.")
        path = self._path(self._folder, sha256)
        try:
            make_private_folder(path.parent)
            if again:
                write_atomically(path, msgspec.json.encode(report))
                return
            _make(path, msgspec.json.encode(report))
        except FileExistsError:
            raise NotKept("It is being reported, or was reported before.") from None
        except OSError as error:
            raise NotKept(f"What is reported can't be noted: {error.strerror or error}.") from None

    def taken(self, sha256: str, report: SentReport) -> None:
        """Note that the registry accepted it."""
        if self._folder is not None:
            with contextlib.suppress(OSError):  # then it stays *outcome unknown*
                kept = msgspec.structs.replace(report, is_taken=True)
                write_atomically(self._path(self._folder, sha256), msgspec.json.encode(kept))

    def refused(self, sha256: str) -> None:
        """Forget a report that the registry did not accept, so that it can be sent again."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._path(self._folder, sha256).unlink()

    def _path(self, folder: Path, sha256: str) -> Path:
        digest = hashlib.sha256(f"{self._registry_url}\n{sha256}".encode(errors="surrogatepass")).hexdigest()
        return folder / f"{digest[:32]}.json"


def _make(path: Path, content: bytes) -> None:
    """Make a file with this content, or none: if it can't be written, nothing will be sent that it could speak of."""
    handle = make_private_file(path, os.O_WRONLY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
