"""The tests' own PostgreSQL server leaves nothing behind."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres_cluster import Cluster
from tests.waiting import until

pytestmark = pytest.mark.thorough
_RUNS_ONE = """
from tests.postgres_cluster import cluster
with cluster() as server:
    print(server.pid, server.folder, flush=True)
    input()
"""


def test_if_the_process_that_runs_the_tests_is_killed_its_server_ends_and_its_folder_is_gone(postgres: Cluster) -> None:
    command = [sys.executable, "-c", _RUNS_ONE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        pid, folder = tests.stdout.readline().split()
        assert Path(folder, "data").is_dir() and runs(pid)
        tests.kill()
    asyncio.run(until(lambda: not Path(folder).exists() and not runs(pid)))
    assert runs(str(postgres.pid)), "another one goes on"


def runs(pid: str) -> bool:
    """Whether this process is still there."""
    return subprocess.run(["ps", "-p", pid, "-o", "stat="], capture_output=True, check=False).returncode == 0
