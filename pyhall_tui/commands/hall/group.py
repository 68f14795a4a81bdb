"""What the `pyhall-tui hall …` commands share: the group, the store's option, and error messages."""

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click

from pyhall_tui import paths
from pyhall_tui.commands.filled_options import FilledGroup
from pyhall_tui.commands.output import is_of_output, printable
from pyhall_tui.files.regular_file import reason
from pyhall_tui.files.whole_file import new_file

if TYPE_CHECKING:
    from pyhall_tui.hall.store import Store

NO, FAILED = 1, 2


@click.group("hall", cls=FilledGroup)
def hall_group() -> None:
    """Run your own registry, and change its store."""


def _default_db() -> Path:
    try:
        return paths.data_dir() / "hall.db"
    except paths.NoFolder as none:
        raise click.UsageError(f"{none} Or give the store's path with --db.") from None


Place = Path | str
"""Where a hall's store is: a file, or a PostgreSQL database's address without a password."""
_SERVER = re.compile(r"postgres(ql)?://", re.IGNORECASE)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/|file:")


class _StorePlace(click.Path):
    """A file, or a PostgreSQL database. Another address is refused: otherwise folders of that name would be made."""

    name = "file or address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = str(value)
        if _SERVER.match(text):
            if _has_password(text):
                self.fail(
                    "the address contains a password, which other programs could read: leave it out, and keep it in "
                    "a password file (~/.pgpass, or PGPASSFILE), a service file (postgresql://?service=NAME) or "
                    "PGPASSWORD.",
                    param,
                    ctx,
                )
            return text
        if _ADDRESS.match(text):
            self.fail("this is an address, but a hall's store is a file, or postgresql://HOST/DATABASE.", param, ctx)
        return super().convert(value, param, ctx)


def _has_password(address: str) -> bool:
    """Whether an address contains a password, or something that may be a part of one that is not escaped."""
    from urllib.parse import parse_qsl

    rest = address.partition("://")[2]
    authority, query = re.split(r"[/?#]", rest)[0], rest.partition("?")[2]
    user, at, _ = authority.partition("@")
    named = any("password" in name.lower() for name, _ in parse_qsl(query, keep_blank_values=True))
    return named or (bool(at) and ":" in user) or rest.count("@") > authority.count("@")


db_option = click.option(
    "--db",
    type=_StorePlace(dir_okay=False, path_type=Path),
    default=_default_db,
    show_default="hall.db in your data folder",
    metavar="FILE|URL",
    help="The hall's store: a file, or postgresql://HOST/DATABASE.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def say(line: str, *, err: bool = False) -> None:
    """Print one line; text from callers and registries can't send the terminal control sequences."""
    click.echo(printable(line), err=err)


@contextmanager
def errors_explained() -> Iterator[None]:
    """Turn errors with a store or a file into one sentence and exit code 2."""
    import sqlite3

    from pyhall_tui.hall.errors import FileMistake, StoreError

    try:
        yield
    except (StoreError, FileMistake) as error:
        said = str(error)
    except sqlite3.Error as error:
        said = f"the hall's store cannot be read: {error}. Put back a copy, or import an export into a new store"
    except UnicodeDecodeError:
        said = "the file is not UTF-8: save it as UTF-8"
    except UnicodeEncodeError:
        said = "an argument is not UTF-8: type it in the terminal's own encoding"
    except OSError as error:
        if is_of_output(error):
            raise
        said = f"{error.filename}: {reason(error)}" if error.filename else str(error)
    else:
        return
    say(f"pyhall-tui hall: {said}", err=True)
    raise SystemExit(FAILED)


@contextmanager
def open_store(db: Place, *, make: bool = False) -> "Iterator[Store]":
    """Open a hall's store for a command. A missing store is only created if `make` is set."""
    with errors_explained():
        store = _on_a_server(db, make=make) if isinstance(db, str) else _in_a_file(db, make=make)
        try:
            yield store
        finally:
            store.close()


def _in_a_file(db: Path, *, make: bool) -> "Store":
    from pyhall_tui.hall.errors import StoreError
    from pyhall_tui.hall.store import SqliteStore

    if not make and not db.exists():
        raise StoreError(f"there is no store at {db}: give its path with --db, or create one with hall serve")
    return SqliteStore(db)


def _on_a_server(db: str, *, make: bool) -> "Store":
    from pyhall_tui.hall.errors import StoreError

    try:
        from pyhall_tui.hall.store.postgres import PostgresStore
    except ImportError as missing:
        raise StoreError(
            f"a store in PostgreSQL needs the package psycopg: install pyhall-tui[postgres] ({missing})"
        ) from None
    return PostgresStore(db, make=make)


def answer_no(sentence: str) -> NoReturn:
    """End with a sentence and exit code 1: the answer is no."""
    say(f"pyhall-tui hall: {sentence}", err=True)
    raise SystemExit(NO)


@contextmanager
def file_or_stream(file: Path, mode: str) -> Iterator[IO[str]]:
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
