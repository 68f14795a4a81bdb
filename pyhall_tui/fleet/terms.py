"""The filter's language: `state:banned !cap:embed changed<1h "two words"`. Every term must apply.

A term is a word, a text in quotes, or a field and what it must be; commas separate values of which one is enough, and
`!` before a term turns it around. Text that is none of these is a `FilterError` that says what to write.
"""

import re
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, NamedTuple

from pyhall_tui.fleet.entry import State

STATE_WORDS: Final = {state: state.name.lower() for state in State}


class Field(StrEnum):
    """What a term looks at; the values are the words that you write."""

    WORD = ""
    STATE = "state"
    NAMESPACE = "ns"
    PROFILE = "profile"
    ID = "id"
    NAME = "name"
    CAPABILITY = "cap"
    HASH = "hash"
    ATTESTED = "attested"
    CHANGED = "changed"
    VERIFIED = "verified"


_FIELDS: Final = {
    **{field.value: field for field in Field if field},
    "is": Field.STATE,
    "namespace": Field.NAMESPACE,
    "worker": Field.ID,
    "capability": Field.CAPABILITY,
}
_AGES: Final = (Field.CHANGED, Field.VERIFIED)
_MOVING: Final = frozenset((Field.NAMESPACE, Field.NAME, Field.ATTESTED, *_AGES))
"""They change by themselves, or with a verdict that leaves everything else as it was."""
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_ANSWERS: Final = {"yes": "yes", "true": "yes", "no": "no", "false": "no", "unknown": "unknown"}
_PREFIX: Final = "sha256:"
_HEX: Final = frozenset("0123456789abcdef")
_FEWEST_DIGITS: Final = 4
_FIELD: Final = re.compile(r"([A-Za-z]+)(:|[<>]=?)")
_BARE: Final = re.compile(r"\S+")
_VALUE: Final = re.compile(r"[^\s,]*")
_AGE: Final = re.compile(r"([<>])=?(\d{1,6}(?:\.\d{1,3})?)([smhdw])", re.IGNORECASE | re.ASCII)
_MOST_SHOWN: Final = 24
TERMS: Final = "state: ns: cap: hash: id: name: profile: attested: changed< verified<"


class FilterError(ValueError):
    """A filter that can't be understood. The message is a sentence."""

    def __init__(self, sentence: str, place: int) -> None:
        """`place` counts the filter's characters from 1: there the mistake starts."""
        super().__init__(f"{sentence.removesuffix('.')} (character {place})")
        self.place = place
        self.before = ""
        """The filter up to the term with the mistake: a filter itself."""


class Term(NamedTuple):
    """One term. Texts are case-folded."""

    field: Field
    values: tuple[str, ...]
    """One of them is enough."""
    is_negated: bool = False
    digits: str | None = None
    """The start of a hash, if a word may be one."""
    states: tuple[State, ...] = ()
    is_longer: bool = False
    """Whether an age must be longer than `seconds`, not shorter."""
    seconds: float = 0.0

    @property
    def is_moving(self) -> bool:
        """Whether what it finds may change although no state, hash or searched text did."""
        return self.field in _MOVING


def terms_of(text: str) -> tuple[Term, ...]:
    """Return the terms of a filter; none for a text without any.

    Raises:
        FilterError: it is not a filter.
    """
    found, at = [], 0
    while (at := _skipped(text, at)) < len(text):
        start = at
        try:
            term, at = _signed(text, at)
        except FilterError as wrong:
            wrong.before = text[:start]
            raise
        found.append(term)
    return tuple(found)


def plain(text: str) -> tuple[Term, ...]:
    """Return the words of a text that is not a filter."""
    return tuple(_word(word) for word in text.split())


def quoted(text: str) -> str:
    """Return a filter that finds this text; only the text itself if it is one already."""
    try:
        terms_of(text)
    except FilterError:
        return " ".join(f'"{word}"' for word in text.replace('"', " ").split())
    return text


def _skipped(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _signed(text: str, at: int) -> tuple[Term, int]:
    """Return the term that starts at `at` with its `!`, and where it ends."""
    start = at
    while text.startswith("!", at):
        at += 1
    if at > start and (at == len(text) or text[at].isspace()):
        raise FilterError("Put a term right after the !, such as !state:clean.", at)
    term, end = _term(text, at)
    return term._replace(is_negated=(at - start) % 2 == 1), end


def _term(text: str, at: int) -> tuple[Term, int]:
    """Return the term that starts at `at`, without its `!`, and where it ends."""
    if text[at] == '"':
        value, end = _in_quotes(text, at)
        return Term(Field.WORD, (value,)), end
    head = _FIELD.match(text, at)
    name = head[1].lower() if head else ""
    field = _FIELDS.get(name)
    is_word = head is None or name + ":" == _PREFIX or (field is None and head[2] != ":")
    if is_word or head is None:
        bare = _BARE.match(text, at)
        assert bare is not None
        return _word(bare[0]), bare.end()
    if field is None:
        raise _unknown(text, at, name)
    if field in _AGES:
        return _age(field, text, at, head.end(1))
    if head[2] != ":":
        raise FilterError(f"Write {field}:, not {field}{head[2]}.", head.start(2) + 1)
    values, end = _values(text, head.end())
    if not all(value for value, _ in values):
        raise FilterError(f"Put a value right after {field}:{_such_as(field)}.", head.end() + 1)
    return _field_term(field, values), end


def _unknown(text: str, at: int, name: str) -> FilterError:
    close = get_close_matches(name, _FIELDS, 1)
    shown = name if len(name) <= _MOST_SHOWN else name[:_MOST_SHOWN] + "…"
    if close:
        return FilterError(f"There is no {shown}: in a filter. Did you mean {_FIELDS[close[0]]}:?", at + 1)
    return FilterError(f"There is no {shown}: in a filter. Put text in quotes, or use {TERMS}", at + 1)


def _such_as(field: Field) -> str:
    examples = {
        Field.STATE: f": {', '.join(STATE_WORDS.values())}",
        Field.NAMESPACE: ", such as ns:org.acme",
        Field.CAPABILITY: ", such as cap:embed",
        Field.HASH: ", such as hash:9f86",
        Field.ATTESTED: ": yes, no or unknown",
    }
    return examples.get(field, f", such as {field}:acme")


def _in_quotes(text: str, at: int) -> tuple[str, int]:
    """Return the text in quotes at `at`, and where it ends."""
    end = text.find('"', at + 1)
    if end < 0:
        raise FilterError("Close this quote.", at + 1)
    if end == at + 1:
        raise FilterError("Put text in these quotes.", at + 1)
    return text[at + 1 : end].casefold(), end + 1


def _values(text: str, at: int) -> tuple[list[tuple[str, int]], int]:
    """Return the values that start at `at`, each with its place, and where they end."""
    found = []
    while True:
        start = at
        if text.startswith('"', at):
            value, at = _in_quotes(text, at)
        else:
            bare = _VALUE.match(text, at)
            assert bare is not None
            value, at = bare[0].casefold(), bare.end()
        found.append((value, start + 1))
        if not text.startswith(",", at):
            return found, at
        at += 1


def _field_term(field: Field, values: list[tuple[str, int]]) -> Term:
    texts = tuple(value for value, _ in values)
    if field is Field.STATE:
        return Term(field, texts, states=tuple(state for each in values for state in _states(*each)))
    if field is Field.ATTESTED:
        return Term(field, tuple(_answer(*each) for each in values))
    if field is Field.HASH:
        return Term(field, tuple(_digits(*each) for each in values))
    return Term(field, texts)


def _states(value: str, place: int) -> list[State]:
    found = [state for state, word in STATE_WORDS.items() if word.startswith(value)]
    if not found:
        raise FilterError(f"There is no such state. States are {', '.join(STATE_WORDS.values())}.", place)
    return found


def _answer(value: str, place: int) -> str:
    found = {answer for word, answer in _ANSWERS.items() if word.startswith(value)}
    if len(found) != 1:
        raise FilterError("attested: takes yes, no or unknown.", place)
    return found.pop()


def _digits(value: str, place: int) -> str:
    digits = value.removeprefix(_PREFIX)
    if not digits or not set(digits) <= _HEX or len(digits) > 64:
        raise FilterError("hash: takes the start of a hash: up to 64 characters from 0-9 and a-f.", place)
    return digits


def _age(field: Field, text: str, at: int, end: int) -> tuple[Term, int]:
    bare = _BARE.match(text, end)
    given = bare[0] if bare else ""
    found = _AGE.fullmatch(given.removeprefix(":"))
    if found is None or bare is None:
        raise FilterError(f"Write {field}<1h or {field}>2d: a number, then s, m, h, d or w.", at + 1)
    seconds = float(found[2]) * _SECONDS[found[3].lower()]
    return Term(field, (), is_longer=found[1] == ">", seconds=seconds), bare.end()


def _word(text: str) -> Term:
    word = text.casefold()
    return Term(Field.WORD, (word,), digits=_hash_digits(word))


def _hash_digits(word: str) -> str | None:
    """Return the hash digits in a word. Bare digits must be at least four: fewer would match hashes by chance."""
    digits = word.removeprefix(_PREFIX)
    is_hash = set(digits) <= _HEX and (digits != word or len(digits) >= _FEWEST_DIGITS)
    return digits if is_hash else None
