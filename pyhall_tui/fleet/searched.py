"""What a filter looks at, as flat columns: the same place in each is the same worker.

A column is made by the first filter that needs it, and kept up to date from then on.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from operator import contains, gt, le
from typing import Final, TypeAlias, TypeVar

import msgspec

from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.fleet.order import NO_GROUP, Group
from pyhall_tui.fleet.terms import Field

Places: TypeAlias = Sequence[int] | None
"""The workers to look at; None for all."""
Value = TypeVar("Value")
_NEVER: Final = float("nan")
"""Neither earlier nor later than any moment."""
_BYTES: Final = 256
BETWEEN: Final = "\n"
"""Stands between the capabilities of one worker."""


class SharedColumn:
    """A text of each worker, of which many have the same: each different one is looked at once."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Read the texts of all workers, in their order."""
        self._number_of: dict[str, int] = {}
        numbers = array("i", map(self._number, texts))
        self._numbers: array[int] | bytearray = bytearray([*numbers]) if len(self._number_of) <= _BYTES else numbers
        """Bytes as long as they are enough: these are looked at all at once."""

    def put(self, place: int, text: str) -> None:
        """Put in the text of one worker."""
        number = self._number(text)
        if number >= _BYTES and isinstance(self._numbers, bytearray):
            self._numbers = array("i", [*self._numbers])
        self._numbers[place] = number

    @property
    def is_worn(self) -> bool:
        """Whether most of its texts are those of no worker any more."""
        return len(self._number_of) > 2 * len(self._numbers) + 64

    def where(self, applies: Callable[[str], bool], places: Places) -> Iterable[int]:
        """Return for each worker whether it applies to its text."""
        has = bytes(map(applies, self._number_of))
        if places is None and isinstance(self._numbers, bytearray):
            return self._numbers.translate(has.ljust(_BYTES, b"\0"))
        return map(has.__getitem__, picked(self._numbers, places))

    def _number(self, text: str) -> int:
        return self._number_of.setdefault(text, len(self._number_of))


class TextColumn:
    """A text of each worker, most of them different."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Read the texts of all workers, in their order."""
        self._texts = list(texts)

    def put(self, place: int, text: str) -> None:
        """Put in the text of one worker."""
        self._texts[place] = text

    def having(self, text: str, places: Places) -> Iterator[int]:
        """Yield for each worker whether this is in its text."""
        return map(contains, picked(self._texts, places), repeat(text))


class TimeColumn:
    """A moment for each worker, in seconds."""

    def __init__(self, moments: Iterable[float]) -> None:
        """Read the moments of all workers, in their order."""
        self._moments = array("d", moments)

    def put(self, place: int, moment: float) -> None:
        """Put in the moment of one worker."""
        self._moments[place] = moment

    def where(self, limit: float, places: Places, *, is_before: bool) -> Iterator[int]:
        """Yield for each worker whether its moment is before the limit, or not before it."""
        return map(gt if is_before else le, repeat(limit), picked(self._moments, places))


class Searched(msgspec.Struct):
    """What is searched of some workers."""

    haystacks: list[str]
    """See `Entry.haystack`."""
    hashes: list[str]
    """The last real hash; empty for none."""
    states: bytearray
    entries: Sequence[Entry]
    groups: Sequence[int] = ()
    """The place in `group_words` of each worker's group; all are in the first if this is empty."""
    group_words: Sequence[Group] = (NO_GROUP,)
    _shared: dict[Field, SharedColumn] = msgspec.field(default_factory=dict)
    _texts: dict[Field, TextColumn] = msgspec.field(default_factory=dict)
    _times: dict[Field, TimeColumn] = msgspec.field(default_factory=dict)

    def put(self, place: int, haystack: str, sha256: str, state: State) -> None:
        """Put in what is searched of one worker now."""
        self.haystacks[place], self.hashes[place], self.states[place] = haystack, sha256, state
        self.put_columns(place)

    def put_columns(self, place: int) -> None:
        """Put in what may have changed of one worker although its state, hash and haystack did not."""
        for field, shared in self._shared.items():
            shared.put(place, self._text(field, place))
        for field, texts in self._texts.items():
            texts.put(place, self._text(field, place))
        for field, times in self._times.items():
            times.put(place, _TIMES[field](self.entries[place]))

    @property
    def is_worn(self) -> bool:
        """Whether it is better made again, so that it does not grow with each change."""
        return any(column.is_worn for column in self._shared.values())

    def shared(self, field: Field) -> SharedColumn:
        """Return the namespaces, the capabilities, or what is known of the attestations."""
        if field not in self._shared:
            self._shared[field] = SharedColumn(self._all_texts(field))
        return self._shared[field]

    def texts(self, field: Field) -> TextColumn:
        """Return the ids or the names."""
        if field not in self._texts:
            self._texts[field] = TextColumn(self._all_texts(field))
        return self._texts[field]

    def times(self, field: Field) -> TimeColumn:
        """Return when the states changed, or when the verdicts were requested."""
        if field not in self._times:
            self._times[field] = TimeColumn(map(_TIMES[field], self.entries))
        return self._times[field]

    def _all_texts(self, field: Field) -> Iterator[str]:
        return (self._text(field, place) for place in range(len(self.entries)))

    def _text(self, field: Field, place: int) -> str:
        entry = self.entries[place]
        if field is not Field.NAMESPACE:
            return _TEXTS[field](entry)
        namespace = entry.verdict.namespace if entry.verdict is not None else None
        return namespace or self.group_words[self.groups[place] if self.groups else 0].namespace


def picked(column: Sequence[Value], places: Places) -> Iterable[Value]:
    """Return what a column has at some places."""
    return column if places is None else map(column.__getitem__, places)


def _folded(text: str) -> str:
    """Fold a text; one that is folded already is not stored twice."""
    return text if (folded := text.casefold()) == text else folded


def _attested(entry: Entry) -> str:
    """Say what the last verdict does. A worker without one, or that the registry doesn't know, is `unknown`."""
    if entry.verdict is None or not entry.verdict.known:
        return "unknown"
    return "yes" if entry.verdict.attested else "no"


_TEXTS: Final[dict[Field, Callable[[Entry], str]]] = {
    Field.CAPABILITY: lambda entry: BETWEEN.join(entry.verdict.capabilities) if entry.verdict is not None else "",
    Field.ATTESTED: _attested,
    Field.ID: lambda entry: _folded(entry.worker_id),
    Field.NAME: lambda entry: _folded(entry.verdict.display_name or "") if entry.verdict is not None else "",
}
_TIMES: Final[dict[Field, Callable[[Entry], float]]] = {
    # If no change was seen, neither shorter nor longer applies.
    Field.CHANGED: lambda entry: entry.changed_wall if entry.changed_wall > 0 else _NEVER,
    # A verdict from an earlier run, or none, is older than any.
    Field.VERIFIED: lambda entry: float("-inf") if entry.verdict is None or entry.restored else entry.asked,
}
