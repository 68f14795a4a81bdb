"""The marked rows of a table. Marks belong to keys, so they survive every filter and sort."""

from collections.abc import Callable, Sequence


class Marks(set[str]):
    """The keys of the marked rows, whether the filter shows them or not."""

    def in_order(self, shown: Sequence[str]) -> list[str]:
        """Return the marked keys in the order in which the rows are shown; hidden ones follow, by name."""
        return [*filter(self.__contains__, shown), *sorted(self.difference(shown))] if self else []

    def hidden_by(self, shown: Sequence[str]) -> int:
        """Return how many marked rows are not among those shown."""
        return len(self.difference(shown)) if self else 0

    def forget_lost(self, shown: Sequence[str], is_there: Callable[[str], bool] | None) -> None:
        """Forget rows that are gone. If nobody knows, what is not shown is gone."""
        if not self:
            return
        lost = self.difference(shown)
        if is_there is not None:
            lost = {key for key in lost if not is_there(key)}
        self.difference_update(lost)
