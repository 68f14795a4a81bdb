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
"""Files with fewer bytes are read as soon as they are first opened, all on one thread. Two would pass the interpreter's
lock to and fro for longer than reading takes (measured: 10,000 files of 4 KiB take twice as long on two threads)."""
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
    """The progress. The totals are 0 while the folder is being listed, and `bytes_total` until each file was opened."""

    bytes_done: int
    bytes_total: int
    files_done: int
    files_total: int
    current: str
    """A file that is currently being read, or empty."""

    @property
    def steps(self) -> tuple[int, int]:
        """How many are done, and of how many, for a bar: bytes; files while the sizes are not known."""
        if self.bytes_total:
            return self.bytes_done, self.bytes_total
        return self.files_done, self.files_total


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
    daemon threads (default: one per core) read the large files. A hung read doesn't keep the program alive.

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
        self._unopened: list[int] = []
        self._large: list[int] = []
        self._hashed: list[HashedFile | None] = []
        self._states: list[tuple[int, int]] = []
        """Each file's size and modification time, in ns, when it was first opened."""
        self._problems: list[Problem] = []
        self._keys: list[str] = []
        self._bytes_done = [0]
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
        self._states = [(0, 0)] * len(files)
        self._unopened = list(reversed(range(len(files))))
        self._in_threads([self._open_each])
        self._raise_for(self._problems)
        self._bytes_total = sum(size for size, _ in self._states)
        # Popped from the end, the largest files first, so that no thread is left with a large one at the end.
        self._large.sort(key=lambda index: self._states[index][0])
        threads = min(threads, len(self._large))
        self._bytes_done += [0] * threads
        self._in_threads([partial(self._hash_large, slot) for slot in range(1, threads + 1)])
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
                    files_done=len(self._hashed) - len(self._unopened) - len(self._large),
                    files_total=len(self._hashed),
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
            return Listing(files=[Found("", False)])
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

    def _open_each(self) -> None:
        """Note the state of each file, and hash the small ones at once: most of their cost is to open them."""
        while self._unopened and not self._stop.is_set():
            index = self._unopened.pop()
            try:
                self._open_first(index)
            except _Changed:
                self._problems.append(Problem(self._listing.files[index].path or ".", _CHANGED))
            except OSError as error:
                self._problems.append(Problem(self._listing.files[index].path or ".", why(error)))

    def _open_first(self, index: int) -> None:
        found = self._listing.files[index]
        self._current = found.path
        # `os` calls, because a file object makes a small file take a third longer.
        handle = os.open(self._at(found.path), READ_WITHOUT_WAITING)
        try:
            now = os.fstat(handle)
            if not stat.S_ISREG(now.st_mode):
                raise _Changed
            size = now.st_size
            self._states[index] = size, now.st_mtime_ns
            if size >= _SMALL:
                self._large.append(index)
                return
            content = os.read(handle, size + 1)
        finally:
            os.close(handle)
        if len(content) != size:
            self._large.append(index)  # it changed, or its file system gives less than a read asks for
            return
        if content[:1] in _KEY_BEGINS and starts_like_a_private_key(content):
            self._keys.append(found.path)
        self._bytes_done[0] += size
        self._hashed[index] = HashedFile(found.path, size, hashlib.sha256(content).hexdigest(), found.link)

    def _hash_large(self, slot: int) -> None:
        while not self._stop.is_set():
            try:
                index = self._large.pop()
            except IndexError:
                return
            found = self._listing.files[index]
            self._current = found.path
            try:
                self._hashed[index] = self._hash_file(found, self._states[index], slot)
            except _Stopped:
                return
            except _Changed:
                self._problems.append(Problem(found.path or ".", _CHANGED))
            except OSError as error:
                self._problems.append(Problem(found.path or ".", why(error)))

    def _hash_file(self, found: Found, state: tuple[int, int], slot: int) -> HashedFile:
        handle = os.open(self._at(found.path), READ_WITHOUT_WAITING)
        try:
            now = os.fstat(handle)
            if (now.st_size, now.st_mtime_ns) != state or not stat.S_ISREG(now.st_mode):
                raise _Changed
            digest = self._digest(found.path, state[0], handle, slot)
            now = os.fstat(handle)
            if (now.st_size, now.st_mtime_ns) != state:
                raise _Changed
        finally:
            os.close(handle)
        return HashedFile(found.path, state[0], digest, found.link)

    def _digest(self, path: str, whole: int, handle: int, slot: int) -> str:
        digest = hashlib.sha256()
        size = 0
        while size <= whole:  # don't follow a file that grows, possibly forever
            asked = min(_CHUNK, whole - size + 1)
            chunk = os.read(handle, asked)
            if size == 0 and starts_like_a_private_key(chunk):
                self._keys.append(path)
            digest.update(chunk)
            size += len(chunk)
            self._bytes_done[slot] += len(chunk)
            if self._stop.is_set():
                raise _Stopped
            if len(chunk) < asked and (size == whole or not chunk):
                break  # one byte more than its size was requested, and is not there
        if size != whole:
            raise _Changed
        return digest.hexdigest()

    def _look_again(self) -> None:
        """Check that nothing appeared, vanished or changed since: otherwise the hashed package never existed."""
        files = self._listing.files
        moved = {found.path for found, then in zip(files, self._states, strict=True) if self._is_changed(found, then)}
        if any(self._mtime_ns(below) != then for below, then in self._listing.folders.items()):
            again = self._read_listing()
            self._problems.extend(again.problems)
            moved.update(found.path for found in set(files) ^ set(again.files))
        self._problems.extend(Problem(path or ".", _CAME_OR_WENT) for path in sorted(moved))

    def _is_changed(self, found: Found, then: tuple[int, int]) -> bool:
        try:
            now = os.stat(self._at(found.path))  # noqa: PTH116
        except OSError:
            return True
        return (now.st_size, now.st_mtime_ns) != then

    def _mtime_ns(self, folder: str) -> int:
        try:
            return os.stat(self._at(folder)).st_mtime_ns  # noqa: PTH116
        except OSError:
            return -1

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
            warnings=concerns_of(files, keys=self._keys),
        )
