"""How an evidence log is shown: whether its chain is intact, and its receipts."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from pyhall_tui.attest.evidence import ChainCheck, LogPosition, Receipt, Tail
from pyhall_tui.render.enroll import Line, labelled
from pyhall_tui.render.text import Cell, KeyNames, Style, clean, full_time, own_key, short_hash


class ReceiptRow(NamedTuple):
    """The cells of one receipt."""

    line: Cell
    at: Cell
    status: Cell
    capability: Cell
    correlation: Cell
    worker: Cell


def receipt_row(receipt: Receipt) -> ReceiptRow:
    """Return one receipt's cells. Being listed doesn't prove what it says: see `check_lines`."""
    is_ok = receipt.status.casefold() == "ok"
    return ReceiptRow(
        line=Cell(f"{receipt.line:>7,}", Style.DIM),
        at=Cell(_local(receipt.at), Style.DIM),
        status=Cell(clean(receipt.status, 40) or "–", Style.PLAIN if is_ok else Style.WARNING),
        capability=Cell(clean(receipt.capability, 200) or "–"),
        correlation=Cell(clean(receipt.correlation_id, 200) or "–"),
        worker=Cell(clean(receipt.worker_id, 200) or "–", Style.DIM),
    )


def receipt_values(row: ReceiptRow) -> dict[str, Any]:
    """Return what an export says of a receipt, by column, where its cells say less: its time in UTC."""
    try:
        return {"at": datetime.fromisoformat(row.at.text).astimezone(UTC).isoformat()}
    except ValueError:
        return {"at": row.at.text}


def check_lines(
    path: str, check: ChainCheck, known: LogPosition | None, at: float, *, keys: KeyNames = own_key
) -> list[Line]:
    """Return the result of checking a log that was known up to an earlier mark, or not at all."""
    torn = check.broken is None and check.tail is Tail.TORN
    glyph, style = ("●", Style.GOOD) if check.whole else ("▲", Style.WARNING) if torn else ("✖", Style.ERROR)
    before = "nothing: this is its first check here"
    if known is not None:
        before = f"{known.entries:,} receipt{'s' * (known.entries != 1)} up to {short_hash(known.last_hash)}"
    lines = [
        (Cell(f"{glyph} ", style), Cell(clean(check.sentence), style if not check.whole else Style.STRONG)),
        labelled("log", path),
        labelled("checked", full_time(at), Style.DIM),
        labelled("known before", before, Style.DIM),
    ]
    if check.tail in (Tail.CUT, Tail.REWRITTEN):
        key = keys("evidence.mark", "m")
        words = (
            f"If the log was rotated on purpose, press {key} to accept its end as known. If not, someone removed lines."
        )
        lines.append((Cell(words, Style.WARNING),))
    return lines


def _local(at: str) -> str:
    """Return a receipt's time in local time; anything else as the log has it."""
    try:
        then = datetime.fromisoformat(at)
        return f"{(then if then.tzinfo else then.replace(tzinfo=UTC)).astimezone():%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return clean(at, 40) or "–"
