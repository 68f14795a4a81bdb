"""How a worker is shown: its state's glyph and word, its row in the table, all its fields."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.registry.models import KEPT, Verdict
from pyhall_tui.render.text import Cell, Style, age, clean, full_time, id_text, iso_time, short_hash, time_of_day


class StateLook(NamedTuple):
    """How a state looks: it has a glyph and a word, and never depends on color only."""

    glyph: str
    word: str
    style: Style


LOOKS: Mapping[State, StateLook] = {
    State.BANNED: StateLook("✖", "BANNED", Style.ALARM),
    State.REVOKED: StateLook("✖", "REVOKED", Style.ERROR),
    State.DRIFTED: StateLook("▲", "DRIFTED", Style.WARNING),
    State.UNKNOWN: StateLook("?", "UNKNOWN", Style.WARNING),
    State.UNATTESTED: StateLook("○", "UNATTESTED", Style.WARNING),
    State.STALE: StateLook("~", "stale", Style.DIM),
    State.WAITING: StateLook("…", "waiting", Style.DIM),
    State.RETIRED: StateLook("–", "retired", Style.DIM),
    State.CLEAN: StateLook("●", "clean", Style.GOOD),
}


class WorkerRow(NamedTuple):
    """The cells of one row of the table, by column."""

    state: tuple[Cell, Cell]
    worker: Cell
    name: Cell
    attested: Cell
    hash: Cell
    package: Cell
    """How the package's folder compares with what is attested; a dash if no folder is known."""
    capabilities: Cell
    verdict: Cell
    changed: Cell
    alarm: bool
    """The whole row is highlighted."""


def state_cells(entry: Entry, mono: float, stale_after: float) -> tuple[Cell, Cell]:
    """Return glyph and word. The last word of a stale verdict follows its `~`."""
    state = entry.state(mono, stale_after)
    look = LOOKS[state]
    if state is State.STALE:
        return Cell(look.glyph, Style.DIM), Cell(LOOKS[entry.last_state()].word, Style.DIM)
    word_style = Style.PLAIN if state is State.CLEAN else look.style
    return Cell(look.glyph, look.style), Cell(look.word, word_style)


def verdict_age(entry: Entry, mono: float, stale_after: float) -> Cell:
    """Return the verdict's age; after twice its interval with a `~`, whatever the state."""
    seconds = entry.age(mono)
    if seconds is None:
        return Cell("no answer" if entry.error else "–", Style.WARNING if entry.error else Style.DIM)
    stale = entry.is_stale(mono, stale_after)
    return Cell(f"~ {age(seconds)}" if stale else age(seconds), Style.WARNING if stale else Style.DIM)


def worker_row(entry: Entry, now: Moment, stale_after: float) -> WorkerRow:
    """Return the row of one worker as it is at that moment."""
    verdict = entry.verdict
    name = verdict.display_name if verdict else None
    attested = attested_word(verdict)
    return WorkerRow(
        state=state_cells(entry, now.mono, stale_after),
        worker=Cell(id_text(entry.worker_id)),
        name=Cell(clean(name or "–")),
        attested=Cell(attested, Style.DIM if attested != "no" else Style.WARNING),
        hash=Cell(short_hash(entry.sha256), Style.DIM),
        package=drift_cell(entry.drift) if entry.drift else Cell("–", Style.DIM),
        capabilities=Cell(clean(", ".join(verdict.capabilities) if verdict else "") or "–", Style.DIM),
        verdict=verdict_age(entry, now.mono, stale_after),
        changed=Cell(time_of_day(entry.changed_wall, now.wall), Style.DIM),
        alarm=entry.state(now.mono, stale_after) is State.BANNED,
    )


def worker_values(entry: Entry, now: Moment, stale_after: float) -> dict[str, Any]:
    """Return what an export says of a worker, by column: the state in force, and the registry's own texts."""
    verdict = entry.verdict
    attested = attested_word(verdict)
    return {
        "state": LOOKS[entry.state(now.mono, stale_after)].word,
        "worker": entry.worker_id,
        "name": verdict.display_name if verdict else None,
        "attested": None if attested == "–" else attested == "yes",
        "hash": entry.sha256 or None,
        "package": entry.drift.value if entry.drift else None,
        "capabilities": list(verdict.capabilities) if verdict else [],
        "verdict": iso_time(entry.asked_wall) if verdict else None,
        "changed": iso_time(entry.changed_wall),
    }


def attested_word(verdict: Verdict | None) -> str:
    """Return yes or no; neither if the registry does not know the worker."""
    return "–" if verdict is None or not verdict.known else "yes" if verdict.attested else "no"


def counts_line(counts: Mapping[State, int]) -> list[Cell]:
    """Return the fleet by state, what is wrong first, without empty states."""
    return [
        Cell(f"{count} {LOOKS[state].word.lower()}", LOOKS[state].style if state is not State.CLEAN else Style.PLAIN)
        for state, count in counts.items()
        if count
    ]


LABEL: Final = 13
"""Cells of the labels' column."""


class WorkerField(NamedTuple):
    """One labelled value of a worker."""

    label: str | None
    """None if the value takes the whole line."""
    value: Cell


def worker_fields(
    entry: Entry, now: Moment, stale_after: float, *, width: int = 0
) -> list[tuple[str, list[WorkerField]]]:
    """Return every field that the registry gave, grouped; what we know in addition is marked as ours.

    `width`: the cells of a line. A full hash gets its own line if it fits, so that you can select all of it.
    """
    verdict = entry.verdict
    if verdict is None:
        why = clean(entry.error) or "Not requested yet."
        return [
            ("Verdict", [WorkerField("state", Cell("waiting", Style.DIM)), WorkerField("why", Cell(why, Style.DIM))])
        ]
    groups = [
        ("Identity", _identity(entry)),
        ("Attestation", _attestation(entry, width)),
        ("Ban", _ban(entry)),
        ("Seen", _seen(entry, now, stale_after)),
    ]
    if verdict.is_cut:
        cut = f"not shown: the answer has {verdict.raw_size:,} bytes, of which {KEPT:,} are kept"
        return [*groups, ("Other fields", [WorkerField("", Cell(cut, Style.WARNING))])]
    return [*groups, ("Other fields", other)] if (other := _other_fields(verdict.raw)) else groups


def _optional(label: str, text: str | None) -> WorkerField:
    return WorkerField(label, Cell(clean(text)) if text else Cell("–", Style.DIM))


_NOT_KNOWN = Cell("unknown: the registry does not know the worker", Style.WARNING)


def _identity(entry: Entry) -> list[WorkerField]:
    verdict = entry.verdict
    assert verdict is not None
    return [
        WorkerField("worker", Cell(id_text(entry.worker_id))),
        _optional("name", verdict.display_name),
        _optional("namespace", verdict.namespace),
        _optional("status", verdict.status if verdict.known else "not known to the registry (404)"),
        _optional("capabilities", ", ".join(verdict.capabilities)),
        *(WorkerField("doubt", Cell(clean(doubt), Style.WARNING)) for doubt in verdict.doubts),
    ]


def _attestation(entry: Entry, width: int) -> list[WorkerField]:
    verdict = entry.verdict
    assert verdict is not None
    word = Cell("attested", Style.GOOD) if verdict.attested else Cell("not attested", Style.WARNING)
    fields = [
        WorkerField("attested", word if verdict.known else _NOT_KNOWN),
        *_hash_fields(verdict.sha256 or verdict.hash_text, width),
    ]
    fields.append(_optional("since", verdict.attested_at))
    if entry.drift:
        fields.append(WorkerField("folder", drift_cell(entry.drift)))
        fields.append(WorkerField("", Cell(clean(entry.drift_detail), Style.DIM)))
    return fields


def drift_cell(state: DriftState) -> Cell:
    """Return how a package compares with what is attested, as glyph and word."""
    glyph, style = _DRIFT_LOOKS.get(state, ("▲", Style.WARNING))
    return Cell(f"{glyph} {state}", style)


_DRIFT_LOOKS = {
    DriftState.MATCH: ("●", Style.GOOD),
    DriftState.NOT_ATTESTED: ("○", Style.WARNING),
    DriftState.UNREADABLE: ("✖", Style.ERROR),
}


def _hash_fields(text: str | None, width: int) -> list[WorkerField]:
    """Return a full hash unbroken, on its own line if need be; otherwise in halves that you can compare by eye."""
    if text is None or len(text) <= 32:
        return [_optional("sha256", text)]
    if len(text) == 64 <= width - LABEL:
        return [_optional("sha256", text)]
    if len(text) == 64 <= width:
        return [WorkerField("sha256", Cell("")), WorkerField(None, Cell(clean(text)))]
    return [_optional("sha256", text[:32]), WorkerField("", Cell(clean(text[32:])))]


def _ban(entry: Entry) -> list[WorkerField]:
    verdict = entry.verdict
    assert verdict is not None
    if entry.ban is None:
        told = verdict.ban_word or "not stated"
        return [WorkerField("ban status", Cell(clean(told)) if verdict.known else _NOT_KNOWN)]
    fields = [
        WorkerField("ban status", Cell("BANNED", Style.ALARM)),
        WorkerField("seen by", Cell(entry.ban.source)),
        _optional("reason", entry.ban.reason),
    ]
    if not verdict.banned:
        says = "not banned" if verdict.known else "unknown"
        fields.append(WorkerField("verify says", Cell(f"{says}: the ban list counts", Style.WARNING)))
    if entry.listed is not None:
        fields += [
            _optional("reported at", entry.listed.reported_at),
            _optional("reported by", entry.listed.source),
            _optional("review", entry.listed.review_status),
        ]
    return fields


def _seen(entry: Entry, now: Moment, stale_after: float) -> list[WorkerField]:
    verdict = entry.verdict
    assert verdict is not None
    fields = [
        WorkerField("verdict", verdict_age(entry, now.mono, stale_after)),
        WorkerField("asked at", Cell(full_time(entry.asked_wall))),
        WorkerField("changed", Cell(time_of_day(entry.changed_wall, now.wall))),
        WorkerField("correlation", Cell(clean(verdict.correlation_id) or "–", Style.DIM)),
    ]
    if entry.error:
        fields.append(WorkerField("last try", Cell(clean(entry.error), Style.WARNING)))
    return fields


_SHOWN = frozenset(
    {
        *("worker_id", "display_name", "namespace", "status", "capabilities", "attested", "attested_at"),
        *("attest_sha256", "current_hash", "sha256", "ban_status", "banned", "ban_reason"),
    }
)


def _other_fields(raw: bytes) -> list[WorkerField]:
    from pyhall_tui.registry.decode import Unreadable, read_object, text  # not needed for a row in the first frame

    try:
        fields = read_object(raw)
    except Unreadable:
        return []
    return [_optional(clean(name), text(value)) for name, value in fields.items() if name not in _SHOWN]


def raw_json(raw: bytes, size: int = 0) -> str:
    """Return the answer's JSON indented, or unchanged if it is not JSON. `size`: bytes of the whole answer."""
    from pyhall_tui.registry.decode import indented

    shown = indented(raw) or raw.decode("utf-8", "replace")
    return f"{shown}\n… truncated: these are the first {len(raw):,} of {size:,} bytes." if size > KEPT else shown
