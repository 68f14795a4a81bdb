"""`pyhall-tui watch` as a process of its own, whose lines are read, and each held to the printed schema."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs

from pyhall_tui.profiles.watch_list import WatchList
from tests.commands.asking import environment_of
from tests.live_hall import WORKER, LiveHall

_SCHEMA = jsonschema_rs.validator_for(json.loads(files("pyhall_tui").joinpath("share/watch.schema.json").read_text()))
Line = dict[str, Any]


def profile_of(
    home: Path, hall: LiveHall, name: str = "acme", *, workers: Sequence[str] = (WORKER,), **more: object
) -> None:
    """Add a profile of a hall, swept often."""
    (home / "config").mkdir(exist_ok=True)
    values = {"namespace": hall.namespace, "registry_url": hall.url, "ban_list_interval": 0.5, "poll_interval": 2.0}
    table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**values, **more}.items())
    with (home / "config" / "profiles.toml").open("a") as file:
        file.write(f"[profiles.{name}]\n{table}")
    WatchList(home / "data", name).add(workers)


def environment(home: Path, key: str, **more: str) -> dict[str, str]:
    """Return the environment of a watcher whose profiles are in the file."""
    return environment_of(home, url="", key=key, **{"PYHALL_NAMESPACE": "", **more})


class Watch:
    """One run of the program."""

    def __init__(self, home: Path, arguments: Sequence[str], environ: dict[str, str], *, reads: bool = True) -> None:
        self.errors_file = home / f"stderr-{time.monotonic_ns()}"
        with self.errors_file.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pyhall_tui", "watch", "--heartbeat", "0.5", *arguments],
                env=environ,
                stdout=subprocess.PIPE,
                stderr=errors,
                stdin=subprocess.DEVNULL,
            )
        self.raw: list[bytes] = []
        self.lines: list[Line] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        if reads:
            self._reader.start()

    @property
    def errors(self) -> str:
        """What it has printed on standard error."""
        return self.errors_file.read_text()

    def of_type(self, kind: str) -> list[Line]:
        return [line for line in self.lines if line["type"] == kind]

    def events(self, kind: str) -> list[Line]:
        return [line for line in self.of_type("event") if line["kind"] == kind]

    def wait_for(self, condition: Callable[[], object], seconds: float = 60.0) -> float:
        """Wait until it is so; return the seconds that it took."""
        began = last_alive = time.monotonic()
        while not condition():
            now = time.monotonic()
            last_alive = now if self.process.poll() is None else last_alive
            said = f"{self.lines[-5:]} {self.errors[-2_000:]}"
            assert now - began < seconds and now - last_alive < 30.0, said  # its last lines may still be on their way
            time.sleep(0.01)
        return time.monotonic() - began

    def wait_until_live(self) -> None:
        """Wait until the registry answers, and each worker has a verdict."""

        def is_live() -> bool:
            known = [one for beat in self.of_type("heartbeat")[-1:] for one in beat["profiles"]]
            return bool(known) and all(
                one["registry_up"] and one["ban_list"] == "live" and not one["workers"]["waiting"] for one in known
            )

        self.wait_for(is_live)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """End it by a signal; return the exit code, and the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(30)
        took = time.monotonic() - began
        self._reader.join(30)
        return code, took

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self._reader.ident is not None:
            self._reader.join(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert "Traceback" not in self.errors

    def _read(self) -> None:
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            self.raw.append(raw)
            if raw.endswith(b"\n"):  # else it was killed in the middle
                self.lines.append(json.loads(raw))


@contextmanager
def watching(
    home: Path, key: str, *arguments: str, reads: bool = True, environ: dict[str, str] | None = None
) -> Iterator[Watch]:
    """Run it to the end of the block. Afterwards each line is held to the schema."""
    watch = Watch(home, arguments, environ or environment(home, key), reads=reads)
    try:
        yield watch
    finally:
        watch.close()
    assert_right(watch)


def assert_right(watch: Watch) -> None:
    """Assert that each line is as the schema says, and plain ASCII without control characters."""
    for line in watch.lines:
        wrong = next(_SCHEMA.iter_errors(line), None)
        assert wrong is None, f"{line}: {wrong}"
    assert all(0x20 <= byte < 0x7F for raw in watch.raw for byte in raw.removesuffix(b"\n"))
    if watch.lines:
        assert watch.lines[0]["type"] == "start"
