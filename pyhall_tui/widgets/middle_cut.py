"""Cuts texts in the middle so that they stay apart: `org…embedder.prod-04`, or `org…7…prod-04` if the 7 differs.

A text's characters are revealed in one order, whatever the width: its first few and its last, then those by which it
differs from others with the same beginning and end, then from the end to the front. So with more cells, everything
stays that was shown with fewer.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Final

from rich.cells import cell_len

CUT: Final = "…"
_HEAD, _TAIL = 3, 8
"""Cells at both ends that are shown first."""
_MOST_HELD = 5_000
"""Texts whose cut is held."""


def width_of(text: str) -> int:
    """Return a text's cells."""
    return len(text) if text.isascii() else cell_len(text)


class MiddleCut:
    """Cuts the texts of one column. Two different ones never look the same, in a width of 12 cells or more."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """`texts` are all that may be shown; each needs to be there once. Others are learned when they are cut."""
        self._texts: Iterable[str] = texts
        self._is_grouped = False
        self._alone: dict[str, str] = {}
        """By its ends, a text that is the only one with them; of several, one."""
        self._groups: dict[str, list[str]] = {}
        """By their ends, texts of which several have the same; sorted. Made when the first text is cut."""
        self._width = 0
        self._cuts: dict[str, str] = {}
        self._given: dict[str, str] = {}
        """What is shown -> the text that it stands for."""

    def cut(self, text: str, width: int) -> str:
        """Return the text in that many cells at most; a character of two cells is never halved."""
        if width != self._width or len(self._cuts) > _MOST_HELD:
            self._width, self._cuts, self._given = width, {}, {}
        shown = self._cuts.get(text)
        if shown is None:
            shown = text if width_of(text) <= width else self._cut(text, width)
            if self._given.setdefault(shown, text) != text:
                numbered = (self._numbered(text, width, number) for number in count(1))
                shown = next(each for each in numbered if self._given.setdefault(each, text) == text)
            self._cuts[text] = shown
        return shown

    def _cut(self, text: str, width: int) -> str:
        group = self._group_of(text)
        characters = _characters(text)
        first = _ends(characters)
        telling = _places(characters, _branches(group, text)) if len(group) > 1 else []
        needed = dict.fromkeys([*first, *telling])
        if _cost(characters, needed) > width:
            number = bisect_left(group, text) + 1
            return self._numbered(text, width, number) if len(group) > 1 else _revealed(characters, needed, width)
        return _revealed(characters, dict.fromkeys([*needed, *range(len(characters) - 1, -1, -1)]), width)

    def _numbered(self, text: str, width: int, among_alike: int) -> str:
        """Return it with a number, because there is no room for what tells it apart."""
        group, number = self._group_of(text), f" #{among_alike}"
        characters = _characters(text)
        order = dict.fromkeys([*_ends(characters), *_places(characters, _branches(group, text))])
        order.update(dict.fromkeys(range(len(characters) - 1, -1, -1)))
        return _revealed(characters, order, max(0, width - len(number))) + number

    def _group_of(self, text: str) -> list[str]:
        """Return all texts with the same ends as this one, sorted."""
        if not self._is_grouped:
            self._group()
        key = _key(text)
        group = self._groups.get(key)
        if group is None:
            alone = self._alone.setdefault(key, text)
            if alone == text:
                return [text]
            group = self._groups[key] = [alone]
        place = bisect_left(group, text)
        if place == len(group) or group[place] != text:
            group.insert(place, text)
        return group

    def _group(self) -> None:
        """Group all texts by their ends. Most have no others with the same, and need no list."""
        texts, self._texts, self._is_grouped = list(self._texts), (), True
        keys = list(map(_key, texts))
        self._alone = dict(zip(keys, texts, strict=True))
        if len(self._alone) == len(texts):
            return
        for key, text in zip(keys, texts, strict=True):
            if self._alone[key] != text:
                self._groups.setdefault(key, [self._alone[key]]).append(text)
        for group in self._groups.values():
            group.sort()


def _key(text: str) -> str:
    """Return a text's ends: those of two texts differ if their keys do."""
    if text.isascii():
        return text if len(text) <= _HEAD + _TAIL else text[:_HEAD] + CUT + text[-_TAIL:]
    characters = _characters(text)
    return _revealed(characters, _ends(characters), _HEAD + _TAIL + 1)


def _ends(characters: list[tuple[str, int]]) -> dict[int, None]:
    """Return the places of the first and the last characters."""
    places = [*_within(range(len(characters)), characters, _HEAD)]
    places += _within(range(len(characters) - 1, -1, -1), characters, _TAIL)
    return dict.fromkeys(places)


def _within(places: Iterable[int], characters: list[tuple[str, int]], cells: int) -> Iterator[int]:
    for place in places:
        cells -= characters[place][1]
        if cells < 0:
            return
        yield place


def _characters(text: str) -> list[tuple[str, int]]:
    """Return the characters that are never separated, each with its marks, and their cells."""
    if text.isascii():
        return [(each, 1) for each in text]
    found: list[tuple[str, int]] = []
    for each in text:
        cells = cell_len(each)
        if cells == 0 and found:
            before, wide = found[-1]
            found[-1] = (before + each, wide)
        else:
            found.append((each, cells))
    return found


def _places(characters: list[tuple[str, int]], indexes: Iterable[int]) -> list[int]:
    """Return which characters have these indexes in the text."""
    ends: list[int] = []
    end = 0
    for each, _ in characters:
        end += len(each)
        ends.append(end)
    return [place for index in indexes if (place := bisect_right(ends, index)) < len(characters)]


def _branches(group: list[str], text: str) -> Iterator[int]:
    """Yield the indexes at which other texts of a sorted group part from this one."""
    low, high = 0, len(group)
    while high - low > 1:
        index = _first_difference(group[low], group[high - 1])
        if index >= len(text):
            return  # the others only continue
        yield index
        start = text[: index + 1]
        low = bisect_left(group, start, low, high)
        high = bisect_right(group, start, low, high, key=lambda each: each[: index + 1])


def _first_difference(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))


def _cost(characters: list[tuple[str, int]], places: Iterable[int]) -> int:
    """Return how many cells these characters take, with a `…` for each gap."""
    cost, after = 0, 0
    for place in sorted(places):
        cost += characters[place][1] + (place > after)
        after = place + 1
    return cost + (after < len(characters))


def _revealed(characters: list[tuple[str, int]], order: Iterable[int], width: int) -> str:
    """Return as many of these characters, taken in that order, as fit."""
    shown: set[int] = set()
    cost = 1 if characters else 0
    for place in order:
        before, after = place == 0 or place - 1 in shown, place == len(characters) - 1 or place + 1 in shown
        more = characters[place][1] + (1, 0, -1)[before + after]
        if cost + more > width:
            break
        cost += more
        shown.add(place)
    if not shown:
        return CUT[:width]
    text, after_last = "", 0
    for place in sorted(shown):
        text += _between(characters, after_last, place) + characters[place][0]
        after_last = place + 1
    return text + _between(characters, after_last, len(characters))


def _between(characters: list[tuple[str, int]], start: int, end: int) -> str:
    """Return what stands for characters that are not revealed: a single one takes no more room than the `…`."""
    if end - start == 1 and characters[start][1] <= 1:
        return characters[start][0]
    return CUT if end > start else ""
