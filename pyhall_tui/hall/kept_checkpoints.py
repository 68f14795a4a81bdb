"""A file to which each checkpoint of the decision log is appended, as a crash or a full disk may leave it.

A note that was not written to its end is passed over: the log is proven by those beside it. Whoever can write the file
could take notes out of it anyway. A note that is whole and not signed by the key is never passed over.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from pyhall_tui.hall.checkpoints import Checkpoint
from pyhall_tui.hall.signed_note import NoteMistake, PublicKey

_NOTE: Final = re.compile(r"(?m)^(?:[^\n]+\n)+\n(?:— [^\n]*\n)+")
_APART: Final = re.compile(r"\n\n+(?![—\ufffd])")
_UNFINISHED: Final = "\0\ufffd \n"
"""What is left of a character that was cut, or of blocks that were reserved and never written."""
_SIGNATURE: Final = 92
"""Characters of a signature: 68 bytes in base64."""


class Kept(NamedTuple):
    """The checkpoints of a file in its order, and how many notes beside them were not written to their end."""

    checkpoints: list[Checkpoint]
    unfinished: int


def read_kept(data: bytes, *keys: PublicKey) -> Kept:
    """Read a file's bytes.

    Raises:
        NoteMistake: it holds something else than checkpoints of these keys.
    """
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    if text.rstrip(_UNFINISHED) and not text.endswith("\n"):
        text += "\n"
    found: list[Checkpoint] = []
    pieces: list[str] = []
    end = 0
    for note in _NOTE.finditer(text):
        pieces.append(text[end : note.start()])
        end = note.end()
        try:
            checkpoint, before = _read(note[0], keys)
        except NoteMistake:
            if not _begins(note[0], keys):
                raise
            pieces.append(note[0])
        else:
            found.append(checkpoint)
            pieces.append(before)
    pieces = [part for piece in (*pieces, text[end:]) for part in _APART.split(piece) if part.strip("\0\n")]
    if not all(_begins(piece, keys) for piece in pieces):
        raise NoteMistake("it holds something that is not a signed note")
    return Kept(found, len(pieces))


def _read(note: str, keys: Sequence[PublicKey]) -> tuple[Checkpoint, str]:
    """Return a checkpoint, and what is left of an unfinished note to which it was appended without a line end."""
    mistakes = []
    for key in keys:
        try:
            return _read_of(note, key)
        except NoteMistake as mistake:
            mistakes.append(mistake)
    raise mistakes[0]


def _begins(piece: str, keys: Iterable[PublicKey]) -> bool:
    return any(_is_beginning(piece, key.name) for key in keys)


def _read_of(note: str, key: PublicKey) -> tuple[Checkpoint, str]:
    try:
        return Checkpoint.read(note, key), ""
    except NoteMistake:
        begin = note.rfind(f"{key.name}\n")
        if begin < 1:
            raise
        return Checkpoint.read(note[begin:], key), note[:begin]


def _is_beginning(piece: str, name: str) -> bool:
    """Whether a checkpoint's note could begin like this, and goes on."""
    lines = piece.strip(_UNFINISHED).split("\n")
    whole = (re.escape(name), "[0-9]+", "[A-Za-z0-9+/]{43}=", "at [^\n]+", "")
    mark = f"— {name} "
    if len(lines) > len(whole) + 1:
        return False
    *before, last = lines
    if not any(lines) or not all(re.fullmatch(form, line) for form, line in zip(whole, before, strict=False)):
        return False
    parts = (
        lambda: name.startswith(last),
        lambda: re.fullmatch("[0-9]*", last),
        lambda: re.fullmatch("[A-Za-z0-9+/]{0,43}=?", last),
        lambda: last.startswith("at ") or "at ".startswith(last),
        lambda: last == "",
        lambda: (
            mark.startswith(last)
            or (last.startswith(mark) and re.fullmatch(f"[A-Za-z0-9+/]{{0,{_SIGNATURE - 1}}}", last[len(mark) :]))
        ),
    )
    return bool(parts[len(before)]())


def separator(tail: bytes) -> bytes:
    """Return what to write before a note, after a file that ends like this, so that each begins on a line of its own.

    An empty line follows an unfinished note, so that it is not taken for the beginning of the next one.
    """
    if not tail or _ends_with_a_note(tail):
        return b""
    return b"\n" if tail.endswith(b"\n") else b"\n\n"


def _ends_with_a_note(tail: bytes) -> bool:
    last = tail.rpartition(b"\n")[0].rpartition(b"\n")[2]
    return tail.endswith(b"\n") and last.startswith("— ".encode())
