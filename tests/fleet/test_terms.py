"""The filter's language: what each term finds, and that everything else is a sentence with its place."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.finding import find_newest
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.ids import worker_and_fleet
from pyhall_tui.fleet.order import Group, NamedFleet, Roster, SortKey
from pyhall_tui.fleet.terms import Field, FilterError, Term, quoted, terms_of
from tests.fleet.test_fleet import HASH, OTHER, apply, fleet_with, moment


def a_fleet() -> Fleet:
    """Return a banned worker, an unattested one, a clean one with two capabilities, and one never verified."""
    fleet = fleet_with("wkr_bad", "wkr_open", "wkr_good", "wkr_new")
    apply(fleet, 0, worker_id="wkr_bad", banned=True, namespace="org.acme", display_name="Mail Sorter")
    apply(fleet, 0, worker_id="wkr_open", attested=False, sha256=None, namespace="org.other")
    apply(fleet, 0, worker_id="wkr_good", sha256=OTHER, capabilities=("llm.embed", "x.say"), namespace=None)
    return fleet


def found(text: str, seconds: float = 1.0, fleet: Fleet | None = None) -> set[str]:
    """Return the workers that a filter finds, without their first four characters."""
    roster = Roster(fleet or a_fleet(), Group(profile="prod", namespace="org.home"))
    roster.refresh(moment(seconds), text, SortKey.WORKER)
    return {each.removeprefix("wkr_") for each in roster.ids}


@pytest.mark.parametrize(
    ("text", "workers"),
    [
        ("", "bad open good new"),
        ("state:banned", "bad"),
        ("STATE:Ban", "bad"),
        ("is:banned", "bad"),
        ("state:banned,waiting", "bad new"),
        ("!state:banned", "open good new"),
        ("!state:banned,waiting", "open good"),
        ("!banned", "open good new"),
        ("!!banned", "bad"),
        ("state:un", "open"),
        ("ns:org.acme", "bad"),
        ("ns:acme,other", "bad open"),
        ("ns:org.home", "good new"),
        ("!ns:home", "bad open"),
        ("profile:prod", "bad open good new"),
        ("!profile:prod", ""),
        ("profile:lab", ""),
        ("cap:embed", "good"),
        ("cap:EMBED,nothing", "good"),
        ("cap:say cap:embed", "good"),
        ("!cap:embed", "bad open new"),
        (f"hash:{HASH[:2]}", "bad"),
        (f"hash:sha256:{OTHER.upper()}", "good"),
        (f"!hash:{HASH[:4]},{OTHER[:4]}", "open new"),
        ("attested:no", "open"),
        ("attested:y", "bad good"),
        ("attested:unknown", "new"),
        ("!attested:yes", "open new"),
        ("id:good", "good"),
        ('name:"mail sorter"', "bad"),
        ('"mail sorter"', "bad"),
        ('!"mail sorter"', "open good new"),
        ("mail sorter", "bad"),
        ("sorter mail", "bad"),
        ('"sorter mail"', ""),
        ('"state:banned"', ""),
        ("wkr state:banned !cap:embed", "bad"),
    ],
)
def test_each_term_finds_its_workers_and_every_term_must_apply(text: str, workers: str) -> None:
    assert found(text) == set(workers.split())


def test_an_age_is_shorter_or_longer_and_moves_with_the_clock() -> None:
    fleet = a_fleet()
    apply(fleet, 100, worker_id="wkr_good", status="revoked")
    assert found("changed<1m", 130, fleet) == {"good"}
    assert found("changed<1m", 170, fleet) == set()
    assert found("changed>1m", 170, fleet) >= {"good"}
    assert "new" not in found("changed>1s", 170, fleet) | found("changed<2h", 170, fleet)
    assert found("verified<1m", 130, fleet) == {"good"}
    assert found("verified>1m", 130, fleet) == {"bad", "open", "new"}
    assert found("changed:<=1.5m", 130, fleet) == {"good"}


def test_a_filter_by_age_is_followed_without_a_word_from_the_registry() -> None:
    fleet = fleet_with("wkr_1")
    apply(fleet, 0)
    apply(fleet, 10, status="revoked")
    roster = Roster(fleet)
    roster.refresh(moment(11), "changed<1m", SortKey.WORKER)
    assert list(roster.ids) == ["wkr_1"]
    assert roster.refresh(moment(71), "changed<1m", SortKey.WORKER)
    assert list(roster.ids) == []


def ids_found(fleet: Fleet, text: str) -> list[str]:
    roster = Roster(fleet)
    roster.refresh(moment(1), text, SortKey.WORKER)
    return list(roster.ids)


def test_a_filter_follows_more_texts_than_a_byte_can_count() -> None:
    """The columns of few different texts hold bytes: with more of them, they hold longer numbers."""
    fleet = fleet_with(*(f"wkr_{number}" for number in range(300)))
    roster = Roster(fleet)
    for number in range(300):
        apply(fleet, number / 1000, worker_id=f"wkr_{number}", namespace="org.one")
    assert roster.refresh(moment(1), "ns:org.one", SortKey.WORKER) and len(roster.ids) == 300
    for number in range(300):
        apply(fleet, 1 + number / 1000, worker_id=f"wkr_{number}", namespace=f"org.{number:03}")
        if number % 50 == 0:
            roster.refresh(moment(2), "ns:org.one", SortKey.WORKER)
            assert len(roster.ids) == 299 - number
    for number in (0, 254, 255, 256, 299):
        roster.refresh(moment(2), f"ns:org.{number:03}", SortKey.WORKER)
        assert roster.ids == [f"wkr_{number}"]
    roster.refresh(moment(2), "!ns:org.299", SortKey.WORKER)
    assert len(roster.ids) == 299 and "wkr_299" not in roster.ids


def test_in_several_fleets_profile_and_namespace_are_those_of_each() -> None:
    fleets = [NamedFleet(name, a_fleet(), name, f"org.{name}") for name in ("lab", "prod")]
    roster = Roster(fleets)
    roster.refresh(moment(1), "profile:lab ns:lab", SortKey.WORKER)
    assert {worker_and_fleet(key) for key in roster.ids} == {("wkr_good", "lab"), ("wkr_new", "lab")}
    roster.refresh(moment(1), "!profile:lab state:banned", SortKey.WORKER)
    assert [worker_and_fleet(key) for key in roster.ids] == [("wkr_bad", "prod")]


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("state:", 7, "banned, revoked"),
        ("wkr state:bannned", 11, "There is no state bannned. Use one of banned"),
        ("state:banned,", 7, "Add a value after each comma, one of banned"),
        ("state: banned", 7, "Add a value after state: without a space"),
        ("stat:banned", 1, "Did you mean state:?"),
        ("wkr caps:x", 5, "Did you mean cap:?"),
        ("color:red", 1, "Put text in quotes"),
        ("hash:xyz", 6, "0-9 and a-f"),
        ("attested:maybe", 10, "yes, no or unknown"),
        ("changed", None, ""),
        ("changed<", 1, "changed<1h"),
        ("changed<1 h", 1, "changed<1h"),
        ("changed<١h", 1, "changed<1h"),
        ("state<banned", 1, "Write state:banned instead of state<banned."),
        ("!", 1, "after the !"),
        ("wkr ! x", 5, "Remove the space after the !"),
        ('wkr "mail', 5, 'Add the missing closing ".'),
        ('name:"mail', 6, 'Add the missing closing ".'),
        ('""', 1, "Write the text to find between the quotes"),
    ],
)
def test_a_mistake_is_a_sentence_with_its_place(text: str, place: int | None, says: str) -> None:
    if place is None:
        assert terms_of(text)
        return
    with pytest.raises(FilterError, match=rf"^Character {place}: [A-Z].*[.?]$") as caught:
        terms_of(text)
    assert says in str(caught.value) and caught.value.place == place
    assert "::" not in str(caught.value) and ".." not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("state=banned", 1, "Write state:banned instead of state=banned."),
        ("wkr STATE==banned", 5, "Write state:banned instead of STATE==banned."),
        ("state = banned", 1, "Write state:banned instead of state = banned."),
        ("state : banned", 1, "Write state:banned instead of state : banned."),
        ("state!:banned", 1, "Write !state:banned instead of state!:banned."),
        ("state!=banned", 1, "Write !state:banned instead of state!=banned."),
        ("state != banned", 1, "Write !state:banned instead of state != banned."),
        ("state!banned", 1, "Write !state:banned instead of state!banned."),
        ("cap~embed", 1, "Write cap:embed instead of cap~embed."),
        ("name=", 1, "Write name:acme instead of name=."),
        ('name="two words"', 1, "Write name:acme instead of name=."),
        ("changed=1h", 1, "Write changed<1h or changed>2d"),
        ("changed <1h", 1, "Write changed<1h or changed>2d"),
        ("changed < 1h", 1, "Write changed<1h or changed>2d"),
        ("verified!<1h", 1, "Write verified<1h"),
        ("attested<1h", 1, "Write attested:yes instead of attested<1h."),
        ("age<1h", 1, "There is no field age. For ages, write changed<1h or verified<1h."),
        ("last-seen>=2d", 1, "There is no field last-seen. For ages, write changed<1h"),
        ("<1h", 1, "For ages, write changed<1h"),
        ("banned|revoked", 1, "For several states, write state:banned,revoked."),
        ("banned,revoked", 1, "For several states, write state:banned,revoked."),
        ("status=banned", 1, "There is no field status. Write state:banned."),
        ("mail|send", 5, "A filter has no |. If it is part of the text, put the text in quotes."),
        ("banned | revoked", 8, "Instead of |, use a comma between values, as in state:banned,revoked."),
        ("banned OR revoked", 8, "Instead of OR, use a comma between values"),
        ("state:banned AND cap:x", 14, "Remove AND: every term of a filter must apply."),
        ("NOT state:clean", 1, "Write ! instead of NOT, as in !state:clean."),
        ("-state:clean", 1, "To leave workers out, write ! instead of -, as in !state:banned."),
        ("(state:banned cap:x)", 1, "Remove the (: every term of a filter must apply."),
        ("name:'x'", 6, 'Use double quotes, as in "two words".'),
        ("'two words'", 1, "Use double quotes"),
        ("name:“x”", 6, "Use double quotes"),
    ],
)
def test_the_syntax_of_another_language_is_a_sentence_that_says_what_to_write(text: str, place: int, says: str) -> None:
    """As words, it would be an empty table."""
    with pytest.raises(FilterError, match=rf"^Character {place}: [A-Z].*\.$") as caught:
        terms_of(text)
    assert says in str(caught.value) and caught.value.place == place


@pytest.mark.parametrize(
    "text",
    [
        *("a=b", "a!=b", "x~=y", "wkr=1", "statement=x", "|", "a|", "o'brien", "'x", "a,b", "OR", "ORACLE", "and"),
        *("a-state=b", "-x", "(x)", "a/b", "a&b", "a+b", "age", "banned", "state", "b!c", "<b", "v<3x", "v<3", "<3"),
    ],
)
def test_words_with_such_characters_are_found_where_they_occur(text: str) -> None:
    fleet = fleet_with(f"wkr_{text}", "wkr_other_id")
    assert [term.values for term in terms_of(text)] == [(text.casefold(),)]
    assert f"wkr_{text}" in ids_found(fleet, text)


@pytest.mark.parametrize("text", ["state=banned", "a|b", "age<1h", "changed <1h", "-state:clean", "'x y'", "a OR b"])
def test_in_quotes_such_text_is_found_too(text: str) -> None:
    fleet = fleet_with(f"wkr_{text}", "wkr_other")
    assert ids_found(fleet, f'"{text}"') == [f"wkr_{text}"]


@pytest.mark.parametrize("text", ["state !banned", "state !state:clean", "name x", "worker changed<1h"])
def test_a_field_s_name_is_a_word_if_no_operator_follows(text: str) -> None:
    assert len(terms_of(text)) == 2


@pytest.mark.parametrize(
    "text", ["(", "[", "[/b]", "c++", "\\", "?", "*", "quorum?/1", 'say"hi', "a<b", "x>", ":", "<"]
)
def test_other_text_is_words(text: str) -> None:
    assert [term.values for term in terms_of(text)] == [(text.casefold(),)]


pieces = st.lists(
    st.one_of(
        st.text(max_size=5),
        st.sampled_from(
            ["state:", "!", '"', ",", " ", "changed", "<", "1h", "hash:", "cap:", "banned", "ns:", ":", "\0"]
        ),
    ),
    max_size=9,
).map("".join)


@given(pieces)
def test_any_text_is_a_filter_or_a_sentence_with_a_place_in_it(text: str) -> None:
    fleet = a_fleet()
    try:
        terms_of(text)
    except FilterError as wrong:
        assert 1 <= wrong.place <= len(text) + 1
        assert str(wrong).startswith(f"Character {wrong.place}: ")
        terms_of(quoted(text))
        terms_of(wrong.before)
    else:
        assert found(text, fleet=fleet) <= {"bad", "open", "good", "new"}
        assert quoted(text) == text
    asyncio.run(find_newest(fleet, text, moment(1), 2))


@given(pieces)
def test_a_term_and_its_negation_share_all_workers_between_them(text: str) -> None:
    try:
        is_one = len(terms_of(text)) == len(terms_of("!" + text.lstrip())) == 1
    except FilterError:
        return
    if is_one:
        assert found(text).isdisjoint(found("!" + text.lstrip()))
        assert found(text) | found("!" + text.lstrip()) == {"bad", "open", "good", "new"}


def applies(term: Term, entry: Entry, now: Moment, stale_after: float) -> bool:
    """Read one term for one worker, as slowly and plainly as it can be said."""
    verdict = entry.verdict
    texts = {
        Field.ID: [entry.worker_id],
        Field.NAME: [verdict.display_name or ""] if verdict else [],
        Field.CAPABILITY: list(verdict.capabilities) if verdict else [],
        Field.NAMESPACE: [(verdict.namespace if verdict else None) or "org.home"],
        Field.WORD: [entry.haystack, entry.state(now.mono, stale_after).name],
    }
    if term.field in texts:
        has = any(value in text.casefold() for value in term.values for text in texts[term.field])
    elif term.field is Field.STATE:
        has = entry.state(now.mono, stale_after) in term.states
    elif term.field is Field.HASH:
        has = entry.last_sha256.startswith(term.values)
    elif term.field is Field.ATTESTED:
        has = ("unknown" if verdict is None else "yes" if verdict.attested else "no") in term.values
    elif term.field is Field.CHANGED:
        age = now.wall - entry.changed_wall
        has = entry.changed_wall > 0 and (age > term.seconds if term.is_longer else age <= term.seconds)
    else:
        assert term.field is Field.VERIFIED
        has = (verdict is None or now.mono - entry.asked > term.seconds) is term.is_longer
    return has is not term.is_negated


TERMS = [
    *("wkr", "sorter", "stale", "zzz", "state:banned", "state:clean,waiting", "ns:acme,home", "ns:other", "cap:embed"),
    *("cap:say,nothing", '"mail sorter"', f"hash:{OTHER[:4]}", "attested:no", "attested:yes,unknown", "id:good,bad"),
    *("name:mail", "name:sorter,zzz", "changed<40s", "changed>40s", "verified<40s", "verified>40s", 'cap:"embed\nx"'),
]


@given(
    st.lists(st.tuples(st.sampled_from(["", "!"]), st.sampled_from(TERMS)).map("".join), max_size=5),
    st.sampled_from([1.0, 60.0, 139.0, 141.0, 1000.0]),
)
def test_all_workers_at_once_are_found_as_if_each_term_were_read_for_each_worker(
    terms: list[str], seconds: float
) -> None:
    fleet = a_fleet()
    if seconds > 100:
        apply(fleet, 100, worker_id="wkr_good", status="revoked", capabilities=("llm.Embed", "X.say"))
    text, now = " ".join(terms), moment(seconds)
    slowly = {
        entry.worker_id.removeprefix("wkr_")
        for entry in fleet
        if all(applies(term, entry, now, fleet.stale_after) for term in terms_of(text))
    }
    assert found(text, seconds, fleet) == slowly
