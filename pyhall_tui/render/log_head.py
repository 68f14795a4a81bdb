"""What a hall's status says about its decision log: the head, and who has signed it up to which row."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyhall_tui.render.text import Style, age, clean, wall_of

_HASH = 16  # of 64 characters: enough to compare two by eye


def log_lines(log: Mapping[str, Any] | None, now_wall: float) -> Iterator[tuple[str, str, Style]]:
    """Yield name, text and style of each line; nothing if the hall says nothing about its log."""
    if log is None:
        return
    rows, head = _row(log.get("seq")), clean(log.get("entry_hash") or "", 64)
    if rows is None:
        return
    tail = f", head {head[:_HASH]}{'…' * (len(head) > _HASH)}" if rows and head else ""
    yield "log", (f"{rows:,} row{'s' * (rows != 1)}" if rows else "empty") + tail, Style.PLAIN
    yield "signed", *_signed(log, rows, now_wall)
    if error := clean(log.get("error") or "", 400):
        yield "", error, Style.ERROR


def _signed(log: Mapping[str, Any], rows: int, now_wall: float) -> tuple[str, Style]:
    """Return up to which row the log is signed. The hall says so: only `hall audit verify` proves it."""
    own, stated = log.get("signed_by"), log.get("checkpoint")
    if not isinstance(stated, dict):
        stated = log.get("stated")
    if not isinstance(stated, dict) or (upto := _row(stated.get("seq"))) is None:
        return ("nothing yet", Style.PLAIN) if own else ("not signed", Style.DIM)
    at = wall_of(stated.get("at"))
    parts = [
        f"up to row {upto:,}",
        age(now_wall - at) if at else "",
        f"by {clean(own or stated.get('signer') or stated.get('origin') or '?', 80)}",
        f"{rows - upto:,} after it" if rows > upto else "",
        "" if own else "not by this hall",
    ]
    return " · ".join(part for part in parts if part), Style.PLAIN if own else Style.WARNING


def _row(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
