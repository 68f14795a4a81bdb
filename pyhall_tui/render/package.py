"""How a worker's package is shown: how it compares with what is attested, what changed, the result of a send."""

from collections.abc import Iterator
from typing import NamedTuple

from pyhall_tui.attest.sent_reports import SentReport
from pyhall_tui.clock import Moment
from pyhall_tui.files.sizes import amount
from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.fleet.entry import Entry
from pyhall_tui.packages.drift import Drift
from pyhall_tui.packages.package_hash import HashProgress
from pyhall_tui.packages.watch import PackageStanding
from pyhall_tui.registry.errors import Forbidden, NotFound, NotSent, RegistryError, StatusError, Unauthorized
from pyhall_tui.registry.models import BanListEntry
from pyhall_tui.render.enroll import Line, labelled
from pyhall_tui.render.text import Cell, KeyNames, Style, age, clean, full_time, own_key
from pyhall_tui.render.worker import drift_cell

READ_ONLY = "This profile is read-only: nothing that the registry records is sent."
_NO_FOLDER = (
    "No folder is chosen. Choose the package's folder ({p}) to compare its hash with the one that the registry attests,"
    " now and whenever a file in it changes."
)
_TO_DO = {
    DriftState.MATCH: "",
    DriftState.OTHER_ORDER: "The attested hash is another SDK's: attest again ({a}) to give the registry this one.",
    DriftState.DRIFTED: (
        "If the change is intended, attest again ({a}). If not, restore the package or report it ({r})."
    ),
    DriftState.NOT_ATTESTED: "Attest the folder's hash ({a}), if this is the package that runs.",
    DriftState.UNREADABLE: "Fix what is named, or choose another folder ({p}). Until then it counts as drifted.",
}
_SHOWN_FILES = 8
_FOLDER, _ATTEST, _REPORT = ("worker.folder", "p"), ("worker.attest", "a"), ("worker.report", "r")
"""Keys of the screen of one worker."""


def package_lines(
    standing: PackageStanding | None,
    folder: str | None,
    progress: HashProgress | None,
    now: Moment,
    problem: str = "",
    *,
    keys: KeyNames = own_key,
) -> list[Line]:
    """Return what is known about a worker's package: folder, state, both hashes, what to do."""
    if folder is None:
        return [(Cell(_NO_FOLDER.format(p=keys(*_FOLDER)), Style.DIM),)]
    lines = [_labelled("folder", folder)]
    if standing is None:
        waiting = "hashing…" if progress else "not hashed yet: waiting for the registry's first verdict"
        lines.append(_labelled("standing", waiting, Style.DIM))
    else:
        lines += _standing_lines(standing, now)
    if progress is not None:
        lines.append(_labelled("hashing", progress_words(progress)))
    if standing is not None:
        lines += _what_to_do(standing.drift, keys)
    return [*lines, (Cell(f"▲ {clean(problem)}", Style.WARNING),)] if problem else lines


def _labelled(label: str, value: str, style: Style = Style.PLAIN) -> Line:
    """Return a line with a label so short that a whole hash fits beside it in 80 columns."""
    return Cell(f"{label:<11} ", Style.DIM), Cell(clean(value) or "–", style)


def _standing_lines(standing: PackageStanding, now: Moment) -> Iterator[Line]:
    drift = standing.drift
    yield Cell(f"{'standing':<11} ", Style.DIM), drift_cell(drift.state)
    if drift.sha256 != drift.attested or drift.sha256 is None:
        yield _labelled("registry's", drift.attested or "none")
        yield _labelled("folder's", drift.sha256 or "none")
    else:
        yield _labelled("both", drift.sha256)
    files = f": {standing.files:,} file{'s' * (standing.files != 1)}, {amount(standing.bytes_total)}"
    when = f"{age(max(0.0, now.wall - standing.at))}, {full_time(standing.at)}"
    yield _labelled("hashed", when + (files if standing.files else ""), Style.DIM)
    changes = drift.changes
    if changes is not None:
        counts = (("changed", changes.changed), ("new", changes.added), ("gone", changes.removed))
        words = ", ".join(f"{len(paths):,} {word}" for word, paths in counts if paths)
        yield _labelled("since match", words or "no file has changed: a different hash is attested now")
    elif drift.state is DriftState.DRIFTED:
        yield _labelled("since match", "not known: they have not matched since the folder was chosen", Style.DIM)


def _what_to_do(drift: Drift, keys: KeyNames) -> Iterator[Line]:
    yield (Cell(""),)
    yield (Cell(clean(drift.detail)),)
    if to_do := _TO_DO[drift.state]:
        named = to_do.format(p=keys(*_FOLDER), a=keys(*_ATTEST), r=keys(*_REPORT))
        yield (Cell(named, Style.STRONG),)


def progress_words(progress: HashProgress) -> str:
    """Return a hash's progress."""
    if not progress.files_total:
        return "listing the files…"
    return (
        f"{amount(progress.bytes_done)} of {amount(progress.bytes_total)},"
        f" {progress.files_done:,} of {progress.files_total:,} file{'s' * (progress.files_total != 1)}"
    )


class FileRow(NamedTuple):
    """One file that an operator should look at."""

    what: Cell
    path: Cell


def file_rows(drift: Drift | None) -> list[FileRow]:
    """Return the files that changed since the last match, and those that the attested hash doesn't cover."""
    if drift is None:
        return []
    rows = [FileRow(Cell("not covered", Style.WARNING), Cell(clean(path))) for path in drift.uncovered]
    if (changes := drift.changes) is not None:
        for what, paths in (("changed", changes.changed), ("new", changes.added), ("gone", changes.removed)):
            rows += [FileRow(Cell(what, Style.WARNING), Cell(clean(path))) for path in paths]
    return rows


def attest_question(worker_id: str, standing: PackageStanding, banned: BanListEntry | None) -> list[Line]:
    """Return what you confirm before a folder's hash is attested: both hashes, and what changed."""
    drift = standing.drift
    lines = [
        labelled("worker", worker_id),
        labelled("folder", standing.folder),
        labelled("registry's now", drift.attested or "none", Style.DIM),
        labelled("to be attested", drift.sha256 or "none", Style.STRONG),
        (Cell(""),),
    ]
    if banned is not None:
        reason = clean(banned.reason or "no reason given")
        lines.append((Cell(f"✖ This hash is on the ban list: {reason}. The registry should refuse it.", Style.ALARM),))
    rows = file_rows(drift)
    if drift.changes is not None:
        lines.append((Cell("Since they last matched:", Style.DIM),))
    lines += [(Cell(f"{row.what.text:<12} ", row.what.style), row.path) for row in rows[:_SHOWN_FILES]]
    if len(rows) > _SHOWN_FILES:
        lines.append((Cell(f"and {len(rows) - _SHOWN_FILES:,} more", Style.DIM),))
    if not rows:
        lines.append((Cell(clean(drift.detail), Style.DIM),))
    return lines


def why_not_attest(
    standing: PackageStanding | None,
    entry: Entry | None,
    *,
    read_only: bool,
    hashing: bool,
    keys: KeyNames = own_key,
) -> str:
    """Return why the folder's hash can't be attested now, as a sentence; empty if it can."""
    if read_only:
        return READ_ONLY
    if hashing:
        return "The folder is being hashed: attest when that is done."
    if standing is None:
        return f"Choose the package's folder first ({keys(*_FOLDER)}): its hash is what you attest."
    if standing.drift.sha256 is None:
        return f"There is no hash to attest. {standing.drift.detail}"
    if standing.drift.state is DriftState.MATCH and entry is not None and entry.verdict and entry.verdict.attested:
        return "The registry already attests this hash: there is nothing to do."
    return ""


def attest_trouble(error: RegistryError, *, known: bool, verify: str = "v") -> list[Line]:
    """Return what to say if an attestation got no answer.

    `known`: the registry knows the worker. `verify`: the key that verifies it.
    """
    if isinstance(error, Unauthorized | Forbidden):
        return _trouble(error, _wants_login("attesting", error))
    if isinstance(error, StatusError) and error.status in (404, 405) and (known or error.status != 404):
        return _trouble(
            error,
            f"This registry has no way to attest a new hash (it answered {error.status}): use the tool that its"
            " operator names, or enroll the package as a separate worker.",
        )
    if isinstance(error, NotFound):
        return _trouble(error, "The registry does not know this worker: enroll it first.")
    return _trouble(error, _reached(error, f"Press {verify} to see which hash is attested now."))


def earlier_report(report: SentReport) -> str:
    """Return the sentence about a report of the same hash that was sent before."""
    when = f" on {full_time(report.at)}" if report.at else ""
    how = "accepted by the registry" if report.is_taken else "sent, but nobody knows whether it arrived"
    by = f" [{report.correlation_id}]" if report.correlation_id else ""
    return f"This hash was reported{when} from here: {how}{by}."


def report_trouble(error: RegistryError) -> list[Line]:
    """Return what to say if a report was not accepted."""
    if isinstance(error, Unauthorized | Forbidden):
        return _trouble(error, _wants_login("reports", error))
    if isinstance(error, StatusError) and error.status in (404, 405):
        return _trouble(
            error, f"This registry does not take reports (it answered {error.status}): contact whoever runs it."
        )
    return _trouble(error, _reached(error, "Ask whoever reviews reports before you send it again."))


def _wants_login(what: str, error: StatusError) -> str:
    return (
        f"The registry did not accept the profile's key for this ({error.status}). Some registries require a personal"
        f" login for {what}, which this program does not have: use their SDK or web page, or a key for this namespace."
    )


def _reached(error: RegistryError, look: str) -> str:
    if error.may_have_reached:
        return f"It may have reached the registry, and is never sent again automatically. {look}"
    if isinstance(error, StatusError):
        return f"The registry refused it: nothing was changed. {clean(error.advice)}"
    sent = "Nothing was sent." if isinstance(error, NotSent) else "It did not reach the registry."
    return f"{sent} {clean(error.advice)}"


def _trouble(error: RegistryError, sentence: str) -> list[Line]:
    return [(Cell(f"✖ {clean(error)}", Style.ERROR),), (Cell(sentence),)]
