"""The terms of a filter, looked for in all workers at once.

No Python code runs for each worker that a word or state is looked for in, so a hundred thousand are searched in about
10 ms. The other fields are looked at only in those that are still found.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import compress, repeat
from operator import and_, contains, not_, or_
from typing import Final, NamedTuple

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.fleet.order import NO_GROUP, Group
from pyhall_tui.fleet.terms import STATE_WORDS, Field, Term


class Searched(NamedTuple):
    """What is searched of some workers: the same place in each list is the same worker."""

    haystacks: list[str]
    """See `Entry.haystack`."""
    hashes: list[str]
    """The last real hash; empty for none."""
    states: bytearray
    entries: Sequence[Entry]
    groups: Sequence[int] = ()
    """The place in `group_words` of each worker's group; all are in the first if this is empty."""
    group_words: Sequence[Group] = (NO_GROUP,)

    def put(self, place: int, haystack: str, sha256: str, state: State) -> None:
        """Put in what is searched of one worker now."""
        self.haystacks[place], self.hashes[place], self.states[place] = haystack, sha256, state


def found_in(terms: Sequence[Term], searched: Searched, now: Moment) -> bytes:
    """Return a byte for each worker: 1 if each term applies to it at that moment, or 0."""
    found: Iterator[int] = repeat(1, len(searched.haystacks))
    others = []
    for term in terms:
        if (has := _at_once(term, searched)) is None:
            others.append(term)
        else:
            found = map(and_, found, map((0).__eq__, has) if term.is_negated else has)
    mask = bytearray(found)
    for term in others:
        _narrow(mask, term, searched, now)
    return bytes(mask)


def _at_once(term: Term, searched: Searched) -> Iterator[int] | None:
    """Yield for each worker whether a term applies, without its `!`; None if each worker must be looked at."""
    if term.field is Field.WORD:
        return _has_word(term, searched)
    if term.field is Field.STATE:
        return iter(searched.states.translate(bytes(rank in term.states for rank in range(256))))
    if term.field is Field.HASH:
        return map(str.startswith, searched.hashes, repeat(term.values))
    if term.field is Field.PROFILE:
        return _of_groups(searched, [_any_in(term.values, group.profile) for group in searched.group_words])
    return None


def _of_groups(searched: Searched, by_group: Sequence[bool]) -> Iterator[int]:
    if not searched.groups:
        return repeat(by_group[0], len(searched.haystacks))
    return map(by_group.__getitem__, searched.groups)


def _has_word(term: Term, searched: Searched) -> Iterator[int]:
    [text] = term.values
    found: Iterator[int] = map(contains, searched.haystacks, repeat(text))
    if any(by_group := [text in group.words for group in searched.group_words]):
        found = map(or_, found, _of_groups(searched, by_group))
    if any(text in name for name in STATE_WORDS.values()):
        by_state = bytes(text in STATE_WORDS[State(rank)] if rank < len(State) else False for rank in range(256))
        found = map(or_, found, searched.states.translate(by_state))
    digits = term.digits
    if digits is not None:
        starts = map(str.startswith, searched.hashes, repeat(digits)) if digits else map(bool, searched.hashes)
        found = map(or_, found, starts)
    return found


def _narrow(mask: bytearray, term: Term, searched: Searched, now: Moment) -> None:
    """Take those out of the mask to which a term does not apply."""
    places = list(compress(range(len(mask)), mask))
    if term.field is Field.NAMESPACE:
        applies: Iterator[bool] = map(_by_namespace(term, searched), places)
    else:
        applies = map(_LOOKS[term.field](term, now), compress(searched.entries, list(mask)))
    for place in compress(places, applies if term.is_negated else map(not_, applies)):
        mask[place] = 0


def _by_namespace(term: Term, searched: Searched) -> Callable[[int], bool]:
    """Look at the namespace in the verdict, or at that of the fleet if it has none."""
    entries, groups, values = searched.entries, searched.groups, term.values
    of_group = [_any_in(values, group.namespace) for group in searched.group_words]
    known: dict[str, bool] = {}

    def applies(place: int) -> bool:
        verdict = entries[place].verdict
        namespace = verdict.namespace if verdict is not None else None
        if not namespace:
            return of_group[groups[place] if groups else 0]
        answer = known.get(namespace)
        if answer is None:
            answer = known[namespace] = _any_in(values, namespace.casefold())
        return answer

    return applies


def _by_capability(term: Term, now: Moment) -> Callable[[Entry], bool]:
    values = term.values
    known: dict[tuple[str, ...], bool] = {}

    def applies(entry: Entry) -> bool:
        verdict = entry.verdict
        if verdict is None:
            return False
        capabilities = verdict.capabilities
        answer = known.get(capabilities)
        if answer is None:
            answer = known[capabilities] = any(_any_in(values, each.casefold()) for each in capabilities)
        return answer

    return applies


def _by_id(term: Term, now: Moment) -> Callable[[Entry], bool]:
    return lambda entry: _any_in(term.values, entry.worker_id.casefold())


def _by_name(term: Term, now: Moment) -> Callable[[Entry], bool]:
    def applies(entry: Entry) -> bool:
        name = entry.verdict.display_name if entry.verdict is not None else None
        return name is not None and _any_in(term.values, name.casefold())

    return applies


def _by_attested(term: Term, now: Moment) -> Callable[[Entry], bool]:
    """Look at what the last verdict says. A worker without one, or that the registry doesn't know, is `unknown`."""
    wants_yes, wants_no, wants_unknown = (word in term.values for word in ("yes", "no", "unknown"))

    def applies(entry: Entry) -> bool:
        verdict = entry.verdict
        if verdict is None or not verdict.known:
            return wants_unknown
        return wants_yes if verdict.attested else wants_no

    return applies


def _by_change(term: Term, now: Moment) -> Callable[[Entry], bool]:
    """Look at how long ago the state changed; if no change was seen, neither shorter nor longer applies."""
    wall, seconds, is_longer = now.wall, term.seconds, term.is_longer
    return lambda entry: entry.changed_wall > 0 and (wall - entry.changed_wall > seconds) is is_longer


def _by_age(term: Term, now: Moment) -> Callable[[Entry], bool]:
    """Look at the verdict's age. One from an earlier run, or none, is older than any."""
    mono, seconds, is_longer = now.mono, term.seconds, term.is_longer

    def applies(entry: Entry) -> bool:
        is_old = entry.verdict is None or entry.restored or mono - entry.asked > seconds
        return is_old is is_longer

    return applies


_LOOKS: Final[dict[Field, Callable[[Term, Moment], Callable[[Entry], bool]]]] = {
    Field.ID: _by_id,
    Field.NAME: _by_name,
    Field.CAPABILITY: _by_capability,
    Field.ATTESTED: _by_attested,
    Field.CHANGED: _by_change,
    Field.VERIFIED: _by_age,
}


def _any_in(values: Sequence[str], text: str) -> bool:
    return any(value in text for value in values)
