"""What all of `pyhall-tui hall …` share: the group, the store's option, and how a failure is told."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from pyhall_tui import paths
from pyhall_tui.commands.output import is_of_output, printable
from pyhall_tui.files.regular_file import reason

if TYPE_CHECKING:
    from pyhall_tui.hall.store import Store

NO, FAILED = 1, 2


@click.group("hall")
def hall_group() -> None:
    """A registry of your own: run it, and change what it knows."""


def _default_db() -> Path:
    try:
        return paths.data_dir() / "hall.db"
    except paths.NoFolder as none:
        raise click.UsageError(f"{none} Or name the store with --db.") from None


class _StorePath(click.Path):
    """A file. What looks like a database server's address is refused, else folders of that name would be made."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/|file:", str(value)):
            self.fail("that is an address, and a hall's store is a file for now: name a file.", param, ctx)
        return super().convert(value, param, ctx)


db_option = click.option(
    "--db",
    type=_StorePath(dir_okay=False, path_type=Path),
    default=_default_db,
    show_default="hall.db in the user's data folder",
    help="The hall's store.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def say(line: str, *, err: bool = False) -> None:
    """Print one line for a reader: what came from outside, with callers and registries, drives no terminal."""
    click.echo(printable(line), err=err)


@contextmanager
def errors_explained() -> Iterator[None]:
    """Turn what can go wrong with a store or a file into one sentence and exit code 2."""
    from pyhall_tui.hall.errors import FileMistake, StoreError

    try:
        yield
    except (StoreError, FileMistake) as error:
        said = str(error)
    except UnicodeDecodeError:
        said = "the file is not UTF-8: save it as UTF-8"
    except UnicodeEncodeError:
        said = "what was given is no UTF-8: write it in the terminal's own encoding"
    except OSError as error:
        if is_of_output(error):
            raise
        said = f"{error.filename}: {reason(error)}" if error.filename else str(error)
    else:
        return
    say(f"pyhall-tui hall: {said}", err=True)
    raise SystemExit(FAILED)


@contextmanager
def open_store(db: Path, *, make: bool = False) -> "Iterator[Store]":
    """Open a hall's store for a command; one that is not there is made only where `make` says so."""
    from pyhall_tui.hall.errors import StoreError
    from pyhall_tui.hall.store import Store

    with errors_explained():
        if not make and not db.exists():
            raise StoreError(f"there is no hall's store at {db}: name one with --db, or make it with hall serve")
        store = Store(db)
        try:
            yield store
        finally:
            store.close()


def answer_no(sentence: str) -> NoReturn:
    """End with a sentence and exit code 1: the answer is no."""
    say(f"pyhall-tui hall: {sentence}", err=True)
    raise SystemExit(NO)
