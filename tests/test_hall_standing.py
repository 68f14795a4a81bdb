"""What a hall says about the account and its own code becomes an alarm: a real hall, and a real journal."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyhall_tui.alarms.alarm import Alarm, Change, Condition
from pyhall_tui.asking_again import LOOK
from pyhall_tui.clock import SystemClock
from pyhall_tui.fleet.events import Event, Kind
from pyhall_tui.journal.journal import Journal
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.hall_account import Account, OwnCode, ask_account, ask_hall_account, ask_own_code
from pyhall_tui.workspace import Workspace
from tests.clock import ManualClock
from tests.live_hall import LiveHall
from tests.waiting import until

OK = {"hall_name": "other", "account_standing": "ok", "standing_checked_at": "2026-11-26T10:00:00Z"}
ODD: list[Any] = [None, True, 0, 1, "", ["suspended"], {"standing": "suspended"}]


class _Nobody:
    def fleet_changed(self) -> None: ...
    def connection_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


def say(hall: LiveHall, path: str, body: Any, status: int = 200) -> None:
    hall.faults.add(path=path, status=status, body=body if isinstance(body, str) else json.dumps(body))


class Program:
    def __init__(self, workspace: Workspace, clock: ManualClock, hall: LiveHall) -> None:
        self.workspace, self.clock, self.hall = workspace, clock, hall

    def alarm(self, condition: Condition) -> Alarm | None:
        return self.workspace.alarms.book.firing("").get(condition)

    def asked(self) -> int:
        return sum(request.raw_path == "/health" for request in self.hall.requests)

    def says_it_moved(self) -> bool:
        return any(each.kind is Kind.REGISTRY_CHANGED for each in self.workspace.journal.events("prod"))

    async def look(self) -> None:
        """Let it ask at least once more, and take the answer."""
        before = self.asked()
        await until(lambda: self.asked() >= before + 2, clock=self.clock)

    async def so(self, condition: Callable[[], object]) -> None:
        await until(condition, clock=self.clock)


@asynccontextmanager
async def program(hall: LiveHall, folder: Path, url: str = "") -> AsyncIterator[Program]:
    """A program with a journal and a state folder in `folder`; `url`: another address than the hall's own."""
    profile, clock = Profile(name="prod", namespace="org.yourco", registry_url=url or hall.url), ManualClock()
    with Journal.open(folder / "journal.db", clock) as journal:
        watch_list = WatchList(folder, "prod")
        async with Workspace(
            profile, clock=clock, journal=journal, watch_list=watch_list, listener=_Nobody(), state=folder
        ) as workspace:
            workspace.connection.connect(ApiKey(hall.key))
            await workspace.restore_rest()
            yield Program(workspace, clock, hall)


@pytest.mark.thorough
async def test_a_suspended_account_stands_in_a_band_until_it_is_in_order(hall: LiveHall, tmp_path: Path) -> None:
    async with program(hall, tmp_path) as here:
        await here.look()
        assert here.workspace.standing == ()
        say(hall, "/status", OK | {"account_standing": "suspended"})
        await here.so(lambda: here.alarm(Condition.ACCOUNT_SUSPENDED))
        alarm = here.alarm(Condition.ACCOUNT_SUSPENDED)
        assert alarm is not None
        assert here.workspace.standing == ("The account is suspended: as of 2026-11-26T10:00:00Z.",)
        here.workspace.alarms.acknowledge_alarms([alarm], note="paid")
        await here.look()
        assert here.workspace.standing, "it stands as long as it is so"
        hall.faults.clear()
        say(hall, "/status", OK | {"account_standing": "degraded"})
        await here.so(lambda: here.alarm(Condition.ACCOUNT_SUSPENDED) is None)
        assert here.workspace.standing == ()


@pytest.mark.thorough
async def test_an_odd_answer_neither_starts_nor_ends_an_alarm(hall: LiveHall, tmp_path: Path) -> None:
    async with program(hall, tmp_path) as here:
        for odd in ODD:
            hall.faults.clear()
            say(hall, "/status", OK | {"account_standing": odd})
            say(hall, "/health", {"ok": True, "hall_hash_banned": odd if odd is not True else "true"})
            await here.look()
        assert not here.workspace.alarms.book.firing("")
        hall.faults.clear()
        say(hall, "/status", OK | {"account_standing": " Suspended "})
        say(hall, "/health", {"ok": True, "hall_hash": "sha256:ab", "hall_hash_banned": True})
        both = {Condition.ACCOUNT_SUSPENDED, Condition.HALL_BANNED}
        await here.so(lambda: both <= set(here.workspace.alarms.book.firing("")))
        assert here.workspace.standing[0] == "The hall's own code is on the ban list: sha256:ab."
        for body in (
            {},
            [],
            "<html>",
            OK | {"account_standing": "terminated"},
            *(OK | {"account_standing": odd} for odd in ODD),
        ):
            hall.faults.clear()
            say(hall, "/status", body)
            say(hall, "/health", {"ok": True, "hall_hash_banned": None})
            await here.look()
            assert both <= set(here.workspace.alarms.book.firing("")), body


@pytest.mark.thorough
async def test_a_registry_that_says_nothing_about_it_is_asked_rarely(hall: LiveHall, tmp_path: Path) -> None:
    say(hall, "/status", {"error": "no"}, 404)
    say(hall, "/health", {"error": "no"}, 404)
    say(hall, "/api/account/standing", {"error": "log in"}, 401)
    async with program(hall, tmp_path) as here:
        await here.so(lambda: here.asked() == 1)
        began = here.clock.now().mono
        await here.so(lambda: here.clock.now().mono - began > 6 * LOOK)
        assert here.asked() == 1
        assert here.workspace.standing == ()


BOTH = {Condition.ACCOUNT_SUSPENDED, Condition.HALL_BANNED}
NOTHING: list[tuple[str, Any, int]] = [
    ("/status", {"error": "no"}, 404),
    ("/health", {"ok": True}, 200),
    ("/api/account/standing", {"error": "log in"}, 401),
]


def say_both(hall: LiveHall) -> None:
    say(hall, "/status", OK | {"account_standing": "suspended"})
    say(hall, "/health", {"ok": True, "hall_hash_banned": True})


def say_nothing(hall: LiveHall) -> None:
    hall.faults.clear()
    for path, body, status in NOTHING:
        say(hall, path, body, status)


@pytest.mark.thorough
async def test_what_the_registry_before_said_ends_once_the_new_one_answers(hall: LiveHall, tmp_path: Path) -> None:
    """The profile moves to a registry that says nothing about accounts; until that answers, the word stands."""
    say_both(hall)
    async with program(hall, tmp_path) as here:
        await here.so(lambda: set(here.workspace.alarms.book.firing("")) >= BOTH)
    hall.faults.clear()
    hall.faults.add(path="*", status=500)
    async with program(hall, tmp_path, hall.url.replace("127.0.0.1", "localhost")) as moved:
        begun = sum(request.raw_path == "/status" for request in hall.requests)
        await moved.so(lambda: sum(request.raw_path == "/status" for request in hall.requests) >= begun + 2)
        assert len(moved.workspace.standing) == 2
        say_nothing(hall)
        await moved.so(lambda: BOTH.isdisjoint(moved.workspace.alarms.book.firing("")))
        assert moved.workspace.standing == ()
        await moved.so(
            lambda: any(each.kind is Kind.REGISTRY_CHANGED for each in moved.workspace.journal.events("prod"))
        )


@pytest.mark.thorough
async def test_the_same_registry_that_says_nothing_any_more_ends_nothing(hall: LiveHall, tmp_path: Path) -> None:
    say_both(hall)
    async with program(hall, tmp_path) as here:
        await here.so(lambda: set(here.workspace.alarms.book.firing("")) >= BOTH)
    say_nothing(hall)
    before = sum(request.raw_path == "/health" for request in hall.requests)
    async with program(hall, tmp_path) as again:
        await again.so(lambda: again.asked() > before)
        began = again.clock.now().mono
        await again.so(lambda: again.clock.now().mono - began > 2 * LOOK)
        assert set(again.workspace.alarms.book.firing("")) >= BOTH


@pytest.mark.thorough
async def test_a_new_registry_that_says_so_too_keeps_the_alarm(hall: LiveHall, tmp_path: Path) -> None:
    say_both(hall)
    async with program(hall, tmp_path) as here:
        await here.so(lambda: set(here.workspace.alarms.book.firing("")) >= BOTH)
    async with program(hall, tmp_path, hall.url.replace("127.0.0.1", "localhost")) as moved:
        await moved.so(
            lambda: any(each.kind is Kind.REGISTRY_CHANGED for each in moved.workspace.journal.events("prod"))
        )
        await moved.look()
        assert set(moved.workspace.alarms.book.firing("")) >= BOTH


@pytest.fixture
async def client(hall: LiveHall) -> AsyncIterator[RegistryClient]:
    profile = Profile(name="acme", namespace="org.yourco", registry_url=hall.url)
    async with RegistryClient(profile, ApiKey(hall.key), SystemClock()) as client:
        yield client


async def test_our_hall_says_both(client: RegistryClient) -> None:
    account, code = await ask_hall_account(client), await ask_own_code(client)
    assert account is not None and account.standing == "ok" and account.is_suspended is False
    assert (code.hash or "").startswith("sha256:") and code.banned is False


async def test_a_registry_that_is_no_hall_is_asked_for_the_accounts_standing(
    hall: LiveHall, client: RegistryClient
) -> None:
    say(hall, "/status", "<html>", 404)
    assert await ask_hall_account(client) is None
    say(hall, "/api/account/standing", {"standing": "suspended", "checked_at": "2026"})
    assert await ask_account(client) == Account("suspended", "2026")
    hall.faults.clear()
    say(hall, "/api/account/standing", {"error": "log in"}, 403)
    assert await ask_account(client) is None


@pytest.mark.parametrize("odd", [*ODD, "false", "true"])
async def test_only_a_boolean_says_whether_the_code_is_banned(hall: LiveHall, client: RegistryClient, odd: Any) -> None:
    say(hall, "/health", {"hall_hash_banned": odd, "hall_hash": odd})
    code = await ask_own_code(client)
    assert code.banned is (True if odd is True else None)
    assert code.hash is None or isinstance(odd, str)
    assert await ask_own_code(client) != OwnCode(None, False)


@pytest.mark.parametrize(
    ("word", "suspended"),
    [("ok", False), ("degraded", False), ("SUSPENDED", True), ("unknown", None), ("", None), ("suspendedd", None)],
)
def test_only_known_words_say_something(word: str, suspended: bool | None) -> None:
    assert Account(word).is_suspended is suspended
