"""The layers: nothing below the screens imports Textual, and nothing heavy is imported before the first frame."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

LOWER = ["workspace", "render", "monitor.engine", "dispatch", "enroll", "journal.journal", "fleet.fleet", "attest"]
LOWEST = ["registry.client", "profiles.profile_store", "profiles.keys", "hall.server", "commands", "clock", "paths"]
LATE = {
    *("click", "hashlib", "html", "importlib.metadata", "json", "logging.handlers", "tomli_w", "tomlkit"),
    *("pyhall_tui.alarms", "pyhall_tui.commands", "pyhall_tui.dispatch", "pyhall_tui.enroll", "pyhall_tui.hall"),
    *("pyhall_tui._version", "pyhall_tui.packages", "pyhall_tui.profile_alarms", "pyhall_tui.profile_packages"),
    *("pyhall_tui.files.safe_file", "pyhall_tui.files.whole_file"),
    *("pyhall_tui.journal.alarms", "pyhall_tui.journal.journal", "pyhall_tui.journal.reader"),
    *("pyhall_tui.journal.statements", "pyhall_tui.journal.writer", "pyhall_tui.render.alarm"),
    *("pyhall_tui.shell.alarm_news", "pyhall_tui.shell.attention", "pyhall_tui.widgets.field"),
    *("pyhall_tui.widgets.news_line", "pyhall_tui.widgets.too_small"),
    *("pyhall_tui.logs.log_file", "pyhall_tui.logs.masking", "pyhall_tui.monitor.engine", "pyhall_tui.profiles.keys"),
    *("pyhall_tui.registry.client", "pyhall_tui.registry.decode", "pyhall_tui.registry.errors"),
}
"""What the first frame does not need: each is imported at its first use, or in a thread."""
MOST_BEFORE_THE_FRAME = 105
"""Modules of ours. Each takes a third of a millisecond, of the 70 that the first frame may take more than a bare app's:
before you raise this, look for one that the frame can do without."""
HEAVY = {"filelock", "httptools", "httpx", "keyring", "starlette", "uvicorn", "truststore", "watchfiles"}


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after running `code`."""
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", LOWER + LOWEST)
@pytest.mark.thorough
def test_a_lower_floor_does_not_know_textual(module: str) -> None:
    assert "textual" not in modules_after(f"import pyhall_tui.{module}")


def test_the_command_line_imports_nothing_heavy() -> None:
    assert not modules_after("import pyhall_tui.cli") & (HEAVY | {"textual", "rich", "msgspec", "click"})


def test_nothing_heavy_is_imported_before_the_first_frame() -> None:
    assert not modules_after("import pyhall_tui.app, pyhall_tui.screens.workers.screen") & HEAVY


def test_what_the_first_frame_does_not_need_is_imported_after_it() -> None:
    first_frame = "pyhall_tui.start, pyhall_tui.app, pyhall_tui.logs.late_log, pyhall_tui.screens.workers.screen"
    script = (
        f"import textual.app, sys; before = {{*sys.modules}}\nimport {first_frame}\nprint(*{{*sys.modules}} - before)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not LATE & loaded
    assert len([name for name in loaded if name.partition(".")[0] == "pyhall_tui"]) <= MOST_BEFORE_THE_FRAME


def test_only_the_sections_that_config_toml_has_are_imported_before_the_first_frame() -> None:
    script = """
import sys
from pyhall_tui.config.known import Known
import pyhall_tui.shell.theme, pyhall_tui.shell.own_config
from pyhall_tui.config.config import read
read('[keys]\\nworkers.sort = "S"\\n[theme]\\nname = "nord"\\n', Known())
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"pyhall_tui.config.keys", "pyhall_tui.config.theme"} <= loaded
    late = ("config.columns", "config.commands", "programs", "shell.known")
    assert not loaded & {f"pyhall_tui.{name}" for name in late}


def test_the_demos_hall_is_imported_after_its_first_frame() -> None:
    script = "import sys\nfrom pyhall_tui.hall.late_demo import LateDemo\nLateDemo()\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & (HEAVY | {"msgspec", "sqlite3"})
    hall = {name.rpartition(".")[2] for name in loaded if name.startswith("pyhall_tui.hall.")}
    assert hall == {"late_demo", "listening", "new_key", "roster"}


def test_the_guide_names_every_room_and_no_other() -> None:
    root = Path(__file__).parent.parent
    tree = (root / "DEVELOPERS.md").read_text().split("```")[1].partition("pyhall_tui/\n")[2].partition("tests/")[0]
    named = set(re.findall(r"(?<=  )([a-z_]+(?:/|\.py))(?=\s)", tree))
    rooms = {f"{path.name}/" for path in (root / "pyhall_tui").iterdir() if (path / "__init__.py").exists()}
    modules = {path.name for path in (root / "pyhall_tui").glob("*.py")}
    assert named == rooms | modules - {"__init__.py", "_version.py"}  # the build writes the version


def test_no_file_of_the_package_is_over_five_hundred_lines() -> None:
    package = Path(__file__).parent.parent / "pyhall_tui"
    long = {file.name: lines for file in package.rglob("*.py") if (lines := len(file.read_text().splitlines())) > 500}
    assert not long
