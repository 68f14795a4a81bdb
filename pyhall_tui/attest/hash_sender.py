"""Attests or reports a hash: sends it once, and records an event with the result."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pyhall_tui.attest.sent_reports import SentReport, SentReports
from pyhall_tui.clock import Clock
from pyhall_tui.fleet.events import Event, Kind
from pyhall_tui.fleet.transitions import make_event
from pyhall_tui.registry.asking import Ask
from pyhall_tui.registry.correlation import new_correlation_id
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.models import AttestAnswer, Exchange

T = TypeVar("T")


class HashSender:
    """Sends an operator's attestations and reports of package hashes; the result is an event."""

    def __init__(
        self,
        clock: Clock,
        *,
        correlation_prefix: str,
        ask: Ask,
        verify_now: Callable[[list[str]], None],
        take_events: Callable[[list[Event]], None],
    ) -> None:
        """Send nothing yet.

        Args:
            ask: asks the registry at once.
            verify_now: verifies these workers next.
            take_events: stores and reports events.
        """
        self._clock, self._correlation_prefix = clock, correlation_prefix
        self._ask, self._verify_now, self._take_events = ask, verify_now, take_events

    async def attest(self, worker_id: str, sha256: str) -> AttestAnswer:
        """Attest a package's hash for a worker, then ask for its verdict.

        Raises:
            RegistryError: no usable answer came; if `may_have_reached`, it may be attested anyway.
        """
        correlation_id = new_correlation_id(self._correlation_prefix)
        call = self._ask(lambda client: client.attest(worker_id, sha256, correlation_id=correlation_id))
        try:
            return await self._kept(Kind.ATTEST_SENT, worker_id, f"attest {sha256[:8]}", correlation_id, call)
        finally:
            self._verify_now([worker_id])

    async def report(
        self, worker_id: str | None, sha256: str, reason: str, link: str, *, correlation_id: str = ""
    ) -> Exchange:
        """Report a package's hash to the ban list's review; `worker_id` is None if it belongs to no watched worker.

        Raises:
            RegistryError: no usable answer came; if `may_have_reached`, it may be reported anyway.
        """
        correlation_id = correlation_id or new_correlation_id(self._correlation_prefix)
        call = self._ask(
            lambda client: client.report(sha256, reason, link or None, correlation_id=correlation_id),
        )
        what = f"report {sha256[:8]} ({reason})"
        return await self._kept(Kind.HASH_REPORTED, worker_id, what, correlation_id, call)

    async def report_once(
        self,
        sent: SentReports,
        worker_id: str | None,
        sha256: str,
        reason: str,
        link: str,
        *,
        again: bool = False,
    ) -> SentReport:
        """Report a hash and note that; `again` sends it even if it was reported before. Return what was noted.

        Raises:
            NotKept: nothing was sent, because it was reported before, or can't be noted.
            RegistryError: as for `report`.
        """
        correlation_id = new_correlation_id(self._correlation_prefix)
        report = SentReport(at=self._clock.now().wall, correlation_id=correlation_id)
        sent.begin(sha256, report, again=again)
        try:
            await self.report(worker_id, sha256, reason, link, correlation_id=correlation_id)
        except RegistryError as error:
            if not error.may_have_reached and not again:
                sent.refused(sha256)
            raise
        sent.taken(sha256, report)
        return report

    async def _kept(self, kind: Kind, worker_id: str | None, what: str, correlation_id: str, call: Awaitable[T]) -> T:
        """Await the answer and record it, even if none comes."""
        after, detail = "outcome unknown", "the profile was left before an answer came"
        try:
            answer = await call
            after, detail = "taken", ""
            return answer
        except RegistryError as error:
            after, detail = "outcome unknown" if error.may_have_reached else "refused", str(error)
            raise
        finally:
            now = self._clock.now().wall
            event = make_event(
                kind, now, worker_id, what, after, source="operator", correlation_id=correlation_id, detail=detail
            )
            self._take_events([event])
