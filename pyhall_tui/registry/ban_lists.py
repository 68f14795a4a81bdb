"""Reads a ban list in either of its forms. One odd entry must not hide the others."""

from typing import Any, Final

import msgspec

from pyhall_tui.registry.json_body import Pairs, TwoReadings, Unreadable, decode, read_pairs, short, text
from pyhall_tui.registry.models import BanList, BanListEntry, plain_sha256

USUAL_LIMITS: Final = frozenset(
    {*(50, 100, 200, 250, 500, 1_000, 2_000, 2_500, 5_000, 10_000)}
    | {*(20_000, 25_000, 50_000, 100_000, 200_000, 250_000, 500_000, 1_000_000)}
)
"""Limits that a registry may set itself: an answer with exactly as many entries may be truncated."""


class Entry(msgspec.Struct, frozen=True):
    """Fields of any type: one odd entry must not hide the others."""

    sha256: Any = None
    reason: Any = None
    reported_at: Any = None
    source: Any = None
    review_status: Any = None


AnyEntry = Entry | str | float | bool | list[Any] | None


class _Hashes(msgspec.Struct, frozen=True):
    hashes: tuple[AnyEntry, ...]
    count: Any = None
    source: Any = None
    next: Any = None
    has_more: Any = None


class UnclearBanList(Unreadable):
    """A ban list that two readers could read differently. `worst` has every hash in it: they count as banned."""

    def __init__(self, message: str, worst: BanList) -> None:
        super().__init__(message)
        self.worst = worst


def read_ban_list(body: bytes, limit: int | None, correlation_id: str) -> BanList:
    """Read a ban list in either of its forms.

    Args:
        limit: the requested maximum of entries, or None.

    Raises:
        UnclearBanList: a key appears twice in it.
        Unreadable: it is not a ban list.
    """
    try:
        answer = msgspec.convert(decode(body), tuple[AnyEntry, ...] | _Hashes)
    except TwoReadings as two:
        worst = BanList(entries=worst_reading(body), truncated=True, besides=True, correlation_id=correlation_id)
        raise UnclearBanList(str(two), worst) from None
    except msgspec.ValidationError as error:
        raise Unreadable(f"a field is missing or has the wrong type: {short(str(error), 200)}") from None
    source, given, truncated = None, answer, False
    if isinstance(answer, _Hashes):
        source, given, truncated = text(answer.source), answer.hashes, _says_more(answer)
    read = [read_entry(entry, source) for entry in given]
    if given and not any(read) and not any(isinstance(entry, Entry) for entry in given):
        raise Unreadable("nothing in its list is a ban")
    return BanList(
        entries={entry.sha256: entry for entry in read if entry is not None},
        truncated=truncated or may_be_cut(len(given), limit),
        unreadable=read.count(None),
        correlation_id=correlation_id,
    )


def may_be_cut(given: int, limit: int | None) -> bool:
    """Return whether a list of so many entries may be only the beginning of one; `limit` were asked for."""
    return given in USUAL_LIMITS or (limit is not None and given >= limit)


def worst_reading(body: bytes) -> dict[str, BanListEntry]:
    """Return every hash anywhere in a list: they count as banned until the list is unambiguous."""
    found: dict[str, BanListEntry] = {}

    def take(value: object) -> None:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, list):
                take(each)
            elif (bare := plain_sha256(each)) is not None:
                found[bare] = BanListEntry(sha256=bare, reason="in a ban list that can't be read in one way only")

    def hook(pairs: Pairs) -> None:
        for _, value in pairs:
            take(value)

    take(read_pairs(body, hook))
    return found


def _says_more(answer: _Hashes) -> bool:
    """Whether a list says that it is incomplete: a hall whose registry is down sends an empty one."""
    total = answer.count if isinstance(answer.count, int | float) else 0
    return not answer.hashes or total > len(answer.hashes) or bool(answer.next or answer.has_more)


def read_entry(entry: AnyEntry, source: str | None) -> BanListEntry | None:
    """Return one ban, or None if its hash is not a hash: it matches nobody."""
    if not isinstance(entry, Entry):
        entry = Entry(sha256=entry, source=source)
    if (bare := plain_sha256(entry.sha256)) is None:
        return None
    return BanListEntry(
        sha256=bare,
        reason=kept(entry.reason),
        reported_at=kept(entry.reported_at),
        source=kept(entry.source),
        review_status=kept(entry.review_status),
    )


def kept(value: object) -> str | None:
    """Return what is kept of one of an entry's texts."""
    return None if value is None else short(text(value))
