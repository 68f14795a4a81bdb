"""The log: one file that never grows beyond its limit, holds no key, and never writes to the screen.

A line is `time level logger [correlation id] message`; the id comes from the record's `extra={"correlation_id": …}`.
"""

import logging
import os
from contextlib import suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from pyhall_tui.files.private_file import make_private_folder, open_private
from pyhall_tui.logs.masking import mask, register_secret

__all__ = ["CORRELATION_ID", "configure_logging", "register_secret"]

CORRELATION_ID = "correlation_id"
"""The name of the record's field."""
REPEATS_AS = "repeats_as"
"""The `extra` of a record that repeats others although its text differs by an id or a time: what they share."""

MAX_BYTES = 1_048_576
"""Bytes of one file."""
BACKUPS = 2
"""Older files next to it, `.1` and `.2`."""
_LONGEST = 32_768
"""Characters of one record, including its traceback."""
REPEAT_WINDOW = 600.0
"""Seconds within which the same message is only counted."""
_MOST_REPEATS = 64
"""Messages that are watched for repeats."""

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160)) if chr(code) not in "\n\t"}
_CONTROLS |= {code: f"\\u{code:04x}" for code in (0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F))}
_CONTROLS |= {code: f"\\u{code:04x}" for code in (*range(0x2060, 0x2070), 0xFEFF)}
"""Characters that control a terminal, change a line's direction, or are invisible."""


def configure_logging(path: Path | None, level: int | str = logging.WARNING) -> str | None:
    """Send all logging to the file at `path`; None, or a folder that can't be used, turns it off.

    Returns:
        A sentence for the operator if the log can't be written, otherwise None.
    """
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, LogFile | logging.NullHandler)]:
        root.removeHandler(handler)
        handler.close()
    # Without any handler, Python writes warnings to stderr, which is the screen.
    problem = None
    handler = logging.NullHandler()
    if path is not None:
        try:
            handler = LogFile(path)
        except OSError as error:
            problem = f"No log is kept: {path} can't be written ({error.strerror or error})."
    root.addHandler(handler)
    root.setLevel(level)
    return problem


class LogFile(RotatingFileHandler):
    """The file, limited in size. A repeated message is counted, not written; its count follows in one line."""

    def __init__(self, path: Path) -> None:
        """Open the file, only for this user.

        Raises:
            OSError: its folder can't be made or the file can't be written.
        """
        make_private_folder(path.parent)
        self._repeats: dict[tuple[str, int, str], _Repeat] = {}
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8", errors="backslashreplace")
        self.setFormatter(_Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record unless the same message was written recently."""
        try:
            about = (getattr(record, REPEATS_AS, None) or record.getMessage())[:_LONGEST]
            raised = record.exc_info[0] if record.exc_info else None  # another error is news, even in the same words
            key = (record.name, record.levelno, f"{about} {raised.__name__}" if raised else about)
            repeat = self._repeats.get(key)
            if repeat is not None and 0 <= record.created - repeat.began < REPEAT_WINDOW:
                repeat.count_in(record)
                return
            self._tell_repeat(self._repeats.pop(key, None))
            self._repeats[key] = _Repeat(record)
            while len(self._repeats) > _MOST_REPEATS:
                self._tell_repeat(self._repeats.pop(next(iter(self._repeats))))
        except Exception:
            self.handleError(record)
            return
        super().emit(record)

    def close(self) -> None:
        """Write the pending counts, and close the file."""
        repeats, self._repeats = self._repeats, {}
        for repeat in repeats.values():
            self._tell_repeat(repeat)
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """Do nothing: Python's own method prints to stderr, which is the screen."""

    def rotate(self, source: str, dest: str) -> None:
        """Rename a full file; if another program holds it (Windows), empty it instead, to keep the limit."""
        try:
            super().rotate(source, dest)
        except OSError:
            with suppress(OSError):
                os.truncate(source, 0)

    def _open(self) -> TextIOWrapper:
        descriptor = open_private(Path(self.baseFilename), os.O_WRONLY | os.O_APPEND)
        return os.fdopen(descriptor, "a", encoding=self.encoding, errors=self.errors)

    def _tell_repeat(self, repeat: "_Repeat | None") -> None:
        if repeat is not None and repeat.count:
            super().emit(repeat.summary())


class _Repeat:
    """One message that was written, and how often it came again."""

    def __init__(self, record: logging.LogRecord) -> None:
        self.began = record.created
        self.count = 0
        self._last: dict[str, object] = {}

    def count_in(self, record: logging.LogRecord) -> None:
        """Count one more, and keep what its line would say, but not the record, whose frames hold much more."""
        self.count += 1
        self._last = {
            "name": record.name,
            "levelno": record.levelno,
            "levelname": record.levelname,
            "created": record.created,
            "msg": f"{record.getMessage()} ({self.count:,} times more)",
            CORRELATION_ID: getattr(record, CORRELATION_ID, ""),
        }

    def summary(self) -> logging.LogRecord:
        """Return one line for all repeats, with the last one's time and correlation id."""
        return logging.makeLogRecord(self._last)


class _Formatter(logging.Formatter):
    """One line per record, except for a traceback; without control characters for the terminal, and without keys."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's text, masked, of at most `_LONGEST` characters.

        It is cut before it is masked, because masking takes time for each character; the cut leaves no half of a
        secret.
        """
        when = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        correlation_id = getattr(record, CORRELATION_ID, "")
        about = f" [{correlation_id}]" if correlation_id else ""
        message = record.getMessage().replace("\n", "\\n")
        lines = [f"{when}Z {record.levelname} {record.name}{about} {message}"]
        # Not `record.exc_text`: it is shared with other handlers, and would keep the traceback unmasked.
        if record.exc_info:
            lines.append(self.formatException(record.exc_info))
        if record.stack_info:
            lines.append(record.stack_info)
        text = "\n".join(lines)
        shown = text[: 2 * _LONGEST].translate(_CONTROLS)
        return mask(shown) if len(shown) <= _LONGEST else f"{mask(shown, _LONGEST)} … (cut)"
