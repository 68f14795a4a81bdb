"""The watcher's metrics: every state always, no worker's id, and as many series for one worker as for thousands."""

import math
import re
import shutil
import subprocess

import pytest

from pyhall_tui.alarms.alarm import Standing
from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.monitor.connection_state import BanListState
from pyhall_tui.registry.models import RequestRecord
from pyhall_tui.watch.metrics import ProfileState, WatcherState, names, render
from pyhall_tui.watch.request_counts import RequestCounts, code_of, operation_of

LINE = re.compile(r'([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*\})? (\S+)')


def record(path: str, status: int | None, error: str | None = None, elapsed: float = 0.1) -> RequestRecord:
    return RequestRecord(
        method="GET", path=path, status=status, error=error, elapsed=elapsed, correlation_id="req-1", at=Moment(0, 0)
    )


def values(text: str) -> dict[str, float]:
    """Return each series and its value."""
    found = [LINE.fullmatch(line) for line in text.splitlines() if not line.startswith("#")]
    assert all(found)
    return {f"{one[1]}{one[2] or ''}": float(one[3]) for one in found if one}


def busy() -> ProfileState:
    """A profile in which much has happened, with names that need escapes."""
    requests = RequestCounts()
    for path, status, error in (
        ("/api/v1/verify/wkr_secret_id", 200, None),
        ("/api/v1/verify/wkr_secret_id", None, "timed out"),
        ("/api/v1/ban-list?limit=5", 418, "unexpected status"),
        ("/x/wkr_secret_id", 200, None),
    ):
        requests.take(record(path, status, error))
    return ProfileState(
        profile='a "b"\\c\nd',
        workers={State.BANNED: 2, State.CLEAN: 9_998},
        registry_up=True,
        ban_list=BanListState.LIVE,
        ban_list_last_success=1_774_000_000.5,
        oldest_verdict_age=61.5,
        alarms={(Standing.FIRING, Severity.ALARM): 2},
        events={(Kind.BANNED, Severity.ALARM): 2, (Kind.STATUS_CHANGED, Severity.ALARM): 1},
        requests=requests,
    )


def test_every_state_is_there_even_with_0() -> None:
    got = values(render(WatcherState(profiles=[ProfileState(profile="p")])))
    assert {f'pyhall_workers{{profile="p",state="{state.name.lower()}"}}' for state in State} <= got.keys()
    assert {f'pyhall_ban_list_state{{profile="p",state="{state.value}"}}' for state in BanListState} <= got.keys()
    assert 'pyhall_alarms{profile="p",state="firing",severity="alarm"}' in got
    assert got['pyhall_events_total{profile="p",kind="banned",severity="alarm"}'] == 0
    assert got['pyhall_alerts_sent_total{receiver="alertmanager",outcome="failed"}'] == 0


def test_the_numbers_are_those_of_the_state() -> None:
    got = values(render(WatcherState(profiles=[busy()], alerts_sent={("webhook", "sent"): 7}, lines_lost=3)))
    name = 'profile="a \\"b\\"\\\\c\\nd"'
    assert got[f'pyhall_workers{{{name},state="banned"}}'] == 2
    assert got[f"pyhall_registry_up{{{name}}}"] == 1
    assert got[f'pyhall_ban_list_state{{{name},state="live"}}'] == 1
    assert got[f'pyhall_ban_list_state{{{name},state="failing"}}'] == 0
    assert got[f"pyhall_stream_up{{{name}}}"] == 0
    assert got[f"pyhall_ban_list_last_success_timestamp_seconds{{{name}}}"] == 1_774_000_000.5
    assert got[f"pyhall_oldest_verdict_age_seconds{{{name}}}"] == 61.5
    assert got[f'pyhall_alarms{{{name},state="firing",severity="alarm"}}'] == 2
    assert got[f'pyhall_events_total{{{name},kind="status changed",severity="alarm"}}'] == 1
    assert got[f'pyhall_registry_requests_total{{{name},operation="verify",code="timed_out"}}'] == 1
    assert got[f'pyhall_registry_requests_total{{{name},operation="ban_list",code="4xx"}}'] == 1
    assert got[f"pyhall_registry_request_duration_seconds_count{{{name}}}"] == 4
    assert got['pyhall_alerts_sent_total{receiver="webhook",outcome="sent"}'] == 7
    assert got["pyhall_output_lines_lost_total"] == 3


def test_no_workers_id_is_ever_in_it() -> None:
    assert "wkr_secret_id" not in render(WatcherState(profiles=[busy()]))


def test_as_many_series_for_one_worker_as_for_ten_thousand() -> None:
    small = ProfileState(profile="p", workers={State.CLEAN: 1})
    large = ProfileState(profile="p", workers=dict.fromkeys(State, 10_000), oldest_verdict_age=9.0)
    assert len(values(render(WatcherState(profiles=[small])))) == len(values(render(WatcherState(profiles=[large]))))


def test_no_registry_can_make_a_thousand_series() -> None:
    counts = RequestCounts()
    for status in range(1_000):
        counts.take(record("/api/v1/verify/a", status))
    assert len(counts.totals) < 60


def test_without_workers_the_oldest_age_is_not_a_number() -> None:
    got = values(render(WatcherState(profiles=[ProfileState(profile="p")])))
    assert math.isnan(got['pyhall_oldest_verdict_age_seconds{profile="p"}'])


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/api/v1/verify/wkr_a", "verify"),
        ("/api/v1/ban-list?limit=1000000", "ban_list"),
        ("/api/v1/ban-list/report", "report"),
        ("/api/v1/dispatch", "dispatch"),
        ("/api/v1/hall/enroll", "enroll"),
        ("/api/v1/workers/wkr_a/attest", "attest"),
        ("/health", "health"),
        ("/status", "other"),
    ],
)
def test_each_request_is_one_of_a_few_operations(path: str, operation: str) -> None:
    assert operation_of(path) == operation


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (200, None, "200"),
        (418, "unexpected status", "4xx"),
        (599, "registry error", "5xx"),
        (None, "not a registry's answer", "not_a_registrys_answer"),
        (None, None, "error"),
        (7, None, "other"),
    ],
)
def test_each_end_of_a_request_is_one_of_a_few_codes(status: int | None, error: str | None, code: str) -> None:
    assert code_of(status, error) == code


def test_the_families_are_those_that_are_documented() -> None:
    assert names() == [
        "pyhall_workers",
        "pyhall_registry_up",
        "pyhall_ban_list_state",
        "pyhall_stream_up",
        "pyhall_ban_list_last_success_timestamp_seconds",
        "pyhall_oldest_verdict_age_seconds",
        "pyhall_alarms",
        "pyhall_events_total",
        "pyhall_registry_requests_total",
        "pyhall_registry_request_duration_seconds",
        "pyhall_alerts_sent_total",
        "pyhall_output_lines_lost_total",
        "pyhall_build_info",
    ]


def test_prometheus_own_check_finds_nothing() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    page = render(WatcherState(profiles=[busy(), ProfileState(profile="other")]))
    done = subprocess.run(["promtool", "check", "metrics"], input=page, text=True, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
