"""Whether a failed request may still have had an effect: the one place that decides this."""

from typing import Final

REFUSALS: Final = frozenset(
    {
        # The same request belongs elsewhere, or nowhere, so nobody has acted on it (RFC 9110, 15.4). Not 303, which
        # says that it was acted on and that the result is elsewhere.
        *(300, 301, 302, 304, 305, 307, 308),
        # Refused before anybody acted on it. Not 408, which a proxy also sends when the registry is only slow. Not 409:
        # it isn't in the contract, and may mean that an earlier try of the same, whose answer was lost, went through.
        *(400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 413, 414, 415, 416, 417),
        *(421, 422, 423, 424, 425, 426, 428, 429, 431, 451),
    }
)
"""Statuses that say that the registry did nothing. After any other (5xx, 1xx, 408, 409, unknown ones) nobody knows."""


def may_have_acted(method: str, *, sent: bool, status: int | None) -> bool:
    """Return whether the registry may have acted on a request that got no usable answer.

    Args:
        method: for GET the answer is no, because it changes nothing and is not recorded.
        sent: whether its first byte went out.
        status: the status of the answer, if there was one.
    """
    return method != "GET" and sent and status not in REFUSALS
