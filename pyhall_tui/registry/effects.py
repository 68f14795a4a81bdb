"""Whether a request that ended badly may have had an effect all the same: the one place that says so."""

from typing import Final

REFUSALS: Final = frozenset(
    {
        # The same request belongs elsewhere, or nowhere: nobody has acted on it (RFC 9110, 15.4). Not 303, which says
        # that it was acted on and that the result is elsewhere.
        *(300, 301, 302, 304, 305, 307, 308),
        # Refused before it was acted on. Not 408, which a proxy also sends when the registry is only slow. Not 409: it
        # isn't in the contract, and may mean that an earlier try of the same, whose answer was lost, went through.
        *(400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 413, 414, 415, 416, 417),
        *(421, 422, 423, 424, 425, 426, 428, 429, 431, 451),
    }
)
"""Statuses that say that the registry did nothing. After any other (5xx, 1xx, 408, 409, unknown ones) nobody knows."""


def may_have_acted(method: str, *, sent: bool, status: int | None) -> bool:
    """Return whether the registry may have acted on a request that brought no usable answer.

    Args:
        method: a GET changes nothing and is not recorded, so it never has.
        sent: whether its first byte went out.
        status: what was answered, if anything was.
    """
    return method != "GET" and sent and status not in REFUSALS
