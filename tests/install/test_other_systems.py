"""What Windows lacks is not needed: no module imports it, and the commands do their work without it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WITHOUT = """
import os, sys, signal, asyncio, socket
POSIX = {"fcntl", "termios", "pty", "tty", "pwd", "grp", "resource", "syslog", "readline", "curses", "crypt", "spwd"}
kept = {name for name in POSIX if name in sys.modules}

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name in POSIX:
            asker = sys._getframe(1)
            while asker and (asker.f_globals.get("__name__") or "").startswith("importlib"):
                asker = asker.f_back
            if (asker.f_globals.get("__name__") or "").startswith(("pyhall_tui", "__main__")):
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

for name in POSIX:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Blocked())
for name in ("SIGHUP", "SIGTSTP", "SIGCONT", "SIGWINCH", "SIGQUIT", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGPIPE"):
    delattr(signal, name)
"""
"""Takes from a program of ours what only POSIX has. The libraries keep theirs: on Windows they have other files."""


def python(code: str, *args: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run code without what Windows lacks."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code, *args], capture_output=True, cwd=ROOT, env=os.environ | env, timeout=120
    )


def pyhall_tui(*args: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    return python("\nfrom pyhall_tui.__main__ import main\nsys.exit(main())", *args, **env)


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Return an environment with folders of its own."""
    return {"PYHALL_TUI_CONFIG_DIR": str(tmp_path / "config"), "HOME": str(tmp_path)}


IMPORT_ALL = """
import importlib, pkgutil
import pyhall_tui

def fault_of(name):
    try:
        importlib.import_module(name)
    except Exception as error:
        return f"{name}: {error!r}"

def import_all():
    names = [module.name for module in pkgutil.walk_packages(pyhall_tui.__path__, "pyhall_tui.")]
    return [fault for name in names if name != "pyhall_tui.__main__" and (fault := fault_of(name))]
"""


@pytest.mark.thorough
def test_each_module_can_be_imported_on_windows() -> None:
    """The libraries are loaded as they are here; then ours again, on a platform with Windows's name."""
    take_away = WITHOUT.strip().replace("\n", "\n    ")
    script = f"""{IMPORT_ALL}
def as_on_windows():
    {take_away}
    sys.platform = "win32"

import sys
faults = import_all()
for name in [name for name in sys.modules if name.startswith("pyhall_tui.")]:
    del sys.modules[name]
as_on_windows()
print(*faults, *import_all(), sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert (done.stdout.strip(), done.returncode) == ("", 0), done.stderr


@pytest.mark.thorough
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "cp437"])
def test_the_commands_print_in_each_encoding_of_a_console(encoding: str, home: dict[str, str], tmp_path: Path) -> None:
    """A console of Windows has an old code page when its output goes to a file: a character it lacks ends nothing."""
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker" / "main.py").write_bytes(b"run()\n")
    plain = home | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    for args in (["--help"], ["--version"], ["doctor"], ["help", "profiles"], ["config", "show"]):
        done = pyhall_tui(*args, **plain)
        assert b"Traceback" not in done.stderr, (args, done.stderr.decode(encoding, "replace"))
        assert done.returncode in (0, 2), (args, done.stderr)  # 2: the doctor finds no profile
        (done.stdout + done.stderr).decode(encoding)
    hashed = pyhall_tui("hash", str(tmp_path / "worker"), **plain)
    assert (hashed.returncode, len(hashed.stdout.split()[0])) == (0, 64), hashed.stderr


@pytest.mark.thorough
def test_a_policys_time_zone_comes_from_the_package_where_the_system_has_none() -> None:
    done = python("\nfrom zoneinfo import ZoneInfo\nprint(ZoneInfo('Europe/Berlin'))", PYTHONTZPATH="")
    assert done.stdout.decode().strip() == "Europe/Berlin", done.stderr


@pytest.mark.thorough
def test_what_is_taken_away_is_gone_for_us_and_stays_for_libraries() -> None:
    """The tests above could not fail otherwise."""
    done = python(
        "\ntry:\n    import termios\nexcept ModuleNotFoundError as error:\n    print(error)\nimport click, getpass"
    )
    assert done.stdout.decode().strip() == "No module named 'termios'", done.stderr
