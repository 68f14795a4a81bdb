"""TOML files that people write: a mistake is reported with its line and column."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pyhall_tui.files.regular_file import NotText, edited_text, reason
from pyhall_tui.hall.errors import FileMistake

T = TypeVar("T")


def read_text(path: Path) -> str:
    """Return a file's text.

    Raises:
        FileMistake: it can't be read, or is not UTF-8.
    """
    try:
        return text_of(path.read_bytes(), path)  # works for a pipe too
    except OSError as error:
        raise FileMistake(f"{path}: can't be read: {reason(error)}") from None


def text_of(content: bytes, path: Path) -> str:
    """Return a file's content as text. Raises as `read_text`."""
    try:
        return edited_text(content)
    except NotText as error:
        raise FileMistake(f"{path}: can't be read: {error}") from None


def parse(text: str, name: str, shape: type[T], table: str) -> T:
    """Read a text that has an array of tables (`[[table]]`) with a few settings above it.

    Raises:
        FileMistake: with `name:line:column` and what is wrong there.
    """
    try:
        return msgspec.convert(loads(text, name), shape)
    except msgspec.ValidationError as error:
        raise mistake(str(error), text, name, table) from None


def loads(text: str, name: str) -> dict[str, Any]:
    """Read TOML; raises as `parse` does."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileMistake(_in_front(str(error), name, text)) from None


def mistake(complaint: str, text: str, name: str, table: str, wanted: Mapping[str, str] | None = None) -> FileMistake:
    """Return the error for msgspec's message, such as `… - at `$.rule[2].code``, with its line and column.

    `wanted` maps a key to a description of its values.
    """
    line, column = _where(complaint, text, table)
    return FileMistake(f"{name}:{line}:{column}: {_said(complaint, table, wanted or {})}")


def _said(complaint: str, table: str, wanted: Mapping[str, str]) -> str:
    """Return the message in the file's terms: which table, which key, and which values it accepts."""
    complaint = complaint.replace("Object contains", "there is an").replace("Object missing", "it lacks the")
    found = re.fullmatch(r"(.*) - at `\$\.?(.*)`", complaint, re.DOTALL)
    if not found:
        return complaint
    number = re.match(rf"{table}\[(\d+)\]\.?", found[2])
    place = f"{table} {int(number[1]) + 1}: " if number else ""
    key = re.match(r"\w*", found[2][number.end() if number else 0 :])
    name = key[0] if key else ""
    what = found[1]
    if re.match(r"\w+: ", what):  # our own check has named the key
        return place + what
    if what.endswith("length >= 1"):
        what = f"it is empty: {f'write {wanted[name]}, or leave it out' if name in wanted else 'leave it out for any'}"
    elif name in wanted:
        given = re.search(r"'[^']*'$", what) if "enum" in what else None
        what = f"expected {wanted[name]}" + (f", not {given[0]}" if given else "")
    return place + (f"{name}: " if name else "") + what[:1].lower() + what[1:]


def _in_front(complaint: str, name: str, text: str) -> str:
    """Move tomllib's `… (at line 3, column 7)` to the front, where editors and people expect it."""
    if place := re.search(r" \(at line (\d+), column (\d+)\)$", complaint):
        return f"{name}:{place[1]}:{place[2]}: {complaint[: place.start()]}"
    lines = text.splitlines() or [""]
    return f"{name}:{len(lines)}:{len(lines[-1]) + 1}: {complaint.removesuffix(' (at end of document)')}"


def _where(complaint: str, text: str, table: str) -> tuple[int, int]:
    """Find the line and column: of the key within its `[[table]]`, else of the table, else 1:1."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if re.match(rf"\s*\[\[\s*{table}\s*\]\]", line)]
    place = re.search(rf"\$\.{table}\[(\d+)\]", complaint)
    first, end = 0, starts[0] if starts else len(lines)
    if place and int(place[1]) < len(starts):
        index = int(place[1])
        first, end = starts[index], starts[index + 1] if index + 1 < len(starts) else len(lines)
    names = re.findall(r"unknown field `(\w+)`", complaint) + re.findall(r"\.(\w+)(?:\[[\d.]+\])?`$", complaint)
    names += re.findall(r"^(\w+): ", complaint)
    for number in range(first, end):
        for key in names:
            if found := re.match(rf"\s*(?=[\"']?{re.escape(key)}[\"']?\s*=)", lines[number]):
                return number + 1, found.end() + 1
    return first + 1, 1
