"""A PostgreSQL server of its own for the tests: Debian's programs, a temporary folder, a free port, real `fsync`.

`tests/conftest.py` has it as the fixture `postgres`, started when the first test asks for it.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import postgres_watcher

SECRETIVE = "secretive"
"""The role that needs a password; every other one is trusted."""
PASSWORD = "open:sesame"
_HBA = f"""\
local all all trust
host all {SECRETIVE} 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""
_HOST = "127.0.0.1"


class Cluster:
    """A running server; `address` has no password, and `database` is an empty one.

    Args:
        folder: where its data is, readable by the account that runs it.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self.folder = programs, folder
        self._made: set[str] = set()
        self.port = 0

    def make(self) -> None:
        """Create the data folder."""
        data = str(self.folder / "data")
        self._run("initdb", "-N", "-D", data, "-U", "hall", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        (self.folder / "data" / "pg_hba.conf").write_text(_HBA)

    def start(self) -> None:
        """Start it on a free port, or again on the same one; it answers on return."""
        if self.port:
            self._start()
            return
        for attempt in range(5):
            self.port = _free_port()
            try:
                self._start()
            except AssertionError:  # another program has taken the port meanwhile
                if attempt == 4:
                    raise
            else:
                return

    def _start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses={_HOST} -c max_connections=60"
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self._run("pg_ctl", "-D", data, "-s", "start", "-w", "-l", log, "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """Stop it; `immediate` is what a crash does."""
        self._run(*self._to_stop(mode))

    def _to_stop(self, mode: str) -> list[str]:
        return ["pg_ctl", "-D", str(self.folder / "data"), "-s", "stop", "-w", "-m", mode]

    def end(self) -> None:
        """Stop it if it runs."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop("immediate")

    def address(self, database: str, *, user: str = "hall") -> str:
        """Return a database's address."""
        return f"postgresql://{user}@{_HOST}:{self.port}/{database}"

    def database(self, name: str = "hall") -> str:
        """Return the address of an empty database: made once, and emptied for each test that asks for it."""
        address = self.address(name)
        if name in self._made:
            self.sql(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                " AND pid <> pg_backend_pid()",
                "DROP SCHEMA IF EXISTS pyhall, public CASCADE",
                "CREATE SCHEMA public",
                address=address,
            )
        else:
            self.sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
            self._made.add(name)
        return address

    def sql(self, *statements: str, address: str | None = None) -> str:
        """Run statements with `psql` and return what they print: one line a row, `|` between columns."""
        words = [part for each in statements for part in ("-c", each)]
        command = [
            str(self._programs / "psql"),
            *("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
            address or self.address("postgres"),
            *words,
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """End it and remove its folder even if this process is killed."""
        command = [sys.executable, str(Path(postgres_watcher.__file__)), str(self.folder)]
        stop = self._command(*self._to_stop("immediate"))
        with subprocess.Popen([*command, *stop], stdin=subprocess.PIPE, start_new_session=True):
            yield

    @property
    def pid(self) -> int:
        """The process that starts all others of the server."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def _command(self, program: str, *words: str) -> list[str]:
        return [*_as_account(), str(self._programs / program), *words]

    def _run(self, program: str, *words: str) -> None:
        command = self._command(program, *words)
        log = self.folder / "output"  # a server that is started keeps it open: a pipe would never end
        with log.open("w") as output:
            done = subprocess.run(command, stdout=output, stderr=output, cwd="/", timeout=100, check=False)
        assert done.returncode == 0, f"{program} {words}: {log.read_text()}"


def _as_account() -> list[str]:
    """Return what starts a program as an account that may run a server, which root may not."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if _is_root() else []


def _is_root() -> bool:
    return hasattr(os, "getuid") and os.getuid() == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _programs() -> Path | None:
    """Return the folder of the newest installed server's programs."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(installed, key=lambda path: int(path.parent.name), default=None)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Run a server. If none is installed, the test is skipped; in CI it fails."""
    programs = _programs()
    if programs is None:
        sentence = "PostgreSQL is not installed: apt-get install postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    with tempfile.TemporaryDirectory(prefix="hall-postgres-") as name:
        folder = Path(name)
        if _is_root():
            shutil.chown(folder, "postgres", "postgres")
        made = Cluster(programs, folder)
        with made.watched():
            made.make()
            made.start()
            try:
                made.sql(f"CREATE ROLE {SECRETIVE} LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
                yield made
            finally:
                made.end()
