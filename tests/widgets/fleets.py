"""Ids as fleets have them, and as nobody hopes to see them: alike at the start, at the end, or but for the middle."""

from hypothesis import strategies as some
from hypothesis.strategies import DrawFn, composite

from pyhall_tui.profiles.watch_list import id_mistake

PLAIN = some.text("abcdefgh-.01", min_size=1, max_size=12)
ODD = some.text(
    some.one_of(
        some.sampled_from("ab.-…#‹› 1é界語🙂ｗ한각e\u0301\u0302\u094d\ufe0f🇩🏽\u3164"),
        some.characters(codec="utf-8", exclude_categories=["Cs"]),
    ),
    min_size=1,
    max_size=14,
)
PART = some.one_of(PLAIN, ODD)


@composite
def fleets(draw: DrawFn) -> list[str]:
    """Draw a list of distinct ids that may be watched, with common beginnings and ends, in any order."""
    start = draw(some.one_of(some.just(""), PART)) * draw(some.integers(1, 6))
    end = draw(some.one_of(some.just(""), PART)) * draw(some.integers(1, 6))
    middles = draw(some.lists(some.one_of(PART, some.integers(0, 99).map(str)), min_size=1, max_size=12, unique=True))
    between = draw(some.sampled_from(["", ".", ".worker-of-a-team-with-a-long-name."]))
    numbers = ["", *draw(some.lists(some.integers(0, 30).map(lambda n: f"-{n:02}"), max_size=4, unique=True))]
    shape = draw(
        some.sampled_from(["{start}{middle}{between}{number}{end}", "{start}{middle}", "{middle}{between}{end}"])
    )
    ids = dict.fromkeys(
        shape.format(start=start, middle=middle, between=between, number=number, end=end)[:256]
        for middle in middles
        for number in numbers
    )
    return [each for each in ids if each and id_mistake(each) is None]
