"""Ids in some order behave like the list of them."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyhall_tui.fleet.ids import Ids

ALL = [f"wkr_{number}" for number in range(9)]
orders = st.lists(st.integers(0, len(ALL) - 1), unique=True)


@given(orders, orders, st.slices(9))
def test_they_are_as_a_list_of_them_would_be(order: list[int], other: list[int], part: slice) -> None:
    ids, as_list = Ids(ALL, array("i", order)), [ALL[index] for index in order]
    assert (len(ids), list(ids), ids[part]) == (len(as_list), as_list, as_list[part])
    assert [ids[place] for place in range(-len(ids), len(ids))] == as_list * 2
    assert [each in ids for each in [*ALL, "wkr", "x", 1]] == [each in as_list for each in [*ALL, "wkr", "x", 1]]
    assert [ids.index(each) for each in as_list] == list(range(len(ids)))
    assert (ids == Ids(ALL, array("i", other))) == (order == other)
    assert (ids == Ids(list(ALL), array("i", other))) == (ids == [ALL[index] for index in other]) == (order == other)


@pytest.mark.parametrize("missing", [ALL[0], "x"])
def test_an_id_that_is_not_among_them_has_no_index(missing: str) -> None:
    with pytest.raises(ValueError, match=rf"not in array|^{missing}$"):
        Ids(ALL, array("i", [2, 1])).index(missing)
