"""Make the wheel and all it needs into one file that Python runs: `python .ci/single_file.py WHEEL FOLDER`.

Some of what it needs is compiled, so the file runs only on this kind of system with this version of Python. Both are in
its name. It unpacks itself at its first run, into `~/.shiv`.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path


def main() -> None:
    wheel, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    version = wheel.name.split("-")[1]
    python = f"py{sys.version_info.major}.{sys.version_info.minor}"
    file = folder / f"pyhall-tui-{version}-{sysconfig.get_platform()}-{python}.pyz"
    shiv = [sys.executable, "-m", "uv", "-q", "tool", "run", "--python", sys.executable, "--with", "pip", "shiv"]
    start = f"/usr/bin/env python{python.removeprefix('py')}"
    options = ["--reproducible", "--console-script", "pyhall-tui", "--python", start, "--output-file", str(file)]
    env = {"SOURCE_DATE_EPOCH": "1700000000", **os.environ}
    subprocess.run([*shiv, *options, "--quiet", str(wheel)], check=True, env=env)
    print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
