"""A hall's signed checkpoint of its decision log, as a witness reads it (C2SP `signed-note` with Ed25519)."""

import base64
import hashlib
import re
from typing import Final, NamedTuple

_ED25519: Final = b"\x01"
_SIGNATURE: Final = re.compile(r"— (\S+) (\S+)")
_ROWS: Final = re.compile("[0-9]{1,15}")


class SignedHead(NamedTuple):
    """The row that a checkpoint says was the log's head, and whether the key has signed that."""

    seq: int
    entry_hash: str
    is_genuine: bool


def read_checkpoint(note: str, public_key: str) -> SignedHead | None:
    """Read a checkpoint that states to be signed by this key; None if it is not, or if signatures can't be checked.

    They can't without the package `cryptography` (the extra `pyhall-tui[signing]`).
    """
    try:
        return _read(note, public_key)
    except (ValueError, ImportError):
        return None


def _read(note: str, public_key: str) -> SignedHead | None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    name, number, raw = _key(public_key)
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    found = [_SIGNATURE.fullmatch(line) for line in signatures.splitlines()]
    ours = [base64.b64decode(each[2], validate=True) for each in found if each and each[1] == name]
    ours = [each for each in ours if each[:4] == number]
    if not ours:
        return None
    _, seq, entry, *_ = text.splitlines()
    if not _ROWS.fullmatch(seq):
        return None
    key = Ed25519PublicKey.from_public_bytes(raw)
    try:
        for each in ours:
            key.verify(each[4:], text.encode())
    except InvalidSignature:
        return SignedHead(int(seq), "", False)
    return SignedHead(int(seq), base64.b64decode(entry, validate=True).hex(), True)


def _key(line: str) -> tuple[str, bytes, bytes]:
    """Return a key's name, the four bytes before each of its signatures, and the key.

    Raises:
        ValueError: it is not a key.
    """
    name, _, rest = line.partition("+")
    raw = base64.b64decode(rest.partition("+")[2], validate=True)
    if raw[:1] != _ED25519:
        raise ValueError("it is not an Ed25519 key")
    return name, hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4], raw[1:]
