"""How an enrollment is shown: the request, the registry's answer, its result, what was hashed."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

import msgspec

from pyhall_tui.clock import Moment
from pyhall_tui.enroll.draft import Draft, Package, Unsettled
from pyhall_tui.enroll.record_checks import RecordCheck, RecordStanding
from pyhall_tui.enroll.request import METHOD, body_of, headers_of, request_of, url_of
from pyhall_tui.files.sizes import amount
from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.packages.package_hash import PackageHash, look_alikes, spelled
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.errors import NotSent, RegistryError, StatusError
from pyhall_tui.registry.models import EnrollAnswer, Exchange, plain_sha256
from pyhall_tui.render.text import Cell, Style, clean, clean_lines, time_of_day
from pyhall_tui.render.worker import LOOKS, raw_json

Line = tuple[Cell, ...]
"""One line, made of pieces side by side."""

SIZE_WIDTH = 14
"""Cells for a file's size, which is right-aligned."""
_LABEL = 14
EMPTY: Line = (Cell(""),)


def labelled(label: str, value: str, style: Style = Style.PLAIN) -> Line:
    """Return a line with a dim label before the value; the value is cleaned."""
    return Cell(f"{clean(label):<{_LABEL}} ", Style.DIM), Cell(clean(value) or "–", style)


def preview(profile: Profile, draft: Draft, correlation_id: str) -> list[Line]:
    """Return the request as it will be sent: method, address, headers with a masked key, JSON body."""
    body = body_of(request_of(draft, profile.namespace))
    lines: list[Line] = [(Cell(METHOD, Style.STRONG), Cell(" " + clean(url_of(profile))))]
    headers = headers_of(profile, correlation_id, body)
    lines += [(Cell(f"{name}: ", Style.DIM), Cell(clean(value))) for name, value in headers]
    return [*lines, EMPTY, *_raw(body)]


def _raw(body: bytes, size: int = 0) -> list[Line]:
    return [(Cell(line),) for line in clean_lines(raw_json(body, size)).split("\n")]


def package_lines(package: Package | None, sha256: str) -> list[Line]:
    """Return what the hash on the form was computed from; a typed hash has nothing to show."""
    typed = plain_sha256(sha256)
    if package is None or typed != package.sha256:
        words = "The hash was typed in, so its package is not known here." if typed else "Nothing has been hashed yet."
        return [(Cell(words, Style.DIM),)]
    what = "folder" if package.kind == "folder" else "file, as sha256sum hashes it"
    lines = [
        labelled("package", package.path),
        labelled("kind", what),
        labelled("hashed", f"{package.files:,} file{'s' * (package.files != 1)}, {amount(package.bytes_total)}"),
        labelled("left out", f"{package.left_out:,}" if package.left_out else "nothing"),
    ]
    if package.warnings:
        words = f"{package.warnings:,} thing{'s' * (package.warnings != 1)} that should not be in a package"
        lines.append(labelled("▲ warning", words, Style.WARNING))
    return lines


def answer_lines(answer: EnrollAnswer) -> list[Line]:
    """Return what the registry said, first field by field, then unchanged."""
    exchange = answer.exchange
    if answer.worker_id is not None:
        head: list[Line] = [(Cell("● enrolled ", Style.GOOD), Cell(clean(answer.worker_id), Style.STRONG))]
    else:
        head = [
            (Cell("? answered without a worker id", Style.WARNING),),
            (Cell(_WITHOUT_ID, Style.DIM),),
        ]
    lines = [*head, EMPTY, *(labelled(name, _plain(value)) for name, value in answer.fields.items())]
    return [*lines, EMPTY, *exchange_lines(exchange)]


_WITHOUT_ID = (
    "The registry opened a session but named no worker, so none was added to the watch list."
    " Add it by its id once you know it."
)


def exchange_lines(exchange: Exchange | None) -> list[Line]:
    """Return an answer as received; nothing if none came."""
    if exchange is None or exchange.status is None:
        return []
    status = f"{exchange.status} · {exchange.elapsed * 1000:.0f} ms · {exchange.correlation_id}"
    lines: list[Line] = [(Cell("ANSWER ", Style.DIM), Cell(clean(status)))]
    lines += [(Cell(f"{clean(name)}: ", Style.DIM), Cell(clean(value))) for name, value in exchange.response_headers]
    return [*lines, EMPTY, *_raw(exchange.response_body, exchange.response_size)]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def first_verdict(entry: Entry | None, sha256: str, since: float, now: Moment, stale_after: float) -> list[Line]:
    """Return what the registry says about the new worker, from a verdict requested after `since` (monotonic)."""
    if entry is None:
        return []
    if entry.verdict is None or entry.restored or entry.asked < since:
        why = f"no verdict yet: {clean(entry.error)}" if entry.error else "verifying…"
        return [(Cell(f"… {why}", Style.WARNING if entry.error else Style.DIM),)]
    state = entry.state(now.mono, stale_after)
    look = LOOKS[state]
    lines: list[Line] = [(Cell("The registry now says: "), Cell(f"{look.glyph} {look.word}", look.style))]
    lines += [(Cell(f"▲ {clean(doubt)}", Style.WARNING),) for doubt in entry.verdict.doubts]
    if state is State.BANNED and entry.ban and entry.ban.reason:
        lines.append((Cell(clean(entry.ban.reason), Style.ALARM),))
    if entry.sha256 and entry.sha256 != sha256:
        lines.append((Cell("▲ It attests a different hash from the one sent.", Style.WARNING),))
    elif entry.sha256:
        lines.append((Cell("It attests the hash that was sent.", Style.DIM),))
    return lines


def trouble(error: RegistryError, *, send: str = "ctrl+s") -> list[Line]:
    """Return what is shown above the form after a failed enrollment: what happened, what to do, whether it arrived.

    `send` is the key that sends it.
    """
    return [
        (Cell(f"✖ {clean(error)}", Style.ERROR),),
        (Cell(f"{arrived(error)} {_advice(error, send)}"),),
    ]


def _advice(error: RegistryError, send: str) -> str:
    """Return what to do now."""
    wait = error.retry_after if isinstance(error, StatusError) and not error.may_have_reached else None
    return f"Wait {wait:.0f} s, then press {send} again." if wait else clean(error.advice)


def arrived(error: RegistryError) -> str:
    """Return whether the registry may have acted on an enrollment that ended with this error."""
    if isinstance(error, StatusError) and error.status == HTTPStatus.CONFLICT:
        return "An earlier try may have gone through: the worker may be enrolled already. It is never sent again."
    if error.may_have_reached:
        return (
            "It may have reached the registry: the worker may be enrolled already. It is never sent"
            " again automatically."
        )
    if isinstance(error, StatusError):
        return "The registry refused it: nothing was enrolled."
    return "Nothing was sent." if isinstance(error, NotSent) else "It did not reach the registry."


def unsettled_line(sent: Unsettled, now_wall: float) -> Line:
    """Return the reminder of a send whose answer is unknown."""
    words = (
        f"? {clean(sent.display_name, 60)} was sent at {time_of_day(sent.at, now_wall)} ({clean(sent.correlation_id)})"
        " and no answer is known: it may be enrolled already."
    )
    return (Cell(words, Style.WARNING),)


class HashedRow(NamedTuple):
    """One line about something that was hashed, left out, or needs a second look."""

    what: Cell
    size: Cell
    digest: Cell
    path: Cell


def hashed_rows(package: PackageHash) -> list[HashedRow]:
    """Return the warnings first, then the files in hashing order, then what was left out.

    Names that look alike are followed by their spelling in ASCII, so that you can distinguish them.
    """
    alike = look_alikes(package.files)
    none = Cell("")
    rows = [
        HashedRow(Cell("▲ warning", Style.WARNING), none, none, Cell(f"{clean(one.path)}: {one.reason}", Style.WARNING))
        for one in package.warnings
    ]
    for file in package.files:
        name = clean(file.path) + (f"  ({spelled(file.path)})" if file.path in alike else "")
        size = Cell(f"{file.size:,}".rjust(SIZE_WIDTH), Style.DIM)
        rows.append(HashedRow(Cell("link" if file.link else "file", Style.DIM), size, Cell(file.sha256), Cell(name)))
    rows += [
        HashedRow(Cell("left out", Style.DIM), none, none, Cell(f"{clean(left.path)}: {left.reason}", Style.DIM))
        for left in package.left_out
    ]
    return rows


def hashed_row_in_full(row: HashedRow) -> list[Line]:
    """Return one row of `hashed_rows` without column limits: the path, and below it the digest."""
    return [(row.path,), (Cell(row.digest.text, Style.DIM),)]


_STANDINGS = {
    RecordStanding.HOLDS: ("✔", Style.GOOD),
    RecordStanding.UNPROVEN: ("?", Style.DIM),
    RecordStanding.WRONG: ("▲", Style.WARNING),
    RecordStanding.STOPS: ("✖", Style.ERROR),
}


def record_lines(source: str, form: str, checks: Sequence[RecordCheck]) -> list[Line]:
    """Return the results of checking a record, each on a line with a mark."""
    lines: list[Line] = [(Cell(f"{clean(form)} ", Style.STRONG), Cell(clean(source), Style.DIM))]
    for check in checks:
        glyph, style = _STANDINGS[check.standing]
        words = Style.PLAIN if check.standing is RecordStanding.HOLDS else style
        lines.append((Cell(f"{glyph} ", style), Cell(clean(check.text), words)))
    return lines
