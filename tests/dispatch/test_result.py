"""The result of a dispatch, over a real socket, and as read back from the journal."""

from pathlib import Path

import msgspec
import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.dispatch.codes import CODES, explain
from pyhall_tui.dispatch.result import Result, Tried, abandoned, read_back, result_of, try_dispatch
from pyhall_tui.journal.journal import Journal
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.models import DispatchRequest
from tests.live_hall import CAPABILITY, WORKER, LiveHall


def request(tier: str = "low") -> DispatchRequest:
    context = {"risk_tier": tier, "correlation_id": "req-1"}
    return DispatchRequest(namespace="org.yourco", capability=CAPABILITY, worker_id=WORKER, context=context)


async def tried(hall: LiveHall, tier: str = "low", **fields: object) -> Tried:
    profile = Profile(name="t", namespace="org.yourco", registry_url=hall.url, timeout=2.0, **fields)  # type: ignore[arg-type]
    async with RegistryClient(profile, ApiKey(hall.key), SystemClock()) as client:
        return await try_dispatch(client.dispatch, request(tier), SystemClock())


@pytest.mark.parametrize(("tier", "result"), [("low", "allow"), ("high", "hold"), ("critical", "deny")])
async def test_an_answer_is_read_and_read_back_the_same(hall: LiveHall, tier: str, result: str) -> None:
    now = await tried(hall, tier)

    assert now.result == Result(result)
    assert now.correlation_same is True
    assert read_back(now.row).result is now.result


async def test_a_hold_whose_word_is_allow_is_never_read_back_as_an_allow(hall: LiveHall) -> None:
    hall.faults.add(path="/api/v1/dispatch", status=200, body='{"outcome":"allow","supervisor_required":true}')

    now = await tried(hall)
    without_raw = msgspec.structs.replace(now.row, response_raw=b"")

    assert now.result is result_of(now.row) is result_of(without_raw) is Result.HOLD


async def test_a_word_not_heard_of_is_other(hall: LiveHall) -> None:
    hall.faults.add(path="/api/v1/dispatch", status=200, body='{"outcome":"ALLOW","correlation_id":"req-2"}')

    now = await tried(hall)

    assert now.result is Result.OTHER
    assert now.correlation_same is False


async def test_a_connection_that_dies_leaves_the_outcome_unknown_and_nothing_is_sent_again(hall: LiveHall) -> None:
    """F15."""
    hall.faults.add(path="/api/v1/dispatch", drop="answered")

    now = await tried(hall)

    assert now.result is Result.UNKNOWN
    assert now.row.may_have_reached
    assert sum(seen.method == "POST" for seen in hall.requests) == 1


async def test_a_refusal_is_an_error_and_no_deny(hall: LiveHall) -> None:
    hall.faults.add(path="/api/v1/dispatch", status=403)

    now = await tried(hall)

    assert now.result is Result.ERROR
    assert now.row.status == 403


async def test_a_read_only_profile_sends_nothing(hall: LiveHall) -> None:
    """F45."""
    now = await tried(hall, read_only=True)

    assert now.result is Result.ERROR
    assert "read-only" in now.row.error
    assert not hall.requests


def test_a_dispatch_that_was_not_waited_for_is_unknown() -> None:
    assert result_of(abandoned(request(), 1.0).row) is Result.UNKNOWN


def test_a_row_without_a_word_is_not_an_allow() -> None:
    row = msgspec.structs.replace(abandoned(request(), 1.0).row, error="", outcome="")

    assert result_of(row) is Result.OTHER


def test_every_known_code_is_explained_in_sentences() -> None:
    for code, explanation in CODES.items():
        assert explanation.means.endswith("."), code
        assert explanation.look_at.endswith("."), code


def test_an_unknown_code_is_not_explained_and_a_family_is() -> None:
    assert explain("X_NEW") is None
    assert explain("DENY_REQUIRES_HUMAN_SIGNATURE") is not None
    assert explain("MISSING_CAPABILITY") is not None


@pytest.mark.parametrize(
    ("word", "result"), [("no → allow", "other"), ("→ allow", "other"), ("deny → allow", "other"), ("allow", "allow")]
)
async def test_a_word_with_an_arrow_is_reported_and_kept_as_understood(
    hall: LiveHall, tmp_path: Path, word: str, result: str
) -> None:
    """F111: in the history as at once."""
    hall.faults.add(path="/api/v1/dispatch", status=200, body=f'{{"outcome":"{word}"}}')
    now = await tried(hall)
    with Journal.open(tmp_path / "journal.db", SystemClock()) as journal:
        journal.record_dispatch("t", now.row)
        journal.flush(30)
        (row,) = journal.dispatches("t")
    assert now.result is read_back(row).result is Result(result)
    assert (row.outcome, row.result) == (word, result)


def test_a_result_that_a_later_version_wrote_is_not_an_allow() -> None:
    """F111."""
    row = msgspec.structs.replace(abandoned(request(), 1.0).row, error="", outcome="allow", result="allowed_once")
    assert result_of(row) is Result.OTHER


async def test_an_allow_for_another_request_is_not_an_allow_at_once_and_in_the_history(hall: LiveHall) -> None:
    """F112."""
    hall.faults.add(path="/api/v1/dispatch", status=200, body='{"outcome":"allow","correlation_id":"req-2"}', count=1)
    hall.faults.add(path="/api/v1/dispatch", status=200, body='{"outcome":"allow","capability":"x"}')
    other_id, other_capability = await tried(hall), await tried(hall)
    assert other_id.result is result_of(other_id.row) is Result.OTHER and other_id.correlation_same is False
    assert other_capability.result is result_of(other_capability.row) is Result.UNKNOWN
