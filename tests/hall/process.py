"""The hall as a separate process, for tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from click.testing import CliRunner, Result

from pyhall_tui.commands.hall import hall_group

PROGRAM = [sys.executable, "-c", "from pyhall_tui.commands.hall import hall_group; hall_group()"]
ASK = {"namespace": "org.yourco", "capability": "llm.text.generate", "worker_id": "wkr_abc123"}


@dataclass
class Served:
    process: subprocess.Popen[str]
    url: str
    db: Path | str
    key: str

    def http(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, trust_env=False, verify=False
        )

    def end(self, sig: int = signal.SIGTERM) -> int:
        self.process.send_signal(sig)
        return self.process.wait(60)


@contextmanager
def served(
    db: Path | str, *options: str, key: str | None = None, by: list[str] = PROGRAM, **environment: str
) -> Iterator[Served]:
    """Serve a store; without `key` it is new, and its first key is read from the second line."""
    command = [*by, "serve", "--port", "0", "--db", str(db), *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=os.environ | environment, **pipes) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            yield Served(process, url, db, key or process.stdout.readline().strip())
        finally:
            process.kill()


def run(*arguments: str | Path, **environment: str) -> Result:
    """Run a command that ends by itself, in this process: it imports what the tests have imported already."""
    return CliRunner().invoke(hall_group, [str(argument) for argument in arguments], env=environment)
