"""The filter's language: `state:banned !cap:embed changed<1h "two words"`. Every term must apply.

A term is a word, a text in quotes, or a field and what it must be; commas separate values of which one is enough, and
`!` before a term turns it around. Another language's syntax (`state=banned`, `a|b`, `-state:clean`) is a
`FilterError` that says what to write: as words, it would find nothing. In quotes, all text is only text.
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
_OPERATOR: Final = re.compile(r"([A-Za-z]+)(?:(\s*)(!?[:=~]+|!?[<>]=?)|()(!)(?=\w))")
"""A name and an operator of any language. After a space, `!` starts a term, and `:` may start a word."""
_LEADING: Final = re.compile(r"([-+(\[{]+)([A-Za-z]+)(?:!?[:=~]|[<>])")
_OTHER_AGE: Final = re.compile(r"(?:(\w[\w.-]{2,})[<>]=?\d[\d.:-]*\w?|(\w*)[<>]=?\d+(?:\.\d+)?[smhdwy])", re.IGNORECASE)
_CONNECTIVE: Final = re.compile(r"(?:AND|OR|NOT|&&|\|\|?)(?=\s+\S)")
_BETWEEN_STATES: Final = re.compile(r"[,|;/&+]+")
_OTHER_QUOTES: Final = {"'": "'", "‘": "’", "“": "”", "„": "“”", "«": "»"}
_BARE: Final = re.compile(r"\S+")
_VALUE: Final = re.compile(r"[^\s,]*")
_AGE: Final = re.compile(r"([<>])=?(\d{1,6}(?:\.\d{1,3})?)([smhdw])", re.IGNORECASE | re.ASCII)
_MOST_SHOWN: Final = 24
TERMS: Final = "state: ns: cap: hash: id: name: profile: attested: changed< verified<"


class FilterError(ValueError):
    """A filter that can't be understood. The message says where, and what to write."""

    def __init__(self, sentence: str, place: int) -> None:
        """`place` counts the filter's characters from 1: there the mistake starts."""
        super().__init__(f"Character {place}: {sentence}")
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
        raise FilterError("Remove the space after the !, as in !state:clean.", at)
    term, end = _term(text, at)
    return term._replace(is_negated=(at - start) % 2 == 1), end


def _term(text: str, at: int) -> tuple[Term, int]:
    """Return the term that starts at `at`, without its `!`, and where it ends."""
    if text[at] == '"':
        value, end = _in_quotes(text, at)
        return Term(Field.WORD, (value,)), end
    _refuse_other_syntax(text, at)
    head = _FIELD.match(text, at)
    name = head[1].lower() if head else ""
    field = _FIELDS.get(name)
    is_word = head is None or name + ":" == _PREFIX or (field is None and head[2] != ":")
    if is_word or head is None:
        bare = _BARE.match(text, at)
        assert bare is not None
        _refuse_other_words(bare[0], at)
        return _word(bare[0]), bare.end()
    if field is None:
        raise _unknown(at, name)
    if field in _AGES:
        return _age(field, text, at, head.end(1))
    values, end = _values(text, head.end())
    if not all(value for value, _ in values):
        between = " without a space" if text[end : end + 1].isspace() and text[end:].strip() else ""
        after = f"{field}:" if len(values) == 1 else "each comma"
        raise FilterError(f"Add a value after {after}{between}, {_example(field)}.", head.end() + 1)
    return _field_term(field, values), end


def _unknown(at: int, name: str) -> FilterError:
    close = get_close_matches(name, _FIELDS, 1)
    shown = _short(name)
    if close:
        return FilterError(f"There is no field {shown}:. Did you mean {_FIELDS[close[0]]}:?", at + 1)
    return FilterError(f"There is no field {shown}:. Put text in quotes, or use one of: {TERMS}.", at + 1)


def _short(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"


def _example(field: Field) -> str:
    examples = {
        Field.STATE: f"one of {', '.join(STATE_WORDS.values())}",
        Field.ATTESTED: "one of yes, no, unknown",
    }
    return examples.get(field, f"as in {_shape(field)}")


def _refuse_other_syntax(text: str, at: int) -> None:
    """Refuse a term that starts like one of another language: a field with a wrong operator, a sign, other quotes.

    Only names of fields count, and signs that no word of a filter needs, so that `a=b` and `c++` stay words.
    """
    if (head := _OPERATOR.match(text, at)) and (field := _FIELDS.get(head[1].lower())):
        _refuse_operator(text, field, head)
    if (led := _LEADING.match(text, at)) and led[2].lower() in _FIELDS:
        sign, field = led[1][0], _FIELDS[led[2].lower()]
        if sign == "-":
            raise FilterError(f"To leave workers out, write ! instead of -, as in !{_shape(field)}.", at + 1)
        raise FilterError(f"Remove the {sign}: every term of a filter must apply.", at + 1)
    _refuse_other_quotes(text, at)
    if found := _CONNECTIVE.match(text, at):
        raise _connective(found[0], at)


def _refuse_other_quotes(text: str, at: int) -> None:
    closing = _OTHER_QUOTES.get(text[at : at + 1], "")
    if any(mark in text[at + 1 :] for mark in closing):
        raise FilterError('Use double quotes, as in "two words".', at + 1)


def _connective(word: str, at: int) -> FilterError:
    if word in ("AND", "&&"):
        return FilterError(f"Remove {word}: every term of a filter must apply.", at + 1)
    if word == "NOT":
        return FilterError("Write ! instead of NOT, as in !state:clean.", at + 1)
    return FilterError(f"Instead of {word}, use a comma between values, as in state:banned,revoked.", at + 1)


def _refuse_operator(text: str, field: Field, head: re.Match[str]) -> None:
    """Refuse a field with an operator that it does not have, or with a space before its operator."""
    operator, is_apart = head[3] or head[5], bool(head[2])
    is_age = field in _AGES
    if not is_apart and (operator == ":" or (is_age and operator in ("<", ">", "<=", ">="))):
        return
    if is_age:
        raise FilterError(_AGE_SENTENCE.format(field=field), head.start() + 1)
    rest = _BARE.match(text, _skipped(text, head.end()))
    value = _short(rest[0]) if rest and '"' not in rest[0] else ""
    end = rest.end() if rest and value else head.end()
    is_value = value and (field is not Field.ATTESTED or value.casefold() in _ANSWERS)
    negation = "!" if operator.startswith("!") else ""
    right = f"{negation}{field}:{value}" if is_value else f"{negation}{_shape(field)}"
    raise FilterError(f"Write {right} instead of {_short(text[head.start() : end])}.", head.start() + 1)


_AGE_SENTENCE: Final = "Write {field}<1h or {field}>2d: a number, then s, m, h, d or w."


def _shape(field: Field) -> str:
    """Return how a field is written, with a value."""
    shapes = {
        Field.STATE: "state:banned",
        Field.NAMESPACE: "ns:org.acme",
        Field.CAPABILITY: "cap:embed",
        Field.HASH: "hash:9f86",
        Field.ATTESTED: "attested:yes",
        Field.CHANGED: "changed<1h",
        Field.VERIFIED: "verified<1h",
    }
    return shapes.get(field, f"{field}:acme")


def _refuse_other_words(word: str, at: int) -> None:
    """Refuse a word that is an age of an unknown field, states without `state:`, or several texts with `|` between."""
    if found := _OTHER_AGE.fullmatch(word):
        name = found[1] or found[2]
        no_field = f"There is no field {_short(name)}. " if name else ""
        raise FilterError(f"{no_field}For ages, write changed<1h or verified<1h.", at + 1)
    parts = [part for part in _BETWEEN_STATES.split(word.casefold()) if part]
    if len(parts) > 1 and set(parts) <= set(STATE_WORDS.values()):
        raise FilterError(f"For several states, write state:{','.join(parts)}.", at + 1)
    name, equals, value = word.partition("=")
    if equals and name.isalpha() and value.strip("=").casefold() in STATE_WORDS.values():
        raise FilterError(f"There is no field {_short(name)}. Write state:{value.strip('=')}.", at + 1)
    if (place := word.find("|", 1)) > 0 and word[place:].strip("|"):
        raise FilterError("A filter has no |. If it is part of the text, put the text in quotes.", at + place + 1)


def _in_quotes(text: str, at: int) -> tuple[str, int]:
    """Return the text in quotes at `at`, and where it ends."""
    end = text.find('"', at + 1)
    if end < 0:
        raise FilterError('Add the missing closing ".', at + 1)
    if end == at + 1:
        raise FilterError("Write the text to find between the quotes.", at + 1)
    return text[at + 1 : end].casefold(), end + 1


def _values(text: str, at: int) -> tuple[list[tuple[str, int]], int]:
    """Return the values that start at `at`, each with its place, and where they end."""
    found = []
    while True:
        start = at
        if text.startswith('"', at):
            value, at = _in_quotes(text, at)
        else:
            _refuse_other_quotes(text, at)
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
        raise FilterError(f"There is no state {_short(value)}. Use one of {', '.join(STATE_WORDS.values())}.", place)
    return found


def _answer(value: str, place: int) -> str:
    found = {answer for word, answer in _ANSWERS.items() if word.startswith(value)}
    if len(found) != 1:
        raise FilterError("After attested:, write yes, no or unknown.", place)
    return found.pop()


def _digits(value: str, place: int) -> str:
    digits = value.removeprefix(_PREFIX)
    if not digits or not set(digits) <= _HEX or len(digits) > 64:
        raise FilterError("After hash:, write the start of a hash: up to 64 characters from 0-9 and a-f.", place)
    return digits


def _age(field: Field, text: str, at: int, end: int) -> tuple[Term, int]:
    bare = _BARE.match(text, end)
    given = bare[0] if bare else ""
    found = _AGE.fullmatch(given.removeprefix(":"))
    if found is None or bare is None:
        raise FilterError(_AGE_SENTENCE.format(field=field), at + 1)
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
