"""How a batch is shown: each row's state as glyph and word, the counts, and what to do next."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pyhall_tui.enroll.batch import Item, RowState
from pyhall_tui.render.text import Cell, Style, clean, id_text, short_hash
from pyhall_tui.render.worker import StateLook

LOOKS: Mapping[RowState, StateLook] = {
    RowState.WRONG: StateLook("▲", "wrong", Style.WARNING),
    RowState.READY: StateLook("○", "ready", Style.DIM),
    RowState.SENDING: StateLook("…", "sending", Style.DIM),
    RowState.ENROLLED: StateLook("●", "enrolled", Style.GOOD),
    RowState.REFUSED: StateLook("✖", "REFUSED", Style.ERROR),
    RowState.UNKNOWN: StateLook("?", "UNKNOWN", Style.WARNING),
}


class BatchCells(NamedTuple):
    """The cells of one row."""

    number: Cell
    state: tuple[Cell, Cell]
    name: Cell
    worker: Cell
    hash: Cell
    capabilities: Cell
    told: Cell


def batch_cells(item: Item) -> BatchCells:
    """Return the cells of one row."""
    look, request = LOOKS[item.state], item.row.request
    told = clean(item.error) or ("in an earlier run" if item.earlier else _warned(item))
    return BatchCells(
        number=Cell(f"{item.row.number:>5}", Style.DIM),
        state=(Cell(look.glyph, look.style), Cell(look.word, look.style)),
        name=Cell(clean(request.display_name) or "–"),
        worker=Cell(id_text(item.worker_id or "–"), Style.PLAIN if item.worker_id else Style.DIM),
        hash=Cell(clean(short_hash(request.sha256 or None)), Style.DIM),
        capabilities=Cell(clean(", ".join(request.capabilities)), Style.DIM),
        told=Cell(told, look.style if item.error else Style.DIM),
    )


def row_in_full(item: Item) -> str:
    """Return everything that a narrow table leaves out or cuts in one row: name, worker, and the result."""
    cells = batch_cells(item)
    parts = [cells.name.text, item.worker_id and cells.worker.text, cells.told.text]
    return f"Row {item.row.number}: {' · '.join(part for part in parts if part)}"


def _warned(item: Item) -> str:
    count = item.row.warnings
    return f"▲ {count:,} thing{'s' * (count != 1)} that should not be in a package" if count else ""


def batch_line(item: Item) -> str:
    """Return one row as a line of plain text."""
    cells = batch_cells(item)
    glyph, word = cells.state
    parts = [cells.number.text, glyph.text, word.text.ljust(8), cells.name.text, cells.worker.text, cells.told.text]
    return "  ".join(part for part in parts if part)


def counts_words(counts: Mapping[RowState, int]) -> list[Cell]:
    """Return how many rows are in each state that occurs."""
    return [Cell(f"{count:,} {LOOKS[state].word.lower()}", LOOKS[state].style) for state, count in counts.items()]


def what_next(items: Sequence[Item], stopped_because: str) -> list[str]:
    """Return sentences that say why it stopped, and what to do about the rows that are not enrolled."""
    found = {state: [item for item in items if item.state is state] for state in RowState}
    lines = [clean(stopped_because)] if stopped_because else []
    if found[RowState.UNKNOWN]:
        lines.append(
            f"{_rows(found[RowState.UNKNOWN])} unresolved and may be enrolled already."
            " Check the registry, then say which are enrolled, and which to send again."
        )
    if found[RowState.REFUSED]:
        lines.append(
            f"{_rows(found[RowState.REFUSED])} refused by the registry: correct the cause, then run the batch again."
        )
    if found[RowState.WRONG]:
        lines.append(f"{_rows(found[RowState.WRONG])} wrong and not sent: each line says why.")
    if found[RowState.READY] and stopped_because:
        lines.append(f"{_rows(found[RowState.READY])} not sent yet: run the batch again to continue where it stopped.")
    return lines


def _rows(items: Sequence[Item]) -> str:
    numbers = ", ".join(str(item.row.number) for item in items[:8])
    if len(items) == 1:
        return f"Row {numbers} is"
    return f"{len(items):,} rows ({numbers}{' …' if len(items) > 8 else ''}) are"
