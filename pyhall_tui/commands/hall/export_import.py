"""`pyhall-tui hall export|import`: copy a whole store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pyhall_tui.commands.hall.group import Place, db_option, file_or_stream, hall_group, open_store, say


@hall_group.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default="-")
@db_option
def export(file: Path, db: Place) -> None:
    """Write the whole store as JSON Lines to FILE or stdout. Keys are only in it as hashes."""
    from pyhall_tui.hall.exchange import export as lines

    with open_store(db) as store, file_or_stream(file, "x") as out:
        for line in lines(store):
            out.write(line + "\n")


@hall_group.command("import")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default="-")
@db_option
def import_(file: Path, db: Place) -> None:
    """Create a new store from what `hall export` wrote, from FILE or stdin: all of it, or nothing."""
    from pyhall_tui.hall.exchange import load

    with _dropped_unless_done(db), open_store(db, make=True) as store, file_or_stream(file, "r") as lines:
        got = load(store, lines, str(file))
    say(", ".join(f"{count} {table}" for table, count in got.items()))


@contextmanager
def _dropped_unless_done(db: Place) -> Iterator[None]:
    """Delete the new file again if nothing was put into it. A server's database stays, with empty tables."""
    if isinstance(db, str):
        yield
        return
    was_there = os.path.lexists(db)
    try:
        yield
    except BaseException:
        for suffix in () if was_there else ("", "-wal", "-shm"):
            db.with_name(db.name + suffix).unlink(missing_ok=True)
        raise
