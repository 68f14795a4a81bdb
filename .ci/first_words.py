"""Run an installed program for the first time, as a user does. Run `python first_words.py VERSION PROGRAM…` (POSIX)."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 120.0
HASH = "54907d2170c15eddf19afe0babae06be68b5d6b70e0674b8ebcc13f30815cec2"
"""The canonical hash of a folder whose only file, `worker.py`, has the line `run()`."""
FIRST_FRAME = b"wkr_"
"""A worker of the demo: it is on the first frame, and nowhere before it."""


def main() -> None:
    version, *program = sys.argv[1:]
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYHALL", "PYTHON", "XDG"))}
        env = {**kept, "HOME": home, "TERM": "xterm-256color", "SHIV_ROOT": f"{home}/shiv"}
        expect(f"version {version}\n", said(program, "--version", env=env))
        expect("Usage: pyhall-tui", said(program, "--help", env=env))
        expect(f"pyhall-tui {version}, Python", said(program, "doctor", env=env))
        expect("profiles.toml", said(program, "help", "profiles", env=env))
        Path("worker").mkdir()
        Path("worker", "worker.py").write_bytes(b"run()\n")
        expect(HASH, said(program, "hash", "worker", env=env))
        demo(program, env)


def said(program: list[str], *args: str, env: dict[str, str]) -> str:
    """Return what a command prints to both streams."""
    done = subprocess.run([*program, *args], env=env, capture_output=True, text=True, timeout=PATIENCE)
    text = done.stdout + done.stderr
    if done.returncode not in (0, 2) or "Traceback" in text:  # 2: the doctor finds no profile
        sys.exit(f"{' '.join(args)} ended with {done.returncode}:\n{text}")
    return text


def expect(part: str, text: str) -> None:
    if part not in text:
        sys.exit(f"{part!r} is not in:\n{text}")


def demo(program: list[str], env: dict[str, str]) -> None:
    """Start the demo in a pseudo-terminal, wait for its first frame, and quit with `q`."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(program[0], [*program, "--demo"], env)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 32, 120, 0, 0))
    written = read_until(terminal, lambda text: FIRST_FRAME in text)
    if FIRST_FRAME not in written:
        sys.exit(f"the demo showed no frame:\n{written.decode(errors='replace')[-4000:]}")
    os.write(terminal, b"q")
    read_until(terminal, lambda text: False)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code != 0:
        sys.exit(f"the demo ended with {code}")


def read_until(terminal: int, enough: Callable[[bytes], bool]) -> bytes:
    """Read what the program writes until it is enough, the program ends, or patience does."""
    written, end = b"", time.monotonic() + PATIENCE
    while time.monotonic() < end and not enough(written):
        if select.select([terminal], [], [], 1)[0]:
            try:
                more = os.read(terminal, 65536)
            except OSError:  # Linux: the program has closed its side
                return written
            if not more:
                return written
            written += more
    return written


if __name__ == "__main__":
    main()
