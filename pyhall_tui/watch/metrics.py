"""The watcher's metrics: what is known about each profile, as text for Prometheus. Pure.

No worker's id is ever a label. The number of series depends on the profiles, and not on their workers.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pyhall_tui import __version__
from pyhall_tui.alarms.alarm import Standing
from pyhall_tui.alarms.rules import SEVERITIES
from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.fleet.transitions import severity_of
from pyhall_tui.metrics.text_format import Family, Sample, Type, exposition
from pyhall_tui.monitor.connection_state import BanListState
from pyhall_tui.watch.request_counts import RequestCounts

RECEIVERS: Final = ("alertmanager", "webhook", "command")
OUTCOMES: Final = ("sent", "failed")
STANDINGS: Final = (Standing.FIRING, Standing.COVERED, Standing.SILENCED, Standing.ACKNOWLEDGED)
"""The states of an alarm that is not over."""
_WORDS: Final = {severity: word for word, severity in SEVERITIES.items()} | {Severity.INFO: "info"}


@dataclass(frozen=True, kw_only=True)
class ProfileState:
    """What is known about one profile. Times are seconds since the epoch, ages in seconds."""

    profile: str
    workers: Mapping[State, int] = field(default_factory=dict)
    registry_up: bool = False
    ban_list: BanListState = BanListState.WAITING
    stream_up: bool = False
    """Whether the registry reports changes by itself now."""
    ban_list_last_success: float = 0.0
    """0 if it never answered in this run."""
    oldest_verdict_age: float = float("nan")
    """Infinite if a worker was never verified; not a number if there are no workers."""
    alarms: Mapping[tuple[Standing, Severity], int] = field(default_factory=dict)
    events: Mapping[tuple[Kind, Severity], int] = field(default_factory=dict)
    """How many of each since the start."""
    requests: RequestCounts = field(default_factory=RequestCounts)


@dataclass(frozen=True, kw_only=True)
class WatcherState:
    """What the metrics say."""

    profiles: Sequence[ProfileState] = ()
    alerts_sent: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """How many alerts, by receiver (see `RECEIVERS`) and outcome (see `OUTCOMES`)."""
    lines_lost: int = 0
    """Lines that a slow reader of standard output has missed."""


def render(state: WatcherState) -> str:
    """Return the text of `/metrics`."""
    return exposition(_families(state))


def names() -> list[str]:
    """Return the names of all families."""
    return [family.name for family in _families(WatcherState())]


def _families(state: WatcherState) -> Iterator[Family]:
    profiles = state.profiles
    yield Family(
        "pyhall_workers",
        Type.GAUGE,
        "Watched workers by state. Only clean is clean.",
        [
            Sample(each.workers.get(worker_state, 0), {"profile": each.profile, "state": worker_state.name.lower()})
            for each in profiles
            for worker_state in State
        ],
    )
    yield Family(
        "pyhall_registry_up",
        Type.GAUGE,
        "Whether the registry answers and accepts the key (1) or not (0).",
        _of_each(profiles, lambda each: each.registry_up),
    )
    yield Family(
        "pyhall_ban_list_state",
        Type.GAUGE,
        "The ban list's state: 1 for the one that it is in, 0 for the others.",
        [
            Sample(each.ban_list is list_state, {"profile": each.profile, "state": list_state.value})
            for each in profiles
            for list_state in BanListState
        ],
    )
    yield Family(
        "pyhall_stream_up",
        Type.GAUGE,
        "Whether the registry's stream of changes is alive (1) or not (0). Polling goes on in any case.",
        _of_each(profiles, lambda each: each.stream_up),
    )
    yield Family(
        "pyhall_ban_list_last_success_timestamp_seconds",
        Type.GAUGE,
        "When the ban list was last requested with success, in seconds since the epoch; 0 for never in this run.",
        _of_each(profiles, lambda each: each.ban_list_last_success),
    )
    yield Family(
        "pyhall_oldest_verdict_age_seconds",
        Type.GAUGE,
        "Age of the oldest verdict; +Inf if a worker was never verified, NaN without workers.",
        _of_each(profiles, lambda each: each.oldest_verdict_age),
    )
    yield Family(
        "pyhall_alarms",
        Type.GAUGE,
        "Alarms that are not over, by state and severity.",
        [
            Sample(
                each.alarms.get((standing, severity), 0),
                {"profile": each.profile, "state": standing.value, "severity": word},
            )
            for each in profiles
            for standing in STANDINGS
            for word, severity in SEVERITIES.items()
        ],
    )
    yield Family("pyhall_events_total", Type.COUNTER, "What happened since the start.", _events(profiles))
    yield Family(
        "pyhall_registry_requests_total",
        Type.COUNTER,
        "Requests to the registry since the start, by operation and by status or kind of error.",
        [
            Sample(count, {"profile": each.profile, "operation": operation, "code": code})
            for each in profiles
            for (operation, code), count in sorted(each.requests.totals.items())
        ],
    )
    yield Family(
        "pyhall_registry_request_duration_seconds",
        Type.HISTOGRAM,
        "How long requests to the registry took.",
        [sample for each in profiles for sample in each.requests.durations.samples({"profile": each.profile})],
    )
    yield from _of_the_watcher(state)


def _of_the_watcher(state: WatcherState) -> Iterator[Family]:
    yield Family(
        "pyhall_alerts_sent_total",
        Type.COUNTER,
        "Alerts since the start, by receiver, and whether it took them.",
        [
            Sample(state.alerts_sent.get((receiver, outcome), 0), {"receiver": receiver, "outcome": outcome})
            for receiver in RECEIVERS
            for outcome in OUTCOMES
        ],
    )
    yield Family(
        "pyhall_output_lines_lost_total",
        Type.COUNTER,
        "Lines of standard output that were dropped because its reader is too slow.",
        [Sample(state.lines_lost)],
    )
    python = ".".join(map(str, sys.version_info[:3]))
    yield Family(
        "pyhall_build_info",
        Type.GAUGE,
        "Always 1; the labels say which version runs.",
        [Sample(1, {"version": __version__, "python": python})],
    )


def _of_each(profiles: Iterable[ProfileState], value: Callable[[ProfileState], float]) -> list[Sample]:
    return [Sample(value(each), {"profile": each.profile}) for each in profiles]


def _events(profiles: Iterable[ProfileState]) -> Iterator[Sample]:
    usual = {(kind, severity_of(kind)): 0 for kind in Kind}
    for each in profiles:
        for (kind, severity), count in (usual | dict(each.events)).items():
            labels = {"profile": each.profile, "kind": kind.value, "severity": _WORDS[severity]}
            yield Sample(count, labels)
