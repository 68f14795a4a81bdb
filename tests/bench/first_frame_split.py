"""Where the processor's time goes before the first frame: Python, Textual's import, ours, and the rest of it.

Each part is the time of one process alone, so it holds on a busy machine too: the least of some runs.
"""

import subprocess
import sys
from collections.abc import Iterator

from tests.bench._setting import Home, Program, Registry, bare_app, home, open_app
from tests.bench.report import Row

_TEXTUAL = "import textual.app, textual.widgets; from textual.widgets import Input, Label, Static"
_APP = f"import gc; gc.disable(); {_TEXTUAL}; import pyhall_tui.cli, pyhall_tui.app, pyhall_tui.logs.late_log"
_PARTS = {
    "Python": "pass",
    "Textual's import": _TEXTUAL,
    "the app's import": _APP,
    "the first screen's import": f"{_APP}; import pyhall_tui.screens.workers.screen",
}
_SAY = "import time; print(time.process_time())"


def run(quick: bool) -> Iterator[Row]:
    """Measure each part, and all of it up to the frame, for the bare app and for 100 workers."""
    rounds = 3 if quick else 9
    with Registry(0) as registry, home(registry.url, 100) as place:
        spent = {name: min(_import(place, code) for _ in range(rounds)) for name, code in _PARTS.items()}
        bare = min(_frame(bare_app(place), b"the only line") for _ in range(rounds))
        ours = min(_frame(open_app(place), b"org.bench.worker-0000") for _ in range(rounds))
    before = 0.0
    for name, until in spent.items():
        yield Row(f"first frame, CPU: {name}", (until - before) * 1000, "ms")
        before = until
    yield Row("first frame, CPU: journal, mount and paint", (ours - before) * 1000, "ms")
    yield Row("first frame, CPU: bare app after Textual's import", (bare - spent["Textual's import"]) * 1000, "ms")
    yield Row("first frame, CPU: all", ours * 1000, "ms", bare * 1000, "bare app")


def _import(place: Home, code: str) -> float:
    """Return the processor seconds of a process by the end of `code`."""
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\n{_SAY}"], env=place.environment(), capture_output=True, text=True, check=True
    )
    return float(run.stdout)


def _frame(program: Program, shown: bytes) -> float:
    """Return the processor seconds of the program's first thread when its first frame is there."""
    with program:
        program.wait_for(shown)
        with open(f"/proc/{program.pid}/task/{program.pid}/schedstat") as found:  # noqa: PTH123
            return int(found.read().split()[0]) / 1e9
