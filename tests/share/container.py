"""Builds and runs the Containerfile without a builder: each step, on a copy of this machine that is thrown away.

A stage is an overlay over `/`: what its steps write lands in a folder of the stage. The result runs with that overlay
read-only, in a network of its own, as the user that the file names, without capabilities. It takes root on Linux.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
_MOUNT = """set -eu
mount -t overlay overlay -o "$1" "$2"
mount --rbind /dev "$2/dev"
mount -t proc proc "$2/proc"
"""
_RUN = _MOUNT + 'exec chroot "$2" /bin/sh -ec "$3"\n'
_START = (
    _MOUNT
    + """ip link set lo up
mount -t tmpfs tmpfs "$2/tmp"
root=$2
while [ "$3" != -- ]; do mount --bind "$3" "$root/$4"; shift 2; done
shift 3
exec chroot "$root" "$@"
"""
)


def require_parts() -> None:
    """Skip the test if this machine can't do it."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("steps of a container are run as root on Linux")
    missing = [name for name in ("unshare", "nsenter", "setpriv", "ip", "mount") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"steps of a container need {', '.join(missing)}")
    if subprocess.run(["python3", "-c", "import ensurepip"], env={"PATH": _PATH}, capture_output=True).returncode:
        pytest.skip("steps of a container need a Python with venv for all users: apt-get install python3-venv")


@dataclass
class Image:
    """What was built."""

    layer: Path
    environ: dict[str, str] = field(default_factory=lambda: {"PATH": _PATH})
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)


class Builder:
    """Carries out a Containerfile's steps.

    Args:
        context: the folder that `COPY` reads.
        work: an empty folder for the stages.
        mirrors: variables of this machine that `RUN` sees too, such as where pip finds packages.
    """

    def __init__(self, context: Path, work: Path, mirrors: Mapping[str, str]) -> None:
        self._context, self._work, self._mirrors = context, work, mirrors
        self._arguments: dict[str, str] = {}
        self._stages: dict[str, Image] = {}

    def build(self, text: str) -> Image:
        """Return the last stage.

        Raises:
            ValueError: a step is not known here.
        """
        image = None
        for word, rest in _steps(text):
            if word == "ARG":
                name, _, value = rest.partition("=")
                self._arguments[name] = value
            elif word == "FROM":
                layer = self._work / f"stage-{len(self._stages)}"
                layer.mkdir()
                image = Image(layer)
                self._stages[rest.partition(" AS ")[2] or layer.name] = image
            else:
                assert image is not None
                self._step(image, word, rest)
        assert image is not None
        return image

    def _step(self, image: Image, word: str, rest: str) -> None:
        if word == "RUN":
            self._run(image, rest)
        elif word == "COPY":
            self._copy(image, shlex.split(rest))
        elif word == "ENV":
            image.environ |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif word == "USER":
            image.user = rest
        elif word == "VOLUME":
            image.volumes.append(rest)
        elif word == "ENTRYPOINT":
            image.entrypoint = json.loads(rest)
        elif word == "HEALTHCHECK":
            image.health = json.loads(rest.partition(" CMD ")[2])
        elif word not in ("EXPOSE", "CMD"):
            raise ValueError(f"{word} {rest}")

    def _run(self, image: Image, script: str) -> None:
        upper, inner, root = (self._work / f"{image.layer.name}{part}" for part in ("", "-work", "-root"))
        inner.mkdir(exist_ok=True)
        root.mkdir(exist_ok=True)
        options = f"lowerdir=/,upperdir={upper},workdir={inner}"
        command = ["unshare", "-m", "sh", "-c", _RUN, "sh", options, str(root), script]
        environ = {"HOME": "/root"} | self._arguments | dict(self._mirrors) | image.environ
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stderr[-3_000:]

    def _copy(self, image: Image, words: Sequence[str]) -> None:
        *options, source, target = words
        into = image.layer / target.lstrip("/")
        if options:
            (option,) = options
            found = [self._stages[option.removeprefix("--from=")].layer / source.lstrip("/")]
        else:
            found = sorted(self._context.glob(source))
        assert found and all(path.exists() for path in found), f"COPY {source} finds nothing"
        into.parent.mkdir(parents=True, exist_ok=True)
        for path in found:
            if path.is_dir():
                shutil.copytree(path, into, symlinks=True)
            else:
                into.mkdir(exist_ok=True)
                shutil.copy2(path, into)


def _steps(text: str) -> Iterator[tuple[str, str]]:
    """Yield the steps, each a word and the rest: lines joined, comments left out."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, re.sub(r"\s+", " ", rest).strip()


class Container:
    """A running image."""

    def __init__(self, image: Image, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self._image, self.process, self._output = image, process, output

    @property
    def output(self) -> str:
        return self._output.read_text()

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in it, as its user."""
        within = ["nsenter", "-t", str(self.process.pid), "-m", "-n", "-r", "-w"]
        return subprocess.run(
            [*within, *_as_user(self._image), *words], capture_output=True, text=True, timeout=60, cwd="/"
        )

    def is_healthy(self) -> bool:
        """Run its health check."""
        return self.run(*self._image.health).returncode == 0

    def wait_until_healthy(self, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_healthy():
            assert self.process.poll() is None and time.monotonic() < deadline, self.output


@contextmanager
def started(image: Image, work: Path, *command: str, mounts: Mapping[Path, str]) -> Iterator[Container]:
    """Run the image until the end of the block.

    Args:
        work: an empty folder.
        mounts: folders and files of this machine, and where they are in the container.
    """
    root, output = work / "root", work / "output"
    root.mkdir()
    places = [str(part) for pair in mounts.items() for part in pair]
    options = f"ro,lowerdir=/,upperdir={image.layer},workdir={image.layer}-work"
    begin = ["unshare", "-m", "-n", "sh", "-c", _START, "sh", options, str(root)]
    words = [*begin, *places, "--", *_as_user(image), *image.entrypoint, *command]
    with output.open("wb") as file:
        process = subprocess.Popen(words, stdout=file, stderr=file, stdin=subprocess.DEVNULL, cwd="/")
    try:
        yield Container(image, process, output)
    finally:
        process.kill()
        process.wait()


def _as_user(image: Image) -> list[str]:
    """Return what starts a program as the image's user, with its environment and nothing that it could do more."""
    user, group = image.user.split(":")
    privileges = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--clear-groups"]
    environ = [f"{name}={value}" for name, value in image.environ.items()]
    return ["setpriv", f"--reuid={user}", f"--regid={group}", *privileges, "env", "-i", *environ]
