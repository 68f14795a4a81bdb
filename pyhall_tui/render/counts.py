"""How many rows a list has, and how many of them it shows."""


def counted(shown: int, total: int | None, what: str, whats: str | None = None, *, has_more: bool = False) -> str:
    """Return `47 workers`, or `12 of 47 shown` if not all are; `12 shown` if the total, None, is unknown.

    `whats`: the plural, if it doesn't just end in s. `has_more`: there may be more, so it is `12+ shown`.
    """
    if total is None:
        return f"{shown:,}{'+' * has_more} shown"
    if shown != total:
        return f"{shown:,} of {total:,} shown"
    return f"{total:,} {what if total == 1 else whats or what + 's'}"
