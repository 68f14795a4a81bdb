"""What the benchmarks share: the registry's process, a profile with its journal, the program in a pseudo-terminal."""

import fcntl
import gc
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from pyhall_tui.clock import SystemClock
from pyhall_tui.fleet.entry import State
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.last_verdict import LastVerdict
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.registry.decode import read_verdict
from tests.bench import _registry

KEY = "phk_live_benchbenchbenchbench"
LINES, COLUMNS = 40, 120


class Registry:
    """The simulated registry's process."""

    def __init__(self, workers: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench._registry", str(workers)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    def set(self, **settings: Any) -> dict[str, float]:
        """Change settings; return what was counted up to now."""
        request = urllib.request.Request(f"{self.url}/_set", json.dumps(settings).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            counts: dict[str, float] = json.loads(answer.read())
        return counts


class Chunk(NamedTuple):
    """What came from the terminal up to a moment, as its total length."""

    at: float
    end: int


class Program:
    """A program in a pseudo-terminal. A thread notes when each byte came, so nothing else delays the clock."""

    def __init__(self, args: Sequence[str], env: dict[str, str]) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, *args],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=env,
            start_new_session=True,
            preexec_fn=partial(fcntl.ioctl, 0, termios.TIOCSCTTY, 0),  # it ends with us, by SIGHUP
        )
        os.close(theirs)
        self._terminal = ours
        self._seen = bytearray()
        self._chunks: list[Chunk] = []
        self._news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._terminal)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def end(self) -> int:
        """The length of everything so far, from which a `wait_for` may start."""
        with self._news:
            return len(self._seen)

    def press(self, keys: str) -> float:
        """Send keys; return when."""
        at, left = time.monotonic(), keys.encode()
        while left:  # a terminal takes a long paste in pieces
            left = left[os.write(self._terminal, left) :]
        return at

    def wait_for(self, pattern: bytes, since: int = 0, patience: float = 60.0) -> float:
        """Return when the bytes after `since` matched first."""
        deadline, compiled = time.monotonic() + patience, re.compile(pattern)
        with self._news:
            while not (found := compiled.search(self._seen, since)):
                if not self._news.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"no {pattern!r} in {bytes(self._seen[since:][-2000:])!r}")
            return next(chunk.at for chunk in self._chunks if chunk.end >= found.end())

    def has_shown(self, text: bytes, since: int) -> bool:
        """Whether a text is among the bytes after `since`."""
        with self._news:
            return self._seen.find(text, since) >= 0

    def wait_for_end(self) -> float:
        """Return when the program had ended."""
        self._process.wait(60.0)
        return time.monotonic()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._terminal, 65_536)
            except OSError:
                return
            if not data:
                return
            with self._news:
                self._seen += data
                self._chunks.append(Chunk(time.monotonic(), len(self._seen)))
                self._news.notify_all()


class Home:
    """The three folders of a user with one profile or several and, on request, all their workers in the journal."""

    def __init__(
        self, folder: Path, url: str, workers: int, *, journaled: bool, names: Sequence[str], **settings: Any
    ) -> None:
        self.folder = folder
        ids = [_registry.worker_id(number) for number in range(workers)]
        for name in names:
            profile = Profile(name=name, namespace="org.bench", registry_url=url, overview=len(names) > 1, **settings)
            ProfileStore(folder / "config" / "profiles.toml").save(profile, None)
            WatchList(folder / "data", name).add(ids)
        if journaled:
            _write_journal(folder / "data" / "journal.db", workers, names)

    def environment(self) -> dict[str, str]:
        """Return the environment in which the program uses these folders, and asks no keyring."""
        places = {f"PYHALL_TUI_{name.upper()}_DIR": str(self.folder / name) for name in ("config", "data", "state")}
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "HOME": str(self.folder)}
        return {**kept, **terminal, **places, "PYHALL_API_KEY": KEY}


@contextmanager
def home(
    url: str, workers: int, *, journaled: bool = True, names: Sequence[str] = ("bench",), **settings: Any
) -> Iterator[Home]:
    """Make a user's folders for the length of a benchmark. `settings` are the profiles'; several are all watched."""
    with tempfile.TemporaryDirectory(prefix="pyhall-tui-bench-") as folder:
        yield Home(Path(folder), url, workers, journaled=journaled, names=names, **settings)


def open_app(place: Home, *args: str) -> Program:
    """Start the program."""
    return Program(["-m", "pyhall_tui", *args], place.environment())


def bare_app(place: Home) -> Program:
    """Start the app that shows one line."""
    return Program(["-m", "tests.bench._bare_app"], place.environment())


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory(pid: int) -> float:
    """Return a process's peak resident memory in MiB."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def resident_memory() -> float:
    """Return this process's resident memory in MiB, without what could be collected."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _write_journal(path: Path, workers: int, names: Sequence[str]) -> None:
    state = _registry.State(workers)
    journal = Journal.open(path, SystemClock())
    at = time.time() - 3600
    for worker in state.hashes:
        verdict = read_verdict(worker, state.verify(worker), "bench-0")
        row = LastVerdict(worker_id=worker, verdict=verdict, at=at, rank=State.CLEAN)
        for name in names:
            journal.save_verdict(name, row)
    journal.flush(30)
    journal.close(30)
