"""`pyhall-tui hall audit …`: check, sign, export and prune a store's decision log."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyhall_tui.commands import completed
from pyhall_tui.commands.hall.group import (
    NO,
    Place,
    answer_no,
    db_option,
    errors_explained,
    file_or_stream,
    hall_group,
    json_option,
    open_store,
    say,
)
from pyhall_tui.commands.hall.signing import (
    read_checkpoints,
    read_public_key,
    read_signing_key,
    signing_key_option,
)
from pyhall_tui.commands.real_number import RealNumber

if TYPE_CHECKING:
    from pyhall_tui.hall.audit import Checked
    from pyhall_tui.hall.checkpoints import Checkpoint, Proof
    from pyhall_tui.hall.signed_note import PublicKey
    from pyhall_tui.hall.store import Store


@hall_group.group()
def audit() -> None:
    """Check, sign, export and prune the decision log, whose rows are chained by SHA-256."""


@audit.command()
@click.option("--head", "known", help="SEQ:HASH from an earlier `hall audit head`: the log must still contain it.")
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    metavar="KEY",
    help="The public key (or its file) of the hall's checkpoints: the log must be the one that it signed. If the key "
    "was changed, give each.",
    shell_complete=completed.paths,
)
@click.option(
    "--checkpoint",
    "kept",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Checkpoints that you kept elsewhere: the log must still contain them.",
)
@json_option
@db_option
def verify(known: str | None, public_keys: tuple[str, ...], kept: Path | None, as_json: bool, db: Place) -> None:
    """Check that no decision was changed, truncated, or removed without a record of it in the log.

    Whoever can write the store can write a whole new log, which only a signature can show: give --public-key.

    Exit code 1 if the log is not whole, or not the signed one, with the first bad row; with --public-key also if it
    is empty, because nothing is proven then.
    """
    head = None if known is None else _head(known)
    if kept is not None and not public_keys:
        raise click.UsageError("--checkpoint needs --public-key")
    with open_store(db) as store:
        from pyhall_tui.hall.audit import verify as check

        keys = list(map(read_public_key, public_keys))
        elsewhere = [] if kept is None else read_checkpoints(kept, keys)
        checked = check(store, head)
        proof = _proof(store, keys, elsewhere) if keys and checked.whole else None
    bad = (checked.bad_seq, checked.why) if proof is None else (proof.bad_seq, proof.why)
    if as_json:
        click.echo(json.dumps(_told(checked, proof, bad)))
        raise SystemExit(0 if bad[0] is None else NO)
    if bad[0] is not None:
        answer_no(f"row {bad[0]} of {db}: {bad[1]}")
    taken_out = f"; {checked.removal.told(checked.gone)}" if checked.removal else ""
    say(f"whole: {checked.rows} decision{'s' * (checked.rows != 1)}{taken_out}")
    say(_proven(proof), err=proof is None)
    if proof is not None and kept is None:
        say(_ONLY_ELSEWHERE, err=True)


_ONLY_ELSEWHERE = (
    "Rows that were deleted together with their checkpoints don't show here: keep checkpoints elsewhere, and give them "
    "with --checkpoint"
)


def _proof(store: "Store", keys: "list[PublicKey]", elsewhere: "list[Checkpoint]") -> "Proof":
    from pyhall_tui.hall.checkpoints import prove

    return prove(store, keys, elsewhere)


def _told(checked: "Checked", proof: "Proof | None", bad: tuple[int | None, str]) -> dict[str, Any]:
    """Return the answer as JSON."""
    import msgspec

    taken = msgspec.to_builtins(checked.removal) | {"gone_to": checked.gone} if checked.removal else None
    return {
        "whole": bad[0] is None,
        "decisions": checked.rows,
        "bad_row": bad[0],
        "why": bad[1] or None,
        "taken_out": taken,
        "proven_to": proof.upto if proof else None,
        "proven_at": proof.at if proof else None,
    }


def _proven(proof: "Proof | None") -> str:
    """Return a sentence about what is proven to somebody who doesn't trust the store."""
    if proof is None:
        return "not proven: no signature was checked, and whoever can write the store can write a whole new log"
    after = f"; {proof.after:,} row{'s' * (proof.after != 1)} after it will be in the next one" if proof.after else ""
    return f"proven up to row {proof.upto:,}, by the checkpoint of {proof.at}{after}"


def _head(text: str) -> tuple[int, str]:
    seq, _, entry = text.partition(":")
    if not (seq.isascii() and seq.isdigit() and entry):
        raise click.BadParameter("expected SEQ:HASH, as hall audit head prints it", param_hint="--head")
    return int(seq), entry


@audit.command()
@db_option
def head(db: Place) -> None:
    """Print the number and hash of the last decision. Keep them elsewhere, for `hall audit verify --head`."""
    with open_store(db) as store:
        seq, entry = store.log.head()
    say(f"{seq}:{entry}")


@audit.command("new-key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="What the key signs for, such as hall.yourco.org.")
def new_key(file: Path, name: str) -> None:
    """Make a key that signs the decision log, in FILE, and print its public key.

    Keep FILE outside the store and its backups, readable only by the hall; give the public key to those who check.
    """
    with errors_explained():
        import secrets

        from pyhall_tui.files.whole_file import new_file
        from pyhall_tui.hall.errors import FileMistake
        from pyhall_tui.hall.signed_note import NoteMistake, SigningKey

        try:
            key = SigningKey(name, secrets.token_bytes(32))
        except NoteMistake as wrong:
            raise FileMistake(str(wrong)) from None
        with new_file(file) as out:
            out.write(key.text().encode())
    say(str(key.public))


@audit.command("public-key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def public_key(file: Path) -> None:
    """Print the public key of the signing key in FILE."""
    with errors_explained():
        key = read_signing_key(file)
    say(str(key.public))


@audit.command()
@signing_key_option()
@db_option
def checkpoint(signing_key: Path | None, db: Place) -> None:
    """Print the newest signed checkpoint of the log, to keep elsewhere; with a key, sign the log as it is now.

    Exit code 1 if there is none.
    """
    with open_store(db) as store:
        if signing_key is not None:
            from pyhall_tui.hall.checkpoints import sign_head

            note = sign_head(store, read_signing_key(signing_key))
        else:
            from pyhall_tui.hall.signers import newest_note

            note = newest_note(store)
        is_empty = store.log.head().seq == 0
    if note is None and is_empty:
        answer_no(f"the decision log of {db} is empty: there is nothing to sign before its first decision")
    if note is None:
        answer_no(f"{db} has no checkpoint: serve it with --signing-key, or give one here")
    click.echo(note, nl=False)


@audit.command("change-key")
@click.option(
    "--from",
    "before",
    required=True,
    metavar="KEY",
    help="The public key (or its file) that has signed the log until now.",
    shell_complete=completed.paths,
)
@signing_key_option(required=True)
@db_option
def change_key(before: str, signing_key: Path, db: Place) -> None:
    """Let another key sign the log from now on, and print its first checkpoint. Stop the store's halls first.

    The log must be the one that the key before has signed. Its checkpoints stay: give both keys to `hall audit verify`.
    Exit code 1 if the log is not whole.
    """
    with open_store(db) as store:
        from pyhall_tui.hall.audit import verify as check
        from pyhall_tui.hall.checkpoints import change_key as change

        old, new = read_public_key(before), read_signing_key(signing_key)
        if new.public == old:
            raise click.UsageError("--signing-key is the key that --from names: give the new one")
        checked = check(store)
        if not checked.whole:
            answer_no(f"row {checked.bad_seq} of {db}: {checked.why}")
        note = change(store, old, new)
    click.echo(note, nl=False)


@audit.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default="-")
@db_option
def export_log(file: Path, db: Place) -> None:
    """Write the decisions as JSON Lines to FILE or stdout; `evidence verify` can check them anywhere."""
    with open_store(db) as store, file_or_stream(file, "x") as out:
        from pyhall_tui.hall.audit import export as lines

        for line in lines(store):
            out.write(line + "\n")


@audit.command()
@click.option("--keep-decisions", type=click.IntRange(min=0), help="Keep the last N decisions.", metavar="N")
@click.option(
    "--keep-days",
    type=RealNumber(min=0, min_open=True),
    metavar="N",
    help="Remove decisions that are more than N days older than the newest one.",
)
@db_option
def prune(keep_decisions: int | None, keep_days: float | None, db: Place) -> None:
    """Remove the oldest decisions. The log itself records it, and the rest stays whole: see `hall audit verify`.

    In PostgreSQL, decisions are removed 100,000 at a time, so more may be kept than you ask for: it says what stays.
    """
    if keep_decisions is None and keep_days is None:
        raise click.UsageError("say what to keep: --keep-decisions, --keep-days, or both")
    with open_store(db) as store:
        from pyhall_tui.hall.retention import Retention, take_out

        done = take_out(store, Retention(keep_decisions, keep_days or 0.0))
        remainder = done.remainder
    say(f"removed {done.gone} decision{'s' * (done.gone != 1)}")
    if remainder:
        say(remainder)
