"""The witness of a hall's decision log: a real hall, and a real journal."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pyhall_tui.alarms.alarm import Alarm, Change, Condition
from pyhall_tui.asking_again import LOOK
from pyhall_tui.fleet.events import Event, Kind
from pyhall_tui.hall import audit
from pyhall_tui.hall.checkpoints import Signing, change_key, sign_head
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.models import Key
from pyhall_tui.hall.retention import Retention, prune
from pyhall_tui.hall.server import RunningHall, serve_in_thread
from pyhall_tui.hall.signed_note import SigningKey
from pyhall_tui.hall.store import SqliteStore, Store
from pyhall_tui.hall.store.chain import GENESIS
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.log_marks import LogMark
from pyhall_tui.log_witness import judge
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.registry.hall_log import HallLog, SeenRow
from pyhall_tui.workspace import Workspace
from tests.clock import ManualClock
from tests.hall.tampering import tampering
from tests.waiting import until

A, B = "a" * 64, "b" * 64
MARK = LogMark("one", 100, A, 1_800_000_000.0)
KEY, OTHER_KEY = SigningKey("hall.yourco.org", bytes(32)), SigningKey("hall.yourco.org", bytes(31) + b"1")


def log(seq: int, entry: str, there: str | None, *, log_id: str = "one", anchor: int = 0, **more: str) -> HallLog:
    return HallLog(log_id=log_id, seq=seq, entry_hash=entry, anchor=anchor, seen=SeenRow(100, there), **more)


@pytest.mark.parametrize(
    "shown",
    [
        log(100, A, A),
        log(200, B, A),
        log(200, B, A, anchor=100),
        log(300, B, A, log_id="moved by export and import"),
        log(200, B, A, public_key=str(KEY.public)),
    ],
)
def test_a_log_that_contains_the_row_is_the_same_log(shown: HallLog) -> None:
    assert judge(MARK, shown) is None


@pytest.mark.parametrize(
    ("shown", "kind", "why"),
    [
        (log(99, B, None), Kind.LOG_REWRITTEN, "ends with row 99"),
        (log(0, GENESIS, None), Kind.LOG_REWRITTEN, "ends with row 0"),
        (log(100, B, B), Kind.LOG_REWRITTEN, "row 100 is another one"),
        (log(100, B, A), Kind.LOG_REWRITTEN, "row 100 is another one"),
        (log(200, B, B), Kind.LOG_REWRITTEN, "row 100 is another one"),
        (log(200, B, None), Kind.LOG_REWRITTEN, "row 100 is missing"),
        (log(200, B, None, anchor=100), Kind.LOG_REWRITTEN, "row 100 is missing"),
        (log(200, B, B, anchor=100), Kind.LOG_REWRITTEN, "row 100 is another one"),
        (log(200, B, None, anchor=150), Kind.LOG_UNPROVEN, "removed its rows up to 150"),
        (log(200, B, None, log_id="two"), Kind.LOG_REPLACED, "log two has 200 rows"),
        (log(200, B, B, log_id="two"), Kind.LOG_REPLACED, "in log one"),
    ],
)
def test_any_other_log_is_a_finding(shown: HallLog, kind: Kind, why: str) -> None:
    found = judge(MARK, shown)
    assert found is not None and found.kind is kind and why in found.why


def test_another_key_and_a_wrong_signature_are_findings() -> None:
    signed = MARK._replace(public_key=str(KEY.public))
    found = judge(signed, log(200, B, A, public_key=str(OTHER_KEY.public)))
    assert found is not None and "signed by the key" in found.why
    assert judge(signed, log(200, B, A)) is None, "a hall that was started without its key"


class _Nobody:
    def fleet_changed(self) -> None: ...
    def connection_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


def decide(store: Store, count: int, outcome: str = "deny") -> None:
    receipt = {"outcome": outcome, "namespace": "org.yourco", "rule": "r", "decided_at": store.now()}
    audit.append(store, *(receipt for _ in range(count)))


def kinds(workspace: Workspace) -> list[Kind]:
    return [each.kind for each in workspace.journal.events("prod")]


class Watched:
    """A hall with ten decisions, and a program that watches it."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.folder, self.clock = folder, clock
        self.store: Store = SqliteStore(folder / "hall.db")
        self.key = self.store.add_key("org.yourco")
        decide(self.store, 10)
        self.running: RunningHall = serve_in_thread(self.store, rate=0)
        self.workspace: Workspace

    @property
    def hall(self) -> Hall:
        return self.running.hall

    def restart(self, store: Store) -> None:
        """Serve another store at the same address."""
        port = int(self.running.url.rpartition(":")[2])
        self.running.stop()
        self.store.close()
        store.put_key(self._with_key())
        self.store = store
        self.running = serve_in_thread(store, rate=0, port=port)

    def _with_key(self) -> Key:
        store = SqliteStore()
        store.add_key("org.yourco", token=self.key)
        (key,) = store.all_keys()
        return key

    @asynccontextmanager
    async def program(self, name: str = "prod") -> AsyncIterator[Workspace]:
        profile = Profile(name=name, namespace="org.yourco", registry_url=self.running.url)
        with Journal.open(self.folder / "journal.db", self.clock) as journal:
            watch_list = WatchList(self.folder, name)
            async with Workspace(
                profile, clock=self.clock, journal=journal, watch_list=watch_list, listener=_Nobody()
            ) as workspace:
                workspace.connection.connect(ApiKey(self.key))
                await workspace.restore_rest()
                self.workspace = workspace
                yield workspace

    @property
    def mark(self) -> LogMark | None:
        return self.workspace.journal.log_marks.at_registry(self.running.url)

    async def seen(self, seq: int) -> None:
        await until(lambda: self.mark is not None and self.mark.seq == seq, clock=self.clock)

    async def look(self) -> None:
        """Let it look at least once more."""
        asked = self.looks
        await until(lambda: self.looks >= asked + 2, clock=self.clock)

    async def pass_time(self, seconds: float) -> None:
        began = self.clock.now().mono
        await until(lambda: self.clock.now().mono - began > seconds, clock=self.clock)

    @property
    def looks(self) -> int:
        return sum("/api/v1/log" in row.text for row in self.workspace.run_log.since(0))

    def alarm(self, condition: Condition = Condition.LOG_REWRITTEN) -> Alarm | None:
        return self.workspace.alarms.book.firing("").get(condition)

    async def alarmed(self, condition: Condition = Condition.LOG_REWRITTEN) -> Alarm:
        await until(lambda: self.alarm(condition), clock=self.clock)
        found = self.alarm(condition)
        assert found is not None
        return found


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path, ManualClock())
    yield made
    made.running.stop()
    made.store.close()


async def test_a_log_that_grows_is_followed(watched: Watched) -> None:
    async with watched.program():
        await watched.seen(10)
        decide(watched.store, 5)
        await watched.seen(15)
        assert watched.mark is not None
        assert watched.mark[1:3] == watched.store.log.head()
        assert watched.alarm() is None and watched.workspace.standing == ()


@pytest.mark.thorough
async def test_what_was_seen_outlives_the_program_and_a_log_that_was_rewritten_meanwhile_is_an_alarm(
    watched: Watched,
) -> None:
    async with watched.program():
        await watched.seen(10)
    with tampering(watched.store) as db:
        db.execute("DELETE FROM decisions")
        db.execute("DELETE FROM meta WHERE name = 'audit_head'")
    watched.restart(SqliteStore(watched.folder / "hall.db"))
    decide(watched.store, 12, "allow")
    async with watched.program() as workspace:
        alarm = await watched.alarmed()
        assert "row 10 is another one" in alarm.detail
        assert any("decision log is not the one that was seen" in each for each in workspace.standing)
        assert watched.mark is not None and watched.mark.seq == 10, "what was seen stays"


@pytest.mark.thorough
async def test_the_alarm_stands_until_it_is_acknowledged(watched: Watched) -> None:
    async with watched.program() as workspace:
        await watched.seen(10)
        backup = SqliteStore(watched.folder / "backup.db")
        decide(backup, 4)
        backup.set_setting("store_id", str(watched.store.setting("store_id")))
        watched.restart(backup)
        alarm = await watched.alarmed()
        assert "ends with row 4" in alarm.detail
        await watched.look()
        assert watched.alarm() == alarm and watched.mark is not None and watched.mark.seq == 10
        workspace.alarms.acknowledge_alarms([alarm], note="restored on purpose")
        await watched.seen(4)
        await until(lambda: watched.alarm() is None, clock=watched.clock)
        decide(backup, 1)
        await watched.seen(5)
        assert watched.alarm() is None and workspace.standing == ()


@pytest.mark.thorough
async def test_another_log_at_the_same_address_is_an_alarm_of_its_own(watched: Watched) -> None:
    async with watched.program():
        await watched.seen(10)
        new = SqliteStore(watched.folder / "new.db")
        decide(new, 50)
        watched.restart(new)
        alarm = await watched.alarmed(Condition.LOG_REPLACED)
        assert "has 50 rows" in alarm.detail
        assert watched.alarm(Condition.LOG_REWRITTEN) is None


@pytest.mark.thorough
async def test_retention_is_not_a_violation(watched: Watched) -> None:
    async with watched.program() as workspace:
        await watched.seen(10)
        decide(watched.store, 1)
        prune(watched.store, Retention(3, 0.0))
        await watched.seen(watched.store.log.head().seq)
        decide(watched.store, 20)
        prune(watched.store, Retention(2, 0.0))
        await watched.seen(watched.store.log.head().seq)
        await until(lambda: Kind.LOG_UNPROVEN in kinds(workspace), clock=watched.clock)
        assert watched.alarm() is None and Kind.LOG_REWRITTEN not in kinds(workspace)


@pytest.mark.thorough
async def test_two_halls_on_one_store_share_what_was_seen(watched: Watched) -> None:
    async with watched.program():
        await watched.seen(10)
        with serve_in_thread(watched.store, rate=0) as beside:
            marks = watched.workspace.journal.log_marks
            assert marks.at_registry(beside.url) is None
            mark = watched.mark
            assert mark is not None and marks.of_log(mark.log_id) == mark._replace(public_key="")


@pytest.mark.thorough
async def test_a_registry_without_a_log_raises_nothing(watched: Watched) -> None:
    watched.hall.faults.add(path="/api/v1/log*", status=404)
    async with watched.program() as workspace:
        await until(lambda: watched.looks >= 1, clock=watched.clock)
        await watched.pass_time(4 * LOOK)
        assert watched.looks == 1
        assert watched.alarm() is None and watched.mark is None and workspace.standing == ()


@pytest.mark.thorough
async def test_a_hall_that_no_longer_shows_its_log_is_an_alarm_but_one_failure_is_not(watched: Watched) -> None:
    async with watched.program():
        await watched.seen(10)
        for status in (404, 500):
            watched.hall.faults.add(path="/api/v1/log*", status=status, count=1)
            await watched.look()
        decide(watched.store, 1)
        await watched.seen(11)
        assert watched.alarm() is None
        watched.hall.faults.add(path="/api/v1/log*", status=404)
        assert "not shown any more" in (await watched.alarmed()).detail


@pytest.mark.thorough
@pytest.mark.parametrize("body", ["[]", "{}", '{"log_id": "x", "seq": -1}', "null", "<html>"])
async def test_what_is_not_a_log_is_neither_kept_nor_an_alarm(watched: Watched, body: str) -> None:
    watched.hall.faults.add(path="/api/v1/log*", status=200, body=body)
    async with watched.program():
        await until(lambda: watched.looks >= 1, clock=watched.clock)
        await watched.pass_time(3 * LOOK)
        assert watched.alarm() is None and watched.mark is None


@pytest.mark.thorough
async def test_a_log_signed_by_another_key_is_an_alarm(watched: Watched) -> None:
    def sign(by: SigningKey) -> None:
        sign_head(watched.store, by)
        watched.hall.signing = Signing(watched.store, by, watched.clock)

    sign(KEY)
    async with watched.program():
        await until(
            lambda: watched.mark is not None and watched.mark.public_key == str(KEY.public), clock=watched.clock
        )
        decide(watched.store, 1)
        change_key(watched.store, KEY.public, OTHER_KEY)
        sign(OTHER_KEY)
        assert "Before, it was signed by" in (await watched.alarmed()).detail


@pytest.mark.thorough
async def test_a_forged_checkpoint_is_an_alarm(watched: Watched) -> None:
    watched.hall.signing = Signing(watched.store, KEY, watched.clock)
    note = sign_head(watched.store, KEY)
    assert note is not None
    watched.store.log.put_checkpoint(10, note.replace("\n10\n", "\n9\n"))
    async with watched.program():
        assert "is not signed by its key" in (await watched.alarmed()).detail
