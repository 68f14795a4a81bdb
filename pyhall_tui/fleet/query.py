"""The words of a filter, looked for in all workers at once.

No Python code runs for each worker, so a hundred thousand are searched in about 10 ms.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from operator import and_, contains, or_
from typing import Final, NamedTuple

from pyhall_tui.fleet.entry import State

STATE_WORDS: Final = {state: state.name.lower() for state in State}

_PREFIX: Final = "sha256:"
_HEX: Final = frozenset("0123456789abcdef")
_FEWEST_DIGITS: Final = 4


class Searched(NamedTuple):
    """What is searched of some workers: the same place in each list is the same worker."""

    haystacks: list[str]
    """See `Entry.haystack`."""
    hashes: list[str]
    """The last real hash; empty for none."""
    states: bytearray
    groups: Sequence[int] = ()
    """The place in `group_words` of the words by which each worker is found beside its own, if there are any."""
    group_words: Sequence[str] = ()

    def put(self, place: int, haystack: str, sha256: str, state: State) -> None:
        """Put in what is searched of one worker now."""
        self.haystacks[place], self.hashes[place], self.states[place] = haystack, sha256, state


class _Word(NamedTuple):
    """One word of a query, case-folded."""

    text: str
    digits: str | None
    """The start of a hash, if the word may be one."""


def words_of(query: str) -> list[_Word]:
    """Return the words of a query. It is text, not a pattern."""
    return [_Word(word, _hash_digits(word)) for word in query.casefold().split()]


def found_in(words: Iterable[_Word], searched: Searched) -> bytes:
    """Return a byte for each worker: 1 if each word is in the haystack or in the state, or starts the hash; or 0."""
    found: Iterator[int] = repeat(1, len(searched.haystacks))
    for number, word in enumerate(words):
        has_word = _has(word, searched)
        found = map(and_, found, has_word) if number else has_word
    return bytes(found)


def _has(word: _Word, searched: Searched) -> Iterator[int]:
    """Yield for each worker whether the word is found."""
    text, digits = word
    found: Iterator[int] = map(contains, searched.haystacks, repeat(text))
    if any(by_group := [text in words for words in searched.group_words]):
        found = map(or_, found, map(by_group.__getitem__, searched.groups))
    if any(text in name for name in STATE_WORDS.values()):
        by_state = bytes(text in STATE_WORDS[State(rank)] if rank < len(State) else False for rank in range(256))
        found = map(or_, found, searched.states.translate(by_state))
    if digits is not None:
        starts = map(str.startswith, searched.hashes, repeat(digits)) if digits else map(bool, searched.hashes)
        found = map(or_, found, starts)
    return found


def _hash_digits(word: str) -> str | None:
    """Return the hash digits in a word. Bare digits must be at least four: fewer would match hashes by chance."""
    digits = word.removeprefix(_PREFIX)
    is_hash = set(digits) <= _HEX and (digits != word or len(digits) >= _FEWEST_DIGITS)
    return digits if is_hash else None
