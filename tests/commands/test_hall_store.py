"""How a hall's store is named: a file, or a database on a server."""

import subprocess
import sys
from pathlib import Path

import pytest

from pyhall_tui.hall.store import SqliteStore
from tests.hall.process import ASK, run, served
from tests.postgres_cluster import Cluster

COMMANDS = [["serve", "--port", "0"], ["status"], ["export"], ["import"], ["keys", "list"], ["audit", "verify"]]


def hall(*words: str, cwd: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    script = f"{before}\nfrom pyhall_tui.cli import main\nimport sys\nsys.exit(main())"
    command = [sys.executable, "-c", script, "hall", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60, check=False)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.thorough
def test_a_password_in_the_address_is_refused_and_not_repeated(command: list[str], tmp_path: Path) -> None:
    """F110: and no folder of that name is made."""
    done = hall(*command, "--db", "postgresql://user:word@host/hall", cwd=tmp_path)
    assert done.returncode == 64
    assert "the address contains a password" in done.stderr and "PGPASSFILE" in done.stderr
    assert "word@" not in done.stderr and "user:" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "address",
    [
        *("postgres://u:sesame@h1,h2/d", "postgresql://h/d?password=sesame", "postgresql://h/d?pass%77ord=sesame"),
        *(
            "postgresql://u:se/sesame@h/d",
            "postgresql://u:se?sesame@h",
            "postgresql://u:se#sesame@h",
            "POSTGRESQL://u:sesame@h",
        ),
        *("postgresql://u:sesame@[::1]:5432/d", "postgresql://h/d?sslpassword=sesame", "postgresql://:sesame@h/d"),
    ],
)
def test_a_password_is_found_wherever_it_is(address: str) -> None:
    result = run("status", "--db", address)
    assert result.exit_code == 2 and "the address contains a password" in result.stderr
    assert "sesame" not in result.output


@pytest.mark.parametrize(
    "address", ["postgresql+psycopg://h", "sqlite:///x.db", "https://h/d", "file:x?mode=ro", "pg:/x"]
)
def test_any_other_kind_of_address_is_refused(address: str) -> None:
    """F110"""
    result = run("status", "--db", address)
    assert result.exit_code == 2
    assert "a hall's store is a file, or postgresql://HOST/DATABASE" in result.stderr


@pytest.mark.thorough
def test_without_the_extra_a_sentence_names_it(tmp_path: Path) -> None:
    done = hall("status", "--db", "postgresql://h/d", cwd=tmp_path, before="import sys; sys.modules['psycopg'] = None")
    assert done.returncode == 2
    assert "a store in PostgreSQL needs the package psycopg: install pyhall-tui[postgres]" in done.stderr


@pytest.mark.thorough
def test_a_store_in_a_file_needs_nothing_of_the_extra(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "hall.db").close()
    ends = "import atexit, sys; atexit.register(lambda: print('psycopg' in sys.modules))"
    done = hall("status", "--db", "hall.db", cwd=tmp_path, before=ends)
    assert done.returncode == 0 and done.stdout.endswith("False\n")


def test_a_server_that_does_not_answer_is_a_sentence(tmp_path: Path) -> None:
    result = run("status", "--db", f"postgresql:///hall?host={tmp_path}")
    assert result.exit_code == 2
    assert "pyhall-tui hall: can't open the hall's store postgresql:///hall" in result.stderr


@pytest.mark.thorough
def test_a_hall_is_served_from_a_database_and_changed_beside_it(postgres: Cluster, tmp_path: Path) -> None:
    address = postgres.database()
    missing = run("ban", "w", "--reason", "r", "--db", address)
    assert missing.exit_code == 2 and "create one with hall serve" in missing.stderr
    with served(address, "--seed", "demo") as one, served(address, key=one.key) as other, one.http() as http:
        worker = next(line for line in run("export", "--db", address).stdout.splitlines() if '"workers"' in line)
        worker_id = worker.partition('"worker_id": "')[2].partition('"')[0]
        assert run("ban", worker_id, "--reason", "leaks", "--db", address).exit_code == 0
        for url in (one.url, other.url):
            assert http.get(f"{url}/api/v1/verify/{worker_id}").json()["banned"]
            assert http.post(f"{url}/api/v1/dispatch", json=ASK | {"worker_id": worker_id}).json()["outcome"] == "deny"
        assert (one.end(), other.end()) == (0, 0)
    assert run("status", "--db", address).exit_code == 0
    assert run("audit", "verify", "--db", address).exit_code == 0
    for source, target in ((address, tmp_path / "copy.db"), (tmp_path / "copy.db", postgres.database("another"))):
        file = tmp_path / f"{len(str(source))}.jsonl"
        assert run("export", file, "--db", source).exit_code == 0
        assert run("import", file, "--db", target).exit_code == 0
        assert run("audit", "head", "--db", target).stdout == run("audit", "head", "--db", address).stdout
