"""A hash attested anew or reported: sent once, and kept as an event with what came of it."""

from collections.abc import Awaitable
from typing import TypeVar

from pyhall_tui.fleet.events import Kind
from pyhall_tui.fleet.transitions import make_event
from pyhall_tui.registry.correlation import new_correlation_id
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.models import AttestAnswer, Exchange
from pyhall_tui.render.text import short_hash
from pyhall_tui.workspace import Workspace

T = TypeVar("T")


async def attest(workspace: Workspace, worker_id: str, sha256: str) -> AttestAnswer:
    """Attest a package's hash for a worker, then ask for its verdict.

    Raises:
        RegistryError: no usable answer came; where `may_have_reached`, it may be attested all the same.
    """
    correlation_id = new_correlation_id(workspace.profile.correlation_prefix)
    call = workspace.connection.ask(lambda client: client.attest(worker_id, sha256, correlation_id=correlation_id))
    try:
        return await _kept(workspace, Kind.ATTEST_SENT, worker_id, f"attest {short_hash(sha256)}", correlation_id, call)
    finally:
        workspace.connection.verify_now([worker_id])


async def report(workspace: Workspace, worker_id: str, sha256: str, reason: str, link: str) -> Exchange:
    """Report a package's hash to the ban list's review.

    Raises:
        RegistryError: no usable answer came; where `may_have_reached`, it may be reported all the same.
    """
    correlation_id = new_correlation_id(workspace.profile.correlation_prefix)
    call = workspace.connection.ask(
        lambda client: client.report(sha256, reason, link or None, correlation_id=correlation_id),
    )
    what = f"report {short_hash(sha256)} ({reason})"
    return await _kept(workspace, Kind.HASH_REPORTED, worker_id, what, correlation_id, call)


async def _kept(
    workspace: Workspace, kind: Kind, worker_id: str, what: str, correlation_id: str, call: Awaitable[T]
) -> T:
    """Await the answer and write down what came, also where nothing did."""
    after, detail = "outcome unknown", "the profile was left before an answer came"
    try:
        answer = await call
        after, detail = "taken", ""
        return answer
    except RegistryError as error:
        after, detail = "outcome unknown" if error.may_have_reached else "refused", str(error)
        raise
    finally:
        now = workspace.now().wall
        event = make_event(
            kind, now, worker_id, what, after, source="operator", correlation_id=correlation_id, detail=detail
        )
        workspace.take_events([event])
