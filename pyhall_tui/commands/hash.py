"""`pyhall-tui hash PATH`: a package's canonical hash, without the app."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from pyhall_tui.commands.hash_progress import clear_progress, progress
from pyhall_tui.commands.output import printable
from pyhall_tui.packages.dialects import Matched, match_dialect
from pyhall_tui.packages.listing import Why
from pyhall_tui.packages.package_hash import (
    PackageHash,
    PackageKind,
    PackageUnreadable,
    hash_package,
    look_alikes,
    spelled,
)
from pyhall_tui.registry.models import plain_sha256

SAME, DIFFERS, FAILED = 0, 1, 2


@click.command("hash")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--files", is_flag=True, help="Also list the files (size, digest, path), and what was left out and why.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--skip-special", is_flag=True, help="Leave out pipes, sockets and devices instead of failing.")
@click.option("--expect", metavar="HASH", help="Compare with this hash; exit code 1 if it differs.")
@click.pass_context
def hash_command(
    ctx: click.Context, path: Path, files: bool, as_json: bool, skip_special: bool, expect: str | None
) -> None:
    """Print the canonical hash of the package at PATH, 64 hex digits.

    PATH is the package's folder. A single file, such as a wheel, is hashed as sha256sum does it. If something can't be
    hashed (an unreadable file or folder, a broken link, a pipe, a name that is not UTF-8), the error names it and the
    exit code is 2: you never get the hash of only part of a package.
    """
    if expect is not None and plain_sha256(expect) is None:
        raise click.BadParameter("expected 64 hex digits, with or without a leading sha256:.", param_hint="--expect")
    try:
        package = hash_package(path, on_progress=progress(), skip_special=skip_special)
    except PackageUnreadable as error:
        _tell_unreadable(error, as_json=as_json, every=files)
        ctx.exit(FAILED)
    finally:
        clear_progress()
    print(json.dumps(_document(package, path, files), indent=2) if as_json else "\n".join(_lines(package, files)))
    if not as_json:
        _tell_concerns(package, listed=files)
    ctx.exit(_compare(package, expect))


def _lines(package: PackageHash, files: bool) -> Iterator[str]:
    yield package.sha256
    if not files:
        return
    alike = look_alikes(package.files)
    for file in package.files:
        ascii_name = f"  ({spelled(file.path)})" if file.path in alike else ""
        yield f"{file.size:>12}  {file.sha256}  {printable(file.path)}{ascii_name}"
    for left in package.left_out:
        yield f"{'left out':>12}  {printable(left.path)}: {left.reason.value}"


def _document(package: PackageHash, path: Path, files: bool) -> dict[str, Any]:
    listed = [
        {"path": file.path, "size": file.size, "sha256": file.sha256} | ({"link": True} if file.link else {})
        for file in package.files
    ]
    return {
        "sha256": package.sha256,
        "kind": package.kind.value,
        "path": str(path),
        "bytes": package.bytes_total,
        "file_count": len(package.files),
        **({"files": listed} if files else {}),
        "left_out": [{"path": left.path, "reason": left.reason.value} for left in package.left_out],
        "warnings": [{"path": concern.path, "reason": concern.reason} for concern in package.warnings],
    }


def _tell_unreadable(error: PackageUnreadable, *, as_json: bool, every: bool) -> None:
    problems = [{"path": one.path, "reason": one.reason, "special": one.special} for one in error.problems]
    if as_json:
        print(json.dumps({"error": str(error), "problems": problems}, indent=2))
    advice = " Use --skip-special to leave them out." if error.only_special else " Fix it, then hash again."
    click.echo(f"pyhall-tui hash: {printable(str(error))}{advice}", err=True)
    if every:
        for one in error.problems:
            click.echo(f"  {printable(one.path)}: {one.reason}", err=True)


def _tell_concerns(package: PackageHash, *, listed: bool) -> None:
    for left in () if listed else package.left_out:
        if left.reason is Why.SPECIAL:  # others never count; with these, the SDK would give another hash
            click.echo(f"left out: {printable(left.path)}: {left.reason.value}", err=True)
    if package.kind is PackageKind.FILE:
        click.echo("This is the SHA-256 of the file's bytes; a folder with this file has a different hash.", err=True)
    for concern in package.warnings:
        click.echo(f"warning: {printable(concern.path)}: {concern.reason}", err=True)


def _compare(package: PackageHash, expect: str | None) -> int:
    if expect is None:
        return SAME
    match = match_dialect(package, expect)
    click.echo(str(match), err=True)
    return SAME if match.matched is Matched.MATCH else DIFFERS
