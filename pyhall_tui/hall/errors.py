"""The hall's refusals: each is a documented status and a sentence."""


class HallError(Exception):
    """A request that gets `{"error": …}` as its answer; the class gives the status."""

    status = 500

    def __init__(self, message: str, *, code: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.headers = headers or {}


class BadRequest(HallError):
    """400: missing or invalid fields."""

    status = 400


class Unauthorized(HallError):
    """401: missing or invalid API key."""

    status = 401


class Forbidden(HallError):
    """403: the key has no access to this namespace."""

    status = 403


class NotFound(HallError):
    """404: the worker (or the route) does not exist."""

    status = 404


class TooLarge(HallError):
    """413: the body is longer than any request of the contract."""

    status = 413


class RateLimited(HallError):
    """429: slow down; `Retry-After` says for how long."""

    status = 429


class Full(HallError):
    """503: there is no room for it now; `Retry-After` says when to try again."""

    status = 503


class StoreError(Exception):
    """The store can't be opened or used; the message is a sentence for the operator."""


class StoreLost(StoreError):
    """The store's server can't be reached now; the hall connects again by itself."""


class StoreBusy(StoreError):
    """Another program holds the store for now; try again."""


class LeaseLost(StoreError):
    """Another hall polls the upstream by now, so this one may not write its list."""


class FileMistake(Exception):
    """A file that a person wrote can't be read; the message starts with `file:line:column`."""
