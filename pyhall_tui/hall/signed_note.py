"""Signed notes, as the transparency logs write them (C2SP `signed-note`), with Ed25519.

A note is text, an empty line, and one line for each signature. Other programs that know the format can check ours.
"""

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ED25519: Final = b"\x01"
_SIGNATURE: Final = re.compile(r"— (\S+) ([A-Za-z0-9+/=]+)\n")
_NAME: Final = re.compile(r"[^\s+\x00-\x1f\x7f]{1,200}")
_PRIVATE: Final = "PRIVATE+KEY"
_MISSING: Final = "signing needs the package cryptography: install pyhall-tui[signing]"


class NoteMistake(Exception):
    """A key or a note can't be read, or is not signed by this key; the message is the end of a sentence."""


class PublicKey(NamedTuple):
    """A key that checks signatures. `str()` of it is a line that may be published."""

    name: str
    raw: bytes

    @property
    def number(self) -> bytes:
        """The four bytes before each of its signatures."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.number.hex()}+{_packed(self.raw)}"

    @classmethod
    def read(cls, line: str) -> "PublicKey":
        """Read the line that `str()` made.

        Raises:
            NoteMistake: it is not one.
        """
        name, _, rest = line.strip().partition("+")
        number, _, packed = rest.partition("+")
        if name == "PRIVATE":
            raise NoteMistake("this is a private key: give the public one (hall audit public-key)")
        key = cls(_checked(name), _unpacked(packed))
        if key.number.hex() != number.lower():
            raise NoteMistake("the public key is damaged: its number doesn't fit it")
        return key


class SigningKey:
    """A key that signs. It is never shown."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Take a key's name and its 32 secret bytes.

        Raises:
            NoteMistake: the name can't be used, or `cryptography` is not installed.
        """
        self._key = _ed25519(seed)
        self.public = PublicKey(_checked(name), self._key.public_key().public_bytes_raw())

    def text(self) -> str:
        """Return the line that `read` takes. It is the secret itself."""
        public = self.public
        return f"{_PRIVATE}+{public.name}+{public.number.hex()}+{_packed(self._key.private_bytes_raw())}\n"

    @classmethod
    def read(cls, text: str) -> "SigningKey":
        """Read a key's text.

        Raises:
            NoteMistake: it is not a key; no part of it is in the message.
        """
        words = text.strip().removeprefix(f"{_PRIVATE}+").split("+", 2)
        if not text.startswith(_PRIVATE) or len(words) != 3:
            raise NoteMistake("it is not a signing key (hall audit new-key makes one)")
        name, number, packed = words
        key = cls(name, _unpacked(packed))
        if key.public.number.hex() != number.lower():
            raise NoteMistake("the signing key is damaged: its number doesn't fit it")
        return key

    def sign(self, text: str) -> str:
        """Return the note: `text`, which ends with a line end, and its signature."""
        signature = self.public.number + self._key.sign(text.encode())
        return f"{text}\n— {self.public.name} {base64.b64encode(signature).decode()}\n"


def signer_of(note: str) -> tuple[str, bytes]:
    """Return the name and number of the key that a note states to be signed by; nothing is checked.

    Raises:
        NoteMistake: it is not a signed note.
    """
    found = _SIGNATURE.fullmatch(note.rpartition("\n\n")[2])
    if found is None:
        raise NoteMistake("it is not a signed note")
    return found[1], _bytes(found[2])[:4]


def opened(note: str, key: PublicKey) -> str:
    """Return the text of a note that this key has signed.

    Raises:
        NoteMistake: it is not such a note.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    text, empty, signatures = note.rpartition("\n\n")
    if not empty or not signatures.endswith("\n"):
        raise NoteMistake("it is not a signed note")
    text += "\n"
    found = [_SIGNATURE.fullmatch(line) for line in signatures.splitlines(keepends=True)]
    if None in found:
        raise NoteMistake("it is not a signed note")
    signed = [_bytes(each[2]) for each in found if each and each[1] == key.name]
    ours = [each[4:] for each in signed if each[:4] == key.number]
    if not ours:
        raise NoteMistake(f"it is not signed by {key.name} with this key")
    try:
        for each in ours:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(each, text.encode())
    except (InvalidSignature, ValueError):
        raise NoteMistake(f"its signature by {key.name} is wrong") from None
    return text


def _ed25519(seed: bytes) -> "Ed25519PrivateKey":
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        raise NoteMistake(_MISSING) from None
    return Ed25519PrivateKey.from_private_bytes(seed)


def require_library() -> None:
    """Make sure that signatures can be checked.

    Raises:
        NoteMistake: `cryptography` is not installed.
    """
    _ed25519(bytes(32))


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise NoteMistake("a key's name must have no spaces and no +, such as hall.yourco.org")
    return name


def _packed(raw: bytes) -> str:
    return base64.b64encode(_ED25519 + raw).decode()


def _unpacked(packed: str) -> bytes:
    raw = _bytes(packed)
    if raw[:1] != _ED25519 or len(raw) != 33:
        raise NoteMistake("it is not an Ed25519 key in this form")
    return raw[1:]


def _bytes(packed: str) -> bytes:
    try:
        return base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise NoteMistake("it is damaged: it is not base64") from None
