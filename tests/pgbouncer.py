"""PgBouncer in front of the tests' PostgreSQL server, if it is installed."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.postgres_cluster import Cluster

_HOST = "127.0.0.1"


@contextmanager
def pgbouncer(server: Cluster, pool_mode: str) -> Iterator[str]:
    """Start it: the address is that of the database `hall` through it. If it is not installed, the test is skipped."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    with tempfile.TemporaryDirectory(prefix="hall-pgbouncer-") as name:
        folder = Path(name)
        with socket.socket() as probe:
            probe.bind((_HOST, 0))
            port = probe.getsockname()[1]
        (folder / "users.txt").write_text('"hall" ""\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={_HOST} port={server.port}\n"
            f"[pgbouncer]\nlisten_addr = {_HOST}\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
            f"auth_file = {folder}/users.txt\npool_mode = {pool_mode}\ndefault_pool_size = 8\n"
        )
        account = []
        if os.getuid() == 0:  # it refuses to run as root
            account = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
            for each in (folder, *folder.iterdir()):
                shutil.chown(each, "postgres", "postgres")
        command = [*account, program, "-q", str(folder / "pgbouncer.ini")]
        with (
            (folder / "output").open("w") as output,
            subprocess.Popen(command, stdout=output, stderr=output) as process,
        ):
            address = f"postgresql://hall@{_HOST}:{port}/hall"
            try:
                yield address
            finally:
                process.kill()


def answers(address: str) -> bool:
    """Whether it has started."""
    try:
        psycopg.connect(address, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
