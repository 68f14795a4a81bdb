"""`pyhall-tui evidence …`: check a worker's evidence log, and list its receipts. The log is only read."""

import errno
import json
from pathlib import Path

import click

from pyhall_tui.attest.evidence import ChainCheck, LogPosition, receipts, verify_log
from pyhall_tui.commands.filled_options import FilledGroup
from pyhall_tui.commands.output import printable
from pyhall_tui.registry.models import plain_sha256
from pyhall_tui.render.text import clean

WHOLE, BROKEN, FAILED = 0, 1, 2

_file = click.argument("file", type=click.Path(path_type=Path))


@click.group("evidence", cls=FilledGroup)
def evidence_group() -> None:
    """Check a worker's evidence log: receipts chained by SHA-256."""


@evidence_group.command("verify")
@_file
@click.option("--known", metavar="N:HASH", help="The mark that an earlier check printed: notices a truncated log.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def verify(ctx: click.Context, file: Path, known: str | None, as_json: bool) -> None:
    """Check FILE's chain.

    Exit code 0: whole. 1: broken or truncated; the first bad line is printed. 2: it could not be read.
    """
    try:
        check = verify_log(file, known=_mark(known))
    except OSError as error:
        _tell_unreadable(file, error)
        ctx.exit(FAILED)
    print(json.dumps(_document(check), indent=2) if as_json else printable(check.sentence))
    if not as_json and check.whole and check.entries:
        click.echo(f"To notice a truncated log later: --known {check.entries}:{check.last_hash}", err=True)
    ctx.exit(WHOLE if check.whole else BROKEN)


@evidence_group.command("list")
@_file
@click.option("--correlation-id", metavar="ID", help="Only the receipts of this request.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: line, entry_hash and receipt.")
@click.pass_context
def list_receipts(ctx: click.Context, file: Path, correlation_id: str | None, as_json: bool) -> None:
    """List FILE's receipts, one per line, without checking the chain. Exit code 1 if there are none."""
    found = False
    try:
        for receipt in receipts(file, correlation_id=correlation_id):
            found = True
            if as_json:
                row = {"line": receipt.line, "entry_hash": receipt.entry_hash, "receipt": receipt.fields}
                print(json.dumps(row))
            else:
                cells = (receipt.at, receipt.status, receipt.capability, receipt.correlation_id, receipt.worker_id)
                print(f"{receipt.line:>8}  {'  '.join(printable(cell) or '-' for cell in cells)}")
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.ENOSPC):  # from printing, not from reading
            raise
        _tell_unreadable(file, error)
        ctx.exit(FAILED)
    if not found:
        what = f"has the correlation id {printable(correlation_id)}" if correlation_id else "is in it"
        click.echo(f"pyhall-tui evidence: no receipt {what}.", err=True)
    ctx.exit(WHOLE if found else BROKEN)


def _mark(text: str | None) -> LogPosition | None:
    if text is None:
        return None
    count, _, last = text.partition(":")
    last_hash = plain_sha256(last)
    if not count.isdecimal() or last_hash is None:
        raise click.BadParameter(
            "expected N:HASH, the number of receipts and the last entry's hash.", param_hint="--known"
        )
    return LogPosition(int(count), last_hash)


def _document(check: ChainCheck) -> dict[str, object]:
    broken = check.broken
    return {
        "whole": check.whole,
        "entries": check.entries,
        "last_hash": check.last_hash,
        "broken": broken and {"line": broken.line, "how": broken.how.name.lower(), "detail": broken.detail},
        "tail": check.tail.name.lower(),
        "sentence": check.sentence,
    }


def _tell_unreadable(file: Path, error: OSError) -> None:
    reason = (error.strerror or str(error)).lower()
    click.echo(f"pyhall-tui evidence: {clean(file)} can't be read: {reason}. Give the path of a log file.", err=True)
