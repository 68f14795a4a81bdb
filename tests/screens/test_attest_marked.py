"""Attesting the marked workers: asked with the number, sent one by one, stopped by a failure, never sent twice."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.packages.package_hash import hash_package
from pyhall_tui.paths import Home
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.screens.messages import OpenProfile
from pyhall_tui.screens.workers.attest_marked import AttestMarkedScreen
from pyhall_tui.screens.workers.screen import WorkersScreen
from tests.live_hall import LiveHall
from tests.packages.trees import write_tree
from tests.screens.conftest import OpenApp, OpenedApp, profile_of
from tests.screens.test_workers import all_verified, fleet_of
from tests.typist import settled, write
from tests.waiting import until

WITH_FOLDER = 3
Fleet = Callable[..., AbstractAsyncContextManager[OpenedApp]]


@pytest.fixture
def fleet(open_app: OpenApp, hall: LiveHall, home: Home, tmp_path: Path) -> Fleet:
    """Five workers, of which the first three have a folder whose hash is not the attested one."""

    @asynccontextmanager
    async def opening(**fields: Any) -> AsyncIterator[OpenedApp]:
        profile = profile_of(hall, **fields)
        watched = WatchList(home.data, profile.name)
        ids = fleet_of(hall, 5)
        watched.add(ids)
        for worker_id in ids[:WITH_FOLDER]:
            watched.set_folder(worker_id, str(write_tree(tmp_path / worker_id, {"a.py": worker_id})))
        async with open_app(profile, key=hall.key, size=(120, 40)) as opened:
            await all_verified(opened)
            await until(
                lambda: [entry.drift for entry in opened.workspace.fleet].count(DriftState.DRIFTED) == WITH_FOLDER,
                clock=opened.clock,
            )
            yield opened

    return opening


def sent(hall: LiveHall) -> list[str]:
    """Return to whom an attestation was sent, by name: their rows are sorted by state and time."""
    return sorted(r.raw_path.split("/")[-2] for r in hall.requests if r.raw_path.endswith("/attest"))


async def asked(opened: OpenedApp) -> None:
    await until(lambda: isinstance(opened.screen, AttestMarkedScreen) and "Attest 3 package hashes?" in opened.text())


async def test_the_question_has_the_number_and_why_others_are_left_out(fleet: Fleet, hall: LiveHall) -> None:
    async with fleet() as opened:
        write(opened.app, "ctrl+a", "A")
        await asked(opened)
        assert "2 left out: No package folder is set" in opened.words()
        write(opened.app, "enter")  # the safe answer has the focus
        await until(lambda: isinstance(opened.screen, WorkersScreen))
        assert sent(hall) == []


async def test_each_is_attested_once_however_often_the_key_is_pressed(
    fleet: Fleet, hall: LiveHall, tmp_path: Path
) -> None:
    async with fleet() as opened:
        write(opened.app, "ctrl+a", "A")
        await asked(opened)
        write(opened.app, "y", "y", "y")
        await until(lambda: "3 accepted" in opened.words(), clock=opened.clock)
        await settled(opened.app)
        assert sent(hall) == ["wkr_0", "wkr_1", "wkr_2"]
        bodies = [json.loads(r.body or b"{}") for r in hall.requests if r.raw_path.endswith("/attest")]
        assert {body["sha256"] for body in bodies} == {
            hash_package(tmp_path / f"wkr_{number}").sha256 for number in range(3)
        }
        write(opened.app, "escape", "A")
        await until(lambda: "Nothing to attest." in "\n".join(opened.said()), clock=opened.clock)
        assert len(sent(hall)) == 3


async def test_a_failure_stops_it_and_it_continues_without_sending_what_may_have_arrived(
    fleet: Fleet, hall: LiveHall
) -> None:
    async with fleet() as opened:
        hall.faults.add(path="/api/v1/workers/*", status=500, count=1)
        write(opened.app, "ctrl+a", "A")
        await asked(opened)
        write(opened.app, "y")
        await until(lambda: "Continue with 2" in opened.words(), clock=opened.clock)
        assert "1 outcome unknown" in opened.words() and "It stopped at the first failure." in opened.words()
        assert len(sent(hall)) == 1
        write(opened.app, "y")
        await until(lambda: "2 accepted, 1 outcome unknown" in opened.words(), clock=opened.clock)
        assert sent(hall) == ["wkr_0", "wkr_1", "wkr_2"]


async def test_one_that_is_taken_off_the_list_meanwhile_is_not_sent(fleet: Fleet, hall: LiveHall) -> None:
    async with fleet() as opened:
        write(opened.app, "ctrl+a", "A")
        await asked(opened)
        opened.workspace.unwatch(["wkr_1"])
        write(opened.app, "y")
        await until(lambda: "2 accepted, 1 left out" in opened.words(), clock=opened.clock)
        assert sent(hall) == ["wkr_0", "wkr_2"]


async def test_a_read_only_profile_attests_nothing_and_says_so(fleet: Fleet, hall: LiveHall) -> None:
    async with fleet(read_only=True) as opened:
        write(opened.app, "ctrl+a", "A")
        await until(lambda: "Nothing to attest." in "\n".join(opened.said()))
        assert "read-only" in "\n".join(opened.said()).lower().replace("read only", "read-only")
        assert sent(hall) == []


async def test_a_profile_that_is_opened_meanwhile_ends_it(fleet: Fleet, hall: LiveHall) -> None:
    async with fleet() as opened:
        hall.faults.add(path="/api/v1/workers/*", latency=600.0)
        write(opened.app, "ctrl+a", "A")
        await asked(opened)
        write(opened.app, "y")
        await until(lambda: "1 sending" in opened.words())
        before = opened.workspace
        opened.app.post_message(OpenProfile("acme"))
        await until(lambda: opened.app.workspace not in (None, before), clock=opened.clock)
        await until(lambda: isinstance(opened.screen, WorkersScreen), clock=opened.clock)
        assert len(sent(hall)) <= 1
