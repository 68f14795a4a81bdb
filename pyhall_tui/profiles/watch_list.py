"""A profile's watch list: the workers that it watches, as JSON Lines, shared with other running programs."""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from pyhall_tui.files.name_digest import name_digest
from pyhall_tui.files.regular_file import read_bounded, reason

_Stamp = tuple[int, int, int]

_MOST_NAMED = 3
"""How many odd ids one sentence names."""
MAX_ID_LENGTH: Final = 256
"""Characters in a worker id; real ones have at most a few dozen."""

_LONG: Final = 262_144
"""Bytes of a watch list that is read after the first frame, if that can do without it."""
_PLAIN: Final = re.compile(rb'^\{"id":"([._:@/+-]*[A-Za-z0-9][A-Za-z0-9._:@/+-]*)"\}$', re.MULTILINE)
"""A line as it is written of a worker without a folder whose id needs no escape."""
_NOBODY: Final = b"\n"
"""The file of a list that everybody was taken off: an empty file may be one that was lost."""
_WORD: Final = re.compile(r"[^\s,;]+")
_AROUND: Final = "\"'`“”‘’«»\ufeff\u200b"  # quotes, and the invisible characters that pages put around copied words


class WatchedWorker(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One line of a watch list."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_LENGTH)]
    folder: str | None = None
    """The local package folder that is compared with the registry's hash."""


class ParsedIds(NamedTuple):
    """What was found in a pasted text: nothing is dropped silently."""

    ids: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    """Each text that was left out, with the reason."""


def parse_worker_ids(text: str) -> ParsedIds:
    """Find the worker ids in a pasted text, separated by line ends, commas, semicolons or spaces, perhaps in quotes.

    From JSON or JSON Lines it takes the texts in lists and the values of `worker_id` (or `id`). An id is any text of
    letters, digits and symbols (it is percent-encoded on the wire), so few are refused.
    """
    ids: dict[str, None] = {}
    left_out: list[tuple[str, str]] = []
    found = _ids_in_json(text)
    for part in _words(text.strip().removeprefix("[").removesuffix("]")) if found is None else found:
        worker_id = part.strip(_AROUND)
        if not worker_id:
            continue
        if reason := "appears twice" if worker_id in ids else id_mistake(worker_id):
            left_out.append((worker_id, reason))
        else:
            ids[worker_id] = None
    return ParsedIds(tuple(ids), tuple(left_out))


def _words(text: str) -> Iterator[str]:
    """Yield what stands between separators, one by one: no call takes long, so a thread can do it beside the loop."""
    return (found[0] for found in _WORD.finditer(text))


def _ids_in_json(text: str) -> list[str] | None:
    """Return the ids in a JSON document, or in each line of JSON Lines; None if it is neither."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    for documents in ([text], text.splitlines()):
        with contextlib.suppress(msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return [each for one in documents if one.strip() for each in _named_in(msgspec.json.decode(one))]
    return None


def _named_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from (each,) if isinstance(each, str) else _named_in(each)
    elif isinstance(value, dict):
        named = value.get("worker_id", value.get("id"))
        if isinstance(named, str):
            yield named
        else:
            for each in value.values():
                yield from _named_in(each)


def id_mistake(worker_id: str) -> str | None:
    """Return why a text is not a worker id; None if it may be one."""
    if len(worker_id) > MAX_ID_LENGTH:
        return f"is longer than {MAX_ID_LENGTH} characters"
    if not worker_id.isprintable():
        return "contains a control character or an invisible one"
    if not any(map(str.isalnum, worker_id)):  # not a generator: ten thousand are read before the first frame
        return "contains no letter and no digit"
    return None


def cannot_be_watched(worker_ids: Iterable[str]) -> str:
    """Return a sentence that names a registry's ids that can't be on a watch list; empty for none."""
    odd = [(worker_id, wrong) for worker_id in dict.fromkeys(worker_ids) if (wrong := id_mistake(worker_id))]
    if not odd:
        return ""
    named = "; ".join(f"“{_spelled(worker_id)}” {wrong}" for worker_id, wrong in odd[:_MOST_NAMED])
    more = f"; and {len(odd) - _MOST_NAMED:,} more" if len(odd) > _MOST_NAMED else ""
    return f"Not watched: {named}{more}."


def _spelled(worker_id: str) -> str:
    """Return an id's beginning, with invisible characters escaped: `wkr_a\\u200b`."""
    shown = "".join(
        one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode() for one in worker_id[:60]
    )
    return shown + "…" * (len(worker_id) > 60)


class WatchList:
    """The workers that one profile watches, in the order they were added.

    Each change is applied to the file's current content, so that two programs' changes add up. If the file can't be
    written, the list continues in memory, `problem` says so, and unsaved changes are tried again with the next one. Not
    thread-safe, except for what says so.
    """

    def __init__(self, folder: Path, profile_name: str) -> None:
        """Choose the profile's file in `folder` (see `paths.data_dir`); read nothing yet."""
        self.path = folder / "watch" / f"{_slug(profile_name)}.jsonl"
        self.problem: str | None = None
        """A sentence for the screen: what can't be read or saved, and where."""
        self.trouble: str | None = None
        """The same, while the file can't be read or written at all."""
        self._lines = _Lines()
        self._pending = _Changes()
        """What is not in the file yet."""
        self._in_hand: _Changes | None = None
        """What is being written to the file, in another thread."""

    def __contains__(self, worker_id: object) -> bool:
        return worker_id in self._lines.workers

    @property
    def workers(self) -> tuple[WatchedWorker, ...]:
        """The list as last read, with our own changes."""
        return tuple(self._lines.workers.values())

    def holds(self, ids: Iterable[str]) -> bool:
        """Whether the file is long, and has each of these ids on a line of its own: then the rest can be read later.

        Of a short file, or one with other lines, this says False: `load` it.
        """
        try:
            data = read_bounded(self.path) if self.path.stat().st_size > _LONG else b""
        except OSError:
            return False
        missing = {_line(WatchedWorker(worker_id)) for worker_id in ids}
        missing.difference_update(data.split(b"\n"))
        return not missing

    def read_beside(self) -> Callable[[], None]:
        """Read the file, in any thread; return what makes it the list, to be called in the list's own thread."""
        before = self._lines
        try:
            lines = _read(self.path)
        except OSError as error:
            why = reason(error)
            return lambda: self._note_unreadable(why)
        return lambda: self._take(lines) if self._lines is before and not self._in_hand else None  # else it is older

    def is_changed(self) -> bool:
        """Whether the file is another one than was last read, for any thread; one that can't be seen is not."""
        try:
            return _stamp(self.path) != self._lines.stamp
        except OSError:
            return False

    @property
    def is_whole(self) -> bool:
        """Whether the list is all that the file says: then a worker that is not on it was taken off."""
        return not (self.problem or self._lines.is_lost)

    def load(self) -> tuple[WatchedWorker, ...]:
        """Read the file (again) and return the list. Never raises: `problem` says what went wrong."""
        try:
            lines = _read(self.path)
        except OSError as error:
            self._note_unreadable(reason(error))
            return self.workers
        self._take(lines)
        return self.workers

    def add(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Watch these workers; return those that are new.

        Raises:
            ValueError: one is not a worker id (see `id_mistake`); nothing was added.
        """
        wanted = tuple(dict.fromkeys(ids))
        for worker_id in wanted:
            if wrong := id_mistake(worker_id):
                raise ValueError(f"“{worker_id[:40]}” {wrong}.")
        new = tuple(worker_id for worker_id in wanted if worker_id not in self._lines.workers)
        self.change(dict.fromkeys(wanted, True))
        self._save()
        return new

    def hold(self, ids: Iterable[str]) -> None:
        """Watch these workers, and write nothing yet: `begin_saving` does."""
        held = _Changes(dict.fromkeys(ids, True))
        held.apply_to(self._lines)
        self._pending.add(held)

    def remove(self, ids: Iterable[str]) -> tuple[WatchedWorker, ...]:
        """Stop watching these; return what was removed, for `restore`."""
        wanted = tuple(dict.fromkeys(ids))
        removed = self.those_of(wanted)
        self.change(dict.fromkeys(wanted, False))
        self._save()
        return removed

    def restore(self, removed: Iterable[WatchedWorker]) -> None:
        """Undo a `remove`: the workers come back with their folders, at the end."""
        back = tuple(removed)
        folders = {worker.id: worker.folder for worker in back if worker.folder is not None}
        self.change({worker.id: True for worker in back}, folders)
        self._save()

    def set_folder(self, worker_id: str, folder: str | None) -> None:
        """Set the local folder of the worker's package, or None. Does nothing for a worker that is not watched."""
        self.change({}, {worker_id: folder})
        self._save()

    @property
    def has_unwritten(self) -> bool:
        """Whether there are changes that are not in the file, and are not being written: `begin_saving` does so."""
        return bool(self._pending) and self._in_hand is None

    def those_of(self, ids: Iterable[str]) -> tuple[WatchedWorker, ...]:
        """Return those of these workers that are on the list."""
        return tuple(self._lines.workers[worker_id] for worker_id in ids if worker_id in self._lines.workers)

    def change(self, present: Mapping[str, bool], folders: Mapping[str, str | None] | None = None) -> None:
        """Note who is to be on the list, or not, and in which folders: `begin_saving` saves that.

        The ids are ones (see `id_mistake`).
        """
        self._pending.add(_Changes(present, folders or {}))

    def begin_saving(self) -> Callable[[], Callable[[], bool]]:
        """Return what writes the noted changes, in any thread, and returns what the list's own thread calls then.

        That returns whether more changes came meanwhile: then begin again. Until it was called, nobody else
        writes the file; changes that come apply in memory.
        """
        if self._in_hand is not None:
            self._pending.apply_to(self._lines)
            return lambda: lambda: False
        self._in_hand, self._pending = self._pending, _Changes()
        return partial(self._write, self._in_hand, self._lines)

    def give_up_saving(self) -> None:
        """Put back what was in hand: writing it has failed in a way that nobody foresaw."""
        if self._in_hand is not None:
            self._in_hand.add(self._pending)
            self._pending, self._in_hand = self._in_hand, None

    def rename(self, profile_name: str) -> None:
        """Move to the profile's new name; an existing list with that name is replaced.

        Raises:
            OSError: the file could not be moved.
        """
        new = self.path.with_name(f"{_slug(profile_name)}.jsonl")
        if self.path.exists() and new != self.path:
            from pyhall_tui.files.safe_file import locked

            with locked(self.path):
                self.path.replace(new)
        self.path = new

    def delete(self) -> None:
        """Delete the file, when its profile is deleted.

        Raises:
            OSError: it could not be deleted.
        """
        self._lines = _Lines()
        self.path.unlink(missing_ok=True)

    def _note_unreadable(self, why: str) -> None:
        self.problem = self.trouble = f"The watch list {self.path} cannot be read ({why})."

    def _take(self, lines: "_Lines") -> None:
        if lines.is_lost and self._lines.workers:
            self._lines.stamp = lines.stamp
            if not self._pending:
                self.problem = (
                    f"The watch list {self.path} is gone: its workers are still watched, "
                    "and the next change writes them again."
                )
            return
        self._apply_to(lines)
        self._lines = lines
        if not self._pending:
            self.problem, self.trouble = lines.complaint(self.path), None

    def _apply_to(self, lines: "_Lines") -> None:
        if self._in_hand is not None:
            self._in_hand.apply_to(lines)
        self._pending.apply_to(lines)

    def _save(self) -> None:
        self.begin_saving()()()

    def _write(self, changes: "_Changes", before: "_Lines") -> Callable[[], bool]:
        from pyhall_tui.files.safe_file import locked, write_atomically  # the first frame reads only

        try:
            with locked(self.path):
                lines = _read(self.path)
                is_ours = lines.stamp == before.stamp
                if lines.is_lost:
                    lines = before.copy()
                changes.apply_to(lines)
                write_atomically(self.path, lines.encode())
                lines.is_lost = False
                lines.stamp = _stamp(self.path) if is_ours else None
        except OSError as error:
            lines = before.copy()
            changes.apply_to(lines)
            return partial(self._take_unwritten, lines, reason(error))
        return partial(self._take_written, lines)

    def _take_written(self, lines: "_Lines") -> bool:
        self._lines, self._in_hand = lines, None
        self._pending.apply_to(lines)
        self.problem, self.trouble = lines.complaint(self.path), None
        return bool(self._pending)

    def _take_unwritten(self, lines: "_Lines", why: str) -> bool:
        self._pending.apply_to(lines)
        self._lines = lines
        self.give_up_saving()
        self.problem = self.trouble = (
            f"The watch list cannot be written to {self.path} ({why}): "
            "until it can be, changes are lost when the program ends."
        )
        return False


class _Changes:
    """Who was added or removed, and in which folders, in the order in which that was done."""

    def __init__(
        self, present: Mapping[str, bool] | None = None, folders: Mapping[str, str | None] | None = None
    ) -> None:
        self.present, self.folders = dict(present or {}), dict(folders or {})

    def __bool__(self) -> bool:
        return bool(self.present or self.folders)

    def add(self, later: "_Changes") -> None:
        if self.folders:
            for worker_id, present in later.present.items():
                if not present:
                    self.folders.pop(worker_id, None)
        self.present.update(later.present)
        self.folders.update(later.folders)

    def apply_to(self, lines: "_Lines") -> None:
        for worker_id, present in self.present.items():
            lines.set_present(worker_id, present)
        for worker_id, folder in self.folders.items():
            lines.set_folder(worker_id, folder)


class _Lines:
    """A file's lines by worker; unreadable ones are kept unchanged, at the end."""

    def __init__(self) -> None:
        self.workers: dict[str, WatchedWorker] = {}
        self.odd: dict[str, bytes] = {}
        """Lines that say the same in another way, or more than we know of: they are kept as they are."""
        self.damaged: list[bytes] = []
        self.is_lost = True
        """There was no file, or nothing in it, not even the empty line of a list that everybody was taken off."""
        self.stamp: _Stamp | None = None
        """Which file they were read from; None if others' changes in it are not followed yet."""

    def copy(self) -> "_Lines":
        """Return lines that can be changed while these are read."""
        copied = _Lines()
        copied.workers, copied.odd, copied.damaged = self.workers.copy(), self.odd.copy(), self.damaged.copy()
        copied.is_lost, copied.stamp = self.is_lost, self.stamp
        return copied

    def set_present(self, worker_id: str, present: bool) -> None:
        if not present:
            self.workers.pop(worker_id, None)
            self.odd.pop(worker_id, None)
        elif worker_id not in self.workers:
            self.workers[worker_id] = WatchedWorker(worker_id)

    def set_folder(self, worker_id: str, folder: str | None) -> None:
        if worker_id not in self.workers:
            return
        worker = self.workers[worker_id] = WatchedWorker(worker_id, folder)
        if odd := self.odd.pop(worker_id, None):
            line: dict[str, Any] = msgspec.json.decode(odd)  # including what a later version wrote
            line.pop("folder", None)
            self.keep(worker, msgspec.json.encode(line | ({} if folder is None else {"folder": folder})))

    def keep(self, worker: WatchedWorker, line: bytes) -> None:
        """Take a line as it is."""
        self.workers[worker.id] = worker
        if line != _line(worker):
            self.odd[worker.id] = line
        else:
            self.odd.pop(worker.id, None)

    def encode(self) -> bytes:
        lines = (self.odd.get(worker.id) or _line(worker) for worker in self.workers.values())
        return b"".join(line + b"\n" for line in (*lines, *self.damaged)) or _NOBODY

    def complaint(self, path: Path) -> str | None:
        if not self.damaged:
            return None
        count = len(self.damaged)
        lines = "1 line" if count == 1 else f"{count} lines"
        return f"{lines} of the watch list {path} cannot be read; kept as found, but the workers in it are not watched."


_line: Final = msgspec.json.Encoder().encode
_DECODER: Final = msgspec.json.Decoder(WatchedWorker)


def _stamp(path: Path) -> _Stamp:
    """Return what differs between two files at the same place; zeros for none. Raises `OSError`."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> _Lines:
    lines = _Lines()
    lines.stamp = _stamp(path)  # first, so that a change in between is read twice rather than never
    try:
        data = read_bounded(path)
    except FileNotFoundError:
        data = b""
    lines.is_lost = not data
    if data and (ids := _plain_ids(data)) is not None:
        lines.workers = {worker_id: WatchedWorker(worker_id) for worker_id in ids}
        return lines
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        if not line or line.isspace():
            continue
        try:
            worker = _DECODER.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            lines.damaged.append(line)
            continue
        if id_mistake(worker.id):
            lines.damaged.append(line)
        else:
            lines.keep(worker, line.rstrip(b"\r"))
    return lines


def _plain_ids(data: bytes) -> list[str] | None:
    """Return the ids of a file whose every line is as plain as we write most; None for any other file.

    Ten thousand lines are read before the first frame: so they take a quarter of the time.
    """
    found = _PLAIN.findall(data)
    if len(found) != data.count(b"\n") or not data.endswith(b"\n") or max(map(len, found)) > MAX_ID_LENGTH:
        return None
    return [worker_id.decode() for worker_id in found]


def _slug(name: str) -> str:
    """Return a file name that every system accepts: the readable part of the name, and a digest to make it unique."""
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    digest = name_digest(name, 10)
    return f"{readable}-{digest}" if readable else digest
