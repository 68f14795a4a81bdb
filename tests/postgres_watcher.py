"""Ends a PostgreSQL server of the tests once whoever started this has ended, even if that was killed.

A program of its own: `python postgres_watcher.py FOLDER COMMAND…`. At the end of its standard input it runs COMMAND,
which stops the server, if it runs, and removes FOLDER.
"""

import shutil
import subprocess
import sys
from pathlib import Path


def watch(folder: Path, stop: list[str]) -> None:
    """Wait for the end of the standard input, and clean up."""
    sys.stdin.buffer.read()
    if (folder / "data" / "postmaster.pid").exists():
        subprocess.run(stop, check=False, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)  # a server that is just starting ends when its data is gone


if __name__ == "__main__":
    watch(Path(sys.argv[1]), sys.argv[2:])
