"""The one way to a decision: judged by the gate, and in the log before anybody is told."""

from starlette.requests import Request

from pyhall_tui.hall.ledger import Ledger, Receipt
from pyhall_tui.hall.models import Asked
from pyhall_tui.hall.wire import hall_of


async def decided(request: Request, asked: Asked, correlation_id: str) -> Receipt:
    """Return the receipt of a dispatch, which is in the log by then.

    Raises:
        StoreError: it could not be written, and is not in the log.
    """
    hall = hall_of(request)
    ledger: Ledger = request.app.state.ledger
    began = hall.clock.now().mono
    receipt = await ledger.decide(asked, correlation_id)
    hall.decisions.take(receipt, hall.clock.now().mono - began)
    return receipt
