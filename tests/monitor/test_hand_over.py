"""What the engine learns goes to another thread together, unless it is bad news."""

from collections.abc import Callable
from typing import Any

import pytest

from pyhall_tui.clock import Moment
from pyhall_tui.monitor.connection_state import ConnectionState
from pyhall_tui.monitor.hand_over import HandOver
from pyhall_tui.registry.models import BanList, RequestRecord, Verdict
from tests.waiting import until

AT = Moment(1_000.0, 1_774_000_000.0)
NEVER = 3_600.0


class Other:
    """Replaces the other thread: counts how often it is woken, and records what it gets."""

    def __init__(self, patience: float) -> None:
        self.woken = 0
        self.taken: list[str] = []
        self.sink = HandOver(
            self._wake,
            verdict=lambda verdict, asked: self._take(verdict.worker_id),
            failed=lambda worker_id, error: self._take(f"failed {worker_id}"),
            ban_list=lambda answer, asked: self._take("ban list"),
            state=lambda state: self._take("state"),
            ages=lambda state: self._take("ages"),
            event=lambda event: self._take("event"),
            request=lambda record: self._take("request"),
            patience=lambda: patience,
        )

    def _take(self, what: str) -> None:
        if what == "wkr_fault":
            raise ValueError("a bug")
        self.taken.append(what)

    def _wake(self, function: Callable[..., None], *args: Any) -> None:
        self.woken += 1
        function(*args)


def verdict(worker_id: str, **changes: object) -> Verdict:
    fields: dict[str, object] = {"known": True, "status": "active", "attested": True, "sha256": "a" * 64}
    return Verdict(worker_id=worker_id, **(fields | changes))  # type: ignore[arg-type]


def record() -> RequestRecord:
    return RequestRecord(method="GET", path="/", status=200, error=None, elapsed=0.1, correlation_id="", at=AT)


async def test_several_verdicts_wake_the_other_thread_once_and_keep_their_order() -> None:
    other = Other(patience=0.01)
    for number in range(5):
        other.sink.request(record())
        other.sink.verdict(verdict(f"wkr_{number}"), AT)
    assert other.taken == []
    await until(lambda: other.woken == 1)
    assert other.taken == [what for number in range(5) for what in ("request", f"wkr_{number}")]


@pytest.mark.parametrize(
    "worse",
    [
        {"banned": True},
        {"known": False, "attested": False},
        {"status": "revoked"},
        {"attested": False},
        {"doubts": ("Its ban status is a word that this program does not know.",)},
    ],
)
async def test_a_verdict_that_is_worse_than_before_goes_at_once_with_all_that_waits(worse: dict[str, object]) -> None:
    other = Other(patience=NEVER)
    other.sink.verdict(verdict("wkr_1"), AT)
    other.sink.verdict(verdict("wkr_2", **worse), AT)
    assert other.taken == ["wkr_1", "wkr_2"]
    other.sink.verdict(verdict("wkr_2", **worse), AT)
    assert other.woken == 1, "it says the same as the last one"
    other.sink.verdict(verdict("wkr_2"), AT)
    other.sink.verdict(verdict("wkr_2", **worse), AT)
    assert other.woken == 2


async def test_a_ban_list_and_a_change_of_the_connection_never_wait() -> None:
    other = Other(patience=NEVER)
    other.sink.verdict(verdict("wkr_1"), AT)
    other.sink.ban_list(BanList(entries={}), AT)
    other.sink.state(ConnectionState())
    assert other.taken == ["wkr_1", "ban list", "state"]


async def test_ages_go_with_what_goes_next_and_wake_nobody_by_themselves() -> None:
    """A header at rest costs nothing; of several only the newest goes."""
    other = Other(patience=0.01)
    for _ in range(3):
        other.sink.ages(ConnectionState())
    other.sink.flush()
    assert other.woken == 0
    other.sink.verdict(verdict("wkr_1"), AT)
    await until(lambda: other.woken == 1)
    assert other.taken == ["wkr_1", "ages"]
    other.sink.ages(ConnectionState())
    other.sink.state(ConnectionState())
    assert other.taken == ["wkr_1", "ages", "state"], "a state has them already"


async def test_what_waits_at_the_end_is_handed_over() -> None:
    other = Other(patience=NEVER)
    other.sink.verdict(verdict("wkr_1"), AT)
    other.sink.flush()
    other.sink.flush()
    assert (other.taken, other.woken) == (["wkr_1"], 1)


async def test_one_that_fails_keeps_no_other_off() -> None:
    other = Other(patience=0.01)
    for worker_id in ("wkr_1", "wkr_fault", "wkr_2"):
        other.sink.verdict(verdict(worker_id), AT)
    await until(lambda: other.woken == 1)
    assert other.taken == ["wkr_1", "wkr_2"]
