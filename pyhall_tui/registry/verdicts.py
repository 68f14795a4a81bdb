"""Turns a verify answer, in either shape, into one verdict. If it can be read in two ways, the worse one counts.

The contract has two shapes, told apart by their fields: part 1's (`attested`, `attest_sha256`, `ban_status`) and the
older one (`current_hash`, `banned`). An answer is clean only if it has every field that its shape promises.
"""

from collections.abc import Iterator
from typing import Any, Final

from pyhall_tui.registry.json_body import Unreadable, first_words, plain, read_object, short, text
from pyhall_tui.registry.models import KEPT, Verdict, plain_sha256

KNOWN_STATUSES: Final = frozenset({"active", "retired", "revoked", "banned", "unknown"})
ODD_FIELD: Final = "a field is missing or has the wrong type"

FOREIGN_404: Final = "The 404 came without the registry's own `error`: the registry URL may be wrong."

_BAN_WORDS: Final[dict[bool | None, str]] = {True: "banned", False: "not banned"}
_DECIDING: Final[dict[str, type]] = {
    "status": str,
    "attested": bool,
    "attest_sha256": str,
    "current_hash": str,
    "ban_status": str,
    "banned": bool,
}
"""Fields that matter, and their types. The others may have any type: an odd name must not hide a ban."""
_DOCUMENTED: Final = ("attested", "attest_sha256", "ban_status")
_NAME: Final = 200
"""Characters to keep of a capability."""


def read_verdict(worker_id: str, body: bytes, correlation_id: str) -> Verdict:
    """Read a verify answer in either of its shapes, or in both at once.

    Raises:
        Unreadable: it is not one, or is about another worker than `worker_id`.
    """
    fields = read_object(body)
    _require_worker(fields, worker_id)
    odd = [name for name, kind in _DECIDING.items() if fields.get(name) is not None and type(fields[name]) is not kind]
    banned = _is_banned(fields)
    if odd and not banned:
        raise Unreadable(f"{ODD_FIELD}: {odd[0]}")
    answer: dict[str, Any] = {name: fields.get(name) for name in _DECIDING if name not in odd}
    given, current = answer.get("attest_sha256"), answer.get("current_hash")
    given_hash, current_hash = plain_sha256(given), plain_sha256(current)
    hashes = {given_hash, current_hash} - {None}
    raw = plain(body)
    return Verdict(
        worker_id=worker_id,
        known=answer.get("status") != "unknown",
        namespace=_kept(fields.get("namespace")),
        display_name=_kept(fields.get("display_name")),
        status=_kept(answer.get("status")),
        attested=len(hashes) == 1 and _is_attested(fields, given_hash),
        sha256=given_hash or current_hash,
        hash_text=_kept(current if given is None else given),
        banned=banned,
        ban_word=_kept(_ban_word(answer)),
        ban_reason=_kept(fields.get("ban_reason")),
        attested_at=_kept(fields.get("attested_at")),
        capabilities=_capabilities(fields.get("capabilities")),
        doubts=tuple(_doubts(fields, banned=banned, odd=bool(odd), hashes=len(hashes))),
        correlation_id=correlation_id,
        raw=raw[:KEPT],
        raw_size=len(raw),
    )


def unknown_verdict(worker_id: str, body: bytes, correlation_id: str) -> Verdict:
    """Read a 404: the worker is unknown, which is not a fault. The address may also be wrong: a doubt says so."""
    try:
        fields = read_object(body)
    except Unreadable:
        fields = {}
    is_the_registrys = "error" in fields
    raw = body if is_the_registrys else b"{}"
    return Verdict(
        worker_id=worker_id,
        known=False,
        doubts=() if is_the_registrys else (FOREIGN_404,),
        correlation_id=correlation_id,
        raw=raw[:KEPT],
        raw_size=len(raw),
    )


def _require_worker(fields: dict[str, Any], worker_id: str) -> None:
    about = fields.get("worker_id")
    if isinstance(about, str) and about != worker_id:
        raise Unreadable(f"it is about another worker ({first_words(about.encode())})")
    if about != worker_id:
        said = f"it says: {short(text(fields['error']))}" if fields.get("error") else f"{ODD_FIELD}: worker_id"
        raise Unreadable(said)


def _is_attested(fields: dict[str, Any], given_hash: str | None) -> bool:
    """Whether an answer with one real hash says that it is attested. In the older shape, having a hash says so."""
    if any(name in fields for name in _DOCUMENTED):
        return fields.get("attested") is True and given_hash is not None
    return True


def _is_banned(fields: dict[str, Any]) -> bool:
    words = (fields.get("status"), fields.get("ban_status"))
    return fields.get("banned") is True or any(
        isinstance(word, str) and word.strip().casefold() == "banned" for word in words
    )


def _ban_word(answer: dict[str, Any]) -> str | None:
    word = answer.get("ban_status")
    return _BAN_WORDS.get(answer.get("banned")) if word is None else str(word)


def _doubts(fields: dict[str, Any], *, banned: bool, odd: bool, hashes: int) -> Iterator[str]:
    documented = any(name in fields for name in _DOCUMENTED)
    if odd:
        yield "One of its fields has a different type from the contract's."
    if fields.get("error"):
        yield f"It contains an error: {short(text(fields['error']), _NAME)}"
    if hashes > 1:
        yield "Its two hash fields disagree."
    if (status := fields.get("status")) is None:
        yield "It gives no status."
    elif status not in KNOWN_STATUSES:
        yield f"Its status {short(text(status), _NAME)!r} is not known here."
    if documented and not fields.get("namespace"):
        yield "It names no namespace."
    if not banned:
        yield from _ban_doubts(fields, documented=documented)


def _ban_doubts(fields: dict[str, Any], *, documented: bool) -> Iterator[str]:
    word = fields.get("ban_status")
    if word is None and (documented or fields.get("banned") is None):
        yield "It does not say whether the worker is banned."
    elif word not in (None, "clean"):
        yield f"Its ban status {short(text(word), _NAME)!r} is neither `clean` nor `banned`."
    if fields.get("ban_reason"):
        yield "It gives a reason for a ban, but no ban."


def _capabilities(value: object) -> tuple[str, ...]:
    """Return each item of a list as text; anything else that isn't empty counts as one. `KEPT` characters in all."""
    said = (text(each) for each in (value if isinstance(value, list) else [value]))
    kept, left = [], KEPT
    for each in said:
        if each and left > 0:
            kept.append(short(each, _NAME))
            left -= len(kept[-1])
    return tuple(kept)


def _kept(value: object) -> str | None:
    """Return what is kept of a field: its text, shortened."""
    return None if value is None else short(text(value))
