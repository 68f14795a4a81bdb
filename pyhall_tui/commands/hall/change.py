"""`pyhall-tui hall ban|unban|retire|attest`: change a store, even while it is being served."""

import click

from pyhall_tui.commands import completed
from pyhall_tui.commands.hall.group import Place, answer_no, db_option, hall_group, open_store, say


@hall_group.command()
@click.argument("worker", metavar="WORKER|SHA256", shell_complete=completed.hall_workers)
@click.option("--reason", required=True, help="The reason; every client shows it.")
@db_option
def ban(worker: str, reason: str, db: Place) -> None:
    """Ban a worker and its package hash, or only a package hash."""
    from pyhall_tui.hall.models import clean_hash

    with open_store(db) as store:
        digest = clean_hash(worker)
        if digest:
            store.ban_hash(digest, reason)
        elif not store.ban(worker, reason):
            answer_no(f"there is no worker {worker} in {db}")
    say(f"banned {digest or worker}")


@hall_group.command()
@click.argument("worker", metavar="WORKER|SHA256", shell_complete=completed.hall_workers)
@db_option
def unban(worker: str, db: Place) -> None:
    """Lift the ban on a worker and its package hash, or only on a package hash."""
    from pyhall_tui.hall.models import clean_hash

    with open_store(db) as store:
        digest = clean_hash(worker)
        if not (store.unban_hash(digest) if digest else store.unban(worker)):
            answer_no(f"{worker} is not banned in {db}")
    say(f"unbanned {digest or worker}")


@hall_group.command()
@click.argument("worker", shell_complete=completed.hall_workers)
@db_option
def retire(worker: str, db: Place) -> None:
    """Retire a worker permanently."""
    with open_store(db) as store:
        if not store.set_status(worker, "retired"):
            answer_no(f"there is no worker {worker} in {db}")
    say(f"retired {worker}")


@hall_group.command()
@click.argument("worker", shell_complete=completed.hall_workers)
@click.argument("sha256")
@db_option
def attest(worker: str, sha256: str, db: Place) -> None:
    """Attest a package hash (64 hex digits) for an active worker."""
    from pyhall_tui.hall.models import clean_hash

    digest = clean_hash(sha256)
    if digest is None:
        raise click.BadParameter("expected 64 hex digits", param_hint="SHA256")
    with open_store(db) as store:
        if store.is_hash_banned(digest):
            answer_no(f"{digest} is on the ban list: unban it first")
        if not store.attest(worker, digest):
            known = store.worker(worker)
            answer_no(f"{worker} is {known.status}" if known else f"there is no worker {worker} in {db}")
    say(f"attested {worker} {digest}")
