"""Decides the dispatches of one turn of the event loop in one transaction, which costs as much as all the rest."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pyhall_tui.hall.errors import StoreBusy
from pyhall_tui.hall.models import Asked
from pyhall_tui.hall.store import Store

_MOST = 500  # dispatches in a transaction that other halls wait for: about 15 ms
_AGAIN = 0.02  # seconds between two attempts to write while another program holds the store
_PATIENCE = 5.0  # seconds of attempts
_CHECKPOINT_EVERY = 2000  # transactions, about 48 MiB of write-ahead log
Dispatch = tuple[Asked, str]
"""A dispatch, and its correlation id."""
Receipt = dict[str, Any]
Decided = Sequence[Receipt | Exception]
_Waiting = tuple[Dispatch, asyncio.Future[Receipt]]


class Ledger:
    """Collects dispatches and passes them to `decide`, which returns each receipt, or why there is none.

    If another program holds the store, it tries again for five seconds, and the event loop goes on meanwhile. `beside`
    does the same without holding up the event loop: what comes meanwhile is decided next, in one transaction.
    """

    def __init__(
        self,
        store: Store,
        decide: Callable[[Sequence[Dispatch]], Decided],
        beside: Callable[[Sequence[Dispatch]], Awaitable[Decided]] | None = None,
    ) -> None:
        self._store, self._decide, self._beside = store, decide, beside
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._writes = 0

    async def decide(self, asked: Asked, correlation_id: str) -> Receipt:
        """Return a dispatch's receipt, which is in the log by then.

        Raises:
            StoreError: it could not be written, and is not in the log.
        """
        loop = asyncio.get_running_loop()
        written: asyncio.Future[Receipt] = loop.create_future()
        if not self._waiting and self._writing is None:
            loop.call_soon(self._begin)
        self._waiting.append(((asked, correlation_id), written))
        return await written

    def _begin(self) -> None:
        if self._beside is not None:
            self._writing = asyncio.create_task(self._write_beside(self._beside))
            return
        waiting, self._waiting = self._waiting, []
        receipts = self._decided(waiting)
        if any(isinstance(each, StoreBusy) for each in receipts):
            self._writing = asyncio.create_task(self._write_later(waiting))
        else:
            self._settle(waiting, receipts)

    def _decided(self, waiting: Sequence[_Waiting]) -> Decided:
        try:
            with self._store.not_waiting():
                return self._decide([dispatch for dispatch, _ in waiting])
        except Exception as error:
            return [error] * len(waiting)

    async def _write_later(self, waiting: list[_Waiting]) -> None:
        """Decide what waits, and what comes meanwhile, once the other program lets go of the store."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _PATIENCE
        try:
            while waiting:
                await asyncio.sleep(_AGAIN)
                waiting, self._waiting = waiting + self._waiting, []
                receipts = self._decided(waiting)
                if loop.time() < end and any(isinstance(each, StoreBusy) for each in receipts):
                    continue
                self._settle(waiting, receipts)
                waiting = []
        finally:
            self._writing = None

    async def _write_beside(self, beside: Callable[[Sequence[Dispatch]], Awaitable[Decided]]) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                try:
                    receipts = await beside([dispatch for dispatch, _ in waiting])
                except Exception as error:
                    receipts = [error] * len(waiting)
                self._settle(waiting, receipts)
        finally:
            self._writing = None

    def _settle(self, waiting: Sequence[_Waiting], receipts: Decided) -> None:
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
