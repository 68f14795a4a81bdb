"""An ambiguous ban list, in the engine and the fleet."""

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.monitor.outcomes import Ground, fault_of
from pyhall_tui.registry.errors import BanListUnclear
from pyhall_tui.registry.models import BanList, BanListEntry, Verdict

FIRST, SECOND, THIRD = "ab" * 32, "cd" * 32, "ef" * 32
NOW = Moment(10.0, 1_000.0)


def clean(worker_id: str, sha256: str) -> Verdict:
    return Verdict(worker_id=worker_id, known=True, status="active", attested=True, sha256=sha256, ban_word="clean")


def listing(*hashes: str, besides: bool = False) -> BanList:
    entries = {each: BanListEntry(sha256=each, reason="r") for each in hashes}
    return BanList(entries=entries, besides=besides, truncated=besides)


def test_an_unclear_list_bans_all_that_it_names_and_clears_nobody() -> None:
    """F107: the worse reading counts in addition to the previous list."""
    fleet = Fleet(60.0)
    fleet.watch(["w1", "w2", "w3"])
    for worker_id, sha256 in (("w1", FIRST), ("w2", SECOND), ("w3", THIRD)):
        fleet.apply(clean(worker_id, sha256), NOW, NOW)
    fleet.apply_ban_list(listing(FIRST), NOW, NOW)
    fleet.apply_ban_list(listing(SECOND, besides=True), NOW, NOW)
    assert [entry.last_state() for entry in fleet] == [State.BANNED, State.BANNED, State.CLEAN]
    assert fleet.listing is not None and fleet.listing.entries.keys() == {FIRST, SECOND}


def test_if_the_list_is_as_before_again_only_that_list_counts() -> None:
    """What the ambiguous one named besides is on no list any more; a verify may clear it."""
    fleet = Fleet(60.0)
    fleet.watch(["w1", "w2"])
    for worker_id, sha256 in (("w1", FIRST), ("w2", SECOND)):
        fleet.apply(clean(worker_id, sha256), NOW, NOW)
    fleet.apply_ban_list(listing(FIRST), NOW, NOW)
    fleet.apply_ban_list(listing(SECOND, besides=True), NOW, NOW)
    fleet.apply_ban_list(BanList(entries={}, unchanged=True), NOW, NOW)
    assert fleet.listing is not None and fleet.listing.entries.keys() == {FIRST}
    assert not fleet.listing.truncated
    assert [entry.last_state() for entry in fleet] == [State.BANNED, State.BANNED]
    later = Moment(20.0, 1_010.0)
    fleet.apply(clean("w2", SECOND), later, later)
    assert [entry.last_state() for entry in fleet] == [State.BANNED, State.CLEAN]


def test_a_registry_with_an_unclear_list_is_reachable() -> None:
    """F107: it is not lost."""
    error = BanListUnclear("twice", worst=listing(SECOND), method="GET", path="/", correlation_id="req-1")
    assert fault_of(error).ground is Ground.REFUSED
