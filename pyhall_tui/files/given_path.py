"""A path as you enter it: typed, pasted, or dropped on the terminal, which quotes it in its own way."""

import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from pyhall_tui.paths import expanded

_URL = "file:"
_LOCAL_HOSTS = ("", "localhost", "127.0.0.1")


def given_path(text: str, *, platform: str = sys.platform) -> Path:
    """Return the path meant by `'/a b'`, `"/a b"`, `/a\\ b`, `file:///a%20b`, `~/a`, or plain `/a b`.

    A file with exactly the given name comes first, so a folder with a quote in its name can be reached.
    """
    plain = text.strip()
    readings = [text.strip("\r\n"), plain, *_other_readings(plain, platform)]
    for reading in readings:
        if _is_there(expanded(reading)):
            return expanded(reading)
    return expanded(readings[-1])


def _other_readings(text: str, platform: str) -> Iterator[str]:
    """Yield the possible meanings of a quoted or escaped text or a URL, the best last."""
    if text[: len(_URL)].lower() == _URL:
        if (path := _of_url(text[len(_URL) :], platform)) is not None:
            yield path
    elif platform == "win32":  # there a backslash separates folders
        if len(text) > 2 and text[0] == text[-1] == '"':
            yield text[1:-1]
    elif len(text) > 2 and text[0] == text[-1] == '"':
        yield re.sub(r"\\([\"\\$`])", r"\1", text[1:-1])
    elif any(sign in text for sign in "\\'\""):
        try:
            words = shlex.split(text)
        except ValueError:  # a single quote, as in `/it's here`
            return
        if len(words) == 1:
            yield words[0]


def _of_url(rest: str, platform: str) -> str | None:
    """Return the path of a `file:` URL given without its scheme; None if it is on another machine."""
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host.lower() not in _LOCAL_HOSTS:
            return None
        rest = slash + path
    path = unquote(rest, errors="surrogateescape")
    if platform == "win32" and path[:1] == "/" and path[2:3] == ":":
        return path[1:]
    return path or None


def _is_there(path: Path) -> bool:
    try:
        return bool(str(path)) and os.path.lexists(path)
    except (OSError, ValueError):  # too long, or with a NUL in it
        return False
