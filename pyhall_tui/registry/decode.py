"""Bodies to models. Strict in shape, tolerant of fields not known, and of two readings the worse one counts."""

import html
import json
import re
from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec

from pyhall_tui.registry.models import BanList, BanListEntry, Outcome, Verdict, plain_sha256

T = TypeVar("T")

_ODD_FIELD: Final = "a field is missing or of another type"
_BAN_WORDS: Final[dict[bool | None, str]] = {True: "banned", False: "not banned"}
KNOWN_STATUSES: Final = frozenset({"active", "retired", "revoked", "banned", "unknown"})
USUAL_LIMITS: Final = frozenset({50, 100, 200, 250, 500, 1_000, 2_000, 2_500, 5_000, 10_000})
"""Limits that a registry may set by itself: an answer of just as many entries may be cut."""
_UNSEEN: Final = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1|\Z)", re.DOTALL | re.IGNORECASE)
"""What a page holds and nobody reads."""


class Unreadable(Exception):
    """A body that is not of the contract's shape; the message is the end of a sentence."""


class _Verify(msgspec.Struct, frozen=True):
    """What decides nothing may be of any type: an odd name must not hide a ban."""

    worker_id: str
    namespace: Any = None
    display_name: Any = None
    status: str | None = None
    attested: bool | None = None
    attest_sha256: str | None = None
    current_hash: str | None = None
    ban_status: str | None = None
    banned: bool | None = None
    ban_reason: Any = None
    attested_at: Any = None
    capabilities: Any = None


class _Entry(msgspec.Struct, frozen=True):
    """Fields of any type: one odd entry must not hide the bans beside it."""

    sha256: Any = None
    reason: Any = None
    reported_at: Any = None
    source: Any = None
    review_status: Any = None


_AnyEntry = _Entry | str | float | bool | list[Any] | None


class _Hashes(msgspec.Struct, frozen=True):
    hashes: tuple[_AnyEntry, ...]
    count: Any = None
    source: Any = None
    next: Any = None
    has_more: Any = None


_BAN_LIST: Final = msgspec.json.Decoder(tuple[_AnyEntry, ...] | _Hashes)
_BOM: Final = b"\xef\xbb\xbf"
_ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
"""One escape of a JSON text; group 1 is half of a pair that stands alone, which is no Unicode."""


class Decision(msgspec.Struct, frozen=True):
    """A dispatch's answer in every form seen: part 1's, and the local halls' of part 2."""

    outcome: str | None = None
    denied: bool | None = None
    supervisor_required: bool | None = None
    deny_code: Any = None
    reason: Any = None
    deny_reason_if_denied: Any = None
    decision_id: Any = None
    correlation_id: Any = None
    worker_id: Any = None
    capability: Any = None
    capability_id: Any = None
    namespace: Any = None
    error: Any = None

    @property
    def code(self) -> str | None:
        """The deny code as it came."""
        return text(self.deny_code) or text(self._nested("code"))

    @property
    def why(self) -> str | None:
        """The reason as it came."""
        return text(self.reason) or text(self._nested("message"))

    @property
    def word(self) -> str:
        """The word that tells the outcome, or what stands for it."""
        if self.outcome is None and self.denied is not None:
            return f"denied: {str(self.denied).lower()}"
        return self.outcome or ""

    def _nested(self, key: str) -> object:
        return self.deny_reason_if_denied.get(key) if isinstance(self.deny_reason_if_denied, dict) else None

    def read(self) -> Outcome:
        """Only a plain `allow` that nothing in the same answer contradicts is an allow."""
        word = (self.outcome or "").strip().casefold()
        code = self.code or ""
        if self.supervisor_required or word in ("steward_hold", "hold") or code.startswith("DENY_REQUIRES_HUMAN"):
            return Outcome.HOLD
        if self.denied or code or word == "deny":
            return Outcome.DENY
        return Outcome.ALLOW if self.outcome == "allow" else Outcome.OTHER


def text(value: object) -> str | None:
    """Return text as it is and anything else as its JSON; None where there is nothing."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def short(said: str | None, most: int = 1_000) -> str:
    """Return text that somebody else wrote, cut so that no answer can fill the memory; the cut is shown by `…`."""
    said = said or ""
    return said if len(said) <= most else f"{said[:most]}…"


def read_object(body: bytes) -> dict[str, Any]:
    """Decode a body that has to be one JSON object, no key of it twice (which of the two would count?).

    Raises:
        Unreadable: it is none.
    """
    body = _plain(body)
    try:
        value = msgspec.json.decode(body)
        json.loads(body, object_pairs_hook=_no_key_twice, parse_int=str)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise Unreadable(_not_json(body, error)) from None
    if not isinstance(value, dict):
        raise Unreadable(f"it holds {_name(value)} where an object belongs")
    return value


def read_struct(body: bytes, model: type[T]) -> T:
    """Decode a body that has to be an object of that model.

    Raises:
        Unreadable: it is not.
    """
    value = read_object(body)
    try:
        return msgspec.convert(value, model)
    except msgspec.ValidationError as error:
        said = f"it says: {text(value['error'])}" if value.get("error") else f"{_ODD_FIELD}: {error}"
        raise Unreadable(said) from None


def read_success(body: bytes) -> dict[str, Any]:
    """Decode an object that says that something was done: one that holds an `error` does not.

    Raises:
        Unreadable: it is none.
    """
    value = read_object(body)
    if value.get("error"):
        raise Unreadable(f"it says: {text(value['error'])}")
    return value


def read_verdict(worker_id: str, body: bytes, correlation_id: str) -> Verdict:
    """Read a verify answer in either of its shapes, or in both at once.

    Raises:
        Unreadable: it is none, or speaks of another worker than `worker_id`.
    """
    body = _plain(body)
    answer = read_struct(body, _Verify)
    if answer.worker_id != worker_id:
        raise Unreadable(f"it is about another worker ({first_words(answer.worker_id.encode())})")
    hashes = {plain_sha256(given) for given in (answer.attest_sha256, answer.current_hash)} - {None}
    one_hash = len(hashes) == 1
    return Verdict(
        worker_id=worker_id,
        known=answer.status != "unknown",
        namespace=text(answer.namespace),
        display_name=text(answer.display_name),
        status=answer.status,
        attested=one_hash and answer.attested is not False,
        sha256=plain_sha256(answer.attest_sha256) or plain_sha256(answer.current_hash),
        hash_text=answer.current_hash if answer.attest_sha256 is None else answer.attest_sha256,
        banned=_is_banned(answer),
        ban_word=_BAN_WORDS.get(answer.banned) if answer.ban_status is None else answer.ban_status,
        ban_reason=text(answer.ban_reason),
        attested_at=text(answer.attested_at),
        capabilities=_texts(answer.capabilities),
        doubts=tuple(_doubts(answer, hashes_agree=len(hashes) < 2)),
        correlation_id=correlation_id,
        raw=body,
    )


def _texts(value: object) -> tuple[str, ...]:
    """Return each of a list as text; what is no list, and says anything, as one."""
    return tuple(said for each in (value if isinstance(value, list) else [value]) if (said := text(each)))


def unknown_verdict(worker_id: str, body: bytes, correlation_id: str) -> Verdict:
    """Read a 404: the worker is not known, which is no fault. It may also be a wrong address: a doubt says so."""
    try:
        is_the_registrys = "error" in read_object(body)
    except Unreadable:
        is_the_registrys = False
    doubt = "The 404 came without the registry's own `error`: perhaps the registry URL is wrong."
    return Verdict(
        worker_id=worker_id,
        known=False,
        doubts=() if is_the_registrys else (doubt,),
        correlation_id=correlation_id,
        raw=body if is_the_registrys else b"{}",
    )


def _is_banned(answer: _Verify) -> bool:
    words = (answer.status, answer.ban_status)
    return bool(answer.banned) or any(word is not None and word.strip().casefold() == "banned" for word in words)


def _doubts(answer: _Verify, *, hashes_agree: bool) -> Iterable[str]:
    if not hashes_agree:
        yield "Its two hash fields disagree."
    if answer.status is None:
        yield "It says no status."
    elif answer.status not in KNOWN_STATUSES:
        yield f"Its status {answer.status!r} is a word not known here."
    if _is_banned(answer):
        return
    if answer.ban_status is None and answer.banned is None:
        yield "It does not say whether the worker is banned."
    elif answer.ban_status not in (None, "clean"):
        yield f"Its ban status {answer.ban_status!r} is neither `clean` nor `banned`."
    if answer.ban_reason:
        yield "It gives a reason for a ban, but no ban."


def read_ban_list(body: bytes, limit: int | None, correlation_id: str) -> BanList:
    """Read a ban list in either of its forms.

    Args:
        limit: the entries that were asked for at most, or None.

    Raises:
        Unreadable: it is none.
    """
    body = _plain(body)
    try:
        answer = _BAN_LIST.decode(body)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise Unreadable(_not_json(body, error)) from None
    source, given, perhaps_cut = None, answer, False
    if isinstance(answer, _Hashes):
        source, given, perhaps_cut = text(answer.source), answer.hashes, _says_more(answer)
    read = [_read_entry(entry, source) for entry in given]
    if given and not any(read) and not any(isinstance(entry, _Entry) for entry in given):
        raise Unreadable("nothing in its list is a ban")
    return BanList(
        entries={entry.sha256: entry for entry in read if entry is not None},
        perhaps_cut=perhaps_cut or len(given) in USUAL_LIMITS or (limit is not None and len(given) >= limit),
        unreadable=read.count(None),
        correlation_id=correlation_id,
    )


def _says_more(answer: _Hashes) -> bool:
    """Whether a list says itself that it is not all: an empty one is that of a hall whose registry is down."""
    total = answer.count if isinstance(answer.count, int | float) else 0
    return not answer.hashes or total > len(answer.hashes) or bool(answer.next or answer.has_more)


def _read_entry(entry: _AnyEntry, source: str | None) -> BanListEntry | None:
    """Return one ban, or None where its hash is none: it matches nobody."""
    if not isinstance(entry, _Entry):
        entry = _Entry(sha256=entry, source=source)
    if (bare := plain_sha256(entry.sha256)) is None:
        return None
    return BanListEntry(
        sha256=bare,
        reason=text(entry.reason),
        reported_at=text(entry.reported_at),
        source=text(entry.source),
        review_status=text(entry.review_status),
    )


def error_text(body: bytes) -> str:
    """Return an error answer's `error` field, or what stands in its place, or its first words; may be empty."""
    try:
        fields = read_object(body)
    except Unreadable:
        return first_words(body)
    for key in ("error", "reason", "message", "detail", "code"):
        if said := text(fields.get(key)):
            return said
    return first_words(body)


def first_words(body: bytes, length: int = 120) -> str:
    """Return the first words of a body, markup left out, on one line."""
    raw = body[:65_536].decode("utf-8-sig", errors="replace")
    return " ".join(_without_tags(raw).split())[:length]


def _without_tags(raw: str) -> str:
    """Leave out what stands between `<` and `>`, with scripts, styles and comments; read `&amp;` and its like."""
    if not raw.lstrip().startswith("<"):
        return raw
    return html.unescape(" ".join(part.rpartition(">")[2] for part in _UNSEEN.sub("<>", raw).split("<")))


def _plain(body: bytes) -> bytes:
    """Return a body without a byte order mark, and with `\\ufffd` for each half of a surrogate pair.

    Python's own `json` writes such halves, so one odd name would else make the whole answer unreadable.

    Raises:
        Unreadable: there is nothing in it.
    """
    body = body.removeprefix(_BOM)
    if not body.strip():
        raise Unreadable("its body is empty")
    if b"\\ud" in body or b"\\uD" in body:
        body = _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
    return body


def _no_key_twice(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key comes twice in one object")


def _not_json(body: bytes, error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return f"{_ODD_FIELD}: {error}"
    if isinstance(error, msgspec.DecodeError) and body.lstrip()[:1] not in (b"{", b"["):
        return f"it is no JSON and begins: {first_words(body)}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8"
    return f"it is no whole JSON: {error}"


def _name(value: object) -> str:
    return {list: "a list", str: "a text", bool: "a truth value", type(None): "null"}.get(type(value), "a number")
