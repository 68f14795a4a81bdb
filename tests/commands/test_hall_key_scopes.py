"""`pyhall-tui hall keys scope`: what a key may do is changed while halls run, and the key stays the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.hall.process import ASK, Served, run, served
from tests.postgres_cluster import Cluster

ENROLL = {"namespace": "org.yourco", "display_name": "N", "capabilities": ["a"], "sha256": "ab" * 32}


def listed(db: Path | str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("keys", "list", "--json", "--db", db).stdout.splitlines()]


def statuses(*halls: Served) -> set[tuple[int, int]]:
    """What each hall answers to a dispatch and to an enrollment."""
    answers = set()
    for hall in halls:
        with hall.http() as http:
            asked = http.post("/api/v1/dispatch", json=ASK), http.post("/api/v1/hall/enroll", json=ENROLL)
        answers.add((asked[0].status_code, asked[1].status_code))
    return answers


def scopes_change(halls: tuple[Served, ...], db: Path | str) -> None:
    (key,) = listed(db)
    steps: list[tuple[list[str], list[str], str, set[tuple[int, int]]]] = [
        (["--scope", "hall:enroll"], ["hall:enroll"], "hall:enroll instead of all scopes", {(403, 201)}),
        (["--scope", "runtime:delivery"], ["runtime:delivery"], "instead of hall:enroll", {(200, 403)}),
        (["--scope", "runtime:delivery"] * 2, ["runtime:delivery"], "has runtime:delivery\n", {(200, 403)}),
        (["--all"], [], "has all scopes instead of runtime:delivery", {(200, 201)}),
    ]
    for options, scopes, said, answered in steps:
        done = run("keys", "scope", key["key_id"], *options, "--db", db)
        assert done.exit_code == 0 and said in done.stdout
        assert statuses(*halls) == answered
        (now,) = listed(db)
        assert now | {"last_used": None} == key | {"scopes": scopes, "last_used": None}, "all else stays"


@pytest.mark.thorough
def test_in_a_file_the_running_hall_obeys_at_once(tmp_path: Path) -> None:
    with served(tmp_path / "hall.db") as hall:
        scopes_change((hall,), tmp_path / "hall.db")


@pytest.mark.thorough
def test_in_a_database_all_its_halls_obey_at_once(postgres: Cluster) -> None:
    address = postgres.database()
    with served(address) as one, served(address, key=one.key) as other:
        scopes_change((one, other), address)


def test_a_revoked_key_stays_revoked_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    db = tmp_path / "hall.db"
    with served(db):
        (key,) = listed(db)
    assert run("keys", "revoke", key["key_id"], "--db", db).exit_code == 0
    for key_id in (key["key_id"], "key_none"):
        done = run("keys", "scope", key_id, "--all", "--db", db)
        assert done.exit_code == 1 and f"there is no valid key {key_id}" in done.stderr
    assert listed(db)[0]["revoked_at"]


@pytest.mark.parametrize("options", [[], ["--all", "--scope", "hall:enroll"], ["--scope", "hall:all"]])
def test_what_the_key_may_do_has_to_be_clear(tmp_path: Path, options: list[str]) -> None:
    assert run("keys", "scope", "key_x", *options, "--db", tmp_path / "none.db").exit_code == 2
