"""What header and band say while one source fails, on a server that answers byte for byte what the test says."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pyhall_tui.alarms.alarm import Condition
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.errors import Forbidden
from pyhall_tui.registry.models import DispatchRequest
from tests.live_hall import WORKER, LiveHall
from tests.registry.raw_server import RawRequest, RawServer, answer, json, never, raw_server, verdict
from tests.screens.conftest import OpenApp, profile_of
from tests.waiting import until

IDS = tuple(f"wkr_{number}" for number in range(6))
FULL_PAGE = [{"sha256": f"{number:064x}", "reason": "x", "source": "s"} for number in range(500)]
NO = {"error": "not of this namespace"}


class Answers:
    """What the server answers to each kind of request; a test changes it while the app runs."""

    def __init__(self) -> None:
        self.ban_list: bytes = json([])
        self.verify: Callable[[str], bytes] | None = verdict
        """None: it never answers."""

    async def __call__(self, request: RawRequest, writer: asyncio.StreamWriter) -> None:
        path = request.target.partition("?")[0]
        if path.endswith("/ban-list"):
            said = self.ban_list
        elif "/verify/" not in path:
            said = json({"error": "no such route"}, "404 Not Found")
        elif self.verify is None:
            return await never(request, writer)
        else:
            said = self.verify(path.rpartition("/")[2])
        writer.write(said)
        await writer.drain()


def profile_at(raw: RawServer, **fields: Any) -> Profile:
    known: dict[str, Any] = {"name": "acme", "namespace": "org.yourco", "registry_url": raw.url, "ban_list_interval": 5}
    return Profile(**(known | fields))


@pytest.mark.parametrize(
    ("said", "word", "width"),
    [
        (json(NO, "400 Bad Request"), "400", 120),
        (json(NO, "403 Forbidden"), "403", 80),
        (json(NO, "500 Internal Server Error"), "500", 80),
        (answer(b"<html><title>Welcome to HotelNet</title>"), "bad answer", 120),
    ],
    ids=["400", "403", "500", "portal"],
)
@pytest.mark.thorough
async def test_verifies_that_fail_are_told_apart_from_the_ban_list(
    open_app: OpenApp, said: bytes, word: str, width: int
) -> None:
    """F53: the header names the source that fails and the one that answers, the band says why."""
    answers = Answers()
    async with raw_server() as raw:
        raw.answer(answers)
        async with open_app(profile_at(raw), key="phk_live_x", watch=IDS, size=(width, 30)) as opened:
            await until(lambda: "6 clean" in opened.text() and "● live" in opened.text(), clock=opened.clock)
            answers.verify = lambda worker_id: said
            await until(
                lambda: f"verify ✖ {word}" in opened.text() or f"✖ verify {word}" in opened.text(), clock=opened.clock
            )
            await until(lambda: "Most verifies fail since" in opened.words(), clock=opened.clock)
            header = opened.text().partition("Most verifies")[0]
            assert "● live" not in header and "list ✖" not in header and "✖ list" not in header
            assert "ban list is failing" not in opened.words()
            answers.verify = verdict
            await until(lambda: "● live" in opened.text(), clock=opened.clock)
            await until(lambda: "Most verifies fail" not in opened.words(), clock=opened.clock)


@pytest.mark.parametrize(
    ("status", "width"),
    [("400 Bad Request", 80), ("403 Forbidden", 120), ("404 Not Found", 80), ("500 Internal Server Error", 120)],
)
@pytest.mark.thorough
async def test_a_ban_list_that_fails_is_told_apart_from_the_verifies(
    open_app: OpenApp, status: str, width: int
) -> None:
    """F54: at once in the header; in a band once it goes on; and it is asked again in seconds."""
    answers = Answers()
    async with raw_server() as raw:
        raw.answer(answers)
        async with open_app(profile_at(raw), key="phk_live_x", watch=IDS, size=(width, 30)) as opened:
            await until(lambda: "6 clean" in opened.text() and "● live" in opened.text(), clock=opened.clock)
            answers.ban_list = json({"error": "no"}, status)
            word = status[:3]
            await until(
                lambda: f"list ✖ {word}" in opened.text() or f"✖ list {word}" in opened.text(), clock=opened.clock
            )
            await until(lambda: "only verify shows bans" in opened.words(), clock=opened.clock)
            assert "● live" not in opened.text() and "no ban list here" not in opened.text()
            assert "Most verifies fail" not in opened.words() and "verify ✖" not in opened.text()
            answers.ban_list = json([])
            await until(lambda: "● live" in opened.text(), clock=opened.clock)
            await until(lambda: "only verify shows bans" not in opened.words(), clock=opened.clock)


async def test_both_that_fail_have_a_mark_and_a_band_each(open_app: OpenApp) -> None:
    """F53, F54: each with its own word."""
    answers = Answers()
    async with raw_server() as raw:
        raw.answer(answers)
        async with open_app(profile_at(raw), key="phk_live_x", watch=IDS, size=(80, 24)) as opened:
            await until(lambda: "6 clean" in opened.text(), clock=opened.clock)
            answers.ban_list = json({"error": "no"}, "404 Not Found")
            answers.verify = lambda worker_id: json(NO, "403 Forbidden")
            await until(lambda: "list ✖ 404" in opened.text() and "verify ✖ 403" in opened.text(), clock=opened.clock)
            await until(lambda: "a new ban may go unseen" in opened.words(), clock=opened.clock)
            assert "Most verifies fail since" in opened.words()


async def test_a_truncated_ban_list_says_so_as_the_lists_own_state(open_app: OpenApp) -> None:
    answers = Answers()
    answers.ban_list = json(FULL_PAGE)
    async with raw_server() as raw:
        raw.answer(answers)
        async with open_app(profile_at(raw), key="phk_live_x", watch=IDS, size=(120, 30)) as opened:
            await until(lambda: "list ▲ truncated" in opened.text(), clock=opened.clock)
            await until(lambda: "The ban list is truncated" in opened.words(), clock=opened.clock)
            await until(lambda: "verify ✔" in opened.text(), clock=opened.clock)
            assert "● live" not in opened.text()


@pytest.mark.thorough
async def test_verifies_that_are_never_answered_time_out_and_are_not_live(open_app: OpenApp) -> None:
    """F53: the ban list goes on to answer."""
    answers = Answers()
    async with raw_server() as raw:
        raw.answer(answers)
        profile = profile_at(raw, timeout=0.3)
        async with open_app(profile, key="phk_live_x", watch=IDS, size=(120, 30)) as opened:
            await until(lambda: "6 clean" in opened.text(), clock=opened.clock)
            answers.verify = None
            await until(lambda: "verify ✖ timed out" in opened.text(), clock=opened.clock)
            assert "list ✔" in opened.text() and "● live" not in opened.text()


async def test_one_workers_refusal_leaves_the_header_alone(open_app: OpenApp, hall: LiveHall) -> None:
    """F53: it is that worker's."""
    for worker_id in IDS:
        hall.add_worker(worker_id)
    hall.faults.add(path="/api/v1/verify/wkr_3", status=403)
    async with open_app(profile_of(hall), key=hall.key, watch=IDS, size=(120, 30)) as opened:
        await until(lambda: "5 clean" in opened.text(), clock=opened.clock)
        for _ in range(30):
            await opened.clock.advance(1)
            await opened.pilot.pause()
            assert "● live" in opened.text() and "list ✔" in opened.text() and "verify ✔" in opened.text()


async def test_what_you_send_is_refused_and_nothing_else_is(open_app: OpenApp, hall: LiveHall) -> None:
    """It is in the header and no alarm: you see how each ends anyway, and it says nothing of the workers."""
    hall.faults.add(path="/api/v1/dispatch", status=403)
    request = DispatchRequest(namespace=hall.namespace, capability="c", worker_id="w", context={})
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=(150, 40)) as opened:
        await until(lambda: "● live" in opened.text(), clock=opened.clock)
        connection = opened.workspace.connection
        for _ in range(3):
            with pytest.raises(Forbidden):
                await connection.ask(lambda client: client.dispatch(request))
        await until(lambda: "● live" in opened.text() and "sent ✖ 403 (3)" in opened.text(), clock=opened.clock)
        await opened.clock.advance(30)
        assert opened.workspace.alarms.firing == 0
        hall.faults.clear()
        await connection.ask(lambda client: client.dispatch(request))
        await until(lambda: "sent" not in opened.text(), clock=opened.clock)


async def test_an_old_ban_list_is_said_to_be_old(open_app: OpenApp) -> None:
    """A cache kept it, or a hall that can't reach its upstream: `list ✔ 1s` would say that nothing new is missing."""
    answers = Answers()
    answers.ban_list = answer(b"[]", "200 OK", "Age: 86400")
    async with raw_server() as raw:
        raw.answer(answers)
        async with open_app(profile_at(raw), key="phk_live_x", watch=IDS, size=(150, 40)) as opened:
            await until(lambda: "list ▲ old" in opened.text(), clock=opened.clock)
            await until(
                lambda: "The ban list is old: a newer ban may be missing." in opened.words(), clock=opened.clock
            )
            assert "● live" not in opened.text()
            await opened.clock.advance(30)
            assert Condition.BAN_LIST_FAILING in opened.workspace.alarms.book.firing("")
            answers.ban_list = json([])
            await until(lambda: "● live" in opened.text() and "list ✔" in opened.text(), clock=opened.clock)
            await until(lambda: not opened.workspace.alarms.book.firing(""), clock=opened.clock)
