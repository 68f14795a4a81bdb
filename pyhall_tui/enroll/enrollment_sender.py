"""Sends one enrollment, and records it in the journal before and after. It never sends twice by itself."""

from functools import partial

import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.enroll.request import FORM, body_of
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.rows import EnrollmentRow, EnrollmentState
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.asking import Ask
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.models import EnrollAnswer, EnrollRequest, Exchange
from pyhall_tui.threads.off_loop import off_loop


class EnrollmentSender:
    """Sends the single form's requests for one profile."""

    def __init__(self, profile: Profile, clock: Clock, journal: Journal, *, ask: Ask) -> None:
        """Send nothing yet. `ask` asks the registry at once."""
        self._profile, self._clock, self._journal, self._ask = profile, clock, journal, ask

    async def send(self, request: EnrollRequest, correlation_id: str) -> EnrollAnswer:
        """Record what is about to be sent, send it once, and record the result.

        Raises:
            NotKept: the journal could not record it first; nothing was sent.
            RegistryError: no usable answer came; if `may_have_reached`, it may be enrolled anyway.
            CancelledError: the profile was closed or reconnected meanwhile; then the outcome is unknown too.
        """
        name, journal = self._profile.name, self._journal
        row = EnrollmentRow(
            batch=FORM,
            row_key=correlation_id,
            state=EnrollmentState.SENDING,
            at=self._clock.now().wall,
            request=body_of(request).decode(),
            correlation_id=correlation_id,
        )

        def record(state: EnrollmentState, **fields: str | None) -> None:
            row_now = msgspec.structs.replace(row, state=state, at=self._clock.now().wall, **fields)
            journal.record_enrollment(name, row_now)

        await off_loop(partial(journal.record_enrollment_now, name, row), name="journal")
        try:
            answer = await self._ask(lambda client: client.enroll(request, correlation_id=correlation_id))
        except RegistryError as error:
            state = EnrollmentState.UNKNOWN if error.may_have_reached else EnrollmentState.REFUSED
            record(state, error=str(error), answer=_raw(error.exchange))
            raise
        except BaseException:
            record(EnrollmentState.UNKNOWN, error="The profile was left before an answer came.")
            raise
        record(EnrollmentState.ANSWERED, worker_id=answer.worker_id, answer=_raw(answer.exchange))
        return answer

    async def mark_lost_sends(self) -> None:
        """Mark as unknown in the journal what was being sent when an earlier run was killed."""
        profile, journal, now = self._profile, self._journal, self._clock.now().wall

        def mark() -> None:
            for row in journal.enrollments(profile.name, batch=FORM):
                # Another program may be in the middle of a newer one.
                if row.state is EnrollmentState.SENDING and now - row.at > 2 * profile.timeout:
                    lost = {"state": EnrollmentState.UNKNOWN, "error": "The program ended before an answer came."}
                    journal.record_enrollment(profile.name, msgspec.structs.replace(row, **lost))

        await off_loop(mark, name="journal")


def _raw(exchange: Exchange | None) -> str | None:
    return None if exchange is None else exchange.response_body.decode("utf-8", "replace")
