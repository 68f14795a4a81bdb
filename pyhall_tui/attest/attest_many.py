"""Attests the package hashes of several workers, one after the other. It stops at the first failure."""

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Final

import msgspec

from pyhall_tui.registry.errors import RegistryError

_CHANGED: Final = "A file in the folder has changed since the question: nothing was sent."


class Step(Enum):
    """What became of one worker's attestation."""

    WAITING = "waiting"
    SENDING = "sending"
    TAKEN = "accepted"
    REFUSED = "not accepted"
    """It surely changed nothing, so it is sent again if you continue."""
    UNSURE = "outcome unknown"
    """It may have been accepted, so it is never sent again from here."""
    LEFT_OUT = "left out"


class Attestation(msgspec.Struct):
    """One worker's hash, and what became of it."""

    worker_id: str
    sha256: str
    step: Step = Step.WAITING
    said: str = ""
    """Why it is not accepted; empty otherwise."""


class AttestMany:
    """One run, which can be continued after a failure or a stop. Nothing is sent twice that may have arrived."""

    def __init__(
        self,
        planned: Sequence[Attestation],
        *,
        attest: Callable[[str, str], Awaitable[object]],
        hash_now: Callable[[str], str | None],
        why_not: Callable[[str], str],
    ) -> None:
        """Send nothing yet.

        Args:
            attest: attests a worker's hash; raises `RegistryError`.
            hash_now: returns the present hash of a worker's folder.
            why_not: returns why a worker's hash can't be attested now, as a sentence; empty if it can.
        """
        self.all = {each.worker_id: each for each in planned}
        self.is_stopped = False
        self._attest, self._hash_now, self._why_not = attest, hash_now, why_not

    def count(self, step: Step) -> int:
        """Return how many are at that step."""
        return sum(each.step is step for each in self.all.values())

    @property
    def left(self) -> list[Attestation]:
        """Those that `run` would send: first those that were never tried, then those that were not accepted."""
        waiting = [each for each in self.all.values() if each.step is Step.WAITING]
        return [*waiting, *(each for each in self.all.values() if each.step is Step.REFUSED)]

    async def run(self, changed: Callable[[Attestation], None]) -> None:
        """Send what is left, until one fails or `stop`; `changed` is called after each step."""
        self.is_stopped = False
        for each in self.left:
            if self.is_stopped or not await self._send(each, changed):
                return

    def stop(self) -> None:
        """Send no more after the one that is being sent."""
        self.is_stopped = True

    async def _send(self, one: Attestation, changed: Callable[[Attestation], None]) -> bool:
        """Send one, if it can be sent; return whether to go on."""
        why_not = self._why_not(one.worker_id) or ("" if self._hash_now(one.worker_id) == one.sha256 else _CHANGED)
        if why_not:
            one.step, one.said = Step.LEFT_OUT, why_not
            changed(one)
            return True
        one.step, one.said = Step.SENDING, ""
        changed(one)
        try:
            await self._attest(one.worker_id, one.sha256)
            one.step = Step.TAKEN
        except RegistryError as error:
            one.step, one.said = (Step.UNSURE if error.may_have_reached else Step.REFUSED), str(error)
        finally:
            if one.step is Step.SENDING:
                one.step, one.said = Step.UNSURE, "It was interrupted before an answer came."
            changed(one)
        return one.step is Step.TAKEN
