"""Runs a hall: in a thread for the demo and the tests, or in the foreground until it is told to stop."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import uvicorn

from pyhall_tui.files.regular_file import reason
from pyhall_tui.hall.acceptor import Acceptor
from pyhall_tui.hall.app import build_app
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.guests import Guest, Guests
from pyhall_tui.hall.http1 import HallProtocol
from pyhall_tui.hall.listening import address, listen
from pyhall_tui.hall.metrics import render as render_metrics
from pyhall_tui.hall.names import guard
from pyhall_tui.hall.proxies import behind
from pyhall_tui.hall.store import Store
from pyhall_tui.metrics.server import MetricsServer
from pyhall_tui.threads.daemon_executor import DaemonExecutor

GRACE = 5  # seconds for requests under way to finish when the hall is told to stop
_LAST_WORDS = 0.05  # seconds to send the refusals after that
_START_TIMEOUT = 10.0
_SWITCH = 0.0005  # seconds
_log = logging.getLogger(__name__)

# Without its own handler, a library's error would be printed over the app's screen.
logging.getLogger("uvicorn").addHandler(logging.NullHandler())


def _config(hall: Hall, names: Iterable[str], certfile: Path | None, keyfile: Path | None) -> uvicorn.Config:
    return uvicorn.Config(
        behind(guard(build_app(hall), names), hall.proxies),
        http="h11",
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        ssl_certfile=certfile,
        ssl_keyfile=keyfile,
    )


class _HallServer(uvicorn.Server):
    """uvicorn's server, but the number of connections is limited, and so is how long each may stay silent."""

    def __init__(self, config: uvicorn.Config, guests: Guests | None = None) -> None:
        super().__init__(config)
        self.guests = Guests() if guests is None else guests  # an empty one is falsy

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and accept on these sockets."""
        # The loop gets the interpreter back this soon from the thread that reads a long list, and not after 5 ms.
        sys.setswitchinterval(min(_SWITCH, sys.getswitchinterval()))
        await super().startup(sockets=[])
        loop = asyncio.get_running_loop()

        def protocol(guest: Guest) -> HallProtocol:
            return HallProtocol(self.config, self.server_state, self.lifespan.state, loop, self.guests, guest)

        for each in sockets or []:
            acceptor = Acceptor(each, self.guests, protocol, self.config.ssl)
            self.servers.append(acceptor)  # type: ignore[arg-type]  # asyncio's `Server`, as far as uvicorn uses it


class _ThreadedServer(_HallServer):
    """Stops at once: in a thread, whoever stops it is its only user."""

    def __init__(self, config: uvicorn.Config, guests: Guests | None = None) -> None:
        super().__init__(config, guests)
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    async def main_loop(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self.ready.set()
        while not self._end.is_set():
            await self.on_tick(0)  # sets the date in the headers
            try:
                await asyncio.wait_for(self._end.wait(), 1.0)
            except TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        for server in self.servers:
            await server.wait_closed()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something on the server's loop, from any thread; it is cancelled when the server stops."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(_logged(work), self._loop)

    def stop(self) -> None:
        """Stop it, from any thread; a second call does nothing."""
        if self._loop and self._end and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end.set)


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count} requests"


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        _log.exception("a background task of the hall failed")


class RunningHall:
    """A hall that runs in a thread; also a context manager that stops it.

    `url` is its address; `hall` is what answers (`hall.store`, `hall.faults`, `hall.requests`, …).
    """

    def __init__(self, hall: Hall, server: _ThreadedServer, thread: threading.Thread, url: str) -> None:
        self.hall = hall
        self.url = url
        self._server = server
        self._thread = thread

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something on the hall's thread until the hall stops."""
        self._server.spawn(work)

    def stop(self) -> None:
        """Stop it at once, including its connections. The store stays open: it belongs to the caller."""
        self._server.stop()
        self._thread.join(_START_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve_in_thread(
    store: Store,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    listening: socket.socket | None = None,
    certfile: Path | None = None,
    keyfile: Path | None = None,
    guests: Guests | None = None,
    **options: Any,
) -> RunningHall:
    """Start a hall in a thread and return it once it answers; `options` are those of `Hall`.

    With a socket that is `listening`, `host` is only the name it answers to, and requests may wait in it already.

    Raises:
        OSError: the port is in use, or a TLS file can't be read.
    """
    hall = Hall(store, **options)
    guests = Guests(spared=hall.proxies) if guests is None else guests
    server = _ThreadedServer(_config(hall, [host], certfile, keyfile), guests)
    server.config.load()  # here, so that the caller learns about a bad certificate
    sock = listening or listen(host, port)
    url = address(sock, tls=certfile is not None)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, name="hall", daemon=True)
    thread.start()
    if not server.ready.wait(_START_TIMEOUT):
        sock.close()
        raise OSError(f"the hall at {url} did not start")
    return RunningHall(hall, server, thread, url)


class ForegroundServer(_HallServer):
    """Serves until SIGTERM, SIGHUP or ctrl+c, then answers the requests under way; a second signal stops it at once.

    `names` are the host names that it answers to besides this machine's own. `metrics` is a socket on which to serve
    the hall's metrics.

    Raises:
        OSError: the certificate or its key can't be used.
    """

    def __init__(
        self,
        hall: Hall,
        *,
        names: Iterable[str] = (),
        certfile: Path | None = None,
        keyfile: Path | None = None,
        metrics: socket.socket | None = None,
    ) -> None:
        super().__init__(_config(hall, names, certfile, keyfile), Guests(spared=hall.proxies))
        self._hall, self._metrics, self._names = hall, metrics, tuple(names)
        try:
            self.config.load()
        except OSError as error:
            why = reason(error)
            raise OSError(f"cannot use the TLS certificate {certfile} with the key {keyfile}: {why}") from error
        self._stopped_by: int | None = None
        self._announce: Callable[[], None] = lambda: None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal; replaces uvicorn's handler, which waits for connections and raises the signal again."""
        if self.should_exit:
            os._exit(128 + sig)  # the store survives a kill
        self.should_exit = True
        self._stopped_by = sig

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce the hall."""
        asyncio.get_running_loop().set_default_executor(DaemonExecutor())  # so that no name lookup outlives the server
        await super().startup(sockets)
        work = self._hall.beside()
        if self._metrics is not None:
            work.append(MetricsServer(self._metrics, self._page_of_metrics, names=self._names).serve())
        self._beside = [asyncio.create_task(_logged(each)) for each in work]
        self._announce()

    def _page_of_metrics(self) -> str:
        return render_metrics(self._hall, len(self.guests))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is under way for `GRACE` seconds, then refuse the rest. An idle client delays nothing."""
        self._hall.streams.close()
        if under_way := len(self.server_state.tasks) - len(self._hall.streams):  # those end by themselves
            _log.warning(
                "%s under way: waiting at most %d s; another signal ends the hall now", _requests(under_way), GRACE
            )
        try:
            async with asyncio.timeout(GRACE):
                await super().shutdown(sockets)
        except TimeoutError:
            _log.warning("%s not answered within %d s: refused", _requests(len(self.server_state.tasks)), GRACE)
            for task in list(self.server_state.tasks):
                task.cancel()
            await asyncio.sleep(_LAST_WORDS)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    def run_on(self, sock: socket.socket, announce: Callable[[], None]) -> int:
        """Serve on a listening socket until stopped; return the exit code: 0, or 130 after ctrl+c.

        `announce` is called once signals are handled and requests are answered, so its reader may send either.
        """
        self._announce = announce
        if sys.platform != "win32" and threading.current_thread() is threading.main_thread():
            if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # `nohup` ignores it
                signal.signal(signal.SIGHUP, self.handle_exit)
        self.run(sockets=[sock])
        return 130 if self._stopped_by == signal.SIGINT else 0
