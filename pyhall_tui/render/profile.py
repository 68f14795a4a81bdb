"""How profiles, the places of their keys, and test results are shown: words, glyphs, style names."""

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from pyhall_tui.probe import CheckResult, ProbeLine, ProbeStep
from pyhall_tui.profiles.api_key import PREFIXES
from pyhall_tui.profiles.environment import KEY, NAMESPACE_NAME, value_of, variables_in_force
from pyhall_tui.profiles.keys import KeyAnswer, KeySource, KeyState
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import origin
from pyhall_tui.render.check_marks import CHECK_MARKS
from pyhall_tui.render.connection import host
from pyhall_tui.render.text import Cell, Style, clean

_WIDEST_STEP: Final = max(len(step) for step in ProbeStep)


class ProfileRow(NamedTuple):
    """One line of the list of profiles."""

    name: Cell
    namespace: Cell
    host: Cell
    key: Cell
    marks: tuple[Cell, ...]


def profile_row(
    profile: Profile, answer: KeyAnswer | None, *, is_open: bool, is_default: bool, is_edited: bool
) -> ProfileRow:
    """Return what the list shows for a profile; `answer` is what is known about its key without asking for it."""
    marks = [
        (is_open, Cell("● open", Style.GOOD)),
        (is_edited, Cell("edited", Style.WARNING)),
        (profile.production, Cell("PRODUCTION", Style.ERROR)),
        (profile.read_only, Cell("READ ONLY", Style.WARNING)),
        (is_default, Cell("default", Style.DIM)),
        (profile.overview, Cell("overview", Style.DIM)),
    ]
    return ProfileRow(
        name=Cell(clean(profile.name), Style.STRONG if is_open else Style.PLAIN),
        namespace=Cell(clean(profile.namespace)),
        host=Cell(clean(host(profile.registry_url)), Style.DIM),
        key=_key_word(answer),
        marks=tuple(cell for holds, cell in marks if holds) or (Cell(""),),
    )


def _key_word(answer: KeyAnswer | None) -> Cell:
    if answer is None:
        return Cell("not asked", Style.DIM)
    if answer.key is None:
        return Cell(answer.state.value, Style.DIM if answer.state is KeyState.WAITING else Style.WARNING)
    return Cell(answer.source.value, Style.PLAIN if answer.source is KeySource.KEYRING else Style.WARNING)


def _stored_key(answer: KeyAnswer | None) -> Cell:
    """Return where the shown profile's key is stored, or why there is none and what to do."""
    if answer is None:
        return Cell("The OS keyring is asked for it when the profile is opened or tested.", Style.DIM)
    sentence = clean(answer.sentence)
    if answer.state is KeyState.WAITING:
        return Cell(f"… {sentence}", Style.DIM)
    if answer.key is None or answer.state is not KeyState.FOUND:
        return Cell(f"? {sentence}", Style.WARNING)
    return Cell(f"✔ {sentence}", Style.DIM if answer.source is KeySource.KEYRING else Style.WARNING)


def _typed_key(typed: str, environ: Mapping[str, str] = os.environ) -> Cell:
    """Return what happens to a typed key that is not saved yet, or that a key is needed."""
    unused = f" It is not used while {KEY} is set." if value_of(KEY, environ) else ""
    if not typed:
        return Cell(f"Paste the key that the registry's dashboard shows; it goes into the OS keyring.{unused}")
    if not typed.startswith(PREFIXES):
        return Cell(f"It does not begin with {' or '.join(PREFIXES)}: is it the whole key?{unused}", Style.WARNING)
    return Cell(f"It goes into the OS keyring when you save.{unused}")


def key_sentence(base: Profile | None, answer: KeyAnswer | None, typed: str, url: str) -> Cell:
    """Return the sentence below the key's field.

    Args:
        base: the stored profile; None for a new one.
        answer: what is known about its key.
        typed: the field's content.
        url: the URL field's content; a stored key goes only to its own origin.
    """
    if typed or base is None:
        return _typed_key(typed)
    try:
        elsewhere = origin(url) != origin(base.registry_url)
    except ValueError:
        elsewhere = False
    if elsewhere:
        return Cell(f"The stored key stays with {clean(origin(base.registry_url))}: this address needs its own.")
    return _stored_key(answer)


def probe_cells(line: ProbeLine) -> list[Cell]:
    """Return a test's line: glyph, step, sentence, what to do."""
    glyph, style = CHECK_MARKS[line.mark]
    said = style if line.mark in (CheckResult.NO, CheckResult.UNPROVEN) else Style.DIM
    cells = [Cell(f"{glyph} ", style), Cell(f"{line.step:<{_WIDEST_STEP}}  "), Cell(clean(line.sentence, 300), said)]
    return [*cells, Cell(f" {clean(line.advice)}")] if line.advice else cells


def pending_cells(step: ProbeStep) -> list[Cell]:
    """Return the line of a step that is in progress."""
    return [Cell("… ", Style.DIM), Cell(f"{step:<{_WIDEST_STEP}}", Style.DIM)]


def override_line(environ: Mapping[str, str] = os.environ) -> Cell | None:
    """Return which variables currently override every profile, and what; None if there are none."""
    parts = [_override(name, environ) for name in variables_in_force(environ)]
    if not parts:
        return None
    return Cell(f"While set, {' and '.join(parts)} of every profile.", Style.WARNING)


def _override(name: str, environ: Mapping[str, str]) -> str:
    if name == KEY:
        return f"{name} overrides the key"
    value = clean(value_of(name, environ) or "", 80)
    return f"{name} ({value}) overrides the {'namespace' if name == NAMESPACE_NAME else 'URL'}"
