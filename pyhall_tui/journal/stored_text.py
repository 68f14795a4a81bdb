"""Text as it is stored: of limited length, without secrets, and with nothing that can't be encoded."""

from pyhall_tui.journal.rows import RAW_LIMIT

SHORT = 1_024
LONG = 65_536


def text(text: str | None, most: int = SHORT) -> str:
    """Return at most that many characters, without any that UTF-8 can't encode (a lone surrogate from an argument)."""
    return encodable((text or "")[:most])


def masked(text: str, most: int = SHORT) -> str:
    """Return the beginning of a text, without a secret or the half of one that the cut would leave."""
    from pyhall_tui.logs.masking import mask  # with the first write, which is after the first frame

    return encodable(mask(text, most)) if text else ""


def encodable(text: str) -> str:
    """Return a plain string without any character that UTF-8 can't encode."""
    return str(text) if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def optional(text: str | None, most: int = SHORT) -> str | None:
    """Return a masked text, or None."""
    return None if text is None else masked(text, most)


def raw(body: bytes) -> bytes:
    """Return the masked beginning of a raw request or answer."""
    from pyhall_tui.logs.masking import mask

    return mask(body.decode("utf-8", "surrogateescape"), RAW_LIMIT).encode("utf-8", "surrogateescape")
