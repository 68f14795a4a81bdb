"""Decides the dispatches of one turn of the event loop in one transaction, which costs as much as all the rest."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from pyhall_tui.hall.models import Asked
from pyhall_tui.hall.store import Store

_CHECKPOINT_EVERY = 2000  # transactions, about 48 MiB of write-ahead log
Dispatch = tuple[Asked, str]
"""A dispatch, and its correlation id."""
Receipt = dict[str, Any]


class Ledger:
    """Collects dispatches and passes them to `decide`, which returns each receipt, or why there is none."""

    def __init__(self, store: Store, decide: Callable[[Sequence[Dispatch]], Sequence[Receipt | Exception]]) -> None:
        self._store, self._decide = store, decide
        self._waiting: list[tuple[Dispatch, asyncio.Future[Receipt]]] = []
        self._writes = 0

    async def decide(self, asked: Asked, correlation_id: str) -> Receipt:
        """Return a dispatch's receipt, which is in the log by then.

        Raises:
            StoreError: it could not be written, and is not in the log.
        """
        loop = asyncio.get_running_loop()
        written: asyncio.Future[Receipt] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._write)
        self._waiting.append(((asked, correlation_id), written))
        return await written

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            receipts = self._decide([dispatch for dispatch, _ in waiting])
        except Exception as error:
            receipts = [error] * len(waiting)
        for receipt, (_, written) in zip(receipts, waiting, strict=True):
            if written.done():  # its caller is gone
                continue
            if isinstance(receipt, Exception):
                written.set_exception(receipt)
            else:
                written.set_result(receipt)
        self._writes += 1
        if self._writes % _CHECKPOINT_EVERY == 0:  # in a thread, as the disk takes about 10 ms
            asyncio.get_running_loop().run_in_executor(None, self._store.checkpoint)
