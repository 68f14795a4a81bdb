"""Watched workers' packages: hashed when their files change, and compared with what the registry attests.

One daemon thread listens for changed files (`watchfiles`), another hashes: one package at a time, on one core, and a
package that never settles at most a third of the time. Nobody waits for either; the thread that owns the watch (the
UI's) gets the results.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePath

import msgspec

from pyhall_tui.files.notes import Notes
from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.packages.drift import Drift, compare
from pyhall_tui.packages.listing import NEVER_PART
from pyhall_tui.packages.package_hash import (
    Cancelled,
    HashedFile,
    HashProgress,
    PackageHash,
    PackageUnreadable,
    hash_package,
)

_log = logging.getLogger(__name__)

_QUIET = 0.5
"""Seconds without a change after which a package is hashed."""
_PATIENCE = 10.0
"""Seconds after which it is hashed even if it keeps changing."""
_REST = 2.0
"""After a hash, its package rests for this many times as long as the hash took, unless you ask."""
_TRIES = 5
"""Attempts to hash a package that changes while it is read, before it is reported as unreadable."""
_LOOK = 2.0
"""Seconds between two checks whether a package's root still exists, or exists again."""
_MOST_LINKS = 1_000
"""How many of a package's links are checked; each check is a system call."""
_ANEW = 60.0
"""Seconds until the next attempt to listen if the system refused."""


class PackageStanding(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a package when it was last hashed."""

    folder: str
    drift: Drift
    at: float
    """Wall time of the hash."""
    files: int = 0
    bytes_total: int = 0


class LastMatch(msgspec.Struct, frozen=True, kw_only=True):
    """A package's files when it last matched what is attested, to find what changed since."""

    folder: str
    sha256: str
    at: float
    files: tuple[HashedFile, ...]


@dataclass(eq=False, slots=True)
class _Package:
    """One worker's package. Shared between the threads under the watch's lock."""

    worker_id: str
    folder: Path
    attested: str | None
    known: bool
    """There is a verdict, so there is something to compare with."""
    standing: PackageStanding | None
    due: float | None = None
    """When to hash it (`time.monotonic`), or None."""
    changed_since: float | None = None
    rest_until: float = 0.0
    tries: int = 0
    is_hashing: bool = False
    progress: HashProgress | None = None
    links: dict[Path, tuple[int, int]] = field(default_factory=dict)
    """Its links to files, with the size and modification time of their targets, which may be outside the folder."""


_Root = tuple[str, int, int]
"""A package's real path, device and inode: if they differ, it is another package."""


class PackageWatch:
    """The packages of one profile's workers. Its public methods belong to one thread."""

    def __init__(
        self,
        notes: Notes,
        *,
        wall: Callable[[], float],
        hand_over: Callable[..., None],
        take: Callable[[str, Drift], None],
        quiet: float = _QUIET,
    ) -> None:
        """Watch nothing yet, and start no thread.

        Args:
            notes: where the last match of each package is stored.
            wall: returns the wall time.
            hand_over: calls a function on the thread that owns the watch; it is called on other threads.
            take: is called with the result of each hash, on that thread.
            quiet: seconds without a change after which a package is hashed.
        """
        self.problem = ""
        """Why changed files are not noticed automatically, as a sentence; empty if they are."""
        self._notes, self._wall, self._hand_over, self._take = notes, wall, hand_over, take
        self._quiet = quiet
        self._packages: dict[str, _Package] = {}
        self._wake = threading.Condition()
        self._rewatch = threading.Event()
        self._closed = False
        self._threads: list[threading.Thread] = []

    def follow(self, worker_id: str, folder: Path, attested: str | None, *, known: bool) -> PackageStanding | None:
        """Watch a worker's package, and hash it soon; return its state in an earlier run.

        Without a verdict (`known` is False), the first `attested_is` starts it.
        """
        kept = self._notes.load("standing", worker_id, PackageStanding)
        standing = kept if kept is not None and kept.folder == str(folder) else None
        package = _Package(worker_id, folder, attested, known, standing, due=time.monotonic() + self._quiet)
        with self._wake:
            self._packages[worker_id] = package
            self._wake.notify_all()
        self._rewatch.set()
        self._start()
        return standing

    def drop(self, worker_ids: Iterable[str]) -> None:
        """Stop watching these; a hash under way is cancelled."""
        with self._wake:
            dropped = [worker_id for worker_id in worker_ids if self._packages.pop(worker_id, None)]
        if dropped:
            self._rewatch.set()

    def forget(self, worker_id: str) -> None:
        """Drop a package and the notes about it."""
        self.drop([worker_id])
        for kind in ("standing", "last-match"):
            self._notes.forget(kind, worker_id)

    def attested_is(self, worker_id: str, sha256: str | None) -> None:
        """Note what the newest verdict attests; if it is a different hash, hash the package."""
        package = self._packages.get(worker_id)
        if package is None or (package.known and package.attested == sha256):
            return
        with self._wake:
            package.attested, package.known = sha256, True
            package.due = time.monotonic()
            self._wake.notify_all()

    def hash_now(self, worker_id: str) -> bool:
        """Hash a package as soon as the one under way is done; return whether there is one to hash."""
        package = self._packages.get(worker_id)
        if package is None or self._closed:
            return False
        with self._wake:
            package.due = 0.0  # before all others that are due
            self._wake.notify_all()
        return package.known

    def folder(self, worker_id: str) -> Path | None:
        """Return the folder of a worker's package, if one is watched."""
        package = self._packages.get(worker_id)
        return package.folder if package else None

    def standing(self, worker_id: str) -> PackageStanding | None:
        """Return the package's state when it was last hashed, even in an earlier run."""
        package = self._packages.get(worker_id)
        return package.standing if package else None

    def is_hashing(self, worker_id: str) -> bool:
        """Whether the package is being hashed, or will be as soon as it is its turn."""
        package = self._packages.get(worker_id)
        return package is not None and package.known and (package.is_hashing or package.due is not None)

    def progress(self, worker_id: str) -> HashProgress | None:
        """Return the progress of the hash under way."""
        package = self._packages.get(worker_id)
        return package.progress if package else None

    def close(self) -> None:
        """Stop both threads. Waits for neither; see `wait_closed`."""
        with self._wake:
            self._closed = True
            self._packages.clear()
            self._wake.notify_all()
        self._rewatch.set()

    def wait_closed(self, timeout: float) -> None:
        """Wait at most that many seconds until the threads have ended (blocks)."""
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start(self) -> None:
        if self._threads:
            return
        for name, run in (("package-hash", self._hash_all), ("package-watch", self._listen)):
            thread = threading.Thread(target=run, name=f"pyhall-tui-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    # -- the hashing thread ------------------------------------------------------------------------------------

    def _hash_all(self) -> None:
        while (package := self._next()) is not None:
            began = time.monotonic()
            try:
                self._hash(package)
            except Exception:  # one package's fault must not end the watch of all
                _log.exception("a package could not be compared")
            finally:
                ended = time.monotonic()
                package.is_hashing, package.progress = False, None
                package.rest_until = ended + _REST * (ended - began)

    def _next(self) -> _Package | None:
        """Wait for the package that is due first; None if the watch is closed."""
        with self._wake:
            while not self._closed:
                waiting = [one for one in self._packages.values() if one.due is not None and one.known]
                first = min(waiting, key=_due, default=None)
                wait = None if first is None else _due(first) - time.monotonic()
                if first is not None and wait is not None and wait <= 0:
                    first.due = first.changed_since = None
                    first.is_hashing = True
                    return first
                self._wake.wait(wait)
        return None

    def _hash(self, package: _Package) -> None:
        result: PackageHash | PackageUnreadable
        try:
            result = hash_package(
                package.folder,
                on_progress=partial(self._note_progress, package),
                cancelled=lambda: self._packages.get(package.worker_id) is not package,
                threads=1,
            )
        except Cancelled:
            return
        except PackageUnreadable as unreadable:
            if unreadable.still_changing and package.tries < _TRIES:
                package.tries += 1
                self._make_due([package])
                return
            result = unreadable
        package.tries = 0
        if isinstance(result, PackageHash):
            links = [package.folder / file.path for file in result.files if file.link]
            package.links = {link: _state_of(link) for link in links[:_MOST_LINKS]}
        self._compare(package, result)

    def _compare(self, package: _Package, result: PackageHash | PackageUnreadable) -> None:
        folder, attested, at = str(package.folder), package.attested, self._wall()
        last = self._notes.load("last-match", package.worker_id, LastMatch)
        files = last.files if last is not None and last.folder == folder else None
        drift = compare(result, attested, files)
        standing = PackageStanding(folder=folder, drift=drift, at=at)
        if isinstance(result, PackageHash):
            standing = msgspec.structs.replace(standing, files=len(result.files), bytes_total=result.bytes_total)
            if _is_same_content(drift) and (last is None or (last.folder, last.sha256) != (folder, result.sha256)):
                match = LastMatch(folder=folder, sha256=result.sha256, at=at, files=result.files)
                self._notes.save("last-match", package.worker_id, match)
        if self._packages.get(package.worker_id) is package:
            self._notes.save("standing", package.worker_id, _without_lists(standing))
            self._hand_over(self._hashed, package, standing)

    def _hashed(self, package: _Package, standing: PackageStanding) -> None:
        """Take the result of a hash, on the owner's thread, unless the package is no longer watched."""
        if self._packages.get(package.worker_id) is package:
            package.standing = standing
            self._take(package.worker_id, standing.drift)

    @staticmethod
    def _note_progress(package: _Package, progress: HashProgress) -> None:
        package.progress = progress

    def _make_due(self, packages: Iterable[_Package]) -> None:
        """Files changed: hash once they have settled, or anyway after a while."""
        now = time.monotonic()
        with self._wake:
            for package in packages:
                package.changed_since = package.changed_since or now
                due = max(min(now + self._quiet, package.changed_since + _PATIENCE), package.rest_until)
                if package.due is None or package.due > 0:  # a requested one stays first
                    package.due = due
            self._wake.notify_all()

    # -- the listening thread ----------------------------------------------------------------------------------

    def _listen(self) -> None:
        seen: dict[_Package, _Root | None] = {}
        while not self._closed:
            self._rewatch.clear()
            if self._closed:
                return
            before, seen = seen, self._look()
            self._make_due(one for one, root in seen.items() if one in before and before[one] != root)
            roots = _by_path(seen)
            if not roots:
                self._rewatch.wait(_LOOK if seen else None)
                continue
            try:
                self._listen_below(roots, seen)
            except (OSError, RuntimeError) as error:  # its own error for faults in its Rust part is a RuntimeError
                self.problem = f"Changed files are not noticed automatically here ({error}): hash again after a change."
                _log.warning("packages cannot be watched: %s", error)
                self._rewatch.wait(_ANEW)

    def _listen_below(self, roots: dict[str, list[_Package]], seen: dict[_Package, _Root | None]) -> None:
        """Handle changes until the set of packages, or the real place of one of them, changes."""
        from watchfiles import watch

        changes_of_files = watch(
            *roots,
            watch_filter=None,
            stop_event=self._rewatch,
            rust_timeout=int(_LOOK * 1_000),
            yield_on_timeout=True,
            raise_interrupt=False,
            ignore_permission_denied=True,
        )
        for changes in changes_of_files:
            self.problem = ""
            concerned = {package for _, path in changes for package in _concerned(path, roots)}
            concerned.update(package for package in seen if _is_changed_behind_a_link(package))
            if concerned:
                self._make_due(concerned)
            if self._look() != seen:
                return

    def _look(self) -> dict[_Package, _Root | None]:
        with self._wake:
            packages = list(self._packages.values())
        return {package: _root_of(package.folder) for package in packages}


def _due(package: _Package) -> float:
    return package.due or 0.0


def _root_of(folder: Path) -> _Root | None:
    try:
        real = folder.resolve()
        info = real.stat()
    except (OSError, RuntimeError):  # a loop of links is a RuntimeError before Python 3.13
        return None
    return str(real), info.st_dev, info.st_ino


def _is_changed_behind_a_link(package: _Package) -> bool:
    """Whether a link's target has changed: the listener doesn't notice files outside the folder."""
    links = package.links
    changed = {link: now for link, then in links.items() if (now := _state_of(link)) != then}
    links.update(changed)
    return bool(changed)


def _state_of(path: Path) -> tuple[int, int]:
    try:
        info = path.stat()
    except OSError:
        return -1, -1
    return info.st_size, info.st_mtime_ns


def _by_path(seen: dict[_Package, _Root | None]) -> dict[str, list[_Package]]:
    """Return the existing packages by their real path; two workers may share one."""
    roots: dict[str, list[_Package]] = {}
    for package, root in seen.items():
        if root is not None:
            roots.setdefault(root[0], []).append(package)
    return roots


def _concerned(path: str, roots: dict[str, list[_Package]]) -> Iterator[_Package]:
    """Yield the packages that a changed path belongs to; all of them if that is unclear."""
    changed = PurePath(path)
    inside = [root for root in (changed, *changed.parents) if str(root) in roots]
    if not inside:
        for packages in roots.values():
            yield from packages
    for root in inside:
        below = changed.relative_to(root)
        if not NEVER_PART.intersection(below.parts) and below.suffix != ".pyc":
            yield from roots[str(root)]


def _is_same_content(drift: Drift) -> bool:
    return drift.state is DriftState.MATCH or (drift.state is DriftState.OTHER_ORDER and not drift.uncovered)


def _without_lists(standing: PackageStanding) -> PackageStanding:
    """Return what is read back at the start, on the UI's thread: short, as the first hash makes the lists again."""
    return msgspec.structs.replace(standing, drift=msgspec.structs.replace(standing.drift, changes=None, uncovered=()))
