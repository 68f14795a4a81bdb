"""`pyhall-tui hall status|keys|export|import|audit|policy`: managing a store."""

import contextlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from pyhall_tui.commands.hall import hall_group
from pyhall_tui.hall import gate
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.models import Asked
from pyhall_tui.hall.policy import load_rules
from pyhall_tui.hall.seed import seed_demo
from pyhall_tui.hall.store import SqliteStore, hash_key
from tests.hall.process import ASK, served
from tests.hall.tampering import tampering
from tests.waiting import until


def run(*arguments: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(hall_group, [str(argument) for argument in arguments], input=stdin)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "hall.db"


def test_what_is_not_there_is_a_no_with_a_sentence(db: Path) -> None:
    SqliteStore(db).close()
    for arguments in (("ban", "nobody", "--reason", "r"), ("unban", "nobody"), ("retire", "nobody")):
        result = run(*arguments, "--db", db)
        assert result.exit_code == 1
        assert result.stdout == "" and "nobody" in result.stderr
    assert run("attest", "nobody", "ab" * 32, "--db", db).exit_code == 1


def test_a_store_that_is_not_there_is_not_made_by_a_change(db: Path) -> None:
    result = run("ban", "w", "--reason", "r", "--db", db)
    assert result.exit_code == 2
    assert str(db) in result.stderr and "hall serve" in result.stderr
    assert not db.exists()


def test_without_a_db_the_store_is_in_the_users_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYHALL_TUI_DATA_DIR", str(tmp_path))
    SqliteStore(tmp_path / "hall.db").close()
    result = run("retire", "nobody")
    assert result.exit_code == 1
    assert str(tmp_path / "hall.db") in result.stderr


def lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.stderr
    return result.stdout.splitlines()


@pytest.fixture
def seeded(db: Path) -> Path:
    """A store with the demo's fleet, a key of `org.yourco` and three decisions."""
    store = SqliteStore(db)
    seed_demo(store, 1_774_000_000.0)
    store.add_key("org.yourco", "first")
    hall = Hall(store)
    for tier in ("low", "high", "critical"):
        asked = Asked(namespace="org.yourco", capability="llm.text.generate", worker_id="wkr_abc123", tier=tier)
        gate.dispatch(hall, asked, f"c-{tier}")
    store.close()
    return db


def test_keys_are_made_listed_and_revoked_while_the_hall_is_served(db: Path) -> None:
    with served(db) as hall, httpx.Client(base_url=hall.url, trust_env=False, verify=False) as http:
        (token,) = lines(run("keys", "add", "--namespace", "x.alice", "--label", "Alice's laptop", "--db", db))
        headers = {"Authorization": f"Bearer {token}"}
        assert http.get("/api/v1/ban-list", headers=headers).status_code == 200
        listed = [json.loads(line) for line in lines(run("keys", "list", "--json", "--db", db))]
        assert [key["namespace"] for key in listed] == ["org.yourco", "x.alice"]
        assert token not in str(listed)
        assert run("keys", "revoke", listed[1]["key_id"], "--db", db).exit_code == 0
        assert http.get("/api/v1/ban-list", headers=headers).status_code == 401
        assert run("keys", "revoke", listed[1]["key_id"], "--db", db).exit_code == 1
        assert "revoked" in lines(run("keys", "list", "--db", db))[1]


def test_keys_are_listed_and_revoked_by_their_namespace(seeded: Path) -> None:
    for namespace in ("x.alice", "x.alice"):
        run("keys", "add", "--namespace", namespace, "--db", seeded)
    assert len(lines(run("keys", "list", "--namespace", "x.alice", "--db", seeded))) == 2
    assert len(lines(run("keys", "revoke", "--namespace", "x.alice", "--db", seeded))) == 2
    assert run("keys", "revoke", "--namespace", "x.alice", "--db", seeded).exit_code == 1
    assert "good" in lines(run("keys", "list", "--namespace", "org.yourco", "--db", seeded))[0]
    assert run("keys", "revoke", "--db", seeded).exit_code == 2, "one of the two has to be named"


async def test_a_key_with_scopes_is_listed_with_them_and_with_its_last_use(db: Path) -> None:
    with served(db) as hall, hall.http() as http:
        (token,) = lines(
            run(
                "keys",
                "add",
                "--namespace",
                "org.yourco",
                "--scope",
                "hall:enroll",
                "--scope",
                "hall:enroll",
                "--db",
                db,
            )
        )
        assert [key["scopes"] for key in listed_keys(db)] == [[], ["hall:enroll"]]
        assert listed_keys(db)[1]["last_used"] is None and "no use noted" in lines(run("keys", "list", "--db", db))[1]
        refused = http.post("/api/v1/telemetry/decisions", json={}, headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == 403
        assert refused.json()["error"] == "this key has only the scope hall:enroll: this needs runtime:delivery"
        await until(lambda: listed_keys(db)[1]["last_used"])
        assert "all scopes" in lines(run("keys", "list", "--db", db))[0]
        assert "good  hall:enroll  used 2" in lines(run("keys", "list", "--db", db))[1]
    assert run("keys", "add", "--namespace", "n", "--scope", "hall:everything", "--db", db).exit_code == 2


def listed_keys(db: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(run("keys", "list", "--json", "--db", db))]


def test_status_says_what_is_in_a_store(seeded: Path) -> None:
    shown = json.loads(run("status", "--json", "--db", seeded).stdout)
    assert shown["workers"]["banned"] == 3
    assert shown["keys"] == {"org.yourco": 1}
    assert shown["last_day"] == {"allow": 1, "deny": 1, "hold": 1}
    assert "banned 3" in run("status", "--db", seeded).stdout


def test_an_export_is_the_whole_store_with_keys_as_hashes(seeded: Path, tmp_path: Path) -> None:
    store = SqliteStore(seeded)
    token = store.add_key("x.alice")
    scoped = store.add_key("x.alice", scopes=("hall:enroll",))
    store.close()
    assert run("export", tmp_path / "all.jsonl", "--db", seeded).exit_code == 0
    assert token not in (tmp_path / "all.jsonl").read_text()
    assert run("import", tmp_path / "all.jsonl", "--db", tmp_path / "copy.db").exit_code == 0
    first, copy = SqliteStore(seeded), SqliteStore(tmp_path / "copy.db")
    assert copy.workers() == first.workers()
    assert copy.bans() == first.bans()
    assert load_rules(copy) == load_rules(first)
    assert copy.find_key(token) is not None and copy.all_keys() == first.all_keys()
    assert copy.find_key(scoped) == first.find_key(scoped) is not None
    first.close()
    copy.close()
    assert lines(run("audit", "verify", "--db", tmp_path / "copy.db")) == ["whole: 3 decisions"]
    assert run("audit", "head", "--db", seeded).stdout == run("audit", "head", "--db", tmp_path / "copy.db").stdout


def test_an_export_from_before_scopes_is_imported(tmp_path: Path) -> None:
    key = {"key_id": "key_1", "key_hash": hash_key("t"), "namespace": "n", "label": "", "created_at": "2026"}
    rows = [{"table": "hall", "format": 1, "ended": True}, {"table": "keys", "revoked_at": None} | key]
    export = "\n".join(json.dumps(row) for row in (*rows, {"table": "end", "rows": 1}))
    assert run("import", "-", "--db", tmp_path / "copy.db", stdin=export).exit_code == 0
    copy = SqliteStore(tmp_path / "copy.db")
    assert [each.scopes for each in copy.all_keys()] == [()] and copy.find_key("t") is not None
    copy.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no such bound there")
@pytest.mark.parametrize("command", [["export"], ["audit", "export"]])
def test_an_export_that_cannot_be_written_whole_names_its_file_and_leaves_none(
    seeded: Path, tmp_path: Path, command: list[str]
) -> None:
    """F29"""
    store = SqliteStore(seeded)
    with tampering(store) as db:
        db.execute("UPDATE decisions SET receipt = json_set(receipt, '$.long', ?)", ("x" * 100_000,))
    store.close()
    program = (
        "import resource, sys; from pyhall_tui.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY)); main()"
    )
    made = tmp_path / "made.jsonl"
    arguments = ["hall", *command, str(made), "--db", str(seeded)]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"pyhall-tui hall: {made}: file too large\n"
    assert not made.exists()


def test_an_export_is_never_written_over_a_file(seeded: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    assert run("export", tmp_path / "there", "--db", seeded).exit_code == 2
    assert (tmp_path / "there").read_text() == "mine"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}\n",
        '{"table": "hall", "format": 1}\n{"table": "keys", "key_id": 1}\n',
        "x\n",
        "[" * 200_000,
        '{"table": "hall", "format": 1}\n{"table": ' + "[" * 200_000,
    ],
    ids=["empty", "no table", "columns missing", "not JSON", "deep", "deep later"],
)
def test_an_import_is_all_or_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "in.jsonl").write_text(text)
    result = run("import", tmp_path / "in.jsonl", "--db", tmp_path / "new.db")
    assert result.exit_code == 2
    assert "in.jsonl:" in result.stderr and "Traceback" not in result.stderr
    assert not list(tmp_path.glob("new.db*")), "no empty store is left behind"


@pytest.mark.parametrize("left", [1, 5, -1])
def test_an_export_that_was_cut_off_is_not_imported(seeded: Path, tmp_path: Path, left: int) -> None:
    """The bans come after the workers: without them the copy would clear banned workers."""
    exported = run("export", "--db", seeded).stdout.splitlines(keepends=True)
    result = run("import", "--db", tmp_path / "new.db", stdin="".join(exported[:left]))
    assert result.exit_code == 2
    assert "cut off" in result.stderr or "not an export" in result.stderr
    missing = run("import", "--db", tmp_path / "new.db", stdin="".join(exported[:-3] + exported[-1:]))
    assert missing.exit_code == 2
    assert not list(tmp_path.glob("new.db*"))


def test_an_export_is_read_from_standard_input_as_editors_save_it(seeded: Path, tmp_path: Path) -> None:
    """F73"""
    exported = run("export", "--db", seeded).stdout
    edited = "\ufeff" + exported.replace("\n", "\r\n")
    assert run("import", "--db", tmp_path / "new.db", stdin=edited).exit_code == 0


def test_an_import_adds_to_no_store_that_has_only_decisions_or_rules(seeded: Path, tmp_path: Path) -> None:
    exported = run("export", "--db", seeded).stdout
    SqliteStore(tmp_path / "new.db").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "new.db")) as db, db:
        db.execute("INSERT INTO rules VALUES (1, '{}')")
    result = run("import", "--db", tmp_path / "new.db", stdin=exported)
    assert (result.exit_code, "not empty" in result.stderr) == (2, True)


def test_an_import_adds_to_no_store_that_holds_something(seeded: Path) -> None:
    exported = run("export", "--db", seeded).stdout
    result = run("import", "--db", seeded, stdin=exported)
    assert result.exit_code == 2
    assert "not empty" in result.stderr


def test_audit_verify_names_the_first_bad_row(seeded: Path) -> None:
    kept = run("audit", "head", "--db", seeded).stdout.strip()
    assert lines(run("audit", "verify", "--head", kept, "--db", seeded)) == ["whole: 3 decisions"]
    with sqlite3.connect(seeded) as changed:
        changed.execute("DELETE FROM decisions WHERE seq = 3")
        changed.execute(
            "UPDATE meta SET value = (SELECT seq || ':' || entry_hash FROM decisions WHERE seq = 2) "
            "WHERE name = 'audit_head'"
        )
    changed.close()
    assert run("audit", "verify", "--db", seeded).exit_code == 0
    result = run("audit", "verify", "--head", kept, "--db", seeded)
    assert result.exit_code == 1
    assert "row 3" in result.stderr and "truncated" in result.stderr


def test_old_decisions_are_taken_out_and_the_rest_is_whole(seeded: Path) -> None:
    assert run("audit", "prune", "--db", seeded).exit_code == 2, "what to keep has to be said"
    assert lines(run("audit", "prune", "--keep-decisions", "1", "--db", seeded)) == ["removed 2 decisions"]
    (whole,) = lines(run("audit", "verify", "--db", seeded))
    assert whole.startswith("whole: 1 decision; rows 1 to 2 were removed by retention")
    assert lines(run("audit", "prune", "--keep-days", "1", "--db", seeded)) == ["removed 0 decisions"]
    assert json.loads(run("status", "--json", "--db", seeded).stdout)["decisions"] == 1


async def test_a_served_log_is_kept_as_short_as_requested(seeded: Path) -> None:
    """F92: in small pieces while it is served, and it is reported."""
    with served(seeded, "--keep-decisions", "2", key="none") as hall:
        await until(lambda: "whole: 2 decisions; rows 1 to 1" in run("audit", "verify", "--db", seeded).stdout)
        hall.end()
        assert hall.process.stderr is not None
        assert "rows 1 to 1 are being removed from the decision log: the last 2 decisions" in hall.process.stderr.read()


def test_verify_says_in_json_what_was_taken_out(seeded: Path) -> None:
    """F98"""
    kept = run("audit", "head", "--db", seeded).stdout.strip()
    run("audit", "prune", "--keep-decisions", "1", "--db", seeded)
    told = json.loads(run("audit", "verify", "--json", "--db", seeded).stdout)
    assert (told["whole"], told["decisions"], told["bad_row"]) == (True, 1, None)
    taken = told["taken_out"]
    assert (taken["from"], taken["to"]) == (1, 2) and len(taken["last_hash"]) == 64 and taken["at"].endswith("Z")
    assert taken["reason"] == "only the last 1 decision is kept (--keep-decisions)"
    assert run("audit", "verify", "--head", kept, "--db", seeded).exit_code == 0
    run("audit", "prune", "--keep-decisions", "0", "--db", seeded)
    result = run("audit", "verify", "--json", "--head", kept, "--db", seeded)
    assert result.exit_code == 0, "the anchor has the very hash"
    below = run("audit", "verify", "--head", f"1:{'ab' * 32}", "--db", seeded)
    assert below.exit_code == 1 and "row 1" in below.stderr and "no longer kept" in below.stderr


def test_what_was_taken_out_goes_with_an_export_and_comes_back(seeded: Path, tmp_path: Path) -> None:
    """F98"""
    run("audit", "prune", "--keep-decisions", "1", "--db", seeded)
    copy = tmp_path / "copy.db"
    assert run("import", "--db", copy, stdin=run("export", "--db", seeded).stdout).exit_code == 0
    assert run("audit", "verify", "--db", copy).stdout == run("audit", "verify", "--db", seeded).stdout
    assert run("audit", "head", "--db", copy).stdout == run("audit", "head", "--db", seeded).stdout


def test_the_log_is_exported_separately_and_checked_without_the_store(seeded: Path, tmp_path: Path) -> None:
    assert run("audit", "export", tmp_path / "log.jsonl", "--db", seeded).exit_code == 0
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["receipt"]["correlation_id"] for row in rows] == ["c-low", "c-high", "c-critical"]
    assert run("audit", "export", tmp_path / "log.jsonl", "--db", seeded).exit_code == 2, "nothing is written over"


def test_policy_explain_names_the_rule(seeded: Path) -> None:
    asked = ("policy", "explain", "--worker", "wkr_abc123", "--capability", "llm.text.generate", "--db", seeded)
    said = lines(run(*asked, "--risk-tier", "high"))
    assert said[0] == "hold  by llm-high  DENY_REQUIRES_HUMAN_APPROVAL"
    assert said[-1] == "→ llm-high  hold"
    found = json.loads(run(*asked, "--json").stdout)
    assert (found["decision"]["outcome"], found["decision"]["rule"]) == ("allow", "llm")


def test_policy_list_counts_what_each_rule_decided(seeded: Path) -> None:
    rules = [json.loads(line) for line in lines(run("policy", "list", "--json", "--db", seeded))]
    assert {rule["id"]: rule["hits"] for rule in rules if rule["hits"]} == {"critical": 1, "llm-high": 1, "llm": 1}


def test_a_policy_is_shown_checked_and_set(seeded: Path, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(run("policy", "show", "--db", seeded).stdout)
    assert run("policy", "check", tmp_path / "p.toml").exit_code == 0
    (tmp_path / "new.toml").write_text('[[rule]]\nid = "all"\noutcome = "allow"\n[[rule]]\noutcome = "deny"\n')
    hidden = run("policy", "check", tmp_path / "new.toml")
    assert hidden.exit_code == 1
    assert "rule-2 is unreachable" in hidden.stderr
    with served(seeded, key=SqliteStore(seeded).add_key("org.yourco")) as hall, hall.http() as http:
        critical = ASK | {"context": {"risk_tier": "critical"}}
        assert http.post("/api/v1/dispatch", json=critical).json()["outcome"] == "deny"
        assert run("policy", "set", tmp_path / "new.toml", "--db", seeded).exit_code == 0
        assert http.post("/api/v1/dispatch", json=critical).json()["outcome"] == "allow"


def test_if_a_file_is_served_its_rules_are_used_and_it_says_so(seeded: Path, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('default = "allow"\n')
    asked = ("policy", "explain", "--worker", "wkr_abc123", "--capability", "llm.text.generate", "--db", seeded)
    assert run(*asked).stderr == ""
    with served(seeded, "--policy", str(tmp_path / "p.toml"), key="none"):
        assert f"last served with: --policy {tmp_path / 'p.toml'}" in run(*asked).stderr
        assert run(*asked).stdout.startswith("allow  by default"), "F83: as that hall decides"
        assert run(*asked, "--policy", tmp_path / "p.toml").stderr == ""
        assert str(tmp_path / "p.toml") in run("status", "--db", seeded).stdout
    with served(seeded, key="none"):
        assert run(*asked).stderr == ""


@pytest.mark.parametrize("text", ["", "# soon\n", '[[rule]]\nid = "a'])
def test_a_hall_does_not_start_on_a_policy_file_that_is_none(db: Path, tmp_path: Path, text: str) -> None:
    """F82"""
    policy = tmp_path / "p.toml"
    policy.write_text(text)
    SqliteStore(db).close()
    explain = ("policy", "explain", "--worker", "w", "--namespace", "n", "--capability", "c", "--policy", policy)
    for command in (("serve", "--port", "0", "--policy", policy), ("policy", "set", policy), explain):
        result = run(*command, "--db", db)
        assert result.exit_code == 2 and f"{policy}:" in result.stderr and result.stdout == "", command


def test_policy_list_says_in_words_when_a_rule_is_open(seeded: Path, tmp_path: Path) -> None:
    """F85"""
    (tmp_path / "p.toml").write_text('[[rule]]\noutcome = "allow"\nhours = "22:00-06:00"\ndays = ["fri"]\n')
    listed = run("policy", "list", "--policy", tmp_path / "p.toml", "--db", seeded).stdout
    assert "22:00 to 06:00 of the next day, beginning on fri (UTC)" in listed


def test_a_hall_is_served_without_a_time_zone_database(db: Path, tmp_path: Path) -> None:
    """F101"""
    policy = tmp_path / "p.toml"
    policy.write_text('[[rule]]\noutcome = "allow"\nhours = "00:00-24:00"\ntimezone = "Europe/Berlin"\n')
    with served(db, "--seed", "demo", "--policy", str(policy), PYTHONTZPATH="") as hall, hall.http() as http:
        assert http.post("/api/v1/dispatch", json=ASK).json()["outcome"] == "allow"
    with served(tmp_path / "other.db", "--seed", "demo", PYTHONTZPATH="") as hall, hall.http() as http:
        assert http.post("/api/v1/dispatch", json=ASK).json()["outcome"] == "allow"


def test_the_ecosystems_rules_become_a_policy(tmp_path: Path) -> None:
    result = run("policy", "import", Path(__file__).parents[1] / "hall" / "data" / "rules-hello-greeter.json")
    assert "wrk.hello.greeter" in result.stderr
    (tmp_path / "p.toml").write_text(result.stdout)
    assert lines(run("policy", "check", tmp_path / "p.toml")) == ["2 rules, default deny"]


@pytest.mark.thorough
async def test_a_served_policy_file_is_followed_and_a_mistake_in_it_is_reported(db: Path, tmp_path: Path) -> None:
    """F82: once it has settled."""
    policy = tmp_path / "policy.toml"
    policy.write_text('default = "allow"\n')
    with served(db, "--seed", "demo", "--policy", str(policy), "--rate", "0") as hall, hall.http() as http:
        assert http.post("/api/v1/dispatch", json=ASK).json()["outcome"] == "allow"
        policy.write_text('default = "dent"\n')
        await until(lambda: f"{policy}:1:1:" in (http.get("/status").json()["policy"]["error"] or ""))
        assert http.post("/api/v1/dispatch", json=ASK).json()["outcome"] == "allow"
        policy.write_text("")
        await until(lambda: "the file is empty" in http.get("/status").json()["policy"]["error"])
        assert http.post("/api/v1/dispatch", json=ASK).json()["outcome"] == "allow"
        policy.write_text('default = "deny"\n')
        await until(lambda: http.post("/api/v1/dispatch", json=ASK).json()["outcome"] == "deny")
        assert http.get("/status").json()["policy"]["error"] is None
        hall.end()
        assert hall.process.stderr is not None
        assert f"{policy}:1:1:" in hall.process.stderr.read()


HOSTILE = "ok\x1b[2J\x9b31m\u202ertl\u2028"


def test_no_text_of_a_store_drives_the_terminal(seeded: Path, tmp_path: Path) -> None:
    """F09: nor does a given one; a policy is still read unchanged."""
    policy = tmp_path / "policy.toml"
    rule = f"id = {json.dumps(HOSTILE)}\noutcome = 'deny'\nreason = {json.dumps(HOSTILE)}"
    policy.write_text(f"default = 'deny'\n[[rule]]\n{rule}\n")
    asked = ("--worker", "org.yourco.code-review.prod-01", "--capability", HOSTILE)
    lines(run("policy", "set", policy, "--db", seeded))
    lines(run("ban", "ab" * 32, "--reason", HOSTILE, "--db", seeded))
    for command in (
        *(("policy", what) for what in ("list", "show")),
        *(("policy", "explain", *asked, *json_too) for json_too in ((), ("--json",))),
        ("ban", HOSTILE, "--reason", "r"),
        ("unban", HOSTILE),
        ("status",),
        ("export",),
    ):
        result = run(*command, "--db", seeded)
        assert (result.stdout + result.stderr).replace("\n", "").isprintable(), command
    policy.write_text(run("policy", "show", "--db", seeded).stdout)
    lines(run("policy", "check", policy))
    assert load_rules(SqliteStore(seeded)).rule[0].id == HOSTILE


@pytest.mark.parametrize(
    "command", [("ban", "w\udcff", "--reason", "r"), ("retire", "\udcff"), ("ban", "ab" * 32, "--reason", "\udcff")]
)
def test_invalid_utf8_is_reported(seeded: Path, command: tuple[str, ...]) -> None:
    """F27"""
    result = run(*command, "--db", seeded)
    assert result.exit_code == 2 and "UTF-8" in result.stderr


@pytest.mark.parametrize("command", [["audit", "verify"], ["audit", "head"], ["status"], ["export"], ["keys", "list"]])
@pytest.mark.parametrize("gone", ["decisions", "meta", "keys", "workers"])
def test_a_store_that_lost_a_table_is_one_sentence(seeded: Path, command: list[str], gone: str) -> None:
    """F75, F98: exit 2 or a no of the audit, never a crash."""
    with contextlib.closing(sqlite3.connect(seeded)) as db, db:
        db.execute(f"DROP TABLE {gone}")
    result = run(*command, "--db", seeded)
    assert result.exit_code in (0, 2)
    assert result.exit_code == 0 or "no such table" in result.stderr
    assert "crashed" not in result.stderr


def test_a_store_with_a_damaged_page_is_one_sentence(seeded: Path) -> None:
    """F75: 8 KiB of noise past the first page."""
    SqliteStore(seeded).close()
    with contextlib.closing(sqlite3.connect(seeded)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = seeded.read_bytes()
    seeded.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))
    for command in (["audit", "verify"], ["status"], ["export"], ["keys", "list"], ["ban", "ab" * 32, "--reason", "x"]):
        result = run(*command, "--db", seeded)
        assert result.exit_code == 2, command
        assert "malformed" in result.stderr and "crashed" not in result.stderr
