"""One enrollment sent, with the journal told before and after. It is never sent twice by itself."""

from functools import partial

import msgspec

from pyhall_tui.enroll.request import FORM, body_of
from pyhall_tui.journal.rows import EnrollmentRow, EnrollmentState
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.models import EnrollAnswer, EnrollRequest, Exchange
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.workspace import Workspace


async def send(workspace: Workspace, request: EnrollRequest, correlation_id: str) -> EnrollAnswer:
    """Write down what is about to be sent, send it once, write down what came.

    Raises:
        NotKept: the journal could not write it down first; nothing was sent.
        RegistryError: no usable answer came; where `may_have_reached`, it may be enrolled all the same.
        CancelledError: the profile was left or connected anew meanwhile; then the outcome is unknown too.
    """
    name, journal = workspace.profile.name, workspace.journal
    row = EnrollmentRow(
        batch=FORM,
        row_key=correlation_id,
        state=EnrollmentState.SENDING,
        at=workspace.now().wall,
        request=body_of(request).decode(),
        correlation_id=correlation_id,
    )

    def record(state: EnrollmentState, **fields: str | None) -> None:
        row_now = msgspec.structs.replace(row, state=state, at=workspace.now().wall, **fields)
        journal.record_enrollment(name, row_now)

    await off_loop(partial(journal.record_enrollment_now, name, row), name="journal")
    try:
        answer = await workspace.connection.ask(lambda client: client.enroll(request, correlation_id=correlation_id))
    except RegistryError as error:
        state = EnrollmentState.UNKNOWN if error.may_have_reached else EnrollmentState.REFUSED
        record(state, error=str(error), answer=_raw(error.exchange))
        raise
    except BaseException:
        record(EnrollmentState.UNKNOWN, error="The profile was left before an answer came.")
        raise
    record(EnrollmentState.ANSWERED, worker_id=answer.worker_id, answer=_raw(answer.exchange))
    return answer


async def mark_lost_sends(workspace: Workspace) -> None:
    """Call unknown in the journal what was being sent when an earlier run was killed."""
    profile, now = workspace.profile, workspace.now().wall

    def mark() -> None:
        for row in workspace.journal.enrollments(profile.name, batch=FORM):
            # Another program may be in the middle of a younger one.
            if row.state is EnrollmentState.SENDING and now - row.at > 2 * profile.timeout:
                lost = {"state": EnrollmentState.UNKNOWN, "error": "The program ended before an answer came."}
                workspace.journal.record_enrollment(profile.name, msgspec.structs.replace(row, **lost))

    await off_loop(mark, name="journal")


def _raw(exchange: Exchange | None) -> str | None:
    return None if exchange is None else exchange.response_body.decode("utf-8", "replace")
