"""Which state a cell of the strip shows."""

import pytest

from pyhall_tui.fleet.entry import State
from pyhall_tui.render.strip import BLOCKS, fleet_line, state_at

COUNTS = {State.BANNED: 1, State.REVOKED: 0, State.STALE: 4, State.CLEAN: 40}


@pytest.mark.parametrize("width", [0, 2, 5, 20, 60, 120])
def test_each_block_and_each_count_is_that_of_its_state(width: int) -> None:
    text = "".join(cell.text for cell in fleet_line(COUNTS, width))
    for at, character in enumerate(text):
        if character in BLOCKS.values():
            state = state_at(COUNTS, width, at)
            assert state is not None and BLOCKS[state] == character
    assert state_at(COUNTS, width, len(text)) is None
    if "4 stale" in text:
        assert state_at(COUNTS, width, text.index("4 stale")) is State.STALE
