"""Each source in the header, the ban list and the verifies: when it last answered, and what it fails with."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyhall_tui.clock import Moment
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability
from pyhall_tui.monitor.sources import Source
from pyhall_tui.render.text import Cell, Style, clean, in_seconds, span

if TYPE_CHECKING:
    from pyhall_tui.journal.watchers import Holder

_WORD = 24
"""Characters of what a source fails with."""
_SHORTER = {"not a registry's answer": "bad answer", "ban list unclear": "unclear", "answer too large": "too large"}
_SLOW = 0.5
"""Answers that take this share of the time-out or more are called slow."""
_ASIDE = (Reachability.NO_KEY, Reachability.NOT_ASKED)
"""Nothing is sent, so no source has anything to show."""


def status_cells(state: ConnectionState, now: Moment, timeout: float) -> list[Cell]:
    """Return the reachability, each source, and what delays requests. `timeout`: a request's, in seconds."""
    cells = list(_reach_cells(state, now, timeout))
    if state.reach in _ASIDE:
        return [*cells, Cell("nothing is sent", Style.WARNING)]
    if state.is_pushed(now.mono):
        cells.append(Cell("push", Style.GOOD))
    sources = (_list_cell(state, now, timeout), _verify_cell(state, now, timeout))
    cells += [cell for cell in sources if cell is not None]
    if state.limited_until and state.limited_until > now.mono:
        cells.append(Cell(f"rate limited, resumes in {in_seconds(state.limited_until - now.mono)}", Style.WARNING))
    return cells


def own_cells(refused: str) -> list[Cell]:
    """Return what the registry refuses of what people send, if that is all of it: `sent ✖ 403 (3)`."""
    return [Cell(f"sent ✖ {refused}", Style.WARNING)] if refused else []


def beside_cells(watcher: "Holder | None", *, is_short: bool = False) -> list[Cell]:
    """Return which program watches the profile, if this one only reads beside it: `beside watch (host, 1234)`."""
    if watcher is None:
        return []
    where = "" if is_short else f" ({clean(watcher.host, _WORD)}, {watcher.pid})"
    return [Cell(f"beside watch{where}", Style.GOOD)]


def short_status_cells(state: ConnectionState, now: Moment, timeout: float) -> list[Cell]:
    """Return the reachability for a narrow header, or, if only some sources have trouble, which ones and what."""
    return list(_reach_cells(state, now, timeout)) or list(_troubles(state, now, timeout))


def has_trouble(state: ConnectionState, now: Moment, timeout: float) -> bool:
    """Whether the connection says something that must not be cut."""
    if state.reach in (Reachability.LIVE, Reachability.CONNECTING):
        return state.is_silent(now.mono, timeout) or any(_troubles(state, now, timeout))
    return True


def _reach_cells(state: ConnectionState, now: Moment, timeout: float) -> Iterator[Cell]:
    """Yield the reachability, if it is that of all sources together."""
    if state.reach in _ASIDE:
        yield Cell(f"✖ {state.reach.value}", Style.WARNING)
    elif state.reach in (Reachability.LOST, Reachability.KEY_REJECTED):
        yield Cell(f"✖ {state.reach.value}", Style.ERROR)
    elif state.is_silent(now.mono, timeout):
        yield Cell("? no answer", Style.WARNING)
    elif state.reach is Reachability.CONNECTING:
        yield Cell("… connecting", Style.DIM)
    elif not any(_troubles(state, now, timeout)):
        yield Cell("● live", Style.GOOD)


def _troubles(state: ConnectionState, now: Moment, timeout: float) -> Iterator[Cell]:
    if state.ban_list is BanListState.FAILING:
        yield Cell(f"✖ list {_word(state.ban_list_source)}".rstrip(), Style.ERROR)
    elif state.ban_list is BanListState.TRUNCATED:
        yield Cell("▲ list truncated", Style.WARNING)
    elif state.ban_list is BanListState.OLD:
        yield Cell("▲ list old", Style.WARNING)
    elif state.is_list_late(now.mono, timeout):
        yield Cell(f"▲ list late {_age(state.ban_list_source, now)}".rstrip(), Style.WARNING)
    elif _is_slow(state.ban_list_source, timeout):
        yield Cell("▲ list slow", Style.WARNING)
    if state.reach is Reachability.VERIFY_FAILING:
        yield Cell(f"✖ verify {_word(state.verify_source)}".rstrip(), Style.ERROR)
    elif _is_slow(state.verify_source, timeout):
        yield Cell("▲ verify slow", Style.WARNING)


def _list_cell(state: ConnectionState, now: Moment, timeout: float) -> Cell:
    source = state.ban_list_source
    if state.ban_list is BanListState.FAILING:
        return Cell(f"list ✖ {_failure(source)}".rstrip(), Style.ERROR)
    if state.ban_list is BanListState.TRUNCATED:
        return Cell(f"list ▲ truncated {_age(source, now)}".rstrip(), Style.WARNING)
    if state.ban_list is BanListState.OLD:
        return Cell(f"list ▲ old {_age(source, now)}".rstrip(), Style.WARNING)
    if state.ban_list is BanListState.MISSING:
        return Cell("no ban list here", Style.WARNING)
    if state.is_list_late(now.mono, timeout):
        return Cell(f"list ▲ late {_age(source, now)}".rstrip(), Style.WARNING)
    if state.ban_list is BanListState.WAITING:
        return Cell("list …", Style.DIM)
    if _is_slow(source, timeout):
        return Cell(f"list ▲ slow {_age(source, now)}", Style.WARNING)
    return _answers("list", source, state, now, timeout)


def _verify_cell(state: ConnectionState, now: Moment, timeout: float) -> Cell | None:
    source = state.verify_source
    if source.word or state.reach is Reachability.VERIFY_FAILING:
        return Cell(f"verify ✖ {_failure(source)}".rstrip(), Style.ERROR)
    if source.answered is None:
        return None
    if _is_slow(source, timeout):
        return Cell(f"verify ▲ slow {_age(source, now)}", Style.WARNING)
    return _answers("verify", source, state, now, timeout)


def _answers(name: str, source: Source, state: ConnectionState, now: Moment, timeout: float) -> Cell:
    """Return when a source last answered; in doubt if its last request got none and that is long ago."""
    since = source.answered if source.answered is not None else now.mono
    unheard = source.unheard is not None and source.unheard > since and now.mono - since > timeout
    if unheard or state.is_silent(now.mono, timeout):
        return Cell(f"{name} ? {_age(source, now)}".rstrip(), Style.WARNING)
    return Cell(f"{name} ✔ {_age(source, now)}".rstrip(), Style.DIM)


def _is_slow(source: Source, timeout: float) -> bool:
    return source.took >= timeout * _SLOW


def _failure(source: Source) -> str:
    return f"{_word(source)} ({source.failures:,})" if source.failures > 1 else _word(source)


def _word(source: Source) -> str:
    return _SHORTER.get(source.word) or clean(source.word, _WORD)


def _age(source: Source, now: Moment) -> str:
    return "" if source.answered is None else span(now.mono - source.answered)
