"""No answer of a registry, of now or of an earlier run's journal, makes the app end or impossible to open."""

import json
from pathlib import Path

import pytest

from pyhall_tui.clock import SystemClock
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.last_verdict import LastVerdict
from pyhall_tui.journal.rows import DispatchRow
from pyhall_tui.paths import Home
from pyhall_tui.registry.models import Verdict
from pyhall_tui.screens.dispatch.screen import DispatchScreen
from pyhall_tui.screens.worker.screen import WorkerDetailScreen
from tests.live_hall import HASH, WORKER, LiveHall
from tests.screens.conftest import OpenApp, profile_of
from tests.screens.enrolling import sees
from tests.waiting import until

CLEAN = {
    "worker_id": WORKER,
    "namespace": "org.yourco",
    "status": "active",
    "attested": True,
    "attest_sha256": HASH,
    "ban_status": "clean",
}
LARGE = (160, 45)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def journal_of(home: Home) -> Path:
    return home.data / "journal.db"


async def test_a_deeply_nested_verdict_is_not_a_verdict_and_can_be_viewed(open_app: OpenApp, hall: LiveHall) -> None:
    """F105: at 160 columns, where the worker under the cursor is shown beside the table."""
    body = json.dumps(CLEAN)[:-1] + f', "extra": {nested(970)}}}'
    hall.faults.add(path=f"/api/v1/verify/{WORKER}", status=200, body=body)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=LARGE) as opened:
        await sees(opened, "nested too deeply")
        assert "● clean" not in opened.text()
        await opened.pilot.press("enter")
        await until(lambda: isinstance(opened.screen, WorkerDetailScreen))
        for _ in range(3):
            await opened.pilot.press("right_square_bracket")
            await opened.pilot.pause()
        assert opened.app.is_running


async def test_a_verdict_that_is_cut_says_so(open_app: OpenApp, hall: LiveHall) -> None:
    """F115."""
    body = json.dumps({**CLEAN, "extra": "x" * 1_000_000})
    hall.faults.add(path=f"/api/v1/verify/{WORKER}", status=200, body=body)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=LARGE) as opened:
        await sees(opened, "of which 16,384 are kept")


@pytest.mark.parametrize(
    "answer",
    [b"[" * 16_384, b'{"outcome":"allow","x":' + nested(970).encode() + b"}", b"\xff\x00"],
    ids=["brackets", "nested", "no JSON"],
)
@pytest.mark.thorough
async def test_an_old_journal_with_such_answers_opens_and_shows_them(
    open_app: OpenApp, hall: LiveHall, home: Home, answer: bytes
) -> None:
    """F105: the verdict of an earlier version, and a dispatch that is opened from the list."""
    raw = json.dumps(CLEAN)[:-1].encode() + b', "extra": ' + nested(970).encode() + b"}"
    kept = Verdict(worker_id=WORKER, known=True, status="active", attested=True, sha256=HASH, raw=raw)
    row = DispatchRow(at=1.0, namespace="org.yourco", capability="c", worker_id=WORKER, response_raw=answer)
    with Journal.open(journal_of(home), SystemClock()) as journal:
        journal.save_verdict("acme", LastVerdict(worker_id=WORKER, verdict=kept, at=1.0, rank=8))
        journal.record_dispatch("acme", row)
    hall.faults.add(path=f"/api/v1/verify/{WORKER}", status=500)
    async with open_app(profile_of(hall), key=hall.key, watch=(WORKER,), size=LARGE) as opened:
        await sees(opened, WORKER)
        await opened.pilot.press("3")
        screen = opened.app.screen
        assert isinstance(screen, DispatchScreen)
        screen.action_tab("history")
        table = screen.query_one("#history-rows")
        await until(lambda: len(table.keys) == 1)  # type: ignore[attr-defined]
        table.focus()
        await opened.pilot.press("enter")
        await sees(opened, "OTHER")
        assert opened.app.is_running


async def test_a_registry_behind_a_socks_proxy_is_not_asked_and_not_tried_again(
    open_app: OpenApp, hall: LiveHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F77: one sentence, no alarm, no “lost”."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    profile = profile_of(hall, registry_url="https://registry.example")
    async with open_app(profile, key=hall.key, watch=(WORKER,), size=LARGE) as opened:
        await sees(opened, "✖ not asked")
        await sees(opened, "SOCKS proxy, which is not supported")
        assert "lost" not in opened.text() and "next try" not in opened.text()
        assert not list(opened.workspace.alarms.book.alarms())
