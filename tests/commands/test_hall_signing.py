"""`pyhall-tui hall audit new-key|public-key|checkpoint|verify` and `hall serve --signing-key`."""

import json
import os
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.commands.hall import signing
from pyhall_tui.hall import audit
from pyhall_tui.hall.checkpoints import sign_head
from pyhall_tui.hall.signed_note import SigningKey
from pyhall_tui.hall.store import SqliteStore
from tests.hall import tampering
from tests.hall.process import ASK, Served, run, served


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    assert run("audit", "new-key", file, "--name", "hall.yourco.org").exit_code == 0
    return file


@pytest.fixture
def public(key: Path) -> str:
    return run("audit", "public-key", key).stdout.strip()


@pytest.fixture
def db(tmp_path: Path, key: Path) -> Path:
    """A store with a signed log."""
    file = tmp_path / "hall.db"
    fill(file)
    with_store(file, lambda store: sign_head(store, SigningKey.read(key.read_text())))
    return file


def with_store(file: Path, work) -> None:
    store = SqliteStore(file)
    work(store)
    store.close()


def fill(file: Path, outcome: str = "deny") -> None:
    def put(store: SqliteStore) -> None:
        audit.append(
            store, *({"outcome": outcome, "namespace": "a", "rule": "r", "decided_at": store.now()} for _ in range(5))
        )

    with_store(file, put)


def test_a_new_key_is_only_for_its_owner_and_never_replaces_one(key: Path, public: str) -> None:
    if os.name == "posix":
        assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_text()
    again = run("audit", "new-key", key, "--name", "x")
    assert (again.exit_code, key.read_text()) == (2, before)
    assert public.startswith("hall.yourco.org+")
    assert before.strip().split("+")[-1] not in public


@pytest.mark.skipif(os.name != "posix", reason="needs file modes")
def test_a_key_that_others_can_read_is_refused(key: Path, db: Path) -> None:
    key.chmod(0o644)
    for words in (("audit", "public-key", key), ("audit", "checkpoint", "--signing-key", key, "--db", db)):
        refused = run(*words)
        assert refused.exit_code == 2
        assert "chmod 600" in refused.stderr
    key.chmod(0o440)  # as a service manager hands it out
    assert run("audit", "public-key", key).exit_code == 0


def test_a_signed_log_is_proven(db: Path, public: str, tmp_path: Path) -> None:
    done = run("audit", "verify", "--public-key", public, "--db", db)
    assert done.exit_code == 0
    assert "proven up to row 5" in done.stdout
    (tmp_path / "public").write_text(public + "\n")
    assert run("audit", "verify", "--public-key", tmp_path / "public", "--db", db).exit_code == 0
    told = json.loads(run("audit", "verify", "--public-key", public, "--json", "--db", db).stdout)
    assert (told["whole"], told["proven_to"]) == (True, 5)


def test_without_a_public_key_nothing_is_called_proven(db: Path) -> None:
    done = run("audit", "verify", "--db", db)
    assert done.exit_code == 0
    assert "not proven" in done.stderr


def test_a_log_that_was_written_again_whole_is_a_no(db: Path, public: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text(run("audit", "checkpoint", "--db", db).stdout)
    db.unlink()
    fill(db, "allow")
    assert run("audit", "verify", "--db", db).exit_code == 0
    for words in ((), ("--checkpoint", kept)):
        refused = run("audit", "verify", "--public-key", public, *words, "--db", db)
        assert refused.exit_code == 1
    assert "row 1 of" in refused.stderr and "rewritten" in refused.stderr


def test_a_store_that_was_never_signed_is_a_no(tmp_path: Path, public: str) -> None:
    fill(tmp_path / "old.db")
    refused = run("audit", "verify", "--public-key", public, "--db", tmp_path / "old.db")
    assert refused.exit_code == 1
    assert "no checkpoint" in refused.stderr
    assert run("audit", "checkpoint", "--db", tmp_path / "old.db").exit_code == 1


@pytest.mark.parametrize("content", [b"", b"x", b"a\n\n\xe2\x80\x94 b c\n", b"\xff"])
def test_a_file_that_is_not_a_checkpoint_is_an_error(db: Path, public: str, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kept").write_bytes(content)
    refused = run("audit", "verify", "--public-key", public, "--checkpoint", tmp_path / "kept", "--db", db)
    assert refused.exit_code == 2
    assert str(tmp_path / "kept") in refused.stderr


def test_a_key_that_is_not_one_is_an_error(db: Path) -> None:
    for given in ("", "hall+x+y", "/nowhere/key"):
        assert run("audit", "verify", "--public-key", given or "+", "--db", db).exit_code == 2
    assert run("audit", "verify", "--checkpoint", "x", "--db", db).exit_code == 2


def ask(hall: Served) -> None:
    with hall.http() as http:
        assert http.post("/api/v1/dispatch", json=ASK).status_code == 200


@pytest.mark.thorough
def test_a_served_hall_signs_its_log_and_keeps_the_checkpoints_elsewhere(
    tmp_path: Path, key: Path, public: str
) -> None:
    db, elsewhere = tmp_path / "hall.db", tmp_path / "elsewhere"
    options = ("--signing-key", str(key), "--checkpoint-to", str(elsewhere))
    with served(db, *options) as hall:
        ask(hall)
        until_signed(elsewhere, 1)
        with hall.http() as http:
            log = http.get("/status").json()["log"]
        assert (log["seq"], log["signed_by"], log["error"]) == (1, "hall.yourco.org", None)
        assert log["checkpoint"]["entry_hash"] == log["entry_hash"]
        ask(hall)
        if sys.platform != "win32":
            assert hall.end() == 0
    first_key = hall.key
    done = run("audit", "verify", "--public-key", public, "--checkpoint", elsewhere, "--db", db)
    assert done.exit_code == 0, done.stderr
    assert "proven up to row 2" in done.stdout
    connection = sqlite3.connect(db)
    with connection:
        connection.executescript(
            "DELETE FROM decisions; DELETE FROM checkpoints; DELETE FROM meta WHERE name = 'audit_head'"
        )
    connection.close()
    with served(db, *options, key=first_key) as hall:
        assert hall.process.wait(30) == 2
        assert hall.process.stderr
        assert "row 2 was signed" in hall.process.stderr.read()


def until_signed(file: Path, count: int) -> None:
    end = time.monotonic() + 60
    while (file.read_text().count("\n— ") if file.exists() else 0) < count:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_place_without_a_key_is_wrong_usage(db: Path, tmp_path: Path) -> None:
    refused = run("serve", "--db", db, "--port", "0", "--checkpoint-to", tmp_path / "x")
    assert refused.exit_code == 2
    assert "--signing-key" in refused.stderr


def test_a_place_that_cannot_be_written_is_said_before_the_start(db: Path, key: Path, tmp_path: Path) -> None:
    words = ("--signing-key", key, "--checkpoint-to", tmp_path / "none" / "x")
    refused = run("serve", "--db", db, "--port", "0", *words)
    assert refused.exit_code == 2
    assert "none" in refused.stderr


@pytest.mark.thorough
def test_a_hall_starts_on_a_file_whose_last_checkpoint_was_cut(
    db: Path, tmp_path: Path, key: Path, public: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    note = run("audit", "checkpoint", "--db", db).stdout
    elsewhere.write_bytes((note + note).encode()[:-40])
    with served(db, "--signing-key", str(key), "--checkpoint-to", str(elsewhere), key="none") as hall:
        assert hall.process.poll() is None
        if sys.platform != "win32":
            assert hall.end() == 0
        assert hall.process.stderr
        assert "1 checkpoint was not written to the end" in hall.process.stderr.read()
    fill(db)
    with_store(db, lambda store: sign_head(store, SigningKey.read(key.read_text())))
    with elsewhere.open("ab") as file:
        file.write(b"\n\n" + run("audit", "checkpoint", "--db", db).stdout.encode())
    done = run("audit", "verify", "--public-key", public, "--checkpoint", elsewhere, "--db", db)
    assert (done.exit_code, "passed over" in done.stderr) == (0, True)
    elsewhere.write_bytes(note.encode()[:60])
    refused = run("audit", "verify", "--public-key", public, "--checkpoint", elsewhere, "--db", db)
    assert refused.exit_code == 2 and "no checkpoint" in refused.stderr


def test_only_the_end_of_a_long_file_of_checkpoints_is_read_at_the_start(
    db: Path, tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "_TAIL", 1000)
    elsewhere = tmp_path / "elsewhere"
    note = run("audit", "checkpoint", "--db", db).stdout
    elsewhere.write_text("not looked at\n" * 1000 + note * 100)
    store = SqliteStore(db)
    made = signing.signing_of(store, SystemClock(), key, str(elsewhere))
    assert made is not None and made.last is not None and made.last.seq == 5
    store.close()


# A second key


@pytest.fixture
def other(tmp_path: Path) -> Path:
    file = tmp_path / "other"
    assert run("audit", "new-key", file, "--name", "hall.yourco.org").exit_code == 0
    return file


def test_another_key_is_refused_and_the_log_stays_proven(db: Path, public: str, other: Path) -> None:
    for words in (("serve", "--port", "0"), ("audit", "checkpoint")):
        refused = run(*words, "--db", db, "--signing-key", other)
        assert refused.exit_code == 2
        assert "is signed by hall.yourco.org (key " in refused.stderr and "hall audit change-key" in refused.stderr
    assert run("audit", "verify", "--public-key", public, "--db", db).exit_code == 0


def test_a_key_is_changed_deliberately(db: Path, public: str, key: Path, other: Path, tmp_path: Path) -> None:
    new = run("audit", "public-key", other).stdout.strip()
    words = ("audit", "change-key", "--db", db, "--from", public, "--signing-key")
    assert run(*words, key).exit_code == 2
    changed = run(*words, other)
    assert (changed.exit_code, "— hall.yourco.org " in changed.stdout) == (0, True), changed.stderr
    kept = tmp_path / "kept"
    fill(db)
    kept.write_text(changed.stdout + run("audit", "checkpoint", "--signing-key", other, "--db", db).stdout)
    assert run("audit", "checkpoint", "--signing-key", key, "--db", db).exit_code == 2
    for keys in ((public, new), (new,)):
        given = [word for each in keys for word in ("--public-key", each)]
        done = run("audit", "verify", *given, "--checkpoint", kept, "--db", db)
        assert (done.exit_code, "proven up to row 10" in done.stdout) == (0, True), done.stderr
    again = run("serve", "--port", "0", "--db", db, "--signing-key", key, "--checkpoint-to", tmp_path / "x")
    assert again.exit_code == 2


def test_checkpoints_of_the_key_before_are_not_continued_by_the_next_one(
    db: Path, public: str, other: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(run("audit", "checkpoint", "--db", db).stdout)
    assert run("audit", "change-key", "--db", db, "--from", public, "--signing-key", other).exit_code == 0
    refused = run("serve", "--port", "0", "--db", db, "--signing-key", other, "--checkpoint-to", elsewhere)
    assert refused.exit_code == 2
    assert "new file" in refused.stderr


def test_a_key_is_not_changed_on_a_log_that_was_cut(db: Path, public: str, other: Path) -> None:
    cut(db, 3)
    refused = run("audit", "change-key", "--db", db, "--from", public, "--signing-key", other)
    assert refused.exit_code == 2
    assert "row 5 was signed" in refused.stderr


def cut(db: Path, left: int, *, checkpoints: bool = False) -> None:
    with_store(db, lambda store: tampering.cut(store, left, checkpoints=checkpoints))


@pytest.mark.thorough
def test_a_hall_without_a_key_warns_on_a_log_that_others_sign(db: Path) -> None:
    with served(db, key="none") as hall:
        if sys.platform != "win32":
            assert hall.end() == 0
        else:
            hall.process.kill()
        assert hall.process.stderr
        warned = hall.process.stderr.read()
    assert "signed by hall.yourco.org (key " in warned and "no --signing-key" in warned


def test_the_status_says_who_signs_the_log(db: Path, tmp_path: Path) -> None:
    assert "signed up to row 5 on " in run("status", "--db", db).stdout
    assert json.loads(run("status", "--db", db, "--json").stdout)["log"]["stated"]["seq"] == 5
    fill(tmp_path / "plain.db")
    assert "not signed" in run("status", "--db", tmp_path / "plain.db").stdout


# What is not there proves nothing


def test_an_emptied_log_is_not_called_proven(db: Path, public: str) -> None:
    cut(db, 0, checkpoints=True)
    assert run("audit", "verify", "--db", db).exit_code == 0
    refused = run("audit", "verify", "--public-key", public, "--db", db)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "the log is empty" in refused.stderr and "nothing is proven" in refused.stderr
    told = json.loads(run("audit", "verify", "--public-key", public, "--db", db, "--json").stdout)
    assert (told["whole"], told["proven_to"]) == (False, 0)


def test_a_cut_log_is_bad_from_the_first_missing_row_on(db: Path, public: str) -> None:
    cut(db, 3)
    refused = run("audit", "verify", "--public-key", public, "--db", db)
    assert (refused.exit_code, "row 4 of " in refused.stderr) == (1, True)
    assert json.loads(run("audit", "verify", "--public-key", public, "--db", db, "--json").stdout)["bad_row"] == 4


def test_a_proof_without_checkpoints_kept_elsewhere_says_what_it_cannot_show(db: Path, public: str) -> None:
    assert "--checkpoint" in run("audit", "verify", "--public-key", public, "--db", db).stderr


def test_a_checkpoint_of_an_empty_log_says_that_it_is_empty(tmp_path: Path, key: Path) -> None:
    with_store(tmp_path / "new.db", lambda store: None)
    for words in ((), ("--signing-key", key)):
        refused = run("audit", "checkpoint", *words, "--db", tmp_path / "new.db")
        assert refused.exit_code == 1
        assert "is empty" in refused.stderr and "--signing-key" not in refused.stderr
