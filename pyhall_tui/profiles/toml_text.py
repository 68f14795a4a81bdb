"""Finds things in a TOML text, and changes it while leaving everything else exactly as it is.

`tomllib` reads and `tomli-w` writes; this only finds the ranges of text. It expects a text that `tomllib` has accepted,
and whoever changes a text checks the result with `tomllib` (see `profile_store`).
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

Path = tuple[str, ...]

_TOKEN = (  # compiled at its first use: most runs change nothing
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}=\n]"
    r"|[ \t\r]+"
    r"|[^\s\[\]{}=\#\"']+"
)


class UnknownForm(Exception):
    """The text has a form that this module can't change."""


class Statement(NamedTuple):
    """A header or a `key = value`, by offsets into the text."""

    path: Path
    """The full path, including the header's part."""
    is_header: bool
    start: int
    value: int
    """Where the value starts (for a header: where the header starts)."""
    end: int
    """After the last character of the header or value; a comment may follow on the line."""
    section: int
    """The number of the header above it, 0 before the first."""


def statements(text: str) -> list[Statement]:
    """Return the headers and the assignments of `text`, in order."""
    found: list[Statement] = []
    header: Path = ()
    section = 0
    for start, value, end in _stretches(text):
        if text[start] == "[":
            header, section = _path(text[start:end]), section + 1
            found.append(Statement(header, True, start, start, end, section))
        else:
            path = header + _path(text[start:value] + "0")
            found.append(Statement(path, False, start, value, end, section))
    return found


def _stretches(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield the start, the start of the value and the end of each statement, respecting strings and brackets."""
    tokens: list[re.Match[str]] = []
    depth = 0
    for token in re.finditer(_TOKEN, text + "\n", re.DOTALL):
        letter = token[0]
        if letter == "\n" and depth == 0 and tokens:
            equals = next((index for index, one in enumerate(tokens) if one[0] == "="), -1)
            yield tokens[0].start(), tokens[equals + 1].start(), tokens[-1].end()
            tokens = []
        if not letter.isspace() and letter[0] != "#":
            tokens.append(token)
            depth += (letter in "[{") - (letter in "]}")


def _path(text: str) -> Path:
    node: Any = tomllib.loads(text)
    names: list[str] = []
    while node and isinstance(node, (dict, list)):
        if isinstance(node, list):
            node = node[0]
        else:
            ((name, node),) = node.items()
            names.append(name)
    return tuple(names)


def comments(text: str) -> Counter[str]:
    """Return the comments in `text`, each with its number of occurrences."""
    tokens = (token[0] for token in re.finditer(_TOKEN, text, re.DOTALL))
    return Counter(token.rstrip() for token in tokens if token.startswith("#"))


def place(text: str, path: Path) -> tuple[int, int]:
    """Return line and column (from 1) of the value at `path`, or of the nearest table that contains it."""
    found = statements(text)
    for length in range(len(path), 0, -1):
        for statement in found:
            if statement.path == path[:length]:
                return line_and_column(text, statement.value)
    return 1, 1


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return line and column, both from 1, of an offset."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def set_value(text: str, path: Path, value: object) -> str:
    """Return `text` with `path` (a table's key, or a key before all tables) set to `value`."""
    found = statements(text)
    for statement in found:
        if statement.path == path and not statement.is_header:
            return text[: statement.value] + _value(value) + text[statement.end :]
    line = f"{_key(path[-1])} = {_value(value)}\n"
    if len(path) == 1:
        return line + ("\n" if text.startswith("[") else "") + text
    for header in found:
        if header.is_header and header.path == path[:-1]:
            last = [other for other in found if other.section == header.section][-1]
            at = _line_end(text, last.end)
            return _with_newline(text[:at]) + line + text[at:]
    return _with_newline(text) + ("\n" if text.strip() else "") + f"[{_keys(path[:-1])}]\n{line}"


def remove(text: str, path: Path) -> str:
    """Return `text` without the key or the table at `path` and everything below it."""
    found = statements(text)
    for statement in reversed(found):
        if statement.path[: len(path)] == path:
            end = _line_end(text, statement.end)
            text = text[: _line_start(text, statement.start)] + text[end:]
    return text


def rename(text: str, path: Path, name: str) -> str:
    """Return `text` with the last name of the table `path` changed, also in the headers of tables below it."""
    for header in reversed(statements(text)):
        if header.is_header and header.path[: len(path)] == path:
            double = text.startswith("[[", header.start)
            keys = _keys((*path[:-1], name, *header.path[len(path) :]))
            text = text[: header.start] + (f"[[{keys}]]" if double else f"[{keys}]") + text[header.end :]
    return text


def _key(name: str) -> str:
    import tomli_w

    return tomli_w.dumps({name: 0}).removesuffix(" = 0\n")


def _keys(path: Path) -> str:
    return ".".join(_key(name) for name in path)


def _value(value: object) -> str:
    import tomli_w

    return tomli_w.dumps({"k": value}).removeprefix("k = ").removesuffix("\n")


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def _line_end(text: str, offset: int) -> int:
    """Return the offset after the line's end, so that a comment there stays with its line."""
    newline = text.find("\n", offset)
    return len(text) if newline < 0 else newline + 1


def _with_newline(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"
