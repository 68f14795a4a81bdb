"""Keys that sign the decision log, and the checkpoints that they make: the options and files of the hall commands."""

import asyncio
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyhall_tui.commands.hall.group import say
from pyhall_tui.files.regular_file import NotText, edited_text, open_regular, read_bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from click.decorators import FC

    from pyhall_tui.clock import Clock
    from pyhall_tui.hall.checkpoints import Checkpoint, Send, Signing
    from pyhall_tui.hall.signed_note import PublicKey, SigningKey
    from pyhall_tui.hall.store import Store

_OPEN_TO_OTHERS = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP
"""Mode bits that a key's file must not have. A service manager may let the service's group read it."""
_SMALL = 16 * 1024
_TAIL = 256 * 1024  # bytes of a file of checkpoints that hold its newest ones: each has some 250
_LINE = 1024  # bytes; the last line of a note is shorter


def signing_key_option(*, required: bool = False) -> "Callable[[FC], FC]":
    """Return the option that names a signing key's file."""
    return click.option(
        "--signing-key",
        required=required,
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Sign the decision log's head with this key (hall audit new-key makes one).",
    )


def read_signing_key(path: Path) -> "SigningKey":
    """Read a signing key, which only its owner may be able to read.

    Raises:
        OSError, FileMistake: it can't be read or used; no part of the key is in the message.
    """
    from pyhall_tui.hall.errors import FileMistake
    from pyhall_tui.hall.signed_note import NoteMistake, SigningKey

    mode = path.stat().st_mode
    if os.name == "posix" and mode & _OPEN_TO_OTHERS:
        raise FileMistake(f"{path}: other users can read or change this key: run chmod 600 on it, or make a new one")
    try:
        return SigningKey.read(edited_text(read_bounded(path, _SMALL)))
    except (NoteMistake, NotText) as wrong:
        raise FileMistake(f"{path}: {wrong}") from None


def read_public_key(given: str) -> "PublicKey":
    """Read a public key from a line, or from a file with that line.

    Raises:
        OSError, FileMistake: it can't be read.
    """
    from pyhall_tui.hall.errors import FileMistake
    from pyhall_tui.hall.signed_note import NoteMistake, PublicKey, require_library

    try:
        require_library()
        try:
            return PublicKey.read(given)
        except NoteMistake:
            if not os.path.lexists(given):
                raise
        return PublicKey.read(edited_text(read_bounded(Path(given), _SMALL)))
    except (NoteMistake, NotText) as wrong:
        raise FileMistake(f"{given}: {wrong}") from None


def read_checkpoints(path: Path, keys: "Sequence[PublicKey]") -> "list[Checkpoint]":
    """Read a file of checkpoints, each signed by one of these keys. Says if some were not written to their end.

    Raises:
        OSError, FileMistake: it can't be read, or it holds something else, or no checkpoint.
    """
    from pyhall_tui.hall.errors import FileMistake

    found = _read_kept(path, read_bounded(path), *keys)
    if not found:
        raise FileMistake(f"{path}: it has no checkpoint")
    return found


def _read_kept(path: Path, data: bytes, *keys: "PublicKey") -> "list[Checkpoint]":
    from pyhall_tui.hall.errors import FileMistake
    from pyhall_tui.hall.kept_checkpoints import read_kept
    from pyhall_tui.hall.signed_note import NoteMistake

    try:
        kept = read_kept(data, *keys)
    except NoteMistake as wrong:
        raise FileMistake(f"{path}: {wrong}") from None
    if kept.unfinished:
        some = "1 checkpoint was" if kept.unfinished == 1 else f"{kept.unfinished} checkpoints were"
        say(f"{path}: {some} not written to the end, and passed over (a crash or a full disk)", err=True)
    return kept.checkpoints


def signing_of(store: "Store", clock: "Clock", key_file: Path | None, to: str | None) -> "Signing | None":
    """Return what signs a hall's log, as its options say; None without a key. Says if other halls have signed it.

    Raises:
        OSError, FileMistake, StoreError: the key or the file can't be used, or the log is not the one that was signed,
            or another key signs it.
        click.UsageError: the options don't fit together.
    """
    if key_file is None:
        if to:
            raise click.UsageError("--checkpoint-to needs --signing-key")
        _say_if_signed(store)
        return None
    from pyhall_tui.hall.checkpoints import Signing

    key = read_signing_key(key_file)
    known, elsewhere = _elsewhere(to, key.public, clock) if to else (None, None)
    signing = Signing(store, key, clock, known=known, elsewhere=elsewhere)
    signing.require_whole()
    return signing


def _say_if_signed(store: "Store") -> None:
    """Say that a hall without a key serves a log that is signed: unless another hall signs it, its new rows are not."""
    from pyhall_tui.hall.signers import newest_stated

    if (stated := newest_stated(store)) is not None:
        say(
            f"Warning: the decision log is signed by {stated.signer}, up to row {stated.seq:,}, but this hall has no "
            "--signing-key: its decisions are not proven unless another hall on this store signs them.",
            err=True,
        )


def _elsewhere(to: str, key: "PublicKey", clock: "Clock") -> "tuple[Checkpoint | None, Send]":
    """Return the newest checkpoint that is kept elsewhere, if that can be read, and what takes further ones there."""
    if to.startswith(("https://", "http://")):
        return None, _to_url(to, clock)
    from pyhall_tui.hall.errors import FileMistake

    path = Path(to)
    try:
        known = max(_newest(path, key), key=lambda each: each.seq, default=None)
    except FileMistake as wrong:
        raise FileMistake(f"{wrong}. If the signing key was changed, keep its checkpoints in a new file") from None
    _append(path, "")  # what can't be written is said now
    return known, _to_file(path)


def _newest(path: Path, key: "PublicKey") -> "list[Checkpoint]":
    """Return the last checkpoints of a file, which may have grown for years; none if it is missing or empty."""
    if not os.path.lexists(path):
        return []
    with os.fdopen(open_regular(path), "rb") as file:
        begin = max(0, os.fstat(file.fileno()).st_size - _TAIL)
        file.seek(begin)
        data = file.read(2 * _TAIL)
    if begin:  # not with half a note
        data = data[data.find(f"\n{key.name}\n".encode()) + 1 :]
    return _read_kept(path, data, key)


def _to_file(path: Path) -> "Send":
    async def send(note: str) -> None:
        await asyncio.to_thread(_append, path, note)

    return send


def _append(path: Path, note: str) -> None:
    from pyhall_tui.files.private_file import open_private
    from pyhall_tui.hall.kept_checkpoints import separator

    handle = open_private(path, os.O_RDWR | os.O_APPEND)
    try:
        os.lseek(handle, max(0, os.fstat(handle).st_size - _LINE), os.SEEK_SET)
        data = (separator(os.read(handle, _LINE)) + note.encode()) if note else b""
        while data:
            data = data[os.write(handle, data) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _to_url(url: str, clock: "Clock") -> "Send":
    from pyhall_tui.registry.posting import NotPosted, Poster, read_receiver

    try:
        receiver = read_receiver(url)
        poster: Any = None
    except ValueError as wrong:
        raise click.UsageError(f"--checkpoint-to: {wrong}") from None

    async def send(note: str) -> None:
        import json

        nonlocal poster
        try:
            poster = poster or Poster(receiver, clock)
            reply = await poster.post(json.dumps({"checkpoint": note}).encode())
        except (NotPosted, ValueError) as error:
            raise OSError(str(error)) from None
        if not 200 <= reply.status < 300:
            raise OSError(f"{receiver.shown} answers {reply.status}")

    return send
