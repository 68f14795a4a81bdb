"""`pyhall-tui hall serve`: only the hall."""

import contextlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from pyhall_tui.commands.hall.first_key import first_key_option, keep_first_key, say_first_key
from pyhall_tui.commands.hall.group import FAILED, Place, db_option, hall_group, open_store, say
from pyhall_tui.commands.hall.signing import signing_key_option, signing_of
from pyhall_tui.commands.hall.upstream import follow
from pyhall_tui.commands.hall.upstream_key import upstream_options
from pyhall_tui.commands.real_number import RealNumber
from pyhall_tui.hosts import is_this_machine, one_spelling
from pyhall_tui.metrics.address import REMOTE, NotServed, Refused, url
from pyhall_tui.metrics.address import listen as listen_for_metrics
from pyhall_tui.share.printed import HALL, text_of

if TYPE_CHECKING:
    from socket import socket

    from pyhall_tui.commands.hall.upstream_key import UpstreamAt
    from pyhall_tui.hall.context import PolicySource
    from pyhall_tui.hall.proxies import Proxies
    from pyhall_tui.hall.server import ForegroundServer
    from pyhall_tui.hall.store import Store
    from pyhall_tui.hall.upstream import WhenStale


def _hosts(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names as browsers send them: `xn--…` for what is not ASCII."""
    return tuple(map(_host, names))


def _host(name: str) -> str:
    from pyhall_tui.hosts import name_of

    with contextlib.suppress(ValueError):
        sent = name if name.isascii() else one_spelling(name)
        if name_of(sent) is not None:
            return sent
    raise click.UsageError(f"--allow-host: {name!r} is not a host name")


def _proxies(given: tuple[str, ...]) -> "Proxies":
    from pyhall_tui.hall.proxies import Proxies, read_network

    try:
        return Proxies(map(read_network, given))
    except ValueError as wrong:
        raise click.UsageError(f"--trusted-proxy: {wrong}") from None


@hall_group.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="The port; 0 picks a free one."
)
@db_option
@click.option("--name", metavar="NAME", help="This hall's name among those on its store; by default host and port.")
@click.option("--namespace", default="org.yourco", show_default=True, help="The namespace of a new store's first key.")
@click.option("--seed", type=click.Choice(["demo", "empty"]), default="empty", help="What a new store contains.")
@click.option("--policy", type=click.Path(path_type=Path), help="Rules in TOML, instead of the store's.")
@click.option("--public-reads", is_flag=True, help="Answer reads (verify, ban list, …) without a key too.")
@click.option(
    "--rate", type=RealNumber(min=0), default=50.0, show_default=True, help="Requests/s per key; 0: no limit."
)
@click.option(
    "--local-writes",
    is_flag=True,
    help="Accept POST /enroll and /decisions/ingest from this machine without a key, like the published local hall.",
)
@click.option(
    "--keep-decisions",
    type=click.IntRange(min=0),
    metavar="N",
    help="Keep the last N decisions and remove older ones; by default all are kept.",
)
@click.option(
    "--keep-days",
    type=RealNumber(min=0),
    default=0.0,
    metavar="N",
    help="Remove decisions more than N days older than the newest one; 0 (the default) keeps any age.",
)
@signing_key_option()
@click.option(
    "--checkpoint-to",
    metavar="FILE|URL",
    help="Also keep each signed checkpoint there: appended to FILE, or posted to URL as JSON.",
)
@click.option("--faults", type=click.Path(path_type=Path), help="Faults in TOML, to test how a client handles them.")
@upstream_options
@click.option(
    "--upstream-namespace", metavar="NS", help="Enroll this hall once at the upstream, in the key's namespace."
)
@click.option(
    "--upstream-interval",
    type=RealNumber(min=1),
    metavar="SECONDS",
    help="Ask the upstream for its ban list this often; by default every 5 seconds.",
)
@click.option(
    "--stale-after",
    type=RealNumber(min=0),
    default=10.0,
    show_default=True,
    help="Minutes without an answer until …",
)
@click.option(
    "--when-stale",
    type=click.Choice(["keep", "deny-high", "deny-all"]),
    default="deny-high",
    show_default=True,
    help="… an unreachable upstream denies nothing, high and critical tiers, or everything.",
)
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Serve https with this certificate (PEM) …")
@click.option("--tls-key", type=click.Path(path_type=Path), help="… and this key.")
@click.option(
    "--allow-host",
    "allow_hosts",
    metavar="NAME",
    multiple=True,
    callback=lambda _context, _option, names: _hosts(names),
    help="Also answer requests for this host name, such as a proxy's; repeat for more.",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    metavar="CIDR",
    multiple=True,
    callback=lambda _context, _option, given: _proxies(given),
    help="Believe what this proxy says of its clients' addresses (X-Forwarded-For or Forwarded), and take nothing that "
    "it passes on for this machine's own; repeat for more.",
)
@click.option(
    "--metrics",
    metavar="HOST:PORT",
    help="Serve metrics for Prometheus there, at /metrics: counts of all namespaces, without a key.",
)
@click.option(REMOTE, "remote_metrics", is_flag=True, help="Let other machines read the metrics.")
@click.option(
    "--allow-plain-http", is_flag=True, help="Listen to other machines without TLS: keys can be read on the way."
)
@first_key_option
@click.option(
    "--print",
    type=click.Choice([*HALL]),
    expose_value=False,
    is_eager=True,
    callback=lambda context, _option, name: _print_and_end(context, name),
    help="Print a file for another program, and end.",
)
def serve(
    host: str,
    port: int,
    db: Place,
    name: str | None,
    namespace: str,
    seed: str,
    policy: Path | None,
    public_reads: bool,
    rate: float,
    local_writes: bool,
    keep_decisions: int | None,
    keep_days: float,
    signing_key: Path | None,
    checkpoint_to: str | None,
    faults: Path | None,
    above: "UpstreamAt | None",
    upstream_namespace: str | None,
    upstream_interval: float | None,
    stale_after: float,
    when_stale: "WhenStale",
    tls_cert: Path | None,
    tls_key: Path | None,
    allow_hosts: tuple[str, ...],
    trusted_proxies: "Proxies",
    metrics: str | None,
    remote_metrics: bool,
    allow_plain_http: bool,
    first_key_file: Path | None,
) -> None:
    """Serve the hall until SIGTERM, SIGHUP or ctrl+c.

    The first line printed is its address. For a new store, the second line is its first key, shown only once.
    """
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("give both --tls-cert and --tls-key, or neither")
    if above is None:
        _need_upstream(namespace=upstream_namespace, interval=upstream_interval)
    if tls_cert is None and not allow_plain_http and not _is_loopback(host):
        raise click.UsageError(
            f"{host} is reachable from other machines, so keys sent in plain http can be read on the way: "
            "give --tls-cert and --tls-key, or --allow-plain-http"
        )
    for_metrics = _listen_for_metrics(metrics, remote=remote_metrics)
    from socket import gethostname

    from pyhall_tui.hall.context import Hall
    from pyhall_tui.hall.faults import read_faults
    from pyhall_tui.hall.listening import address, listen
    from pyhall_tui.hall.presence import Presence
    from pyhall_tui.hall.retention import Retention
    from pyhall_tui.hall.server import ForegroundServer
    from pyhall_tui.hall.upstream import INTERVAL, forget_state

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s")
    with open_store(db, make=True) as store:
        hall = Hall(
            store,
            policy=_policy(store, policy),
            rate=rate,
            public_reads=public_reads,
            local_writes=local_writes,
            retention=Retention(keep_decisions, keep_days),
            proxies=trusted_proxies,
        )
        store.listen(hall.streams.changed)
        store.set_setting("policy_file", str(policy.absolute()) if policy else "")  # for commands on the store
        hall.signing = signing_of(store, hall.clock, signing_key, checkpoint_to)
        hall.faults.replace(read_faults(faults) if faults else [])
        if above is None:
            forget_state(store)
        else:
            hall.upstream = follow(
                *above,
                store,
                hall.clock,
                namespace=upstream_namespace,
                interval=upstream_interval or INTERVAL,
                silence=stale_after * 60,
                when_stale=when_stale,
                instance=hall.instance,
            )
        server = ForegroundServer(
            hall, names=(host, *allow_hosts), certfile=tls_cert, keyfile=tls_key, metrics=for_metrics
        )
        try:
            sock = listen(host, port)
        except OSError as error:
            raise OSError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
        where = str(policy.absolute()) if policy else None
        hall.presence = Presence(hall, name or f"{gethostname()}:{sock.getsockname()[1]}", where)
        hall.presence.begin()
        kept = keep_first_key(store, namespace, seed, first_key_file)

        def announce() -> None:
            say(address(sock, tls=tls_cert is not None))
            say_first_key(store, db, namespace, seed, kept)
            sys.stdout.flush()
            if store.note:
                say(store.note, err=True)
            _say_where_metrics_are(for_metrics)
            say(f"The store is {db}. Press ctrl+c to stop the hall.", err=True)

        _run(server, sock, announce)


def _run(server: "ForegroundServer", sock: "socket", announce: Callable[[], None]) -> NoReturn:
    """Serve until stopped, and end with the exit code; the service manager hears when requests are answered."""
    from pyhall_tui.watch.service_manager import ServiceManager

    service = ServiceManager.of_environment()

    def ready() -> None:
        announce()
        service.ready()

    code = server.run_on(sock, ready)
    service.stopping()
    raise SystemExit(code)


def _print_and_end(context: click.Context, name: str | None) -> None:
    if name is not None:
        click.echo(text_of(HALL[name]), nl=False)
        context.exit()


def _need_upstream(**given: object) -> None:
    for option, value in given.items():
        if value:
            raise click.UsageError(f"--upstream-{option} needs --upstream")


def _listen_for_metrics(address: str | None, *, remote: bool) -> "socket | None":
    """Return the socket for the metrics; None without an address. Ends the command if it can't be used."""
    if address is None:
        if remote:
            raise click.UsageError(f"{REMOTE} needs --metrics")
        return None
    try:
        return listen_for_metrics(address, remote=remote)
    except NotServed as error:
        say(f"pyhall-tui hall: {error}", err=True)
        raise SystemExit(FAILED) from None
    except Refused as error:
        raise click.UsageError(f"--metrics: {error}") from None


def _say_where_metrics_are(listening: "socket | None") -> None:
    if listening is not None:
        say(f"The metrics are at {url(listening)}", err=True)


def _policy(store: "Store", file: Path | None) -> "PolicySource":
    from pyhall_tui.hall.policy import PolicyFile, StoredPolicy
    from pyhall_tui.hall.watched_file import wait_until_still

    if file:
        wait_until_still(file)
    source: PolicySource = PolicyFile(file) if file else StoredPolicy(store)
    source.current()  # a policy that can't be read is reported now, not at the first dispatch
    return source


def _is_loopback(host: str) -> bool:
    try:
        return is_this_machine(one_spelling(host))
    except ValueError:
        return False
