"""How a dispatch's answer is shown: its word in block letters, its facts, its row in the history."""

from collections.abc import Mapping
from typing import NamedTuple

from pyhall_tui.dispatch.codes import explain
from pyhall_tui.dispatch.form import UNSTATED, filled
from pyhall_tui.dispatch.result import Result, Tried
from pyhall_tui.registry.models import Exchange
from pyhall_tui.render.text import Cell, Style, clean, clean_lines, id_text, time_of_day
from pyhall_tui.render.worker import raw_json


class ResultLook(NamedTuple):
    """How a result looks: each has its own glyph and word, so that none depends on color."""

    glyph: str
    word: str
    style: Style


LOOKS: Mapping[Result, ResultLook] = {
    Result.ALLOW: ResultLook("●", "ALLOW", Style.GOOD),
    Result.DENY: ResultLook("✖", "DENY", Style.ERROR),
    Result.HOLD: ResultLook("◆", "HOLD", Style.WARNING),
    Result.OTHER: ResultLook("≠", "OTHER", Style.WARNING),
    Result.ERROR: ResultLook("!", "ERROR", Style.WARNING),
    Result.UNKNOWN: ResultLook("?", "UNKNOWN", Style.WARNING),
}

_FONT: Mapping[str, tuple[str, ...]] = {
    "A": (" ##  ", "#  # ", "#### ", "#  # ", "#  # "),
    "D": ("###  ", "#  # ", "#  # ", "#  # ", "###  "),
    "E": ("#### ", "#    ", "###  ", "#    ", "#### "),
    "H": ("#  # ", "#  # ", "#### ", "#  # ", "#  # "),
    "K": ("#  # ", "# #  ", "##   ", "# #  ", "#  # "),
    "L": ("#    ", "#    ", "#    ", "#    ", "#### "),
    "N": ("#   # ", "##  # ", "# # # ", "#  ## ", "#   # "),
    "O": (" ##  ", "#  # ", "#  # ", "#  # ", " ##  "),
    "R": ("###  ", "#  # ", "###  ", "# #  ", "#  # "),
    "T": ("##### ", "  #   ", "  #   ", "  #   ", "  #   "),
    "U": ("#  # ", "#  # ", "#  # ", "#  # ", " ##  "),
    "W": ("#   # ", "#   # ", "# # # ", "## ## ", "#   # "),
    "Y": ("#   # ", " # #  ", "  #   ", "  #   ", "  #   "),
}
_HALVES = {(" ", " "): " ", ("#", " "): "▀", (" ", "#"): "▄", ("#", "#"): "█"}


def big_letters(word: str, width: int, height: int) -> str:
    """Return a word in the largest block letters that fit: 5 lines, 3 lines, or spaced out on one line."""
    rows = ["".join(_FONT[letter][row] for letter in word).rstrip() for row in range(5)]
    needed = max(len(row) for row in rows)
    if 2 * needed <= width and height >= 5:
        return "\n".join("".join("██" if dot == "#" else "  " for dot in row).rstrip() for row in rows)
    if needed <= width and height >= 3:
        padded = [row.ljust(needed) for row in (*rows, "")]
        pairs = zip(padded[::2], padded[1::2], strict=True)
        return "\n".join("".join(_HALVES[pair] for pair in zip(*two, strict=True)).rstrip() for two in pairs)
    return " ".join(word)


class Fact(NamedTuple):
    """One line below the block letters."""

    label: str
    value: Cell


def facts(tried: Tried) -> list[Fact]:
    """Return what is known about a dispatch, the most important first: code, reason, what to do, ids, time."""
    head = _answer_facts(tried) if tried.result.is_answer else _error_facts(tried)
    row = tried.row
    known = [
        Fact("decision", Cell(clean(row.decision_id), Style.PLAIN) if row.decision_id else Cell("–", Style.DIM)),
        Fact("correlation", correlation_cell(tried)),
        Fact("round trip", Cell(milliseconds(row.elapsed_ms), Style.DIM)),
    ]
    return [*head, *(known if tried.result.is_answer else known[1:])]


def _answer_facts(tried: Tried) -> list[Fact]:
    row, found = tried.row, []
    if row.deny_code:
        found.append(Fact("code", Cell(clean(row.deny_code), Style.STRONG)))
    if tried.result is Result.OTHER:
        found.append(Fact("outcome", Cell(_why_other(tried), Style.WARNING)))
    if row.reason:
        found.append(Fact("reason", Cell(clean(row.reason))))
    meaning = explain(row.deny_code)
    if meaning is not None:
        found.append(Fact("means", Cell(str(meaning))))
    elif row.deny_code:
        found.append(Fact("means", Cell("an unknown code, shown as received", Style.DIM)))
    if tried.result is Result.HOLD and meaning is None:
        found.append(Fact("means", Cell("A person has to decide first.")))
    return found


def _why_other(tried: Tried) -> str:
    if tried.row.outcome == "allow" and tried.correlation_same is False:
        return "allow, but with the correlation id of another request, so it is not an allow"
    return f"{clean(tried.row.outcome) or 'no outcome'}: not a known outcome, so it is not an allow"


def _error_facts(tried: Tried) -> list[Fact]:
    row = tried.row
    found = [Fact("error", Cell(clean(row.error), Style.STRONG))]
    if tried.advice:
        found.append(Fact("to do", Cell(clean(tried.advice))))
    if tried.new_url:
        found.append(Fact("address", Cell(clean(tried.new_url), Style.STRONG)))
    if tried.result is Result.UNKNOWN:
        sentence = "unknown: it may have reached the registry and been decided. It was not sent again."
        return [*found, Fact("outcome", Cell(sentence, Style.WARNING))]
    return [*found, Fact("outcome", Cell(_nothing_decided(row.status)))]


def _nothing_decided(status: int | None) -> str:
    if status is None:
        return "none: it did not reach the registry; nothing was decided."
    return f"none: refused with {status}; nothing was decided."


def correlation_cell(tried: Tried) -> Cell:
    """Return whether the correlation id came back unchanged."""
    sent, back = clean(tried.row.correlation_id), tried.row.correlation_back
    if tried.correlation_same is None:
        return Cell(f"none came back  {sent}", Style.DIM if not tried.result.is_answer else Style.WARNING)
    if tried.correlation_same:
        return Cell(f"came back the same  {sent}")
    return Cell(f"✖ a different one came back: {clean(back)}, sent was {sent}", Style.ERROR)


class HistoryRow(NamedTuple):
    """The cells of one dispatch in the history, by column."""

    when: Cell
    result: tuple[Cell, Cell]
    code: Cell
    capability: Cell
    worker: Cell
    tier: Cell
    elapsed: Cell
    correlation: Cell


def result_cells(result: Result) -> tuple[Cell, Cell]:
    """Return glyph and word of a result."""
    look = LOOKS[result]
    return Cell(look.glyph, look.style), Cell(look.word.lower(), look.style)


def history_row(tried: Tried, now_wall: float) -> HistoryRow:
    """Return one dispatch's cells."""
    row = tried.row
    tier = filled(capability="", worker_id="", context=row.context).risk_tier
    return HistoryRow(
        when=Cell(time_of_day(row.at, now_wall), Style.DIM),
        result=result_cells(tried.result),
        code=Cell(clean(row.deny_code or row.error or "–"), Style.PLAIN if row.deny_code else Style.DIM),
        capability=Cell(clean(row.capability)),
        worker=Cell(id_text(row.worker_id)),
        tier=Cell("–" if tier == UNSTATED else clean(tier), Style.DIM),
        elapsed=Cell(milliseconds(row.elapsed_ms), Style.DIM),
        correlation=Cell(clean(row.correlation_id), Style.DIM),
    )


def milliseconds(elapsed: float | None) -> str:
    """Return a round trip such as `41 ms`, or `0.8 ms` if it is under ten."""
    if elapsed is None:
        return "–"
    return f"{elapsed:.1f} ms" if elapsed < 9.95 else f"{elapsed:,.0f} ms"


def request_text(exchange: Exchange) -> str:
    """Return the request as sent, with its body indented and the key masked by the client."""
    head = f"{exchange.method} {exchange.url}"
    return f"{clean(head)}\n\n{pretty(exchange.request_body)}"


def headers_text(exchange: Exchange) -> str:
    """Return both sides' headers."""
    sent = "\n".join(f"> {clean(name)}: {clean(value)}" for name, value in exchange.request_headers)
    came = "\n".join(f"< {clean(name)}: {clean(value)}" for name, value in exchange.response_headers)
    return f"{sent}\n\n< {exchange.status}\n{came}"


def pretty(body: bytes, size: int = 0) -> str:
    """Return a body's JSON indented and cleaned, or its text unchanged. `size`: bytes of the whole body."""
    return clean_lines(raw_json(body, size)) if body else "(no body)"
