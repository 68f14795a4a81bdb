"""`pyhall-tui bans …`: the registry's ban list, without the app."""

import codecs
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import click

from pyhall_tui.bans.lookup import BanListing, flaw_of
from pyhall_tui.bans.pasted import pasted, sha256_in
from pyhall_tui.bans.rows import newest_first, search
from pyhall_tui.commands import completed
from pyhall_tui.commands.ban_report import report_command
from pyhall_tui.commands.banned_hash import ban_list_or_error, listing_line, look_up_answer
from pyhall_tui.commands.filled_options import FilledGroup
from pyhall_tui.commands.hash_progress import clear_progress, progress
from pyhall_tui.commands.output import printable
from pyhall_tui.commands.session import FAILED, NO, YES, ask, fail, open_profile, sentence_of, tell
from pyhall_tui.packages.package_hash import PackageUnreadable, hash_package
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.models import BanList, BanListEntry

_STDIN = "-"
_PIECE = 65_536
"""Bytes that are read of standard input, or of the beginning of a file, at a time."""
_NOT_A_HASH = "This is neither a hash (64 hex digits) nor a file or folder, so it could not be checked."
_A_LIST = "This file is a list of hashes. To check them, give it on standard input: bans check - < FILE."
_MOST_TOLD = 20
"""Words of standard input that are named if they are not hashes."""


@click.group("bans", cls=FilledGroup, invoke_without_command=True)
@click.pass_context
def bans_group(ctx: click.Context) -> None:
    """List the registry's ban list, check hashes and packages against it, report a hash. Without a command: list."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_command)


bans_group.add_command(report_command)


@bans_group.command("list")
@click.argument("text", nargs=-1, metavar="[TEXT]…")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: one object per entry.")
@click.option("-n", "--limit", type=click.IntRange(min=1), metavar="N", help="Print only the newest N.")
@click.pass_context
def list_command(
    ctx: click.Context, text: tuple[str, ...] = (), as_json: bool = False, limit: int | None = None
) -> None:
    """Print the ban list, newest report first; with TEXT, only entries that have each of its words.

    They are looked for in the reason, source, review status and time, and as the start of the hash.

    Exit code 0: the whole list was looked through. 2: it could not be read, or is not whole: what is printed may lack
    entries.
    """
    answer = ask(ctx, open_profile(ctx), ban_list_or_error)
    bans = getattr(answer, "worst", None) if isinstance(answer, RegistryError) else answer
    if isinstance(bans, BanList):
        rows = search(newest_first(bans.entries), bans.entries, " ".join(text))
        for sha256 in islice(rows, limit):
            entry = bans.entries[sha256]
            click.echo(json.dumps(_document(entry)) if as_json else _line(entry))
        if not rows and not as_json:
            tell(ctx, "No entry matches." if text else "The ban list is empty.")
    if isinstance(answer, RegistryError):
        fail(ctx, sentence_of(answer))
    if flaw := flaw_of(answer):
        fail(ctx, f"Entries may be missing: {flaw}.")


class _Asked(NamedTuple):
    """One thing to check."""

    text: str
    sha256: str | None
    problem: str = ""
    """Why there is no hash, if there is none."""


@bans_group.command("check")
@click.argument("asked", metavar="HASH|PATH|-…", nargs=-1, required=True, shell_complete=completed.paths)
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: one object per hash, in the order given.")
@click.pass_context
def check_command(ctx: click.Context, asked: tuple[str, ...], as_json: bool) -> None:
    """Say for each package hash whether it is on the ban list.

    A HASH has 64 hex digits in any case, with or without a leading sha256:. A PATH is a package's folder or file, which
    is hashed as `pyhall-tui hash` does. With -, hashes are read from standard input, separated by white space.

    Exit code 0: none is on the list. 1: some are. 2: some could not be checked: the list could not be read, may be
    truncated or is stale, or something is not a hash. Such a list never says that a hash is clean.
    """
    profile = open_profile(ctx)
    known = {each: _read(each) for each in asked if each != _STDIN}
    answer = ask(ctx, profile, ban_list_or_error)
    teller = _Teller(ctx, answer, as_json=as_json)
    for each in asked:
        for one in [known[each]] if each != _STDIN else _from_stdin():
            teller.tell(one)
    if not teller.told:
        fail(ctx, "There is no hash on standard input, so nothing was checked.")
    ctx.exit(teller.code)


class _Teller:
    """Prints what the ban list says of each hash, and each reason for not knowing only once."""

    def __init__(self, ctx: click.Context, answer: BanList | RegistryError, *, as_json: bool) -> None:
        self._ctx, self._answer, self._as_json = ctx, answer, as_json
        self._reasons: set[str] = set()
        self.code = YES
        self.told = 0

    def tell(self, asked: _Asked) -> None:
        """Print one line."""
        self.told += 1
        if asked.sha256 is None:
            self.code = FAILED
            self._tell_problem(asked)
            return
        listing = look_up_answer(asked.sha256, self._answer)
        self.code = max(self.code, {True: NO, False: YES, None: FAILED}[listing.listed])
        where = "" if sha256_in(asked.text) else asked.text
        click.echo(json.dumps(_checked(asked, listing)) if self._as_json else listing_line(listing, where))
        if listing.why_unknown and listing.why_unknown not in self._reasons:
            self._reasons.add(listing.why_unknown)
            tell(self._ctx, listing.why_unknown)

    def _tell_problem(self, asked: _Asked) -> None:
        if self._as_json:
            nothing = BanListing(sha256="", listed=None).document()
            click.echo(json.dumps(nothing | {"sha256": None, "asked": asked.text, "error": asked.problem}))
        if len(self._reasons) <= _MOST_TOLD:
            self._reasons.add(asked.text)
            tell(self._ctx, f"{printable(asked.text, 200)}: {asked.problem}")


def _read(asked: str) -> _Asked:
    """Read one argument. What is a hash is never taken for a path; `./` before it says that it is one."""
    if (sha256 := sha256_in(asked)) is not None:
        return _Asked(asked, sha256)
    path = Path(asked)
    try:
        exists = bool(asked.strip()) and path.exists()  # an empty variable is not this folder
    except (OSError, ValueError):
        exists = False
    if not exists:
        return _Asked(asked, None, _NOT_A_HASH)
    if _holds_hashes(path):
        return _Asked(asked, None, _A_LIST)
    try:
        return _Asked(asked, hash_package(path, on_progress=progress()).sha256)
    except PackageUnreadable as error:
        return _Asked(asked, None, f"It could not be hashed: {error}")
    finally:
        clear_progress()


def _holds_hashes(path: Path) -> bool:
    """Whether a file is a list of hashes: its own hash is surely not what is asked."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            words = [word.sha256 for word in pasted([file.read(_PIECE).decode(errors="replace")])]
    except OSError:
        return False  # hashing it says why
    return 2 * len([word for word in words if word]) >= len(words) > 0  # sha256sum writes a name beside each


def _stdin() -> Iterator[str]:
    if sys.stdin is None:  # closed
        return
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    while data := sys.stdin.buffer.read(_PIECE):
        yield decoder.decode(data)


def _from_stdin() -> Iterator[_Asked]:
    for word in pasted(_stdin()):
        yield _Asked(word.text, word.sha256, "" if word.sha256 else "This is not a hash of 64 hex digits.")


def _checked(asked: _Asked, listing: BanListing) -> dict[str, Any]:
    return {**listing.document(), "asked": asked.text, "error": listing.why_unknown or None}


def _line(entry: BanListEntry) -> str:
    words = (entry.reported_at or "-", entry.sha256, entry.source or "-", entry.review_status or "-")
    return printable("  ".join([words[0].ljust(20), *words[1:], entry.reason or ""]).rstrip())


def _document(entry: BanListEntry) -> dict[str, Any]:
    return {
        "sha256": entry.sha256,
        "reason": entry.reason,
        "reported_at": entry.reported_at,
        "source": entry.source,
        "review_status": entry.review_status,
    }
