"""When keys were last used is noted beside the requests, at most once a minute for each key."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest

from pyhall_tui.hall.errors import StoreLost
from pyhall_tui.hall.key_uses import AGAIN, KeyUses
from tests.clock import ManualClock
from tests.live_hall import WORKER, LiveHall
from tests.waiting import until


class Noting:
    """A store of which only the noting counts: it can be lost, which a real one can't be at will."""

    def __init__(self) -> None:
        self.told: list[dict[str, float]] = []
        self.is_lost = False
        self.asked = 0

    def beside(self) -> "Noting":
        return self

    def note_key_uses(self, uses: dict[str, float]) -> None:
        self.asked += 1
        if self.is_lost:
            raise StoreLost("gone")
        self.told.append(dict(uses))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def noting() -> Noting:
    return Noting()


@pytest.fixture
async def uses(clock: ManualClock, noting: Noting) -> AsyncIterator[KeyUses]:
    kept = KeyUses(noting, clock)  # type: ignore[arg-type]
    task = asyncio.create_task(kept.keep())
    yield kept
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_each_key_is_noted_once_a_minute_with_the_time_of_its_use(
    clock: ManualClock, noting: Noting, uses: KeyUses
) -> None:
    first = clock.now().wall
    for _ in range(1000):
        uses.used("a")
    uses.used("b")
    await until(lambda: noting.told, clock=clock)
    assert noting.told == [{"a": first, "b": first}]
    uses.used("a")
    await clock.advance(AGAIN / 2)
    assert len(noting.told) == 1
    await clock.advance(AGAIN / 2)
    uses.used("a")
    again = clock.now().wall
    await until(lambda: len(noting.told) == 2, clock=clock)
    assert noting.told[1] == {"a": again}


async def test_what_cannot_be_written_is_tried_again_later_and_not_at_each_use(
    clock: ManualClock, noting: Noting, uses: KeyUses
) -> None:
    noting.is_lost = True
    used = clock.now().wall
    uses.used("a")
    await until(lambda: noting.asked, clock=clock)
    await clock.advance(3 * AGAIN)
    tries = noting.asked
    assert 1 <= tries <= 3 * AGAIN / 10 + 1
    noting.is_lost = False
    await until(lambda: noting.told, clock=clock)
    assert noting.told == [{"a": used}]


async def test_many_keys_are_noted_in_pieces_and_all_of_them(clock: ManualClock, noting: Noting, uses: KeyUses) -> None:
    names = [f"k{number}" for number in range(25_000)]
    for name in names:
        uses.used(name)
    await until(lambda: sum(map(len, noting.told)) >= len(names), clock=clock)
    assert max(map(len, noting.told)) <= 500
    assert {name for piece in noting.told for name in piece} == set(names)


def test_a_halls_store_has_the_last_use_of_its_key(hall: LiveHall) -> None:
    async def used() -> None:
        keeping = asyncio.create_task(hall.hall.key_uses.keep())  # as a served hall does beside its requests
        await until(hall.store.key_uses)
        keeping.cancel()

    (key,) = hall.store.all_keys()
    with httpx.Client(base_url=hall.url, headers=hall.headers, trust_env=False, verify=False) as http:
        began = hall.store.now()
        assert http.get(f"/api/v1/verify/{WORKER}").status_code == 200
        revision = hall.store.revision()
        asyncio.run(used())
        assert began <= hall.store.key_uses()[key.key_id] <= hall.store.now()
        assert hall.store.revision() == revision
        assert http.get(f"/api/v1/verify/{WORKER}", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert set(hall.store.key_uses()) == {key.key_id}
