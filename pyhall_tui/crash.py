"""What a user sees of a crash: one line and where the log is. Textual's own report prints local variables."""

import logging

from pyhall_tui.masking import mask
from pyhall_tui.render.text import clean

EXIT_CODE = 70
"""`EX_SOFTWARE` of sysexits.h: a fault of ours, apart from "the answer is no" and "could not be asked"."""

_log = logging.getLogger("pyhall_tui")


def report(error: BaseException) -> str:
    """Log the error with its traceback (no local variables; the log masks keys) and return one line to print."""
    _log.critical("crashed", exc_info=(type(error), error, error.__traceback__))
    what = clean(mask(f"{type(error).__name__}: {error}"), 200)
    return f"pyhall-tui crashed: {what}. The log has the details; what you typed is kept for the next start."
