"""What header, band and news say about the registry and the key is true and current."""

import pytest

from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.journal.journal import Journal
from pyhall_tui.monitor.connection_state import Reachability
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.errors import NotSent
from tests.live_hall import WORKER, LiveHall
from tests.open_alarms import open_alarms
from tests.screens.conftest import OpenApp, profile_of
from tests.waiting import until

FAR = Profile(name="acme", namespace="org.acme", registry_url="https://registry.invalid")
WAYS = ("Type it on Profiles (5)", "press K", "PYHALL_API_KEY")


async def test_a_band_names_what_is_refused_and_the_header_is_not_live(open_app: OpenApp, hall: LiveHall) -> None:
    """F53."""
    ids = tuple(f"wkr_{number}" for number in range(6))
    for worker_id in ids:
        hall.add_worker(worker_id)
    async with open_app(profile_of(hall), key=hall.key, watch=ids, size=(80, 24)) as opened:
        await until(lambda: "6 clean" in opened.text(), clock=opened.clock)
        hall.faults.add(path="/api/v1/verify/*", status=403, body='{"error": "not of this namespace"}')
        await until(lambda: "verify ✖ 403" in opened.text(), clock=opened.clock)
        assert "● live" not in opened.text()
        await until(lambda: "Most verifies fail since" in opened.words(), clock=opened.clock)
        assert "not of this namespace" in opened.words()
        await until(lambda: "✖ 1 alarm" in opened.text(), clock=opened.clock)
        hall.faults.clear()
        await until(lambda: "● live" in opened.text(), clock=opened.clock)
        await until(lambda: "Most verifies fail" not in opened.words(), clock=opened.clock)


async def test_workers_that_vanish_together_are_one_alarm(open_app: OpenApp, hall: LiveHall) -> None:
    """F20, F53: the registry's; each worker's own event stays, as a warning."""
    ids = tuple(f"wkr_{number}" for number in range(6))
    for worker_id in ids:
        hall.add_worker(worker_id)
    async with open_app(profile_of(hall), key=hall.key, watch=ids) as opened:
        await until(lambda: "6 clean" in opened.text(), clock=opened.clock)
        hall.faults.add(path="/api/v1/verify/*", status=404)
        workspace = opened.workspace
        await until(lambda: workspace.connection.state.fault == "404", clock=opened.clock)
        await until(lambda: "6 unknown" in opened.text(), clock=opened.clock)
        await until(lambda: workspace.alarms.firing == 1, clock=opened.clock)
        gone = workspace.journal.events(workspace.profile.name, kind=Kind.VANISHED)
        assert {event.worker_id for event in gone} == set(ids)
        assert {event.severity for event in gone} == {Severity.WARNING}
        await opened.pilot.press("4")
        await until(lambda: opened.words().count("▲ warning") >= 6, clock=opened.clock)
        assert opened.words().count("✖ ALARM") == 1


async def test_without_a_key_nothing_is_sent_and_one_sentence_has_the_ways_on(open_app: OpenApp) -> None:
    """F55: nothing is sent, and nothing alarms you."""
    async with open_app(FAR, watch=(WORKER,), size=(80, 24)) as opened:
        await until(lambda: "no key" in opened.text(), clock=opened.clock)
        for way in WAYS:
            assert way in opened.words(), way
        await opened.clock.advance(120)
        workspace = opened.workspace
        assert not workspace.connection.is_connected
        assert workspace.connection.stats.per_second(opened.clock.now().mono) == 0
        assert workspace.journal.events("acme") == []
        try:
            await workspace.connection.ask(lambda client: client.verify(WORKER))
        except NotSent as refused:
            assert "no API key" in str(refused)
        else:
            raise AssertionError("it was sent")


async def test_a_hall_on_this_machine_is_asked_once_whether_it_wants_a_key(open_app: OpenApp, hall: LiveHall) -> None:
    """F55: it does, so it is left alone until there is one."""
    profile = profile_of(hall)
    async with open_app(profile, watch=(WORKER,)) as opened:
        await until(lambda: "no key" in opened.text(), clock=opened.clock)
        await opened.clock.advance(120)
        assert [r.raw_path for r in hall.requests if "/api/" in r.raw_path] == [f"/api/v1/verify/{WORKER}"]
        assert opened.workspace.journal.events("acme") == []
        for way in WAYS:
            assert way in opened.words(), way
        opened.keys.hold_for_this_run(profile, ApiKey(hall.key))
        await opened.pilot.press("K")
        await until(lambda: "● live" in opened.text(), clock=opened.clock)


async def test_a_hall_on_this_machine_that_wants_no_key_is_live_without_one(open_app: OpenApp, hall: LiveHall) -> None:
    """F55."""
    hall.hall.public_reads = True
    async with open_app(profile_of(hall), watch=(WORKER,)) as opened:
        await until(lambda: "● live" in opened.text() and "1 clean" in opened.text(), clock=opened.clock)
        assert "Type it on Profiles" not in opened.words()


async def test_a_hall_that_is_down_is_not_hammered_to_learn_whether_it_wants_a_key(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F55: it is unreachable, and found once it is there."""
    hall.hall.public_reads = True
    hall.faults.add(path="*", drop="unheard")
    async with open_app(profile_of(hall), watch=(WORKER,)) as opened:
        await until(lambda: opened.workspace.connection.state.reach is Reachability.LOST, clock=opened.clock)
        assert len(hall.requests) <= 6
        hall.faults.clear()
        await until(lambda: opened.workspace.connection.state.reach is Reachability.LIVE, clock=opened.clock)


async def test_what_another_program_acknowledges_is_acknowledged_here(open_app: OpenApp, hall: LiveHall) -> None:
    """F56: header, toast and list follow within seconds."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,)) as opened:
        await until(lambda: "1 clean" in opened.text(), clock=opened.clock)
        hall.store.ban(WORKER, "exfiltrates")
        await until(lambda: "✖ 1 alarm" in opened.text() and "is BANNED" in opened.words(), clock=opened.clock)
        opened.workspace.journal.flush(30)
        with Journal.open(opened.home.data / "journal.db", opened.clock) as other:
            newest = other.events("acme")[0].id
            other.acknowledge_all("acme", newest)
            assert other.flush(30)
        await until(lambda: "alarm" not in opened.text() and "is BANNED" not in opened.words(), clock=opened.clock)
        assert opened.workspace.alarms.firing == 0


@pytest.mark.thorough
async def test_an_exception_in_the_journals_thread_is_said_in_a_band_that_stays(
    open_app: OpenApp, hall: LiveHall
) -> None:
    """F60: what can still be shown is shown."""
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 24)) as opened:
        await until(lambda: "1 clean" in opened.text(), clock=opened.clock)
        store = opened.workspace.journal._store
        write = store.write

        def fail(change: object) -> None:
            raise RuntimeError("a fault of ours")

        store.write = fail  # type: ignore[method-assign, assignment]
        hall.store.ban(WORKER, "exfiltrates")
        await until(lambda: "a fault of ours" in opened.words(), clock=opened.clock)
        await opened.pilot.press("escape")
        await opened.clock.advance(30)
        assert "a fault of ours" in opened.words()
        assert "1 banned" in opened.text()
        store.write = write  # type: ignore[method-assign]
        await until(lambda: "a fault of ours" not in opened.words(), clock=opened.clock)
        await until(lambda: open_alarms(opened.workspace.journal, "acme") == 1)


@pytest.mark.thorough
async def test_what_a_full_disk_could_not_keep_is_said_until_it_is_kept(open_app: OpenApp, hall: LiveHall) -> None:
    """F61: a worker that was added meanwhile is on the watch list then."""
    hall.add_worker("wkr_new")
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(80, 24)) as opened:
        await until(lambda: "1 clean" in opened.text(), clock=opened.clock)
        folder = opened.workspace.watch_list.path.parent
        kept = opened.workspace.watch_list.path.read_bytes()
        aside = folder.with_name("aside")
        folder.rename(aside)
        folder.write_text("no folder")
        opened.workspace.watch(["wkr_new"])
        await until(lambda: "watch list" in opened.words() and "cannot be written" in opened.words())
        await opened.pilot.press("escape")
        assert "cannot be written" in opened.words()
        folder.unlink()
        aside.rename(folder)
        assert opened.workspace.watch_list.path.read_bytes() == kept
        await until(lambda: b"wkr_new" in opened.workspace.watch_list.path.read_bytes())
        await until(lambda: "cannot be written" not in opened.words())
