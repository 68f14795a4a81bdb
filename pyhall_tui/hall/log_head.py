"""What witnesses of the decision log ask: its head, and whether it still contains the row that they saw last."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pyhall_tui.hall.signers import newest_note
from pyhall_tui.hall.wire import admit_read, answer, hall_of, whole_number

MOST_ROWS = 10**12
"""The highest number of a row that may be asked for."""


async def log_head(request: Request) -> Response:
    """`GET /api/v1/log?seen=SEQ`: the log's id and head, the hash of row `seen`, and the newest signed checkpoint.

    The checkpoint is read before the head, that before the row, and the anchor last: so nothing seems to be missing
    that another hall has just added or removed. `log_id` is the same in every hall on the same store.
    """
    admit_read(request)
    hall = hall_of(request)
    seen = whole_number(request, "seen", default=0, most=MOST_ROWS, least=0)
    store = hall.store
    checkpoint = newest_note(store)
    head = store.log.head()
    found = store.log.hash_of(seen)
    anchor = store.log.anchor()
    if found is None and seen == anchor.seq:
        found = anchor.entry_hash
    told = {
        "log_id": store.setting("store_id"),
        "seq": head.seq,
        "entry_hash": head.entry_hash,
        "anchor": anchor.seq,
        "seen": {"seq": seen, "entry_hash": found},
        "public_key": hall.signing.public_key if hall.signing else None,
        "checkpoint": checkpoint,
    }
    return answer(request, told)


ROUTES = [Route("/api/v1/log", log_head)]
