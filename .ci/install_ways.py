"""Install what was built in each way that users have, and run it: `python .ci/install_ways.py FOLDER`.

`FOLDER` has one wheel and one sdist. Each way gets an environment of its own. An interpreter that is not here, and that
uv can't fetch, is left out with a sentence.
"""

import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
AT_ONCE = 2
UV = [sys.executable, "-m", "uv", "-q"]
Way = Callable[[Path], list[str]]
"""Installs into an empty folder, and returns the command that starts the program."""


def main() -> None:
    dist = Path(sys.argv[1]).resolve()
    [wheel], [sdist] = dist.glob("*.whl"), dist.glob("*.tar.gz")
    version = wheel.name.split("-")[1]
    pythons = {wanted: found for wanted in PYTHONS if (found := interpreter(wanted))}
    for missing in PYTHONS:
        if missing not in pythons:
            print(f"Python {missing} is not on this machine and can't be fetched: not tried.")
    ways: dict[str, Way] = {f"pip, {name}": functools.partial(pip, python, wheel) for name, python in pythons.items()}
    ways["pip, the sdist"] = functools.partial(pip, sys.executable, sdist)
    ways["lowest versions"] = functools.partial(lowest, wheel)
    ways["uv tool"] = functools.partial(uv_tool, wheel)
    ways["pipx"] = functools.partial(pipx, wheel)
    ways["single file"] = functools.partial(single_file, wheel)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        faults = [fault for fault in pool.map(functools.partial(tried, version), ways, ways.values()) if fault]
    if faults:
        sys.exit("\n".join(faults))


def interpreter(version: str) -> str | None:
    """Return the path of an interpreter on this machine, or of one that uv fetches."""
    roots = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for found in sorted(roots.glob(f"{version}.*/bin/python")):
        return str(found)
    for args in (["find", "--no-python-downloads", version], ["install", version], ["find", version]):
        done = subprocess.run(
            [*UV, "python", *args], capture_output=True, text=True, env=os.environ | {"UV_HTTP_RETRIES": "0"}
        )
        if args[0] == "find" and done.returncode == 0:
            return done.stdout.strip()
    return None


def tried(version: str, name: str, way: Way) -> str | None:
    """Install in one way and run the program; return what went wrong."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            program = way(Path(folder))
            run([sys.executable, str(HERE / "first_words.py"), version, *program])
        except subprocess.CalledProcessError as error:
            return f"✖ {name}: {error.stderr or error.stdout or error}"
    print(f"✔ {name} ({time.monotonic() - began:.0f} s)", flush=True)
    return None


def run(command: list[str], **env: str) -> None:
    """Run a command outside the repository, so that nothing is taken from it."""
    subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", env=os.environ | env)


def pip(python: str, package: Path, folder: Path) -> list[str]:
    run([python, "-m", "venv", str(folder)])
    run([str(folder / "bin/pip"), "install", "-q", "--no-compile", str(package)])
    return [str(folder / "bin/pyhall-tui")]


def lowest(wheel: Path, folder: Path) -> list[str]:
    run([*UV, "venv", "--python", sys.executable, str(folder)])
    run([*UV, "pip", "install", "-p", str(folder), "--resolution", "lowest-direct", str(wheel)])
    return [str(folder / "bin/pyhall-tui")]


def uv_tool(wheel: Path, folder: Path) -> list[str]:
    places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    run([*UV, "tool", "install", "--python", sys.executable, str(wheel)], **places)
    return [str(folder / "bin/pyhall-tui")]


def pipx(wheel: Path, folder: Path) -> list[str]:
    places = {
        "PIPX_HOME": str(folder / "home"),
        "PIPX_BIN_DIR": str(folder / "bin"),
        "PIPX_MAN_DIR": str(folder / "man"),
    }
    run([*UV, "tool", "run", "pipx", "install", "--python", sys.executable, str(wheel)], **places)
    if not (folder / "man/man1/pyhall-tui.1").exists():
        raise subprocess.CalledProcessError(1, "pipx", stderr="pipx installed no manual page")
    return [str(folder / "bin/pyhall-tui")]


def single_file(wheel: Path, folder: Path) -> list[str]:
    run([sys.executable, str(HERE / "single_file.py"), str(wheel), str(folder)])
    [file] = folder.glob("*.pyz")
    return [sys.executable, str(file)]


if __name__ == "__main__":
    main()
