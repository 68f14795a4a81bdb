"""The changes of our own lists that can be undone: the last first, ten at most, nothing lost by a failure."""

from pyhall_tui.fleet.own_changes import MOST, OwnChanges


async def test_the_last_change_is_undone_first_and_ten_at_most() -> None:
    changes = OwnChanges()
    for number in range(MOST + 2):
        changes.add(lambda number=number: f"undone {number}")  # type: ignore[misc]
    said = [await changes.undo() for _ in range(MOST + 1)]
    assert said[:MOST] == [f"undone {number}" for number in reversed(range(2, MOST + 2))]
    assert said[MOST] == "There is nothing to undo. What was sent to a registry can't be undone here."


async def test_what_could_not_be_undone_can_be_tried_again() -> None:
    changes, failures = OwnChanges(), ["the file is read-only."]

    def undo() -> str:
        if failures:
            raise ValueError(failures.pop())
        return "Undone."

    changes.add(undo)
    assert await changes.undo() == "Not undone: the file is read-only."
    assert await changes.undo() == "Undone."
