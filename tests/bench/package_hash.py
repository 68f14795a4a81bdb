"""The package hash against `sha256sum` and a plain `hashlib` loop over the same files, and its memory.

`python -m tests.bench.package_hash` makes its own trees in a temporary folder and prints ratios.

Why both cores read large files and one reads the small: 10,000 files of 4 KiB, medians of 7 on two cores that had
other work too (load 2.5). To open, check, read and hash them takes one thread 181 ms and two threads 242, for hashlib
lets go of the interpreter's lock from 2 KiB on, but all else of a small file is calls to the system and Python
between them. With half of them in a process of its own it takes 155 ms, 21 of which start it. Of the whole hash (460
ms: 95 list the folder, 57 look whether anything changed meanwhile, 35 put the result together) that would be a
twentieth, for a second interpreter that a cancel has to find and kill: not done.
"""

import hashlib
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pyhall_tui.packages.package_hash import hash_package
from tests.packages.trees import contract_hash

try:  # from 0.3.0 on, which is not released at the time of writing
    from pyhall.attestation import canonical_package_hash as _SDK  # noqa: N812

    _SDK_NAME = "the SDK"
except ImportError:
    _SDK = contract_hash
    _SDK_NAME = "a loop that reads files whole, as the SDK does"

ROUNDS = 5
SHAPES = {
    "4 files of 128 MiB": (4, 128 << 20),
    "1 file of 512 MiB": (1, 512 << 20),
    "2,000 files of 100 KiB": (2_000, 100 << 10),
    "10,000 files of 4 KiB": (10_000, 4 << 10),
}


def run() -> list[str]:
    """Return the report's lines."""
    load = f", load before {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    lines = [f"package hash, paired medians of the time on {os.cpu_count()} cores{load}; below 1 is faster"]
    with tempfile.TemporaryDirectory() as scratch:
        for name, (count, size) in SHAPES.items():
            root = _tree(Path(scratch) / "tree", count, size)
            lines.append(f"  {name}: {_compare(root)}")
            shutil.rmtree(root)
        lines.append(f"  memory: {_memory(Path(scratch))}")
    return lines


def _tree(root: Path, count: int, size: int) -> Path:
    block = os.urandom(min(size, 1 << 20))
    for number in range(count):
        path = root / f"part{number % 40}" / f"file{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for _ in range(0, size, len(block)):
                file.write(block)
    return root


def _compare(root: Path) -> str:
    names = sorted(str(path) for path in root.rglob("*") if path.is_file())
    ways: dict[str, Callable[[], object]] = {
        "sha256sum": lambda: _sha256sum(names),
        "hashlib loop": lambda: _loop(names),
        _SDK_NAME: lambda: _SDK(root),
        "ours on one thread": lambda: hash_package(root, threads=1),
    }
    ours = [_timed(lambda: hash_package(root))]
    ratios: dict[str, list[float]] = {way: [] for way in ways}
    processor: list[float] = []
    for _ in range(ROUNDS):
        before = _cpu_seconds()
        ours.append(_timed(lambda: hash_package(root)))
        own = _cpu_seconds() - before
        for way, call in ways.items():
            before = _cpu_seconds()
            ratios[way].append(ours[-1] / _timed(call))
            if way == "sha256sum":
                processor.append(own / (_cpu_seconds() - before))
    rate = sum(Path(name).stat().st_size for name in names) / statistics.median(ours) / 2**20
    told = ", ".join(f"{statistics.median(values):.2f} of {way}" for way, values in ratios.items())
    return f"{told}; {statistics.median(processor):.2f} of sha256sum's processor time ({rate:,.0f} MiB/s)"


def _cpu_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _sha256sum(names: list[str]) -> None:
    subprocess.run(["sha256sum", "--zero", *names], stdout=subprocess.DEVNULL, check=True)


def _loop(names: list[str]) -> None:
    for name in names:
        digest = hashlib.sha256()
        with Path(name).open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)


def _memory(scratch: Path) -> str:
    """Peak resident memory of a process of its own that hashes a sparse file, which reads like any other."""
    peaks = {}
    for size in (1 << 20, 5 << 30):
        root = scratch / f"sparse{size}"
        root.mkdir()
        with (root / "large.bin").open("wb") as file:
            file.truncate(size)
        peaks[size] = peak_of_child(root)
        shutil.rmtree(root)
    small, large = peaks.values()
    return f"{small:.1f} MiB for a package of 1 MiB, {large:.1f} MiB for one of 5 GiB"


def peak_of_child(root: Path) -> float:
    """Return the peak memory in MiB of a process that hashes `root`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.package_hash", str(root)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def _peak() -> float:
    """Peak resident memory of this process in MiB; `getrusage` on Linux counts the parent's before the exec, too."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Print the report; or, given a folder, hash it and print this process's peak memory in MiB."""
    if len(sys.argv) > 1:
        hash_package(Path(sys.argv[1]))
        print(_peak())
    else:
        print("\n".join(run()))


if __name__ == "__main__":
    main()
