"""`pyhall-tui hall audit …`: check, export and prune a store's decision log."""

import json
from pathlib import Path

import click

from pyhall_tui.commands.hall.group import (
    NO,
    answer_no,
    db_option,
    file_or_stream,
    hall_group,
    json_option,
    open_store,
    say,
)


@hall_group.group()
def audit() -> None:
    """Check, export and prune the decision log, whose rows are chained by SHA-256."""


@audit.command()
@click.option("--head", "known", help="SEQ:HASH from an earlier `hall audit head`: the log must still contain it.")
@json_option
@db_option
def verify(known: str | None, as_json: bool, db: Path) -> None:
    """Check that no decision was changed, truncated, or removed without a record of it in the log.

    Exit code 1 otherwise, with the first bad row.
    """
    head = _head(known) if known else None
    with open_store(db) as store:
        from pyhall_tui.hall.audit import verify as check

        checked = check(store, head)
    if as_json:
        import msgspec

        told = {
            "whole": checked.whole,
            "decisions": checked.rows,
            "bad_row": checked.bad_seq,
            "why": checked.why or None,
        }
        taken = msgspec.to_builtins(checked.removal) | {"gone_to": checked.gone} if checked.removal else None
        click.echo(json.dumps(told | {"taken_out": taken}))
        raise SystemExit(0 if checked.whole else NO)
    if not checked.whole:
        answer_no(f"row {checked.bad_seq} of {db}: {checked.why}")
    taken_out = f"; {checked.removal.told(checked.gone)}" if checked.removal else ""
    say(f"whole: {checked.rows} decision{'s' * (checked.rows != 1)}{taken_out}")


def _head(text: str) -> tuple[int, str]:
    seq, _, entry = text.partition(":")
    if not (seq.isascii() and seq.isdigit() and entry):
        raise click.BadParameter("expected SEQ:HASH, as hall audit head prints it", param_hint="--head")
    return int(seq), entry


@audit.command()
@db_option
def head(db: Path) -> None:
    """Print the number and hash of the last decision. Keep them elsewhere, for `hall audit verify --head`."""
    with open_store(db) as store:
        seq, entry = store.log.head()
    say(f"{seq}:{entry}")


@audit.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default="-")
@db_option
def export_log(file: Path, db: Path) -> None:
    """Write the decisions as JSON Lines to FILE or stdout; `evidence verify` can check them anywhere."""
    with open_store(db) as store, file_or_stream(file, "x") as out:
        from pyhall_tui.hall.audit import export as lines

        for line in lines(store):
            out.write(line + "\n")


@audit.command()
@click.option("--keep-decisions", type=click.IntRange(min=0), help="Keep the last N decisions.", metavar="N")
@click.option(
    "--keep-days",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="Remove decisions that are more than N days older than the newest one.",
)
@db_option
def prune(keep_decisions: int | None, keep_days: float | None, db: Path) -> None:
    """Remove the oldest decisions. The log itself records it, and the rest stays whole: see `hall audit verify`."""
    if keep_decisions is None and keep_days is None:
        raise click.UsageError("say what to keep: --keep-decisions, --keep-days, or both")
    with open_store(db) as store:
        from pyhall_tui.hall.retention import Retention
        from pyhall_tui.hall.retention import prune as take_out

        gone = take_out(store, Retention(keep_decisions, keep_days or 0.0))
    say(f"removed {gone} decision{'s' * (gone != 1)}")
