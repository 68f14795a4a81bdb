"""A matrix: the same dispatch for many capabilities, workers and risk tiers, within the rate limit."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.dispatch.form import UNSTATED
from pyhall_tui.dispatch.result import Result, Tried
from pyhall_tui.registry.correlation import new_correlation_id
from pyhall_tui.registry.models import DispatchRequest

MOST_CELLS: Final = 10_000
ASKS_FIRST: Final = 50
"""With more cells than this, sending to a registry on another machine needs a confirmation."""
_PATIENCE: Final = 20
"""How often one cell is repeated after a 429, which decides nothing."""
_WILD: Final = frozenset("*?[")


class Case(NamedTuple):
    """One cell: what to ask."""

    capability: str
    worker_id: str
    risk_tier: str
    """One of `form.RISK_TIERS`, or `form.UNSTATED`."""


class CellAnswer(NamedTuple):
    """What two runs are compared by; the reason's words may change while the decision stays."""

    result: Result
    code: str | None = None

    def __str__(self) -> str:
        return f"{self.result.value} {self.code}" if self.code else self.result.value


class Patterns(NamedTuple):
    """What chose a plan's names, as typed: names, and patterns of names."""

    workers: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask: every capability with every worker at every tier."""

    namespace: str
    capabilities: tuple[str, ...]
    workers: tuple[str, ...]
    risk_tiers: tuple[str, ...]
    only: tuple[Case, ...] = ()
    """If given, only these cells, such as those of a baseline."""
    patterns: Patterns = Patterns()

    def __len__(self) -> int:
        return len(self.only) or len(self.capabilities) * len(self.workers) * len(self.risk_tiers)

    def cases(self) -> list[Case]:
        """Return all cells in the order in which they are asked."""
        return list(self.only) or [
            Case(capability, worker, tier)
            for capability in self.capabilities
            for worker in self.workers
            for tier in self.risk_tiers
        ]


class NothingChosen(ValueError):
    """A pattern matches nothing known; the message is a sentence."""


def is_pattern(text: str) -> bool:
    """Whether it is a pattern rather than a name."""
    return bool(_WILD & set(text))


def fitting_names(pattern: str, names: Iterable[str]) -> list[str]:
    """Return the names that a pattern matches."""
    return [name for name in names if fnmatchcase(name, pattern)]


def choose(patterns: Iterable[str], known: Iterable[str], what: str) -> tuple[str, ...]:
    """Return the names that patterns choose: known names for those with `*`, `?` or `[`, any other unchanged.

    Raises:
        NothingChosen: there is no pattern, or one with a wildcard matches no known name.
    """
    names = sorted(set(known))
    chosen: dict[str, None] = {}
    for pattern in patterns:
        fitting = fitting_names(pattern, names) if is_pattern(pattern) else [pattern]
        if not fitting:
            or_watch = ", or watch it first" if what == "worker" else ""
            raise NothingChosen(f"No known {what} matches {pattern}: give its full name{or_watch}.")
        chosen.update(dict.fromkeys(fitting))
    if not chosen:
        raise NothingChosen(f"Name a {what}, or a pattern such as *.")
    return tuple(chosen)


class MatrixRun:
    """One run. Its answers stay when it is stopped."""

    def __init__(
        self,
        plan: Plan,
        *,
        send: Callable[[DispatchRequest], Awaitable[Tried]],
        clock: Clock,
        correlation_prefix: str,
        in_flight: int,
    ) -> None:
        """Start nothing yet. `send` waits for its turn within the rate limit."""
        self.plan = plan
        self.cells: dict[Case, Tried] = {}
        self.is_running = False
        self.revision = 0
        """Increases with each answered cell."""
        self._send = send
        self._clock = clock
        self._prefix = correlation_prefix
        self._in_flight = in_flight
        self._began: float | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every cell was asked."""
        return len(self.cells) == len(self.plan)

    def remaining(self) -> float | None:
        """Return the seconds left at the current pace; None before the first cell."""
        if self._began is None or not self.cells:
            return None
        pace = (self._clock.now().mono - self._began) / len(self.cells)
        return pace * (len(self.plan) - len(self.cells))

    async def run(self) -> None:
        """Ask every cell that was not asked yet; cancel this to stop."""
        left = deque((case, 0) for case in self.plan.cases() if case not in self.cells)
        self._began, self.is_running = self._clock.now().mono, True
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._in_flight, len(left))):
                    group.create_task(self._work(left))
        finally:
            self.is_running = False
            self.revision += 1

    async def _work(self, left: deque[tuple[Case, int]]) -> None:
        while left:
            case, tries = left.popleft()
            tried = await self._send(self._request(case))
            if tried.row.status == 429 and tries < _PATIENCE:
                left.append((case, tries + 1))
                continue
            # Headers of thousands of answers are not kept; the bodies are.
            self.cells[case] = msgspec.structs.replace(tried, exchange=None)
            self.revision += 1

    def _request(self, case: Case) -> DispatchRequest:
        tier = {} if case.risk_tier == UNSTATED else {"risk_tier": case.risk_tier}
        return DispatchRequest(
            namespace=self.plan.namespace,
            capability=case.capability,
            worker_id=case.worker_id,
            context={**tier, "correlation_id": new_correlation_id(self._prefix)},
        )


def answer_of(tried: Tried) -> CellAnswer:
    """Return the part of a result that is compared."""
    return CellAnswer(tried.result, tried.row.deny_code if tried.result.is_answer else None)


class Sums(NamedTuple):
    """How often each result and each code occurred."""

    results: Counter[Result]
    codes: Counter[str]


def sums(cells: Iterable[Tried]) -> Sums:
    """Count results and deny codes."""
    results: Counter[Result] = Counter()
    codes: Counter[str] = Counter()
    for tried in cells:
        results[tried.result] += 1
        if tried.result.is_answer and tried.row.deny_code:
            codes[tried.row.deny_code] += 1
    return Sums(results, codes)


class Grid(NamedTuple):
    """A plan laid out in two dimensions."""

    row_title: str
    rows: tuple[tuple[str, ...], ...]
    """Each the values of the axes that go down."""
    column_title: str
    columns: tuple[str, ...]
    cases: dict[tuple[tuple[str, ...], str], Case]
    """By row and column."""


_AXES = ("capability", "worker_id", "risk_tier")
_TITLES = {"capability": "capability", "worker_id": "worker", "risk_tier": "risk"}


def lay_out(plan: Plan, *, is_turned: bool = False) -> Grid:
    """Lay out a plan: the longest axis down, the next across; a third with several values is added to the rows.

    `is_turned`: workers and capabilities change places.
    """
    values: dict[str, Sequence[str]] = dict(zip(_AXES, (plan.capabilities, plan.workers, plan.risk_tiers), strict=True))
    across = "risk_tier" if len(plan.risk_tiers) > 1 else "worker_id" if len(plan.workers) > 1 else "risk_tier"
    if across == "worker_id" and (len(plan.workers) > len(plan.capabilities)) != is_turned:
        across = "capability"
    down = [axis for axis in _AXES if axis != across and (len(values[axis]) > 1)] or [
        axis for axis in _AXES if axis != across
    ][:1]
    cases: dict[tuple[tuple[str, ...], str], Case] = {}
    for case in plan.cases():
        row = tuple(getattr(case, axis) for axis in down)
        cases[row, getattr(case, across)] = case
    return Grid(
        " · ".join(_TITLES[axis] for axis in down),
        tuple(dict.fromkeys(row for row, _ in cases)),
        _TITLES[across],
        tuple(dict.fromkeys(column for _, column in cases)),
        cases,
    )
