"""Sizes in readable form."""


def amount(size: int) -> str:
    """Return a number of bytes in readable form."""
    for limit, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if size >= limit:
            return f"{size / limit:,.1f} {unit}"
    return f"{size} byte{'s' * (size != 1)}"
