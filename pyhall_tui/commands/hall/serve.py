"""`pyhall-tui hall serve`: the hall alone."""

import ipaddress
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyhall_tui.commands.hall.group import db_option, hall_group, open_store, say
from pyhall_tui.commands.hall.upstream import checked_url, follow, key_of_environment

if TYPE_CHECKING:
    from pyhall_tui.hall.context import PolicySource
    from pyhall_tui.hall.store import Store
    from pyhall_tui.hall.upstream import WhenStale


def _hosts(names: tuple[str, ...]) -> tuple[str, ...]:
    if names:
        from pyhall_tui.hall.names import name_of

        for name in names:
            if name_of(name) is None:
                raise click.UsageError(f"--allow-host: {name!r} is not the name of a host")
    return names


@hall_group.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 takes a free one.")
@db_option
@click.option("--namespace", default="org.yourco", show_default=True, help="Whose the first key of a new store is.")
@click.option("--seed", type=click.Choice(["demo", "empty"]), default="empty", help="What a new store holds.")
@click.option("--policy", type=click.Path(path_type=Path), help="Rules in TOML, in place of the store's.")
@click.option("--public-reads", is_flag=True, help="Answer verify, ban list and health without a key too.")
@click.option(
    "--rate", type=click.FloatRange(min=0), default=50.0, show_default=True, help="Requests/s and key; 0: any."
)
@click.option(
    "--local-writes",
    is_flag=True,
    help="Take POST /enroll and /decisions/ingest from this machine without a key, as the published local hall does.",
)
@click.option(
    "--keep-decisions",
    type=click.IntRange(min=0),
    help="Keep the last so many decisions, and take older ones out; all are kept unless given.",
)
@click.option(
    "--keep-days",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Take out decisions older than this, counted from the newest one; 0 (the default): any age is kept.",
)
@click.option("--faults", type=click.Path(path_type=Path), help="Faults in TOML, to see how a client bears them.")
@click.option("--upstream", metavar="URL", help="A registry whose ban list counts here too; its key: PYHALL_API_KEY.")
@click.option("--upstream-namespace", metavar="NS", help="Enroll this hall there, once, in the namespace of that key.")
@click.option(
    "--stale-after", type=click.FloatRange(min=0), default=10.0, show_default=True, help="Minutes of silence until …"
)
@click.option(
    "--when-stale",
    type=click.Choice(["keep", "deny-high", "deny-all"]),
    default="deny-high",
    show_default=True,
    help="… an upstream that was not heard of refuses nothing, high and critical tiers, or all.",
)
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Serve https with this certificate (PEM) …")
@click.option("--tls-key", type=click.Path(path_type=Path), help="… and this key.")
@click.option(
    "--allow-host",
    "allow_hosts",
    metavar="NAME",
    multiple=True,
    callback=lambda _context, _option, names: _hosts(names),
    help="Answer requests for this name too, such as a proxy's; repeat it for more.",
)
@click.option("--allow-plain-http", is_flag=True, help="Listen beyond this machine without TLS: keys can be read.")
def serve(
    host: str,
    port: int,
    db: Path,
    namespace: str,
    seed: str,
    policy: Path | None,
    public_reads: bool,
    rate: float,
    local_writes: bool,
    keep_decisions: int | None,
    keep_days: float,
    faults: Path | None,
    upstream: str | None,
    upstream_namespace: str | None,
    stale_after: float,
    when_stale: "WhenStale",
    tls_cert: Path | None,
    tls_key: Path | None,
    allow_hosts: tuple[str, ...],
    allow_plain_http: bool,
) -> None:
    """Serve the hall until SIGTERM, SIGHUP or ctrl+c.

    The first line is its address; for a new store the second is its first key, which is shown this once.
    """
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    if upstream_namespace and not upstream:
        raise click.UsageError("--upstream-namespace goes with --upstream")
    above = None if upstream is None else (checked_url(upstream), key_of_environment())
    if tls_cert is None and not allow_plain_http and not _is_loopback(host):
        raise click.UsageError(
            f"{host} is beyond this machine, where keys in plain http can be read: "
            "give --tls-cert and --tls-key, or say --allow-plain-http"
        )
    from pyhall_tui.hall.context import Hall
    from pyhall_tui.hall.faults import read_faults
    from pyhall_tui.hall.retention import Retention
    from pyhall_tui.hall.server import ForegroundServer, address, listen
    from pyhall_tui.hall.upstream import forget_state

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s")
    with open_store(db, make=True) as store:
        hall = Hall(
            store,
            policy=_policy(store, policy),
            rate=rate,
            public_reads=public_reads,
            local_writes=local_writes,
            retention=Retention(keep_decisions, keep_days),
        )
        store.set_meta(
            "policy_file", str(policy.absolute()) if policy else ""
        )  # for the commands that look at the store
        hall.faults.replace(read_faults(faults) if faults else [])
        if above is None:
            forget_state(store)
        else:
            hall.upstream = follow(
                *above, store, hall.clock, namespace=upstream_namespace, silence=stale_after * 60, when_stale=when_stale
            )
        server = ForegroundServer(hall, names=(host, *allow_hosts), certfile=tls_cert, keyfile=tls_key)
        try:
            sock = listen(host, port)
        except OSError as error:
            raise OSError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None

        def announce() -> None:
            say(address(sock, tls=tls_cert is not None))
            if key := _first_key(store, namespace, seed):
                say(key)
            elif seed == "demo":
                say(f"{db} is not new, so --seed does nothing", err=True)
            sys.stdout.flush()
            if store.note:
                say(store.note, err=True)
            say(f"The store is {db}; ctrl+c ends the hall.", err=True)

        raise SystemExit(server.run_on(sock, announce))


def _policy(store: "Store", file: Path | None) -> "PolicySource":
    from pyhall_tui.hall.policy import PolicyFile, StoredPolicy
    from pyhall_tui.hall.watched_file import wait_until_still

    if file:
        wait_until_still(file)
    source: PolicySource = PolicyFile(file) if file else StoredPolicy(store)
    source.current()  # a policy that cannot be read is told now, not at the first dispatch
    return source


def _first_key(store: "Store", namespace: str, seed: str) -> str | None:
    """Fill a new store and return its first key; None where the store is not new."""
    from time import time

    from pyhall_tui.hall.seed import seed_demo

    with store.write():
        if store.all_keys():
            return None
        if seed == "demo":
            seed_demo(store, time())
        return store.add_key(namespace, "first")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
