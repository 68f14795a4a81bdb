"""Prometheus and its Alertmanager as Debian has them, run by the tests on free ports, and asked over HTTP."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def program(name: str, package: str) -> str:
    """Return a program's path, or skip the test."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def asked(url: str) -> Any:
    """Return what a server answers as JSON; None if it does not answer yet."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


@contextmanager
def running(command: Sequence[str], is_ready: Callable[[], object], log: Path) -> Iterator[None]:
    """Run a server until the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while not is_ready():
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-2_000:]
                time.sleep(0.02)
            yield
        finally:
            process.kill()
            process.wait()


@contextmanager
def alertmanager(folder: Path) -> Iterator[str]:
    """Run an Alertmanager that tells nobody; yields its URL."""
    binary = program("prometheus-alertmanager", "prometheus-alertmanager")
    (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        binary,
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/data",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",
    ]
    with running(command, lambda: asked(f"{url}/api/v2/status"), folder / "alertmanager.log"):
        yield url


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[str]:
    """Run a Prometheus that scrapes one target; yields its URL."""
    binary = program("prometheus", "prometheus")
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 200ms}\n"
        f"scrape_configs: [{{job_name: pyhall, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        binary,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    with running(command, lambda: asked(f"{url}/api/v1/status/buildinfo"), folder / "prometheus.log"):
        yield url
