"""What a hall's PostgreSQL store does beyond the contract of all stores: one server, several halls, a lost server."""

import json
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import psycopg
import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.hall import audit
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.errors import StoreError, StoreLost
from pyhall_tui.hall.exchange import export, load
from pyhall_tui.hall.gate import dispatch
from pyhall_tui.hall.models import Asked, Ban, Worker
from pyhall_tui.hall.policy import Policy, Rule, save_rules
from pyhall_tui.hall.server import serve_in_thread
from pyhall_tui.hall.store import SqliteStore, Store, hash_key
from pyhall_tui.hall.store.postgres import PostgresStore, schema
from pyhall_tui.hall.store.protocol import Batch, KeptRate
from tests.clock import ManualClock
from tests.hall.postgres_stores import store_with_a_worker
from tests.live_hall import HASH
from tests.postgres_cluster import PASSWORD, SECRETIVE, Cluster
from tests.waiting import until

pytestmark = pytest.mark.thorough
ASKED = Asked(namespace="n", capability="llm.x", worker_id="w")


@pytest.fixture
def address(postgres: Cluster) -> str:
    return postgres.database()


@pytest.fixture
def store(address: str) -> Iterator[PostgresStore]:
    made = store_with_a_worker(address)
    yield made
    made.close()


def receipt(number: int) -> str:
    told = {"namespace": "n", "rule": "r", "outcome": "allow", "decided_at": "2026-01-01", "n": number}
    return audit.encode(told)


# Opening it


def test_a_store_is_made_once_even_if_two_halls_start_together(address: str) -> None:
    made: list[PostgresStore] = []
    threads = [threading.Thread(target=lambda: made.append(PostgresStore(address, make=True))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.setting("store_id") for each in made}) == 1 and len(made) == 4
    for each in made:
        each.close()


def test_a_store_that_is_not_there_is_not_made_by_a_command(address: str, postgres: Cluster) -> None:
    with pytest.raises(StoreError, match=r"there is no store at .*: .* create one with hall serve"):
        PostgresStore(address)
    assert postgres.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'pyhall'", address=address) == "0"


def test_a_store_of_a_newer_version_is_refused(store: PostgresStore, address: str, postgres: Cluster) -> None:
    postgres.sql(f"UPDATE pyhall.schema_version SET version = {schema.VERSION + 1}", address=address)
    newer = rf"made by a newer pyhall-tui \(store version {schema.VERSION + 1}\): update this one"
    with pytest.raises(StoreError, match=newer):
        PostgresStore(address)


def test_a_store_from_before_scopes_keeps_its_keys_and_a_hall_of_then_refuses_scoped_ones(
    store: PostgresStore, address: str, postgres: Cluster
) -> None:
    token = store.add_key("n")
    postgres.sql("DROP TABLE pyhall.scoped_keys, pyhall.key_uses", address=address)
    postgres.sql("UPDATE pyhall.schema_version SET version = 6", address=address)
    migrated = PostgresStore(address)
    kept = migrated.find_key(token)
    assert kept is not None and kept.scopes == ()
    before = migrated.revision()
    scoped = migrated.add_key("n", scopes=("hall:enroll",))
    assert migrated.find_key(scoped) is not None and migrated.revision() > before
    then = "SELECT count(*) FROM pyhall.keys WHERE key_hash = '{}' AND revoked_at IS NULL"
    assert postgres.sql(then.format(hash_key(token)), address=address) == "1"
    assert postgres.sql(then.format(hash_key(scoped)), address=address) == "0"
    migrated.close()


def test_a_database_that_cannot_hold_all_text_is_refused(postgres: Cluster) -> None:
    postgres.sql("DROP DATABASE IF EXISTS latin")
    postgres.sql("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    with pytest.raises(StoreError, match="whose encoding is not UTF8"):
        PostgresStore(postgres.address("latin"), make=True)


def test_the_password_comes_from_a_file_or_the_environment_only(
    address: str, postgres: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = postgres.address("hall", user=SECRETIVE)
    with pytest.raises(StoreLost, match=r"can't open the hall's store .*password"):
        PostgresStore(known, make=True)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    PostgresStore(known, make=True).close()
    monkeypatch.delenv("PGPASSWORD")
    file = tmp_path / "pgpass"
    file.write_text(f"*:*:*:{SECRETIVE}:{PASSWORD.replace(':', chr(92) + ':')}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    PostgresStore(known).close()


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://u:sesame@h/d",
        "postgresql://h/d?password=sesame",
        "postgresql://u:se/sesame@h:x/d",
        "port=sesame q",
    ],
)
def test_a_password_in_the_address_is_refused_and_not_repeated(written: str) -> None:
    with pytest.raises(StoreError) as refused:
        PostgresStore(written)
    assert "sesame" not in str(refused.value)


def test_nobody_answers_there(tmp_path: Path) -> None:
    with pytest.raises(StoreLost, match="can't open the hall's store postgresql://"):
        PostgresStore(f"postgresql:///hall?host={tmp_path}")


# What it keeps


@pytest.mark.parametrize("text", ["\0", "\1", "\0\1\0\0\1\1", "\1\2", "a\0b\1", "ü😀\0", "'\"\\%s{},NULL"])
def test_any_text_comes_back_as_it_was(text: str, store: PostgresStore) -> None:
    store.put_worker(Worker(worker_id=text, namespace=text, display_name=text, capabilities=(text,), ai_model=text))
    store.add_upstream_bans([Ban(sha256=text, reason=text, reported_at=text)])
    found = store.worker(text)
    assert found is not None and (found.worker_id, found.display_name, found.capabilities) == (text, text, (text,))
    assert [ban.reason for ban in store.bans()] == [text] and store.missing_bans(store.bans()) == []


@pytest.mark.parametrize(
    "text", ["\0", "\1\2", 'a "quoted" \\ {b,NULL}', "NULL", "", "ü😀", "\ud800", "%s $1", "\n\r\t'"]
)
def test_a_decision_is_logged_alike_with_a_rate_and_without(text: str, store: PostgresStore) -> None:
    """They are two statements."""
    told = audit.encode({"namespace": text, "rule": text, "outcome": text, "decided_at": text, "reason": text})
    store.log.decide(lambda: Batch([told]))
    store.log.decide(lambda: Batch([told], [KeptRate("r", "w", 1.0, 1.0, b"")]))
    assert [row.receipt for row in store.log.page(0, 9, 9)] == [told, told]
    (tallied,) = store.log.tally(0, 9)
    stored = text.encode(errors="replace").decode()
    assert tallied[:3] == (stored, stored, stored) and tallied.decisions == 2
    assert audit.verify(store) == audit.Checked(2)


def test_a_receipt_without_the_usual_fields_is_logged_too(store: PostgresStore) -> None:
    receipts = ['{"namespace": null, "rule": 7}', '{"outcome": ["x"], "rule": NaN}', "{}", '{"rule":"a","rule":"b"}']
    store.log.decide(lambda: Batch(receipts))
    assert [row.receipt for row in store.log.page(0, 9, 9)] == receipts
    assert audit.verify(store).whole


def test_a_batch_larger_than_a_socket_holds_is_logged_whole(store: PostgresStore) -> None:
    store.log.decide(lambda: Batch([receipt(number) + " " * 10_000 for number in range(1000)]))
    assert audit.verify(store) == audit.Checked(1000)


def test_an_append_that_the_server_ends_is_refused_and_the_hall_goes_on(
    store: PostgresStore, address: str, postgres: Cluster
) -> None:
    """Another one holds the log: first this one is ended, then it waits longer than it may."""
    with psycopg.connect(address) as holder:
        holder.execute("SELECT FROM pyhall.head FOR UPDATE")
        refused: list[str] = []

        def decide() -> None:
            try:
                store.log.decide(lambda: Batch([receipt(1)]))
            except StoreError as error:
                refused.append(str(error))

        thread = threading.Thread(target=decide)
        thread.start()
        waits = "SELECT {} FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'hall'"
        while postgres.sql(waits.format("count(*)"), address=address) != "1":
            continue
        postgres.sql(waits.format("pg_terminate_backend(pid)"), address=address)
        thread.join()
        while not refused[1:]:
            decide()
            refused = [each for i, each in enumerate(refused) if i == 0 or "locked it" in each]
    assert "was lost" in refused[0] and "another hall has locked it" in refused[1]
    assert store.log.decide(lambda: Batch([receipt(1)])) == 1
    assert audit.verify(store) == audit.Checked(1)


def test_ids_sort_by_their_characters_on_every_server(store: PostgresStore) -> None:
    ids = ["Z", "a", "\0", "\1", "\2", "é", "a\0", "a\1", "A", "😀", "￿"]
    for worker_id in ids:
        store.put_worker(Worker(worker_id=worker_id, namespace="sorted", enrolled_at="1"))
    assert [worker.worker_id for worker in store.workers("sorted")] == sorted(ids)


def filled(store: Store) -> list[str]:
    """Fill a store with some of everything, and return its log."""
    store.add_key("n", "label")
    store.put_worker(Worker(worker_id="w\0", namespace="n", sha256=HASH, attested_at="2026", ai_generated=True))
    store.ban("w\0", "leaks")
    store.add_upstream_bans([Ban(sha256="0" * 64, reason="up", reported_at="1", review_status=None)])
    store.report(HASH, "r", None, "n")
    store.put_rules(["b", "a"], "{}")
    store.log.decide(lambda: Batch([receipt(number) for number in range(4)]))
    store.checkpoint()  # in PostgreSQL, a partition ends here
    store.log.decide(lambda: Batch([receipt(number) for number in range(4, 9)]))
    store.log.note_ingested("n", "d", 9)
    audit.append_removal(
        store, audit.Removal(at="t", first=1, last=4, last_hash=audit.hash_of(store, 4), reason="only 5 are kept")
    )
    while store.log.take_out(4, 100) is not None:
        pass
    assert store.log.anchor().seq == 4
    store.log.put_checkpoint(9, "a signed note\nabout row 9")
    return list(audit.export(store))


def copied(source: Store, target: Store) -> list[str]:
    """Export and import, and return the lines without the time."""
    lines = list(export(source))
    load(target, lines, "export")
    return [line for line in lines if "exported_at" not in line]


def without_order(lines: list[str]) -> list[str]:
    return sorted(line for line in lines if '"ban_revision"' not in line)


@pytest.mark.parametrize("first", ["sqlite", "postgresql"])
def test_a_copy_either_way_and_back_keeps_every_hash(
    first: str, address: str, postgres: Cluster, tmp_path: Path
) -> None:
    files = [SqliteStore(tmp_path / "a.db"), SqliteStore(tmp_path / "b.db")]
    servers = [PostgresStore(each, make=True, partition_rows=4) for each in (address, postgres.database("another"))]
    way: list[Store] = [files[0], servers[0], files[1]] if first == "sqlite" else [servers[0], files[0], servers[1]]
    log = filled(way[0])
    there, back = copied(way[0], way[1]), copied(way[1], way[2])
    assert without_order(there) == without_order(back)
    for each in way:
        assert audit.verify(each).whole and list(audit.export(each)) == log
        assert each.log.checkpoints() == ["a signed note\nabout row 9"]
        assert (each.workers(), each.bans(), each.rules()) == (way[0].workers(), way[0].bans(), way[0].rules())
        assert not each.log.note_ingested("n", "d", 9), "it is logged already"
        each.log.decide(lambda: Batch([receipt(10)]))
        assert audit.verify(each).whole
    for store in (*files, *servers):
        store.close()


@pytest.mark.parametrize(
    "row",
    [
        {"table": "bans", "sha256": "0", "reason": None, "reported_at": "1", "source": "", "review_status": None}
        | {"upstream": 0},
        {"table": "rules", "position": "x", "rule": "r"},
        {"table": "rules", "position": {}, "rule": "r"},
        {"table": "decisions", "seq": 1, "entry_hash": "x", "receipt": "not JSON"},
        {"table": "meta", "name": "audit_head", "value": "x:y"},
        {"table": "pg_class", "name": "x"},
    ],
)
def test_a_bad_line_of_a_copy_is_named_and_nothing_is_kept(row: dict[str, object], address: str) -> None:
    store = PostgresStore(address, make=True)
    good = {"table": "meta", "name": "x", "value": "y"}
    lines = [json.dumps(each) for each in ({"table": "hall", "format": 1, "ended": True}, good, row)]
    with pytest.raises(Exception, match="export:3:1: not a line of an export"):
        load(store, lines, "export")
    assert store.is_empty() and store.setting("x") is None
    store.close()


# Several halls


def test_who_is_always_too_slow_locks_the_others_out(store: PostgresStore, address: str) -> None:
    """Another hall changes something whenever this one judges; its own decision is logged all the same."""
    other = PostgresStore(address)
    judged = 0

    def judge() -> Batch:
        nonlocal judged
        judged += 1
        if judged <= 3:
            other.ban_hash(f"{judged:064x}", "r")
        return Batch([receipt(judged)])

    assert store.log.decide(judge) == 1
    assert judged == 4 and '"n":4' in store.log.page(0, 1, 1)[0].receipt
    other.close()


def test_a_rate_holds_over_all_halls(store: PostgresStore, address: str) -> None:
    save_rules(store, Policy(rule=(Rule(id="few", outcome="allow", capability="llm.*", rate="10/day"),)))
    halls = [Hall(PostgresStore(address), clock=SystemClock()) for _ in range(3)]
    outcomes: list[str] = []

    def ask(hall: Hall) -> None:
        outcomes.extend(dispatch(hall, ASKED, "c")["outcome"] for _ in range(8))

    threads = [threading.Thread(target=ask, args=(hall,)) for hall in halls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count("allow"), len(outcomes)) == (10, 24)
    assert audit.verify(store) == audit.Checked(24)
    for hall in halls:
        hall.store.close()


@pytest.mark.parametrize("wrong", [-365 * 86_400.0, 365 * 86_400.0])
def test_a_rate_holds_in_a_hall_whose_clock_is_wrong_by_a_year(
    store: PostgresStore, address: str, wrong: float
) -> None:
    save_rules(store, Policy(rule=(Rule(id="few", outcome="allow", capability="llm.*", rate="3/day"),)))
    right, wrongly = ManualClock(mono=1e6), ManualClock(mono=10.0)
    wrongly.jump_wall(wrong)
    halls = [Hall(PostgresStore(address, clock=clock), clock=clock) for clock in (right, wrongly)]
    outcomes = [dispatch(hall, ASKED, "c")["outcome"] for hall in halls for _ in range(4)]
    assert outcomes == ["allow"] * 3 + ["deny"] * 5
    for hall in halls:
        hall.store.close()


@pytest.mark.parametrize("listens", [True, False])
def test_no_decision_of_four_halls_is_on_the_wrong_side_of_a_ban(
    listens: bool, store: PostgresStore, address: str
) -> None:
    """One more hall bans and unbans 40 times, each after all of them have decided something since the last time."""
    halls = [Hall(PostgresStore(address)) for _ in range(4)]
    for hall in halls if listens else ():
        hall.store.listen()
    decided = [0] * len(halls)
    done = threading.Event()

    def decide(number: int) -> None:
        while not done.is_set():
            dispatch(halls[number], ASKED, "c")
            decided[number] += 1

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(len(halls))]
    for thread in threads:
        thread.start()
    turns: list[tuple[int, bool]] = []
    try:
        for number in range(40):
            with store.write():
                store.unban_hash(HASH) if number % 2 else store.ban_hash(HASH, "leaks")
                turns.append((store.log.head().seq, number % 2 == 0))
            before = list(decided)
            while not all(now > then for now, then in zip(decided, before, strict=True)):
                assert all(thread.is_alive() for thread in threads)
                done.wait(0.005)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    turns.append((store.log.head().seq, False))
    wrong = [
        row.seq
        for (since, banned), (upto, _) in pairwise(turns)
        for row in store.log.page(since, upto, 10**6)
        if (json.loads(row.receipt)["outcome"] == "deny") is not banned
    ]
    assert wrong == []
    assert audit.verify(store) == audit.Checked(sum(decided)) and sum(decided) >= 160
    for hall in halls:
        hall.store.close()


# A lost server


async def test_what_was_decided_outlives_a_crash_of_the_server_and_the_hall_goes_on(
    store: PostgresStore, postgres: Cluster
) -> None:
    with serve_in_thread(store, rate=0) as running:
        ask = {"namespace": "n", "capability": "llm.x", "worker_id": "w"}
        headers = {"Authorization": f"Bearer {store.add_key('n')}"}
        async with httpx.AsyncClient(base_url=running.url, headers=headers, trust_env=False, timeout=30) as http:

            async def answer() -> httpx.Response:
                return await http.post("/api/v1/dispatch", json=ask)

            told = [(await answer()).json()["decision_id"] for _ in range(20)]
            postgres.stop("immediate")
            try:
                lost = [await answer() for _ in range(3)] + [await http.get("/api/v1/verify/w")]
            finally:
                postgres.start()
            assert [each.status_code for each in lost] == [503] * 4
            assert lost[0].json()["error"] == "registry error: try again"
            await until(lambda: _answers(store))
            assert (await answer()).status_code == (await http.get("/api/v1/verify/w")).status_code == 200
    logged = [json.loads(row.receipt)["decision_id"] for row in store.log.page(0, 100, 100)]
    assert set(told) <= set(logged)
    assert audit.verify(store).whole


async def test_a_transaction_that_the_server_interrupts_changes_nothing(
    store: PostgresStore, address: str, postgres: Cluster
) -> None:
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'hall' AND pid <> pg_backend_pid() "
        "AND state = 'idle in transaction'"
    )
    with pytest.raises(StoreLost, match="was lost"), store.write():
        store.ban("w", "leaks")
        assert postgres.sql(end, address=address) == "t"
        store.set_setting("x", "y")
    await until(lambda: _answers(store))
    worker = store.worker("w")
    assert worker is not None and not worker.banned and store.setting("x") is None
    store.log.decide(lambda: Batch([receipt(1)]))
    assert audit.verify(store) == audit.Checked(1)


def _answers(store: Store) -> bool:
    try:
        store.state()
    except StoreLost:
        return False
    return True
