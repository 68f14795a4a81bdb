"""What is said about a send without an answer, and why a hash can't be attested."""

from collections.abc import Callable

import pytest

from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.fleet.entry import Entry
from pyhall_tui.packages.drift import Drift
from pyhall_tui.packages.watch import PackageStanding
from pyhall_tui.registry.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    NotSent,
    RegistryError,
    ServerError,
    TimedOut,
    Unauthorized,
    UnexpectedStatus,
    Unreachable,
)
from pyhall_tui.registry.models import Verdict
from pyhall_tui.render.enroll import Line
from pyhall_tui.render.package import attest_trouble, report_trouble, why_not_attest

STATUSES = {401: Unauthorized, 403: Forbidden, 404: NotFound, 405: UnexpectedStatus, 400: BadRequest, 500: ServerError}
HASH = "ab" * 32


def answered(status: int) -> RegistryError:
    return STATUSES[status](
        "It said no.",
        status=status,
        error_text="no",
        method="PUT",
        path="/x",
        correlation_id="req-1",
        may_have_reached=status >= 500,
    )


def broke(kind: type[RegistryError], *, reached: bool) -> RegistryError:
    return kind("It broke.", method="PUT", path="/x", correlation_id="req-1", may_have_reached=reached)


def words(lines: list[Line]) -> str:
    return " ".join(cell.text for line in lines for cell in line)


def standing(state: DriftState, sha256: str | None = HASH, detail: str = "") -> PackageStanding:
    return PackageStanding(
        folder="/srv/a", drift=Drift(state=state, sha256=sha256, attested=HASH, detail=detail), at=0.0
    )


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (answered(401), "Some registries require a personal login for attesting"),
        (answered(403), "Some registries require a personal login for attesting"),
        (answered(404), "no way to attest a new hash (it answered 404)"),
        (answered(405), "no way to attest a new hash (it answered 405)"),
        (answered(400), "The registry refused it: nothing was changed."),
        (answered(500), "It may have reached the registry, and is never sent again automatically. Press v"),
        (broke(TimedOut, reached=True), "It may have reached the registry"),
        (broke(Unreachable, reached=False), "It did not reach the registry."),
        (broke(NotSent, reached=False), "Nothing was sent."),
    ],
)
def test_each_end_of_an_attestation_has_its_own_sentence(error: RegistryError, sentence: str) -> None:
    assert sentence in words(attest_trouble(error, known=True))


def test_a_404_about_a_worker_that_the_registry_does_not_know_is_about_the_worker() -> None:
    assert "does not know this worker" in words(attest_trouble(answered(404), known=False))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (answered(401), "require a personal login for reports"),
        (answered(403), "require a personal login for reports"),
        (answered(404), "does not take reports (it answered 404)"),
        (broke(TimedOut, reached=True), "Ask whoever reviews reports before you send it again."),
    ],
)
def test_each_end_of_a_report_has_its_own_sentence(error: RegistryError, sentence: str) -> None:
    assert sentence in words(report_trouble(error))


@pytest.mark.parametrize("trouble", [lambda error: attest_trouble(error, known=True), report_trouble])
def test_what_the_registry_said_is_shown_clean(trouble: Callable[[RegistryError], list[Line]]) -> None:
    error = broke(TimedOut, reached=True)
    error.args = ("gone\x1b[2J",)
    assert "\x1b" not in words(trouble(error)) and "gone␛[2J" in words(trouble(error))


def test_why_a_hash_cannot_be_attested_is_a_sentence() -> None:
    attested = Entry("w", verdict=Verdict(worker_id="w", known=True, status="active", attested=True, sha256=HASH))
    drifted = standing(DriftState.DRIFTED)

    def why(found: PackageStanding | None, *, read_only: bool = False, hashing: bool = False) -> str:
        return why_not_attest(found, attested, read_only=read_only, hashing=hashing)

    assert why(drifted) == ""
    assert why(standing(DriftState.OTHER_ORDER)) == ""
    assert "read-only" in why(drifted, read_only=True)
    assert "being hashed" in why(drifted, hashing=True)
    assert "Choose the package's folder" in why(None)
    assert "nothing to do" in why(standing(DriftState.MATCH))
    assert "a: a pipe" in why(standing(DriftState.UNREADABLE, None, "a: a pipe."))
