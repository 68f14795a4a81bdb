"""A baseline: what policy once decided, in a text file that reads well in a diff, to compare with today's decisions."""

import contextlib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import tomli_w

from pyhall_tui.dispatch.form import RISK_TIERS, UNSTATED
from pyhall_tui.dispatch.matrix import Case, CellAnswer, Patterns, Plan, fitting_names, is_pattern
from pyhall_tui.dispatch.result import Result
from pyhall_tui.files.given_path import given_path
from pyhall_tui.files.regular_file import NotText, edited_text, read_bounded, reason
from pyhall_tui.files.safe_file import write_atomically

VERSION: Final = 1
_HEAD: Final = """\
# What policy said of each capability, worker and risk tier. Made by pyhall-tui; `pyhall-tui policy check` compares
# it with what policy says now. It has no timestamp: the same policy makes the same file.
"""
_NAME: Final = re.compile(r"[\w][\w.-]{0,99}", re.ASCII)
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.ASCII | re.IGNORECASE)
"""On Windows, a file of such a name is a device, in each folder and with each ending: what is written is lost."""
_TIERS: Final = (*RISK_TIERS, UNSTATED)


class BaselineMistake(Exception):
    """A baseline can't be read or written; the message is a sentence that names the file."""


class Baseline(NamedTuple):
    """Answers by cell, for one namespace."""

    namespace: str
    answers: dict[Case, CellAnswer]
    patterns: Patterns = Patterns()
    """The patterns that chose the workers and capabilities, so that `never_asked` knows which are new."""

    def plan(self) -> Plan:
        """Return the plan that asks exactly these cells again."""
        return Plan(
            namespace=self.namespace,
            capabilities=tuple(dict.fromkeys(case.capability for case in self.answers)),
            workers=tuple(dict.fromkeys(case.worker_id for case in self.answers)),
            risk_tiers=tuple(tier for tier in _TIERS if any(case.risk_tier == tier for case in self.answers)),
            only=tuple(self.answers),
        )


class Difference(NamedTuple):
    """One cell that has changed."""

    case: Case
    before: CellAnswer
    after: CellAnswer | None
    """None if it was not asked, or got no answer."""


def differences(baseline: Baseline, now: Mapping[Case, CellAnswer]) -> list[Difference]:
    """Return the cells that differ: first those that are newly allowed, then others, and last those without answers."""
    found = [
        Difference(case, before, answered(now.get(case)))
        for case, before in baseline.answers.items()
        if now.get(case) != before
    ]
    return sorted(found, key=_loudness)


def never_asked(baseline: Baseline, workers: Iterable[str], capabilities: Iterable[str]) -> list[Case]:
    """Return the cells that the baseline's patterns choose now for workers or capabilities that are new since.

    Args:
        workers: the ones known now.
        capabilities: likewise.
    """
    asked = baseline.plan()
    new_workers = _new(baseline.patterns.workers, workers, asked.workers)
    new_capabilities = _new(baseline.patterns.capabilities, capabilities, asked.capabilities)
    cells = [
        Case(capability, worker_id, tier)
        for capability in (*asked.capabilities, *new_capabilities)
        for worker_id in (*asked.workers, *new_workers)
        for tier in asked.risk_tiers
        if worker_id in new_workers or capability in new_capabilities
    ]
    return sorted(cells, key=_order)


def _new(patterns: Iterable[str], known: Iterable[str], asked: Collection[str]) -> list[str]:
    names = set(known).difference(asked)
    return sorted({name for pattern in patterns if is_pattern(pattern) for name in fitting_names(pattern, names)})


def answered(answer: CellAnswer | None) -> CellAnswer | None:
    """Return an answer, or None if it is not one."""
    return answer if answer is not None and answer.result.is_answer else None


def is_path(name: str) -> bool:
    """Whether a baseline is named by its path, not by a plain name."""
    return name.endswith(".toml") or "/" in name or "\\" in name


def path_of(name: str, folder: Path) -> Path:
    """Return a baseline's file: a path as given, or a plain name in `folder`.

    Raises:
        BaselineMistake: it is neither.
    """
    if is_path(name):
        return given_path(name)
    if not _NAME.fullmatch(name):
        raise BaselineMistake(f"{name!r} is not a name for a baseline: use letters, digits, - and _, or a path.")
    if _DEVICE.fullmatch(name):
        raise BaselineMistake(f"{name!r} is the name of a device on Windows, so no file can have it: choose another.")
    return folder / f"{name}.toml"


def names(folder: Path) -> list[str]:
    """Return the names of the baselines in a folder."""
    with contextlib.suppress(OSError):
        return sorted(path.stem for path in folder.glob("*.toml"))
    return []


def write(path: Path, baseline: Baseline) -> None:
    """Write a baseline: a table for each capability and worker, a line for each risk tier, in order.

    Raises:
        BaselineMistake: the file can't be written; an existing one is unchanged.
    """
    cells: dict[str, dict[str, dict[str, str]]] = {}
    for case, answer in sorted(baseline.answers.items(), key=lambda item: _order(item[0])):
        cells.setdefault(case.capability, {}).setdefault(case.worker_id, {})[case.risk_tier] = str(answer)
    patterns = {
        what: list(chosen) for what, chosen in baseline.patterns._asdict().items() if any(map(is_pattern, chosen))
    }
    document = {"version": VERSION, "namespace": baseline.namespace} | ({"chosen_by": patterns} if patterns else {})
    document |= {"cells": cells}
    try:
        write_atomically(path, (_HEAD + tomli_w.dumps(document)).encode())
    except OSError as error:
        raise BaselineMistake(f"{path} cannot be written ({reason(error)}).") from None


def read(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        BaselineMistake: it does not exist, or has a mistake.
    """
    try:
        document = tomllib.loads(edited_text(read_bounded(path)))
    except FileNotFoundError:
        raise BaselineMistake(f"There is no baseline at {path}: make it with pyhall-tui policy save.") from None
    except OSError as error:
        raise BaselineMistake(f"{path} cannot be read ({reason(error)}).") from None
    except NotText as error:
        raise BaselineMistake(f"{path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise BaselineMistake(f"{path} is not TOML: {error}.") from None
    if document.get("version") != VERSION:
        raise BaselineMistake(f"{path} has version {document.get('version')}; only {VERSION} is known here.")
    namespace, cells = document.get("namespace"), document.get("cells")
    if not isinstance(namespace, str) or not isinstance(cells, dict):
        raise BaselineMistake(f"{path} has no namespace, or no cells.")
    try:
        return Baseline(namespace, _answers(cells), _patterns(document.get("chosen_by", {})))
    except (TypeError, ValueError, AttributeError) as error:
        raise BaselineMistake(f"{path}: {error}.") from None


def _patterns(table: Any) -> Patterns:
    found = {what: tuple(table.get(what, ())) for what in Patterns._fields}
    if not all(isinstance(text, str) for texts in found.values() for text in texts):
        raise ValueError("chosen_by must hold patterns of workers and of capabilities, as lists of strings")
    return Patterns(**found)


def _answers(cells: dict[str, Any]) -> dict[Case, CellAnswer]:
    answers = {}
    for capability, workers in cells.items():
        for worker_id, tiers in workers.items():
            for tier, text in tiers.items():
                if tier not in _TIERS:
                    raise ValueError(f"{tier} is not a risk tier (at {capability}, {worker_id})")
                answers[Case(capability, worker_id, tier)] = _answer(text, capability, worker_id)
    return answers


def _answer(text: str, capability: str, worker_id: str) -> CellAnswer:
    word, _, code = text.partition(" ")
    if word not in {result.value for result in Result if result.is_answer}:
        raise ValueError(f"{text!r} is not an answer (at {capability}, {worker_id})")
    return CellAnswer(Result(word), code or None)


def _order(case: Case) -> tuple[str, str, int]:
    return case.capability, case.worker_id, _TIERS.index(case.risk_tier)


def _loudness(difference: Difference) -> tuple[int, tuple[str, str, int]]:
    after = difference.after
    rank = 3 if after is None else 0 if after.result is Result.ALLOW else 1
    return rank, _order(difference.case)
