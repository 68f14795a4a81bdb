"""Ids as fleets have them, and as nobody hopes to see them: alike at the start, at the end, or but for the middle."""

import sys
from random import Random
from typing import Final

from hypothesis import strategies as some
from hypothesis.strategies import SearchStrategy

from pyhall_tui.profiles.watch_list import id_mistake

_PLAIN: Final = "abcdefgh-.01"
_ODD: Final = (
    *"ab.-…#+‹› 1é界語🙂ｗ한각",
    "e\u0301",
    *"\u0301\u0302\u094d\ufe0f🇩🏽\u3164",
)
_SHAPES: Final = ("{start}{middle}{between}{number}{end}", "{start}{middle}", "{middle}{between}{end}")


def fleets() -> SearchStrategy[list[str]]:
    """Draw a list of distinct ids that may be watched, with common beginnings and ends, in any order.

    A whole fleet comes from one drawn number: to draw each part of each id takes longer than to test them.
    """
    return some.integers(0, 2**63).map(fleet_of)


def fleet_of(seed: int) -> list[str]:
    """Return the fleet with this number."""
    chance = Random(seed)
    is_odd = chance.random() < 0.5
    start, end = ((part(chance, is_odd) * chance.randint(1, 6) if chance.random() < 0.5 else "") for _ in "12")
    several = range(chance.randint(1, 9))
    middles = {part(chance, is_odd) if chance.random() < 0.5 else str(chance.randint(0, 99)) for _ in several}
    between = chance.choice(("", ".", ".worker-of-a-team-with-a-long-name."))
    numbers = ["", *(f"-{number:02}" for number in chance.sample(range(31), chance.randint(0, 3)))]
    shape = chance.choice(_SHAPES)
    ids = [
        shape.format(start=start, middle=middle, between=between, number=number, end=end)[:256]
        for middle in sorted(middles)
        for number in numbers
    ]
    chance.shuffle(ids)
    return [each for each in dict.fromkeys(ids) if each and id_mistake(each) is None]


def sizes(seed: int, least: int, most: int, count: int) -> list[int]:
    """Return so many sizes from a range, rising: over many fleets each size comes, beside each other one."""
    return sorted(Random(seed).sample(range(least, most + 1), count))


def part(chance: Random, is_odd: bool) -> str:
    """Return a part of an id; an odd one may have any character."""
    if not is_odd or chance.random() < 0.3:
        return "".join(chance.choices(_PLAIN, k=chance.randint(1, 12)))
    return "".join(_odd(chance) for _ in range(chance.randint(1, 14)))


def _odd(chance: Random) -> str:
    if chance.random() < 0.7:
        return chance.choice(_ODD)
    code = chance.randrange(sys.maxunicode + 1 if chance.random() < 0.3 else 0x3000)
    return "a" if 0xD800 <= code <= 0xDFFF else chr(code)
