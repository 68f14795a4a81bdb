"""How a matrix is laid out: rows that are alike as one line, a character for each code, shortened names."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from pyhall_tui.dispatch.matrix import CellAnswer, answer_of
from pyhall_tui.dispatch.result import Result, Tried
from pyhall_tui.render.decision import LOOKS
from pyhall_tui.render.text import Cell, Style, clean

Row = tuple[str, ...]
SHARED: Final = "#"
"""Stands for all codes for which no character is left."""
DIFFERS: Final = "<"
"""Follows the character of a cell that differs from the baseline."""
CUT: Final = "…"
LEAST_HEAD: Final = 3
"""Lines that turned names get at least, if the whole grid then fits."""
_SEPARATORS: Final = ".-_/:"
_LEAST_SHARED: Final = 6
_ONCE_FROM: Final = 3
"""From so many columns on, a row with the same code in each says it once."""
_GRAVE: Final = frozenset(
    {"DENY_WORKER_BANNED", "ATTEST_BANNED_HASH", "DENY_WORKER_TAMPERED", "DENY_WORKER_REVOKED", "ATTEST_HASH_MISMATCH"}
)
_NOT_ENROLLED: Final = frozenset({"NO_WORKER_FOR_CAPABILITY", "DENY_NO_AVAILABLE_WORKER", "NO_AVAILABLE_WORKER"})
"""What most cells of a large matrix say."""
_OTHER_CODES: Final = (Style.MARK, Style.STRONG, Style.ERROR)


class CellView(NamedTuple):
    """One cell as it is shown."""

    answer: CellAnswer | None = None
    """None: not asked yet."""
    differs: bool = False
    """Whether it differs from the baseline."""
    is_left_out: bool = False
    """Whether a filter leaves it out: its place stays empty."""


class Line(NamedTuple):
    """One line of the grid: a row, or several that are alike in every cell."""

    rows: tuple[Row, ...]
    cells: tuple[CellView, ...]

    @property
    def said_once(self) -> CellAnswer | None:
        """What every cell of the line says, if it is the same in all of them and not an allow."""
        first = self.cells[0]
        if len(self.cells) < _ONCE_FROM or first.answer is None or first.answer.result is Result.ALLOW:
            return None
        is_same = not first.is_left_out and all(cell == first for cell in self.cells)
        return first.answer if is_same and not first.differs else None


def said(tried: Tried) -> CellAnswer:
    """Return what a cell says: the decision and its code; of a failure, the status that came."""
    if tried.result.is_answer:
        return answer_of(tried)
    return CellAnswer(tried.result, f"HTTP {tried.row.status}" if tried.row.status else None)


def lines_of(rows: Iterable[Row], cells: Callable[[Row], tuple[CellView, ...]], *, folds: bool) -> list[Line]:
    """Return the lines of a grid in the rows' order; with `folds`, rows that are alike stand at the first one's place.

    Rows that have not been asked completely are never folded: they may still come to differ.
    """
    found: dict[tuple[object, ...], list[Row]] = {}
    views: dict[tuple[object, ...], tuple[CellView, ...]] = {}
    for row in rows:
        view = cells(row)
        folded = folds and all(cell.answer is not None for cell in view)
        key: tuple[object, ...] = view if folded else ("row", row)
        found.setdefault(key, []).append(row)
        views[key] = view
    return [Line(tuple(alike), views[key]) for key, alike in found.items()]


# -- characters and colors of codes ----------------------------------------------------------------------------


def with_characters(given: Mapping[CellAnswer, str], answers: Iterable[CellAnswer]) -> dict[CellAnswer, str]:
    """Return a character for each answer; what was given before stays. Only `#` stands for several.

    A denial with a code has a capital, a hold a small one, both from the code's own words if they are free.
    """
    characters = dict(given)
    taken = set(characters.values())
    for answer in answers:
        if answer not in characters:
            free = (each for each in _candidates(answer) if each not in taken)
            characters[answer] = next(free, SHARED)
            taken.add(characters[answer])
    return characters


def _candidates(answer: CellAnswer) -> Iterator[str]:
    result, code = answer
    if not code or result not in (Result.DENY, Result.HOLD):
        yield LOOKS[result].glyph
    else:
        words = code.removeprefix("DENY_").replace("-", "_").upper().split("_")
        initials = [word[0] for word in words if word]
        wanted = [each for each in (*initials, *"".join(words), *string.ascii_uppercase) if each.isascii()]
        letters = [each for each in wanted if each.isalpha()]
        yield from letters if result is Result.DENY else map(str.lower, letters)
    yield from string.digits


def style_of(answer: CellAnswer, characters: Mapping[CellAnswer, str]) -> Style:
    """Return the color of an answer; the one of a denial depends on its code."""
    if answer.result is not Result.DENY or not answer.code or answer.code in _GRAVE:
        return LOOKS[answer.result].style
    if answer.code in _NOT_ENROLLED:
        return Style.DIM
    others = [
        each
        for each in characters
        if each.result is Result.DENY and each.code and each.code not in _GRAVE | _NOT_ENROLLED
    ]
    place = others.index(answer) if answer in others else 0
    return _OTHER_CODES[place % len(_OTHER_CODES)]


def counts(answers: Iterable[CellAnswer]) -> list[Cell]:
    """Return how often each result came, in the results' order."""
    found = Counter(answer.result for answer in answers)
    looks = [(LOOKS[result], found[result]) for result in Result if found[result]]
    return [Cell(f"{look.glyph} {count:,} {look.word.lower()}", look.style) for look, count in looks]


def key_lines(
    answers: Iterable[CellAnswer], characters: Mapping[CellAnswer, str], width: int, most: int
) -> list[list[Cell]]:
    """Return what each character means and how often it stands there, the most frequent first, in `most` lines."""
    found = Counter(answers).most_common()
    lines: list[list[Cell]] = [[]]
    room = width
    for place, (answer, count) in enumerate(found):
        cells = _meaning(answer, count, characters)
        needed = sum(sum(map(_width, cell.text)) for cell in cells) + 2 * len(cells)
        left = f"… {len(found) - place:,} more"
        is_last = len(lines) == most
        kept_free = len(left) if is_last and place < len(found) - 1 else 0
        if needed > room - kept_free and lines[-1]:
            if is_last:
                lines[-1].append(Cell(left, Style.DIM))
                break
            lines.append([])
            room = width
        lines[-1] += cells
        room -= needed
    return lines


def _meaning(answer: CellAnswer, count: int, characters: Mapping[CellAnswer, str]) -> list[Cell]:
    word = clean(answer.code, 60) if answer.code else answer.result.value
    return [Cell(f"{characters[answer]} {word} {count:,}", style_of(answer, characters))]


# -- names -----------------------------------------------------------------------------------------------------


def shared_start(names: Iterable[str]) -> str:
    """Return what most names begin with, up to a separator, if it is worth leaving out."""
    different = set(names)
    starts = Counter(
        name[: place + 1]
        for name in different
        for place, each in enumerate(name[:-1])
        if each in _SEPARATORS and place + 1 >= _LEAST_SHARED
    )
    common = [start for start, count in starts.items() if count > 1 and count * 3 >= len(different) * 2]
    return max(common, key=len, default="")


def without(start: str, names: Iterable[str], *, all_share: bool) -> list[str]:
    """Return names without that start; with a `…` for it, unless all share it."""
    mark = "" if all_share else CUT
    return [mark + name[len(start) :] if start and name.startswith(start) else name for name in names]


def short_head(name: str, height: int) -> str:
    """Return a name for a head that is too low for it: the first of each word but the last, which goes on longest."""
    if len(name) <= height:
        return name
    *words, last = [word for word in re.split(f"[{re.escape(_SEPARATORS)}]", name) if word] or [name]
    return ("".join(word[0] for word in words)[: max(0, height - 2)] + last)[:height]


def stacked(name: str, height: int) -> list[str]:
    """Return a name turned: what stands in each of `height` lines from the top, its end in the last one."""
    found: list[str] = []
    for each in name:
        if _width(each) == 0 and found:
            found[-1] += each
        else:
            found.append(each)
    return [*[""] * (height - len(found)), *found][:height]


def head_height(lines: int, longest: int, room: int) -> int:
    """Return how many lines turned names take: what all lines of the grid leave, or if that is too little, 1 of 6."""
    spare = room - lines
    return max(1, min(longest, spare if spare >= LEAST_HEAD else min(room * 2 // 5, max(LEAST_HEAD, room // 6 + 1))))


def several(names: Sequence[str], shown: int = 4) -> str:
    """Return a folded line's names in words: the first few, and how many more."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _width(character: str) -> int:
    """Return a character's cells. Clean text has none that take fewer, but for marks over the one before."""
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
