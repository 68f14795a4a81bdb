"""Finds what should not be in a package: secrets, and things that are installed rather than shipped."""

from collections.abc import Container, Iterable, Sequence

import msgspec

from pyhall_tui.files.sizes import amount

LARGE = 100 * 1024 * 1024
"""Files with more bytes than this are reported."""
_KEY_NAMES = frozenset({"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"})
_KEY_ENDINGS = frozenset({".p12", ".pfx", ".jks", ".keystore", ".ppk"})
_EXAMPLES = frozenset({".example", ".sample", ".template", ".dist"})
_CREDENTIALS = frozenset({".netrc", ".pypirc", ".npmrc"})


class Concern(msgspec.Struct, frozen=True):
    """Something that an operator should look at before enrolling the package. It does not prevent the hash."""

    path: str
    reason: str


def concerns_of(files: Sequence[tuple[str, int]], *, keys: Iterable[str] = ()) -> tuple[Concern, ...]:
    """Return what should not be shipped among (path, size) pairs; `keys` are files whose content is a private key.

    An installed tree (`node_modules`, a virtual environment) is one concern, not one for each file in it.
    """
    if not files:
        return (Concern(".", "no file counts: this is the hash of nothing"),)
    trees = _installed_trees({path.rpartition("/")[0] for path, _ in files}, {path for path, _ in files})
    found = [Concern(tree, f"{what}: {_amount(tree, files)}") for tree, what in sorted(trees.items())]
    secret = set(keys)
    for path, size in files:
        if trees and _below_any(path, trees):
            continue
        reason = "a private key" if path in secret else _concern_by_name(path.rpartition("/")[2])
        if reason:
            found.append(Concern(path, reason))
        if size > LARGE:
            found.append(Concern(path, f"{amount(size)}, more than {LARGE // 2**20} MiB"))
    return tuple(found)


def starts_like_a_private_key(head: bytes) -> bool:
    """Whether a file's first bytes are those of a private key in PEM or PuTTY's format."""
    first = bytes(head[:64])
    return (first.startswith(b"-----BEGIN ") and b"PRIVATE KEY" in first) or first.startswith(b"PuTTY-User-Key-File")


def _concern_by_name(name: str) -> str | None:
    ending = name[name.rfind(".") :].lower()
    if name == ".env" or (name.startswith(".env.") and ending not in _EXAMPLES):
        return "an environment file: it often holds secrets"
    if name in _KEY_NAMES or ending in _KEY_ENDINGS:
        return "a private key, by its name"
    return "a credentials file" if name in _CREDENTIALS else None


def _installed_trees(folders: Iterable[str], files: Container[str]) -> dict[str, str]:
    """Return the topmost installed trees, each with what it is."""
    trees: dict[str, str] = {}
    for folder in folders:
        parts = folder.split("/")
        for depth, part in enumerate(parts, 1):
            if part == "node_modules":
                trees["/".join(parts[:depth])] = "installed JavaScript packages"
            elif part == ".venv":
                trees["/".join(parts[:depth])] = "a virtual environment"
        if (f"{folder}/pyvenv.cfg" if folder else "pyvenv.cfg") in files:
            trees[folder or "."] = "a virtual environment"
    return {tree: what for tree, what in trees.items() if not _below_any(tree, trees)}


def _below_any(path: str, trees: Iterable[str]) -> bool:
    return any(path.startswith(f"{tree}/") or (tree == "." and path != ".") for tree in trees)


def _amount(tree: str, files: Sequence[tuple[str, int]]) -> str:
    sizes = [size for path, size in files if _below_any(path, (tree,))]
    return f"{len(sizes):,} file{'s' * (len(sizes) != 1)}, {amount(sum(sizes))}"
