"""Makes text from the network safe for a terminal, and times readable.

A style is a name, never a color: widgets look it up in the theme.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

KeyNames: TypeAlias = Callable[[str, str], str]
"""Returns the name of an action's key now, from the id of its binding and the name of its own key."""


def own_key(id_: str, own: str) -> str:
    """Return an action's own key: the `KeyNames` of a program without `config.toml`."""
    return own


class Style(StrEnum):
    """What a text means; `widgets.cells.STYLES` says how it looks."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"
    MARK = "mark"
    """Neither good nor bad: apart from others of its kind."""
    ALARM = "alarm"
    """A banned worker's whole row."""


class Cell(NamedTuple):
    """One piece of text and its style. The text is clean."""

    text: str
    style: Style = Style.PLAIN


_SELECTORS: Final = frozenset((*range(0xFE00, 0xFE10), *range(0x180B, 0x180E), 0x180F, *range(0xE0100, 0xE01F0)))
_UNSEEN: Final = frozenset((0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0x1F3FB, 0x1F400)))
"""Characters that are invisible, and skin tones, which take two cells or none, depending on the terminal."""
_FLAG_LETTERS: Final = range(0x1F1E6, 0x1F200)
"""Two of them make one flag of two cells, or two characters of two cells each, depending on the terminal."""


def _substitute(letter: str) -> str:
    code = ord(letter)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if code in _SELECTORS:
        return ""
    if code in _FLAG_LETTERS:
        return chr(ord("A") + code - _FLAG_LETTERS.start)
    category = unicodedata.category(letter)
    if code in _UNSEEN or category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return "·"
    return " " if category == "Zs" else letter


def clean(text: object, limit: int = 4_000) -> str:
    """Return foreign text as one line that is safe and has the same width in every terminal.

    Control bytes (C0, C1, DEL) become visible substitutes, so none reaches the terminal. Invisible characters (bidi
    overrides, zero-width joiners, fillers) and skin tones become `·`, so that nothing is hidden and widths agree; flags
    become their two letters; variation selectors are dropped; every space is one cell. After `limit` characters it is
    cut, with `…`. An error's text may quote its subject, so whatever is or looks like a key is masked in it.
    """
    raw = _masked(text) if isinstance(text, BaseException) else str(text)
    cut = raw[:limit]
    if not cut.isascii() or not cut.isprintable():
        cut = "".join(map(_substitute, cut))
    return cut + "…" if len(raw) > limit else cut


_LOST_SPACE: Final = re.compile(r"^ | (?= |$)")


def id_text(worker_id: str) -> str:
    """Return a worker's id for the screen: two different ids never look the same.

    Like `clean`, but what can't be shown as it is becomes its number, `‹200b›`. So do the characters of an id that
    Unicode could write in another way: `é` is one character or two, which look the same. So does a space at an end,
    or after another one: beside the next column, `a` and `a ` look the same.
    """
    if is_id_shown_as_it_is(worker_id):
        return worker_id
    is_spelled_usually = unicodedata.is_normalized("NFC", worker_id)

    def shown(letter: str) -> str:
        is_plain = letter.isascii() or (is_spelled_usually and letter not in "‹›")
        return letter if is_plain and _substitute(letter) == letter else f"‹{ord(letter):x}›"

    return _LOST_SPACE.sub("‹20›", "".join(map(shown, worker_id)))


def is_id_shown_as_it_is(worker_id: str) -> bool:
    """Whether an id has only ASCII characters that are all seen; a quick check, also for many ids joined."""
    return worker_id.isascii() and worker_id.isprintable() and " " not in worker_id


def _masked(error: BaseException) -> str:
    from pyhall_tui.logs.masking import mask  # imported at the first error, which doesn't come at the start

    return mask(str(error))


_RAW_LIMIT: Final = 100_000
"""Characters in a raw view, and in each of its lines."""


def clean_lines(text: object) -> str:
    """Return foreign text cleaned line by line, with its line breaks, for raw views."""
    lines = str(text)[:_RAW_LIMIT].replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join(clean(line, _RAW_LIMIT) for line in lines)


def age(seconds: float) -> str:
    """Return an age in one unit: `just now`, `9s ago`, `4m ago`, `3h ago`, `12d ago`. Never negative."""
    if seconds < 1:
        return "just now"
    return f"{span(seconds)} ago"


def span(seconds: float) -> str:
    """Return a span of time in one unit, rounded down: `9s`, `4m`, `3h`, `12d`."""
    whole = int(max(0.0, seconds))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def in_seconds(seconds: float) -> str:
    """Return the time left to wait, rounded up: `3s`, `2m`."""
    return span(max(0.0, seconds) + 0.999)


def time_of_day(wall: float, now_wall: float) -> str:
    """Return a local time, as short as possible without ambiguity: `12:04:11`, `yesterday`, `14 Nov`, `14 Nov 2025`."""
    if wall <= 0:
        return "–"
    then = datetime.fromtimestamp(wall).astimezone()
    now = datetime.fromtimestamp(now_wall).astimezone()
    days = (now.date() - then.date()).days
    if days == 0:
        return then.strftime("%H:%M:%S")
    if days == 1:
        return "yesterday"
    short = f"{then.day} {then:%b}"
    return short if then.year == now.year else f"{short} {then.year}"


def full_time(wall: float) -> str:
    """Return a full local time: `2026-11-25 12:04:11 +01:00`."""
    then = datetime.fromtimestamp(wall).astimezone()
    return then.isoformat(sep=" ", timespec="seconds")


def wall_of(at: object) -> float:
    """Return an ISO 8601 time in seconds since 1970; 0 if it is not one."""
    try:
        return datetime.fromisoformat(at).timestamp() if isinstance(at, str) else 0.0
    except (ValueError, OverflowError, OSError):
        return 0.0


def iso_time(wall: float | None) -> str | None:
    """Return a time for other programs, as ISO 8601 in UTC; None if there is none."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds") if wall and wall > 0 else None


def zone() -> str:
    """Return the name of the local time zone, to say it once beside times: `CET`, or `+05:30` if its name is long."""
    now = datetime.now().astimezone()
    name = now.tzname() or ""
    return name if name.isalpha() and len(name) < 6 else now.isoformat()[-6:]


def short_hash(sha256: str | None) -> str:
    """Return the first eight digits, or a dash."""
    return sha256[:8] if sha256 else "–"
