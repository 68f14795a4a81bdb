"""`pyhall-tui dispatch …` against the hall."""

import asyncio
import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.journal.journal import Journal
from tests.commands.asking import read_only_profile, run_here, run_program
from tests.live_hall import LiveHall
from tests.registry.raw_server import answer, raw_server

ASK = ("--capability", "llm.text.generate", "--worker", "wkr_abc123")


def dispatch(home: Path, hall: LiveHall, *arguments: str) -> CompletedProcess[str]:
    return run_here(home, "dispatch", *ASK, *arguments, url=hall.url, key=hall.key)


def test_allow_is_zero_and_prints_its_decision(hall: LiveHall, tmp_path: Path) -> None:
    done = dispatch(tmp_path, hall, "--correlation-id", "req-mine")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("●  ALLOW")
    assert "decision dec_" in done.stdout
    assert json.loads(hall.requests[-1].body)["context"] == {"risk_tier": "low", "correlation_id": "req-mine"}


@pytest.mark.parametrize(("tier", "word"), [("critical", "✖  DENY"), ("high", "◆  HOLD")])
def test_deny_and_hold_are_one(hall: LiveHall, tmp_path: Path, tier: str, word: str) -> None:
    done = dispatch(tmp_path, hall, "--risk-tier", tier)

    assert done.returncode == 1
    assert done.stdout.startswith(word)


def test_a_deny_is_explained_on_standard_error(hall: LiveHall, tmp_path: Path) -> None:
    done = dispatch(tmp_path, hall, "--risk-tier", "critical")

    assert "POLICY_BLOCKED" in done.stdout
    assert "policy forbids it" in done.stderr


def test_a_lost_answer_is_two_says_so_and_is_kept_as_unknown(hall: LiveHall, tmp_path: Path) -> None:
    """F15."""
    hall.faults.add(path="/api/v1/dispatch", drop="answered")

    done = dispatch(tmp_path, hall, "--correlation-id", "req-lost", "--json")
    with Journal.open(tmp_path / "data" / "journal.db", SystemClock()) as journal:
        (row,) = journal.dispatches("environment")

    assert done.returncode == 2
    assert json.loads(done.stdout)["result"] == "unknown"
    assert "outcome is unknown" in done.stderr
    assert (row.correlation_id, row.may_have_reached) == ("req-lost", True)
    assert sum(seen.method == "POST" for seen in hall.requests) == 1


async def test_a_redirect_is_not_followed_and_shows_the_new_address(tmp_path: Path) -> None:
    """F14."""
    async with raw_server() as server:
        server.answer(answer(b"", "301 Moved Permanently", f"Location: {server.url}/new/api/v1/dispatch"))
        done = await asyncio.to_thread(run_program, tmp_path, "dispatch", *ASK, url=server.url, key="phk_live_k")

        assert done.returncode == 2
        assert f"{server.url}/new" in done.stderr
        assert [request.method for request in server.requests] == ["POST"]


def test_a_context_that_is_not_an_object_is_wrong_usage_and_nothing_is_sent(hall: LiveHall, tmp_path: Path) -> None:
    done = dispatch(tmp_path, hall, "--context", "[1]")

    assert done.returncode == 64
    assert "--context" in done.stderr
    assert not hall.requests


def test_a_read_only_profile_refuses_with_the_reason(hall: LiveHall, tmp_path: Path) -> None:
    """F45."""
    read_only_profile(tmp_path, hall)
    done = run_program(tmp_path, "--profile", "look", "dispatch", *ASK, url="", key=hall.key)

    assert done.returncode == 2
    assert "read-only" in done.stderr
    assert not hall.requests
