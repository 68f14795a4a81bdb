"""The hashes in what somebody pastes or pipes: in any case, with or without `sha256:`, in any number of lines."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from pyhall_tui.registry.models import plain_sha256

_AROUND: Final = "\"'`,;()[]{}<>\ufeff\u200b"
"""Characters around a hash in lists, quotes and byte order marks."""
_LONGEST: Final = 4_096
"""Characters of one word that are held; a longer one is not a hash."""
_PREFIX: Final = "sha256:"


class Pasted(NamedTuple):
    """One word of it."""

    text: str
    sha256: str | None
    """The bare hash; None if the word is not one."""


def pasted(chunks: Iterable[str]) -> Iterator[Pasted]:
    """Yield every word of a text that comes in pieces, in order. Holds no more than one word."""
    prefix = ""
    for word in _words(chunks):
        bare = word.strip(_AROUND)
        if not bare:
            continue
        if bare.lower() == _PREFIX:
            prefix = bare
            continue
        yield Pasted(prefix + bare, plain_sha256(bare))
        prefix = ""
    if prefix:
        yield Pasted(prefix, None)


def sha256_in(text: str) -> str | None:
    """Return the only hash in a text, also if it is written in groups; None if it is anything else."""
    words = list(pasted([text]))
    if len(words) == 1 and words[0].sha256:
        return words[0].sha256
    return plain_sha256("".join(text.split()).strip(_AROUND))


def _words(chunks: Iterable[str]) -> Iterator[str]:
    rest = ""
    for chunk in chunks:
        *words, rest = _split(rest + chunk)
        yield from words
        rest = rest[:_LONGEST]
    yield rest


def _split(text: str) -> list[str]:
    """Split at white space; the last word may go on in the next piece."""
    return [*text.split(), *([""] if text[-1:].isspace() else [])] or [""]
