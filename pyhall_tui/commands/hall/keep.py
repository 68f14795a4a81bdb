"""`pyhall-tui hall status|export|import|audit`: look at a store, copy it, check its log."""

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from pyhall_tui.commands.hall.group import NO, answer_no, db_option, hall_group, json_option, open_store, say
from pyhall_tui.files.whole_file import new_file


@hall_group.command()
@json_option
@db_option
def status(as_json: bool, db: Path) -> None:
    """Show what is in a store: workers by state, bans, keys, policy, decisions of the last day."""
    with open_store(db) as store:
        from pyhall_tui.hall.summary import summary

        shown = {"store": str(db)} | summary(store)
    if as_json:
        click.echo(json.dumps(shown))
        return
    shown |= _upstream_lines(shown.pop("upstream"))
    width = max(map(len, shown))
    for name, value in shown.items():
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        say(f"{name:{width}}  {text if text not in ('', None) else '–'}")


def _upstream_lines(upstream: dict[str, Any] | None) -> dict[str, str]:
    """Return what to print about the upstream that the hall followed when it was last served, as of now."""
    if upstream is None:
        return {"upstream": "none"}
    session = upstream["session"]
    said = {
        "held": f"held until {session['expires']}",
        "expired": f"expired at {session['expires']}",
    }.get(session["state"], session["state"])
    enrolled = f"enrolled as {session['id'] or '–'} in {session['namespace']}" if session["namespace"] else ""
    stale = "unreachable for too long" if upstream["stale"] else "reachable"
    return {
        "upstream": f"{upstream['url']}, {stale}",
        "last_poll": f"{upstream['last_poll']}, last answer {upstream['last_heard'] or 'never'}",
        "session": "; ".join(part for part in (said, enrolled, session["error"]) if part),
    } | ({"last_error": upstream["error"]} if upstream["error"] else {})


@hall_group.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default="-")
@db_option
def export(file: Path, db: Path) -> None:
    """Write the whole store as JSON Lines to FILE or stdout. Keys are only in it as hashes."""
    from pyhall_tui.hall.exchange import export as lines

    with open_store(db) as store, _opened(file, "x") as out:
        for line in lines(store):
            out.write(line + "\n")


@hall_group.command("import")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default="-")
@db_option
def import_(file: Path, db: Path) -> None:
    """Create a new store from what `hall export` wrote, from FILE or stdin: all of it, or nothing."""
    from pyhall_tui.hall.exchange import load

    with _dropped_unless_done(db), open_store(db, make=True) as store, _opened(file, "r") as lines:
        got = load(store, lines, str(file))
    say(", ".join(f"{count} {table}" for table, count in got.items()))


@contextmanager
def _dropped_unless_done(db: Path) -> Iterator[None]:
    """Delete the new store again if nothing was put into it."""
    was_there = os.path.lexists(db)
    try:
        yield
    except BaseException:
        for suffix in () if was_there else ("", "-wal", "-shm"):
            db.with_name(db.name + suffix).unlink(missing_ok=True)
        raise


@contextmanager
def _opened(file: Path, mode: str) -> Iterator[IO[str]]:
    """Open a file, or the standard stream if it is `-`.

    An existing file is never overwritten, and one that can't be written whole is removed.
    """
    if str(file) == "-":
        yield sys.stdin if mode == "r" else sys.stdout
        return
    if mode == "r":
        with file.open(encoding="utf-8-sig") as opened:
            yield opened
        return
    try:
        with new_file(file) as data:
            out = io.TextIOWrapper(data, encoding="utf-8")
            yield out
            out.detach()  # flushes; whoever opened the file below closes it
    except OSError as error:
        # The error's own name is that of the temporary file next to it.
        raise OSError(error.errno, error.strerror or str(error), str(file)) from error


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
    with open_store(db) as store, _opened(file, "x") as out:
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
