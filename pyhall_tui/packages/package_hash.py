"""The canonical package hash, exactly as in the contract, which is that of the Python SDK.

SHA-256 over `<relative posix path>\\n<size>\\n<sha256 of the content>\\n` of every file, sorted by POSIX path. Whatever
can't be hashed honestly (an unreadable file or folder, a broken link, a pipe, a name that is not UTF-8, a file that
changes while it is read) is an error that names it; there is never a hash of part of a package. Only pipes, sockets and
devices can be left out on request: then they are listed, and never opened.

A single file, such as a wheel or an archive, is hashed as `sha256sum` does, by its bytes, and `kind` is `file`.
"""

import hashlib
import os
import queue
import stat
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path

import msgspec

from pyhall_tui.attest.concerns import Concern, concerns_of, starts_like_a_private_key
from pyhall_tui.files.regular_file import READ_WITHOUT_WAITING
from pyhall_tui.packages.listing import (
    VANISHED,
    Found,
    LeftOut,
    Listing,
    Problem,
    list_package,
    shown,
    special_kind,
    why,
)

_CHUNK = 1 << 20
"""Bytes read at a time: each thread uses this much memory, and a cancel waits for at most this much work."""
_TICK = 0.05
"""Seconds between two checks for a cancel, and between two progress reports."""
_SMALL = 64 << 10
"""Files with fewer bytes are read only by the first thread. Two threads would pass the interpreter's lock to and fro
for longer than reading takes (measured: 10,000 files of 4 KiB take twice as long on two threads)."""
_AT_ONCE = 1_000
"""Files whose lines are put into the hash together."""
_KEY_BEGINS = (b"-", b"P")
_CHANGED = "it changed while it was being read"
_CAME_OR_WENT = "it appeared, vanished or changed while the package was being read"
_IN_MOTION = frozenset({_CHANGED, _CAME_OR_WENT, VANISHED})


class PackageKind(StrEnum):
    """What was hashed: a folder by the contract's rules, or one file by its bytes."""

    FOLDER = "folder"
    FILE = "file"


class HashedFile(msgspec.Struct, frozen=True, gc=False):
    """One file that is part of the hash: path below the root (POSIX), size in bytes, digest of its content."""

    path: str
    size: int
    sha256: str
    link: bool = False
    """A link to a file: it counts as its target."""


class PackageHash(msgspec.Struct, frozen=True, kw_only=True):
    """A package's hash, and everything that went into it."""

    sha256: str
    """64 lowercase hex digits."""
    kind: PackageKind = PackageKind.FOLDER
    files: tuple[HashedFile, ...]
    """In hashing order."""
    left_out: tuple[LeftOut, ...] = ()
    bytes_total: int = 0
    warnings: tuple[Concern, ...] = ()
    """What should not be in a package."""


class HashProgress(msgspec.Struct, frozen=True, kw_only=True):
    """The progress. While the folder is still being listed, the totals are 0."""

    bytes_done: int
    bytes_total: int
    files_done: int
    files_total: int
    current: str
    """A file that is currently being read, or empty."""


class PackageUnreadable(Exception):
    """An honest hash is impossible. `str()` is a sentence that names the first few paths and why."""

    def __init__(self, root: Path, problems: Sequence[Problem]) -> None:
        self.root = root
        self.problems = tuple(problems)
        named = "; ".join(f"{one.path}: {one.reason}" if one.path != "." else one.reason for one in self.problems[:3])
        more = f"; and {len(self.problems) - 3} more" if len(self.problems) > 3 else ""
        super().__init__(f"{shown(str(root))} cannot be hashed: {named}{more}.")

    @property
    def only_special(self) -> bool:
        """Whether leaving out pipes, sockets and devices would be enough."""
        return all(problem.special for problem in self.problems)

    @property
    def still_changing(self) -> bool:
        """Whether the only problem is that someone was writing meanwhile, so another attempt may succeed."""
        return all(problem.reason in _IN_MOTION for problem in self.problems)


class Cancelled(Exception):
    """The hashing was stopped on request."""


def hash_package(
    root: Path,
    *,
    on_progress: Callable[[HashProgress], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    threads: int | None = None,
    skip_special: bool = False,
) -> PackageHash:
    """Hash the folder (or single file) `root`. Blocks: call it in a thread; `on_progress` is called there.

    `cancelled` is called every 50 ms; if it returns true, this returns at once, whatever the disk is doing. `threads`
    daemon threads (default: one per core) do the reading, so a hung read doesn't keep the program alive.

    Raises `PackageUnreadable`, which names each problematic path, and `Cancelled`.
    """
    return _Job(Path(root), on_progress, cancelled, skip_special).run(threads or min(os.cpu_count() or 1, 8))


def canonical_sha256(files: Sequence[HashedFile]) -> str:
    """Return the package hash of already hashed files, in the given order."""
    whole = hashlib.sha256()
    for start in range(0, len(files), _AT_ONCE):
        lines = [f"{file.path}\n{file.size}\n{file.sha256}\n" for file in files[start : start + _AT_ONCE]]
        whole.update("".join(lines).encode())
    return whole.hexdigest()


def look_alikes(files: Sequence[HashedFile]) -> frozenset[str]:
    """Return the paths that look the same as another one although they differ: composed or not, or in invisible
    characters."""
    shown = {file.path: _as_shown(file.path) for file in files}
    times = Counter(shown.values())
    return frozenset(path for path, text in shown.items() if times[text] > 1)


def _as_shown(path: str) -> str:
    """Return a path as it looks: control characters as their pictures, every other invisible one as a dot."""
    if path.isascii() and path.isprintable():
        return path.rstrip()
    return "".join(map(_seen, unicodedata.normalize("NFC", path))).rstrip()


def _seen(letter: str) -> str:
    if letter.isprintable():
        return letter
    if unicodedata.category(letter) == "Zs":
        return " "
    return chr(0x2400 + ord(letter)) if letter < " " else "·"


def spelled(path: str) -> str:
    """Return a path in ASCII (`e\\u0301`), so that you can distinguish two that look alike."""
    text = "".join(letter if " " <= letter < "\x7f" else letter.encode("unicode_escape").decode() for letter in path)
    return f"{text[:-1]}\\x20" if text.endswith(" ") else text


class _Stopped(Exception):
    """A reading thread was told to stop."""


class _Changed(Exception):
    """A file has changed since the folder was listed."""


class _Job:
    """One hashing: the state that the caller's thread and the reading threads share."""

    def __init__(
        self,
        root: Path,
        on_progress: Callable[[HashProgress], None] | None,
        cancelled: Callable[[], bool],
        skip_special: bool,
    ) -> None:
        self._root = root
        self._root_text = str(root)
        self._on_progress = on_progress
        self._cancelled = cancelled
        self._skip_special = skip_special
        self._stop = threading.Event()
        self._listing = Listing()
        self._small: list[int] = []
        self._large: list[int] = []
        self._hashed: list[HashedFile | None] = []
        self._problems: list[Problem] = []
        self._keys: list[str] = []
        self._bytes_done: list[int] = []
        self._bytes_total = 0
        self._current = ""

    def run(self, threads: int) -> PackageHash:
        self._tick()
        self._in_threads([self._list])
        if self._listing.problems:
            self._in_threads([self._try_to_open])
            self._raise_for(self._listing.problems + self._problems)
        files = self._listing.files
        self._hashed = [None] * len(files)
        self._bytes_total = sum(found.size for found in files)
        # Both are popped from the end, the largest files first, so that no thread is left with a large one at the end.
        self._small = [index for index in reversed(range(len(files))) if files[index].size < _SMALL]
        large = (index for index in range(len(files)) if files[index].size >= _SMALL)
        self._large = sorted(large, key=lambda index: files[index].size)
        threads = max(1, min(threads, len(self._large) + bool(self._small)))
        self._bytes_done = [0] * threads
        self._in_threads([partial(self._hash_files, slot) for slot in range(threads)])
        self._raise_for(self._problems)
        self._in_threads([self._look_again])
        self._raise_for(self._problems)
        self._current = ""
        self._tick()
        return self._result()

    def _in_threads(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run each task in a daemon thread and wait for all of them or for a cancel, whichever is first."""
        ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

        def run(task: Callable[[], None]) -> None:
            try:
                task()
            except BaseException as failure:
                ended.put(failure)
            else:
                ended.put(None)

        for task in tasks:
            threading.Thread(target=run, args=(task,), name="hash", daemon=True).start()
        left = len(tasks)
        try:
            while left:
                try:
                    failure = ended.get(timeout=_TICK)
                except queue.Empty:
                    self._tick()
                    continue
                if failure is not None:
                    raise failure
                left -= 1
        except BaseException:
            self._stop.set()
            raise

    def _tick(self) -> None:
        if self._cancelled():
            raise Cancelled
        if self._on_progress is not None:
            self._on_progress(
                HashProgress(
                    bytes_done=sum(self._bytes_done),
                    bytes_total=self._bytes_total,
                    files_done=len(self._listing.files) - len(self._small) - len(self._large),
                    files_total=len(self._listing.files),
                    current=self._current,
                )
            )

    def _raise_for(self, problems: Sequence[Problem]) -> None:
        if problems:
            raise PackageUnreadable(self._root, sorted(problems, key=lambda problem: problem.path))

    def _read_listing(self) -> Listing:
        try:
            info = self._root.stat()
        except OSError as error:
            missing = isinstance(error, FileNotFoundError) and not self._root.is_symlink()
            reason = "there is no such file or folder" if missing else why(error, link=self._root.is_symlink())
            return Listing(problems=[Problem(".", reason)])
        special = special_kind(info.st_mode)
        if special:
            return Listing(problems=[Problem(".", special)])
        if stat.S_ISREG(info.st_mode):
            return Listing(files=[Found("", info.st_size, info.st_mtime_ns, False)])
        return list_package(str(self._root), skip_special=self._skip_special, go_on=lambda: not self._stop.is_set())

    def _list(self) -> None:
        self._listing = self._read_listing()

    def _try_to_open(self) -> None:
        """If a hash is impossible anyway, report unreadable files with the other problems."""
        for found in self._listing.files:
            if self._stop.is_set():
                return
            try:
                os.close(os.open(self._at(found.path), READ_WITHOUT_WAITING))
            except OSError as error:
                self._problems.append(Problem(found.path, why(error)))

    def _hash_files(self, slot: int) -> None:
        while not self._stop.is_set():
            try:
                index = (self._small if slot == 0 and self._small else self._large).pop()
            except IndexError:
                return
            found = self._listing.files[index]
            self._current = found.path
            try:
                self._hashed[index] = self._hash_file(found, slot)
            except _Stopped:
                return
            except _Changed:
                self._problems.append(Problem(found.path or ".", _CHANGED))
            except OSError as error:
                self._problems.append(Problem(found.path or ".", why(error)))

    def _hash_file(self, found: Found, slot: int) -> HashedFile:
        # `os` calls, because a file object makes a small file take a third longer.
        handle = os.open(self._at(found.path), READ_WITHOUT_WAITING)
        size, mtime_ns = found.size, found.mtime_ns
        try:
            now = os.fstat(handle)
            if now.st_mtime_ns != mtime_ns or now.st_size != size or not stat.S_ISREG(now.st_mode):
                raise _Changed
            digest = self._digest_of_small(found, handle, slot) if size < _SMALL else None
            digest = digest or self._digest(found, handle, slot)
            now = os.fstat(handle)
            if now.st_mtime_ns != mtime_ns or now.st_size != size:
                raise _Changed
        finally:
            os.close(handle)
        return HashedFile(found.path, size, digest, found.link)

    def _digest_of_small(self, found: Found, handle: int, slot: int) -> str | None:
        """Return the digest of a file that one read brings whole; None if this one needs more care."""
        content = os.read(handle, found.size + 1)
        if len(content) != found.size:
            os.lseek(handle, 0, os.SEEK_SET)
            return None
        if content[:1] in _KEY_BEGINS and starts_like_a_private_key(content):
            self._keys.append(found.path)
        self._bytes_done[slot] += found.size
        return hashlib.sha256(content).hexdigest()

    def _digest(self, found: Found, handle: int, slot: int) -> str:
        digest = hashlib.sha256()
        size = 0
        while size <= found.size:  # don't follow a file that grows, possibly forever
            asked = min(_CHUNK, found.size - size + 1)
            chunk = os.read(handle, asked)
            if size == 0 and starts_like_a_private_key(chunk):
                self._keys.append(found.path)
            digest.update(chunk)
            size += len(chunk)
            self._bytes_done[slot] += len(chunk)
            if self._stop.is_set():
                raise _Stopped
            if len(chunk) < asked and (size == found.size or not chunk):
                break  # one byte more than its size was requested, and is not there
        if size != found.size:
            raise _Changed
        return digest.hexdigest()

    def _look_again(self) -> None:
        """Check that nothing appeared, vanished or changed since: otherwise the hashed package never existed."""
        files, folders = self._listing.files, self._listing.folders
        same = all(self._state(below)[1] == then for below, then in folders.items())
        if same and self._are_as_they_were(files):
            return
        again = self._read_listing()
        self._problems.extend(again.problems)
        for path in sorted({found.path for found in set(files) ^ set(again.files)}):
            self._problems.append(Problem(path or ".", _CAME_OR_WENT))

    def _are_as_they_were(self, files: Sequence[Found]) -> bool:
        look, root = os.stat, f"{self._root_text}/"
        try:
            for found in files:
                now = look(root + found.path if found.path else self._root_text)
                if now.st_mtime_ns != found.mtime_ns or now.st_size != found.size:
                    return False
        except OSError:
            return False
        return True

    def _state(self, path: str) -> tuple[int, int]:
        try:
            info = os.stat(self._at(path))  # noqa: PTH116
        except OSError:
            return -1, -1
        return info.st_size, info.st_mtime_ns

    def _at(self, path: str) -> str:
        return f"{self._root_text}/{path}" if path else self._root_text

    def _result(self) -> PackageHash:
        files = tuple(file for file in self._hashed if file is not None)
        kind = PackageKind.FOLDER if self._listing.folders else PackageKind.FILE
        if kind is PackageKind.FILE:
            files = (HashedFile(self._root.name, files[0].size, files[0].sha256),)
        return PackageHash(
            sha256=canonical_sha256(files) if kind is PackageKind.FOLDER else files[0].sha256,
            kind=kind,
            files=files,
            left_out=tuple(self._listing.left_out),
            bytes_total=sum(file.size for file in files),
            warnings=concerns_of([(file.path, file.size) for file in files], keys=self._keys),
        )
