"""Two real watchers of one profile: one watches, the other one stands by."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest

from tests.live_hall import HASH, LiveHall
from tests.registry.raw_server import RawServer, answer
from tests.watch.program import profile_of, watching

pytestmark = [pytest.mark.thorough, pytest.mark.skipif(sys.platform == "win32", reason="signals are of Unix")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_second_one_takes_over_within_seconds(tmp_path: Path, hall: LiveHall, number: signal.Signals) -> None:
    profile_of(tmp_path, hall)
    with watching(tmp_path, hall.key) as first:
        first.wait_until_live()
        with watching(tmp_path, hall.key) as second:
            second.wait_for(lambda: second.of_type("standby"))
            assert second.of_type("standby")[0]["pid"] == first.process.pid
            assert f"acme is watched by process {first.process.pid} on " in second.errors
            hall.store.ban_hash(HASH, "exfiltrates")
            first.wait_for(lambda: first.events("banned"))
            second.wait_for(lambda: len(second.of_type("heartbeat")) > 2)
            assert not second.of_type("profile")
            first.process.send_signal(number)
            second.wait_for(lambda: second.of_type("profile"))
            second.wait_until_live()
            hall.store.unban_hash(HASH)
            second.wait_for(lambda: second.events("unbanned"))
            if number is signal.SIGTERM:  # after a kill, the last events may come again
                assert not second.events("banned")


async def test_one_that_was_suspended_sends_nothing_when_it_wakes_up(
    tmp_path: Path, hall: LiveHall, server: RawServer
) -> None:
    server.answer(answer(b"ok"))
    profile_of(tmp_path, hall)
    options = ("--webhook", f"{server.url}/hook")

    def run() -> None:
        with (
            watching(tmp_path, hall.key, *options) as first,
            watching(tmp_path, hall.key, *options) as second,
        ):
            first.wait_for(lambda: first.of_type("profile") or second.of_type("profile"))
            one, other = (first, second) if first.of_type("profile") else (second, first)
            one.wait_until_live()
            other.wait_for(lambda: other.of_type("standby"))
            one.process.send_signal(signal.SIGSTOP)
            other.wait_for(lambda: other.of_type("profile"))
            other.wait_until_live()
            hall.store.ban_hash(HASH, "exfiltrates")
            other.wait_for(lambda: other.events("banned"))
            one.process.send_signal(signal.SIGCONT)
            one.wait_for(lambda: "acme: another program has taken over." in one.errors)
            one.wait_for(lambda: one.of_type("standby"))
            assert one.of_type("standby")[-1]["pid"] == other.process.pid
            other.wait_for(lambda: server.requests)
            other.process.kill()
            one.wait_for(lambda: len(one.of_type("profile")) == 2)
            one.wait_until_live()
            hall.store.unban_hash(HASH)
            one.wait_for(lambda: one.events("unbanned"))

    await asyncio.to_thread(run)
    alerts = [one for each in server.requests if each.body for one in json.loads(each.body)["alerts"]]
    assert len({alert["id"] for alert in alerts if alert["what"] == "fired"}) == 1


def test_each_profile_has_a_watcher_of_its_own(tmp_path: Path, hall: LiveHall) -> None:
    profile_of(tmp_path, hall, "one")
    profile_of(tmp_path, hall, "two")
    with watching(tmp_path, hall.key, "--profile", "one") as first:
        first.wait_until_live()
        with watching(tmp_path, hall.key, "--all") as second:
            second.wait_for(lambda: second.of_type("standby") and second.of_type("profile"))
            assert [line["profile"] for line in second.of_type("standby")] == ["one"]
            assert [line["profile"] for line in second.of_type("profile")] == ["two"]
