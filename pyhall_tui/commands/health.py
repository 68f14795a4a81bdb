"""`pyhall-tui health`: is a hall or a watcher up? For the health checks of containers and load balancers."""

import asyncio
import json
import re
import ssl
from contextlib import suppress
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

import click

from pyhall_tui.commands.output import printable
from pyhall_tui.commands.real_number import RealNumber
from pyhall_tui.metrics.address import is_local

_HALL: Final = "http://127.0.0.1:8765/health"
_WATCHER: Final = "http://127.0.0.1:9464/metrics"
USUAL: Final = ((_HALL, _HALL.replace("http:", "https:")), (_WATCHER,))
"""Where the hall and the watcher listen if nothing else is said; a hall may speak TLS there."""
_PATIENCE: Final = 4.0
"""Seconds for one answer."""
_LONGEST: Final = 64 * 1024
"""Bytes of an answer that are read: the whole of a hall's, and the beginning of the metrics."""
_ANSWER: Final = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n(.*)", re.DOTALL)
_METRICS: Final = re.compile(rb"^# HELP pyhall_", re.MULTILINE)


class _Found(NamedTuple):
    """What was found at one address."""

    up: bool
    sentence: str
    listening: bool = True
    """Whether something takes connections there."""


@click.command("health")
@click.argument("address", metavar="[URL]", required=False)
@click.option(
    "--timeout",
    type=RealNumber(0.1, 60),
    default=_PATIENCE,
    show_default=True,
    metavar="SECONDS",
    help="Seconds to wait for an answer.",
)
@click.pass_context
def health_command(ctx: click.Context, address: str | None, timeout: float) -> None:
    """Ask a hall (http://HOST:PORT) or a watcher (http://HOST:PORT/metrics) if it is up.

    Without a URL, it asks the hall at port 8765 and the watcher at port 9464 of this machine, and is content if one of
    them is up and neither is ill. No key is needed or sent, and no proxy is used. A certificate is checked, except this
    machine's own.

    Exit code 0: it is up. 1: it isn't. 64: wrong usage.
    """
    places = USUAL if address is None else ((_checked(address),),)
    found = [asyncio.run(_look(urls, timeout)) for urls in places]
    told = [each for each in found if each.listening] or found
    for each in told:
        click.echo(printable(each.sentence if each.up else f"{ctx.command_path}: {each.sentence}"), err=not each.up)
    ctx.exit(0 if all(each.up for each in told) else 1)


def _checked(address: str) -> str:
    """Return the URL to ask; a hall's has the path `/health`."""
    try:
        url = urlsplit(address)
        usable = url.scheme in ("http", "https") and url.hostname and url.port != 0 and not url.username
        usable = bool(usable) and all("!" <= character <= "~" for character in address)
    except ValueError:
        usable = False
    if not usable:
        raise click.UsageError(f"{address!r} is not a URL like http://127.0.0.1:8765")
    return url._replace(path="/health").geturl() if url.path in ("", "/") else address


async def _look(urls: tuple[str, ...], timeout: float) -> _Found:
    """Return what is found at the first of the URLs that speaks HTTP."""
    found = _Found(False, "nothing was asked")
    for url in urls:
        try:
            async with asyncio.timeout(timeout):
                answer = await _ask(urlsplit(url))
        except TimeoutError:
            return _Found(False, f"{url} does not answer within {timeout:g} s")
        except ConnectionRefusedError:
            return _Found(False, f"nothing listens at {url}", listening=False)
        except (OSError, UnicodeError) as error:
            found = _Found(False, f"{url} can't be asked: {error}")
        else:
            if read := _ANSWER.match(answer):
                return _judged(url, int(read[1]), read[2])
            found = _Found(False, f"{url} does not answer with HTTP")
    return found


async def _ask(url: SplitResult) -> bytes:
    """Return the beginning of what is answered.

    Raises:
        OSError: it can't be reached, or its certificate is not valid.
    """
    host, tls = url.hostname or "", url.scheme == "https"
    port = url.port or (443 if tls else 80)
    reader, writer = await asyncio.open_connection(host, port, ssl=_trust(host) if tls else None)
    try:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        # An HTTP/1.0 answer has no chunks, and ends with its connection.
        writer.write(f"GET {target} HTTP/1.0\r\nHost: {url.netloc}\r\nAccept: */*\r\n\r\n".encode())
        answer = b""
        with suppress(ConnectionResetError):
            while len(answer) < _LONGEST and (more := await reader.read(_LONGEST)):
                answer += more
        return answer
    finally:
        writer.transport.abort()


def _trust(host: str) -> ssl.SSLContext:
    """Return how a certificate is checked: on this machine it is made out to another name, and no key is sent."""
    context = ssl.create_default_context()
    if is_local(host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _judged(url: str, status: int, body: bytes) -> _Found:
    """Return what an answer says; one that is neither a hall's nor a watcher's is not good enough."""
    if status != 200:
        return _Found(False, f"{url} answers {status}")
    if _METRICS.search(body):
        return _Found(True, f"{url} is up")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict) and said.get("ok") is True and isinstance(said.get("version"), str):
        return _Found(True, f"{url} is up, version {said['version']}")
    return _Found(False, f"{url} answers, but is neither a hall nor a watcher")
