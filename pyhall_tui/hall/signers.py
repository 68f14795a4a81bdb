"""Which keys have signed a store's log, as the checkpoints in it say: no key signs where another one does."""

import re
from typing import Final, NamedTuple

from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.signed_note import NoteMistake, PublicKey, opened, signer_of
from pyhall_tui.hall.store import Store

_NOTE: Final = re.compile(r"(?s).+?\n\n(?:— [^\n]*\n)+")


class OtherKey(StoreError):
    """The log is signed by another key than the one that was given."""


class Stated(NamedTuple):
    """What a checkpoint states. Nobody has checked its signature: that takes the public key."""

    signer: str
    """The key's name and number, such as `hall.yourco.org (key 6f7a0c1e)`."""
    seq: int
    at: str


def notes_in(text: str) -> list[str]:
    """Return the notes that a store keeps about one row, in the order in which they were made."""
    return _NOTE.findall(text) or [text]


def newest_note(store: Store) -> str | None:
    """Return the newest checkpoint in a store, of whatever key; None without any."""
    found = store.log.last_checkpoint()
    return notes_in(found)[-1] if found else None


def newest_stated(store: Store) -> Stated | None:
    """Return what the newest checkpoint in a store states; None without any.

    Raises:
        OtherKey: it is not a checkpoint.
    """
    note = newest_note(store)
    if note is None:
        return None
    try:
        name, number = signer_of(note)
        _, seq, _, at, *_ = note.splitlines()
        return Stated(f"{name} (key {number.hex()})", int(seq), at.removeprefix("at "))
    except (NoteMistake, ValueError):
        raise OtherKey(
            f"{store.path}: the newest checkpoint of the decision log can't be read, so nobody knows which key signs "
            "it. Put back a copy of the store"
        ) from None


def require_signer(store: Store, key: PublicKey) -> str | None:
    """Make sure that the newest checkpoint is this key's, and return its note; None if the log was never signed.

    Raises:
        OtherKey: another key has signed it, or nobody.
    """
    stated, note = newest_stated(store), newest_note(store)
    if stated is None or note is None:
        return None
    try:
        opened(note, key)
    except NoteMistake:
        ours = f"{key.name} (key {key.number.hex()})"
        if stated.signer == ours:
            raise OtherKey(
                f"{store.path}: the newest checkpoint of the decision log says that {ours} has signed it, but its "
                "signature is wrong. Put back a copy of the store"
            ) from None
        raise OtherKey(
            f"{store.path}: the decision log is signed by {stated.signer}, up to row {stated.seq:,}, and the key that "
            f"you gave is {ours}. Give the key that signs it, or change it (hall audit change-key)"
        ) from None
    return note
