"""A closed profile's key is forgotten once nothing that may contain it is written any more."""

from pathlib import Path

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.clock import SystemClock
from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.journal import Journal
from pyhall_tui.logs.masking import mask
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.workspace import Workspace

KEYS = ("phk_live_5ecret0fTheHouse", "an-older-key-of-the-house")


class Nobody:
    def fleet_changed(self) -> None: ...
    def connection_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


class Stuck(Journal):
    """A journal whose disk is too slow."""

    def flush(self, timeout: float = 2.0) -> bool:
        return False


def workspace(folder: Path, journal: Journal) -> Workspace:
    profile = Profile(name="t", namespace="org.yourco", registry_url="http://127.0.0.1:1")
    return Workspace(
        profile, clock=SystemClock(), journal=journal, watch_list=WatchList(folder, "t"), listener=Nobody()
    )


def is_masked(key: str) -> bool:
    return key not in mask(f"sent {key} there")


async def test_every_key_of_a_profile_is_masked_until_it_is_closed(tmp_path: Path) -> None:
    with Journal.in_memory() as journal:
        async with workspace(tmp_path, journal) as opened:
            for key in KEYS:
                opened.connection.connect(ApiKey(key))
            assert all(map(is_masked, KEYS)), "the key before may stand in a line that is still to come"
        assert mask(f"an {KEYS[1]}") == f"an {KEYS[1]}"


async def test_a_key_stays_masked_while_the_journal_has_not_written_all(tmp_path: Path) -> None:
    with Stuck.in_memory() as journal:
        async with workspace(tmp_path, journal) as opened:
            opened.connection.connect(ApiKey(KEYS[1]))
        assert is_masked(KEYS[1])


async def test_two_profiles_of_one_key_mask_it_until_both_are_closed(tmp_path: Path) -> None:
    with Journal.in_memory() as journal:
        async with workspace(tmp_path, journal) as first:
            first.connection.connect(ApiKey(KEYS[1]))
            async with workspace(tmp_path, journal) as second:
                second.connection.connect(ApiKey(KEYS[1]))
            assert is_masked(KEYS[1])
        assert not is_masked(KEYS[1])
