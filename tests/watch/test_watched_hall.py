"""The parts together: a ban in a real hall reaches the metrics, a webhook and an Alertmanager, and so does its end."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

from pyhall_tui.alarms.alarm import Change, Standing
from pyhall_tui.clock import SystemClock
from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.journal.journal import Journal
from pyhall_tui.monitor.connection_state import BanListState
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.watch.deliveries import Deliveries, WatchedProfile
from pyhall_tui.watch.metrics import WatcherState, render
from pyhall_tui.watch.profile_state import ProfileCounts, state_of
from pyhall_tui.workspace import Workspace
from tests.live_hall import HASH, LiveHall
from tests.registry.raw_server import RawServer, answer
from tests.waiting import until


class Listener:
    """What a watcher does with news: it counts them."""

    def __init__(self) -> None:
        self.counts = ProfileCounts()

    def events_happened(self, events: list[Event]) -> None:
        self.counts.events_happened(events)

    def alarms_changed(self, changes: list[Change]) -> None: ...
    def fleet_changed(self) -> None: ...
    def connection_changed(self) -> None: ...


async def test_a_ban_and_its_end_reach_everybody(tmp_path: Path, hall: LiveHall, server: RawServer) -> None:
    server.answer(answer(b"ok"))
    clock, listener = SystemClock(), Listener()
    times = {"ban_list_interval": 0.2, "poll_interval": 1.0, "requests_per_second": 100.0}
    profile = Profile(name="acme", namespace=hall.namespace, registry_url=hall.url, **times)
    watch_list = WatchList(tmp_path, "acme")
    watch_list.add(["wkr_abc123"])
    with Journal.open(tmp_path / "journal.db", clock) as journal:
        async with Workspace(
            profile, clock=clock, journal=journal, watch_list=watch_list, listener=listener, state=tmp_path
        ) as workspace:
            workspace.connection.on_request = listener.counts.requests.take
            deliveries = Deliveries(clock, webhook=f"{server.url}/hook")
            watched = WatchedProfile("acme", journal.alarms, workspace.alarms.book, workspace.take_events)
            following = asyncio.create_task(deliveries.follow(watched, workspace.notes))

            def state():
                return state_of(workspace, listener.counts)

            assert not state().registry_up
            assert state().oldest_verdict_age == float("inf")
            workspace.connection.connect(ApiKey(hall.key))
            await until(lambda: state().workers[State.CLEAN] == 1 and state().registry_up)
            await until(lambda: state().ban_list is BanListState.LIVE)
            assert state().ban_list_last_success > 0
            assert state().oldest_verdict_age < 30

            hall.store.ban_hash(HASH, "exfiltrates")
            await until(lambda: state().workers[State.BANNED] == 1)
            assert state().alarms[(Standing.FIRING, Severity.ALARM)] == 1
            assert state().events[(Kind.BANNED, Severity.ALARM)] == 1
            await until(lambda: server.requests)
            hall.store.unban_hash(HASH)
            await until(lambda: len(server.requests) == 2)
            told = [json.loads(each.body)["alerts"][0] for each in server.requests]
            assert [(one["what"], one["worker"]) for one in told] == [
                ("fired", "wkr_abc123"),
                ("resolved", "wkr_abc123"),
            ]
            assert state().alarms[(Standing.FIRING, Severity.ALARM)] == 0
            assert state().requests.totals[("verify", "200")] >= 2
            assert state().requests.totals[("ban_list", "200")] >= 1
            page = render(WatcherState(profiles=[state()], alerts_sent=deliveries.sent))
            assert 'pyhall_alerts_sent_total{receiver="webhook",outcome="sent"} 2\n' in page
            assert "wkr_abc123" not in page
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            await deliveries.aclose()
