"""Build hook: writes the version into the package, so that the program reads it without looking for its metadata."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULE = "pyhall_tui/_version.py"


class VersionFile(BuildHookInterface):
    """Puts `_version.py` into what is built; for an editable install, into the tree.

    A tree that can't be written is built all the same. An editable install of it asks the package's metadata instead.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        text = f'"""Written by the build, from the tag."""\n\nVERSION = "{self.metadata.version}"\n'
        if version == "editable":
            with contextlib.suppress(OSError):
                Path(self.root, MODULE).write_text(text, encoding="utf-8")
            return
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)  # gone when the build's process ends
        file = Path(folder.name, "_version.py")
        file.write_text(text, encoding="utf-8")
        self._folder = folder
        build_data["force_include"][str(file)] = MODULE
