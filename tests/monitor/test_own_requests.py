"""What people send, and what the header says if the registry refuses all of it."""

from pyhall_tui.clock import Moment
from pyhall_tui.monitor.own_requests import OwnRequests
from pyhall_tui.registry.models import RequestRecord


def ended(method: str, status: int | None) -> RequestRecord:
    error = None if status is not None and status < 400 else "status"
    return RequestRecord(
        method=method, path="/", status=status, error=error, elapsed=0.1, correlation_id="c", at=Moment(0.0, 0.0)
    )


def refused(*requests: tuple[str, int | None]) -> str:
    own = OwnRequests()
    for method, status in requests:
        own.record(ended(method, status))
    return own.refused


def test_only_refusals_of_all_that_was_sent_count() -> None:
    assert refused(("POST", 403)) == ""
    assert refused(("POST", 403), ("PUT", 403)) == "403 (2)"
    assert refused(("POST", 403), ("GET", 200), ("POST", 403), ("POST", None), ("POST", 403)) == "403 (3)"
    assert refused(("POST", 403), ("POST", 401)) == ""
    assert refused(("POST", 403), ("POST", 403), ("POST", 200)) == ""
    assert refused(("POST", 400), ("POST", 400), ("POST", 500)) == ""
    assert refused(("GET", 403), ("GET", 403)) == ""
