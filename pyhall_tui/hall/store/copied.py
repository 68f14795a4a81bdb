"""What a hall's store does for a copy of it."""

from collections.abc import Iterator
from typing import Any, Protocol


class Tables(Protocol):
    """Everything in the store, row by row, for a copy."""

    def rows_beside_the_log(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield table and row of everything but the log and this store's own rows; use it within a `snapshot`."""
        ...

    def is_empty(self) -> bool:
        """Whether nothing was put into the store yet."""
        ...

    def put_row(self, table: str, row: dict[str, Any]) -> None:
        """Store a row of a copy; use it within a `write`.

        Raises:
            ValueError: it is not a row of this table.
        """
        ...
