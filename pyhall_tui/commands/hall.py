"""`pyhall-tui hall …`: run the embedded hall alone, and change its store, also while it is served."""

import ipaddress
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyhall_tui import paths

if TYPE_CHECKING:
    from pyhall_tui.hall.context import PolicySource
    from pyhall_tui.hall.store import Store

DONE, NO, FAILED = 0, 1, 2


@click.group("hall")
def hall_group() -> None:
    """A registry of your own: run it, and change what it knows."""


def _default_db() -> Path:
    return paths.data_dir() / "hall.db"


db_option = click.option(
    "--db",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_default_db,
    show_default="hall.db in the user's data folder",
    help="The hall's store.",
)


@contextmanager
def told() -> Iterator[None]:
    """Turn what can go wrong with a store or a policy into one sentence and exit code 2."""
    from pyhall_tui.hall.errors import FileMistake, StoreError

    try:
        yield
    except (StoreError, FileMistake, OSError) as error:
        click.echo(f"pyhall-tui hall: {error}", err=True)
        raise SystemExit(FAILED) from None


@contextmanager
def open_store(db: Path, *, make: bool = False) -> "Iterator[Store]":
    """Open a hall's store for a command; one that is not there is made only where `make` says so."""
    from pyhall_tui.hall.errors import StoreError
    from pyhall_tui.hall.store import Store

    with told():
        if not make and not db.exists():
            raise StoreError(f"there is no hall's store at {db}: name one with --db, or make it with hall serve")
        store = Store(db)
        try:
            yield store
        finally:
            store.close()


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
@click.option("--faults", type=click.Path(path_type=Path), help="Faults in TOML, to see how a client bears them.")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Serve https with this certificate (PEM) …")
@click.option("--tls-key", type=click.Path(path_type=Path), help="… and this key.")
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
    faults: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    allow_plain_http: bool,
) -> None:
    """Serve the hall until SIGTERM or ctrl+c.

    The first line is its address; for a new store the second is its first key, which is shown this once.
    """
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    if tls_cert is None and not allow_plain_http and not _is_loopback(host):
        raise click.UsageError(
            f"{host} is beyond this machine, where keys in plain http can be read: "
            "give --tls-cert and --tls-key, or say --allow-plain-http"
        )
    from pyhall_tui.hall.context import Hall
    from pyhall_tui.hall.faults import read_faults
    from pyhall_tui.hall.server import ForegroundServer, address, listen

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s")
    with open_store(db, make=True) as store:
        hall = Hall(store, policy=_policy(store, policy), rate=rate, public_reads=public_reads)
        hall.faults.replace(read_faults(faults) if faults else [])
        server = ForegroundServer(hall, certfile=tls_cert, keyfile=tls_key)
        try:
            sock = listen(host, port)
        except OSError as error:
            raise OSError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None

        def announce() -> None:
            click.echo(address(sock, tls=tls_cert is not None))
            if key := _first_key(store, namespace, seed):
                click.echo(key)
            elif seed == "demo":
                click.echo(f"{db} is not new, so --seed does nothing", err=True)
            sys.stdout.flush()
            click.echo(f"The store is {db}; ctrl+c ends the hall.", err=True)

        raise SystemExit(server.run_on(sock, announce))


def _policy(store: "Store", file: Path | None) -> "PolicySource":
    from pyhall_tui.hall.policy import PolicyFile, StoredPolicy

    source: PolicySource = PolicyFile(file) if file else StoredPolicy(store)
    source.current()  # a policy that cannot be read is told now, not at the first dispatch
    return source


def _first_key(store: "Store", namespace: str, seed: str) -> str | None:
    """Fill a new store and return its first key; None where the store is not new."""
    from time import time

    from pyhall_tui.hall.seed import seed_demo

    with store.write():
        if store.keys():
            return None
        if seed == "demo":
            seed_demo(store, time())
        return store.add_key(namespace, "first")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# What changes a store


@hall_group.command()
@click.argument("worker", metavar="WORKER|SHA256")
@click.option("--reason", required=True, help="Why; every client shows it.")
@db_option
def ban(worker: str, reason: str, db: Path) -> None:
    """Ban a worker, and its package hash with it; or a package hash by itself."""
    from pyhall_tui.hall.models import clean_hash

    with open_store(db) as store:
        digest = clean_hash(worker)
        if digest:
            store.ban_hash(digest, reason)
        elif not store.ban(worker, reason):
            _no(f"there is no worker {worker} in {db}")
    click.echo(f"banned {digest or worker}")


@hall_group.command()
@click.argument("worker", metavar="WORKER|SHA256")
@db_option
def unban(worker: str, db: Path) -> None:
    """Take the ban from a worker and its package hash; or from a package hash by itself."""
    from pyhall_tui.hall.models import clean_hash

    with open_store(db) as store:
        digest = clean_hash(worker)
        if not (store.unban_hash(digest) if digest else store.unban(worker)):
            _no(f"{worker} is not banned in {db}")
    click.echo(f"unbanned {digest or worker}")


@hall_group.command()
@click.argument("worker")
@db_option
def retire(worker: str, db: Path) -> None:
    """Retire a worker, for good."""
    with open_store(db) as store:
        if not store.set_status(worker, "retired"):
            _no(f"there is no worker {worker} in {db}")
    click.echo(f"retired {worker}")


@hall_group.command()
@click.argument("worker")
@click.argument("sha256")
@db_option
def attest(worker: str, sha256: str, db: Path) -> None:
    """Attest a package hash (64 hex digits) for an active worker."""
    from pyhall_tui.hall.models import clean_hash

    digest = clean_hash(sha256)
    if digest is None:
        raise click.BadParameter("expected 64 hex digits", param_hint="SHA256")
    with open_store(db) as store:
        if store.is_hash_banned(digest):
            _no(f"{digest} is on the ban list: unban it first")
        if not store.attest(worker, digest):
            known = store.worker(worker)
            _no(f"{worker} is {known.status}" if known else f"there is no worker {worker} in {db}")
    click.echo(f"attested {worker} {digest}")


def _no(sentence: str) -> None:
    click.echo(f"pyhall-tui hall: {sentence}", err=True)
    raise SystemExit(NO)
