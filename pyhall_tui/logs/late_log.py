"""The log of a program that draws first: its file is opened after the first frame, and records wait until then."""

import logging
import threading
from collections import deque
from pathlib import Path

_MOST = 100
"""How many records wait at most, the newest ones."""


class LateLog(logging.Handler):
    """Holds log records until `open`. None of them reaches stderr, which is the screen."""

    def __init__(self, path: Path | None) -> None:
        """Collect all records from now on. `path` is the future file; None for no file."""
        super().__init__()
        self._path = path
        self._waiting: deque[logging.LogRecord] = deque(maxlen=_MOST)
        self._opening = threading.Lock()
        self._is_open = False
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record for later."""
        self._waiting.append(record)

    def open(self) -> str | None:
        """Open the file and write the waiting records; a second call does nothing. Thread-safe.

        Returns:
            A sentence for the operator if the log can't be written, otherwise None.
        """
        from pyhall_tui.logs.log_file import LogFile, configure_logging

        with self._opening:
            if self._is_open:
                return None
            self._is_open = True
            problem = configure_logging(self._path)
            root = logging.getLogger()
            root.removeHandler(self)
            files = [handler for handler in root.handlers if isinstance(handler, LogFile)]
            while self._waiting:
                record = self._waiting.popleft()
                for file in files:
                    file.handle(record)
            return problem
