"""Run the benchmarks: `python -m tests.bench [--quick] [--json FILE] [NAME…]`.

A benchmark is a module of this folder with `run`: `run(quick: bool) -> Iterable[Row]`, or without parameters and
with lines of text for a result.
"""

import argparse
import importlib
import inspect
import json
import pkgutil
import sys
import time
from pathlib import Path
from types import ModuleType

import tests.bench
from tests.bench.report import Row, table


def main() -> int:
    """Run the named benchmarks, or all; return 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Figures beside their baselines.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="run these alone")
    parser.add_argument("--quick", action="store_true", help="fewer runs and workers: a minute in all, rough figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    benches = _benches()
    if unknown := set(options.names) - set(benches):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))} (there are {', '.join(benches)})")
    rows = [row for name in options.names or benches for row in _run(name, benches[name], options.quick)]
    if options.json:
        found = [row._asdict() | {"ratio": row.ratio} for row in rows]
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return int(any(row.met is False for row in rows))


def _benches() -> dict[str, ModuleType]:
    """Find the modules that have a `run`. A benchmark's helper program has none, and its name starts with `_`."""
    names = [found.name for found in pkgutil.iter_modules(tests.bench.__path__) if not found.name.startswith("_")]
    modules = {name: importlib.import_module(f"tests.bench.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "run")}


def _run(name: str, module: ModuleType, quick: bool) -> list[Row]:
    print(f"## {name}", flush=True)
    started = time.monotonic()
    found = list(module.run(quick) if inspect.signature(module.run).parameters else module.run())
    rows = [row for row in found if isinstance(row, Row)]
    lines = [line for line in found if not isinstance(line, Row)]
    print("\n".join([*lines, *([table(rows)] if rows else [])]))
    print(f"({time.monotonic() - started:.0f} s)\n", flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
