"""The stores that each test of the contract gets."""

from collections.abc import Iterator

import pytest

from pyhall_tui.hall.store import Store
from tests.hall.store_contract.places import SHARED, STORES, enrolled


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    place = request.param(request)
    yield enrolled(place.hall())
    place.halls[0].close()


@pytest.fixture(params=SHARED)
def two(request: pytest.FixtureRequest) -> Iterator[tuple[Store, Store]]:
    """Two halls on one store."""
    place = request.param(request)
    yield enrolled(place.hall()), place.hall()
    for hall in place.halls:
        hall.close()
