"""What you see of a crash: one line, and where the log is. A traceback goes only to the log."""

import logging

from pyhall_tui import paths
from pyhall_tui.render.text import clean

EXIT_CODE = 70
"""`EX_SOFTWARE` of sysexits.h: a bug here, as opposed to "the answer is no" and "could not be checked"."""


def report(error: BaseException, kept: str = "") -> str:
    """Log the error with its traceback (no local variables; the log masks keys) and return one line to print.

    Args:
        kept: a sentence about what survived the crash, to end the line with.
    """
    from pyhall_tui.logs.masking import mask  # with the first crash, as a rule never

    what = clean(mask(f"{type(error).__name__}: {error}", 2_000), 200)
    return " ".join(part for part in (f"pyhall-tui crashed: {what}.", _logged(error), kept) if part)


def _logged(error: BaseException) -> str:
    """Write the error only to the log, since other handlers may print it, and say where the log is."""
    from pyhall_tui.logs.log_file import LogFile

    record = logging.LogRecord("pyhall_tui", logging.CRITICAL, __file__, 0, "crashed", (), None)
    record.exc_info = (type(error), error, error.__traceback__)
    try:
        log = next((one for one in logging.getLogger().handlers if isinstance(one, LogFile)), None)
        log = log or LogFile(paths.state_dir() / "pyhall-tui.log")
        log.handle(record)
    except OSError as trouble:
        return f"The details are lost, because the log can't be written: {clean(trouble.strerror or trouble, 200)}."
    return f"The details are in {clean(log.baseFilename, 500)}."
