"""Hands what the program logs as a warning or an error to the log of this run."""

import logging
from collections.abc import Callable
from typing import Final

_REQUESTS: Final = "pyhall_tui.registry"
"""The logger of failed requests, which are in the log of this run as requests."""


class FaultHandler(logging.Handler):
    """Passes on each warning and error, from any thread, without its traceback: the log's file has it."""

    def __init__(self, take: Callable[[float, str, bool, str], None]) -> None:
        """`take` gets the wall time, the text, whether it is an error, and the correlation id, or an empty one."""
        super().__init__(logging.WARNING)
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record over, unless it is about a request."""
        if record.name == _REQUESTS:
            return
        try:
            error = record.exc_info[1] if record.exc_info else None
            why = f": {type(error).__name__}: {error}" if error is not None else ""
            is_error = record.levelno >= logging.ERROR
            self._take(record.created, record.getMessage() + why, is_error, getattr(record, "correlation_id", ""))
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """Do nothing: Python's own method prints to stderr, which is the screen."""
