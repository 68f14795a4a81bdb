"""Many attestations, one after the other: which are sent, which are not, and what a second run does."""

import asyncio

import pytest

from pyhall_tui.attest.attest_many import Attestation, AttestMany, Step
from pyhall_tui.registry.errors import RegistryError


def refusal(*, may_have_reached: bool) -> RegistryError:
    return RegistryError(
        "no answer", method="POST", path="/attest", correlation_id="c", may_have_reached=may_have_reached
    )


class Registry:
    """Accepts what it is sent, unless a failure is planned for a worker; notes what reached it."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.failures: dict[str, RegistryError] = {}
        self.hashes = {"a": "1", "b": "2", "c": "3"}
        self.why_not: dict[str, str] = {}

    async def attest(self, worker_id: str, sha256: str) -> None:
        self.sent.append(worker_id)
        await asyncio.sleep(0)
        if failure := self.failures.pop(worker_id, None):
            raise failure

    def run(self) -> AttestMany:
        return AttestMany(
            [Attestation(worker_id, sha256) for worker_id, sha256 in self.hashes.items()],
            attest=self.attest,
            hash_now=self.hashes.get,
            why_not=lambda worker_id: self.why_not.get(worker_id, ""),
        )


@pytest.fixture
def registry() -> Registry:
    return Registry()


def steps(many: AttestMany) -> list[Step]:
    return [each.step for each in many.all.values()]


async def test_each_is_sent_once(registry: Registry) -> None:
    many = registry.run()
    await many.run(lambda _: None)
    await many.run(lambda _: None)
    assert registry.sent == ["a", "b", "c"]
    assert steps(many) == [Step.TAKEN] * 3


async def test_a_refusal_stops_it_and_continuing_tries_the_others_first(registry: Registry) -> None:
    registry.failures["a"] = refusal(may_have_reached=False)
    many = registry.run()
    await many.run(lambda _: None)
    assert (registry.sent, steps(many)) == (["a"], [Step.REFUSED, Step.WAITING, Step.WAITING])
    await many.run(lambda _: None)
    assert (registry.sent, steps(many)) == (["a", "b", "c", "a"], [Step.TAKEN] * 3)


async def test_what_may_have_arrived_is_never_sent_again(registry: Registry) -> None:
    registry.failures["b"] = refusal(may_have_reached=True)
    many = registry.run()
    await many.run(lambda _: None)
    assert registry.sent == ["a", "b"]
    await many.run(lambda _: None)
    assert registry.sent == ["a", "b", "c"]
    assert steps(many) == [Step.TAKEN, Step.UNSURE, Step.TAKEN]
    assert many.left == []


async def test_what_has_changed_or_is_gone_since_the_question_is_left_out(registry: Registry) -> None:
    many = registry.run()
    registry.hashes["a"] = "9"
    registry.why_not["b"] = "It is not watched any more."
    await many.run(lambda _: None)
    assert registry.sent == ["c"]
    assert steps(many) == [Step.LEFT_OUT, Step.LEFT_OUT, Step.TAKEN]


async def test_a_stop_lets_the_one_that_is_being_sent_finish(registry: Registry) -> None:
    many = registry.run()
    await many.run(lambda one: many.stop())
    assert (registry.sent, steps(many)) == (["a"], [Step.TAKEN, Step.WAITING, Step.WAITING])


async def test_one_that_is_interrupted_has_an_unknown_outcome(registry: Registry) -> None:
    many = registry.run()
    task = asyncio.create_task(many.run(lambda _: None))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps(many) == [Step.UNSURE, Step.WAITING, Step.WAITING]
