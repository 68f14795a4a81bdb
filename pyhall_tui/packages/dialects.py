"""The same package, hashed by another SDK: see "The three SDKs disagree" in the contract.

Computed from files already hashed; nothing is read again. Go sorts by the bytes of the whole path and fails on a linked
folder; TypeScript sorts by the machine's locale, and ignores links and folders named `*.pyc`; Python on Windows ignores
case when sorting. We try English as the locale; see `collation` for what that can decide.
"""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from pyhall_tui.packages.collation import decides, english_key
from pyhall_tui.packages.listing import Why
from pyhall_tui.packages.package_hash import HashedFile, PackageHash, PackageKind, canonical_sha256
from pyhall_tui.registry.models import plain_sha256


class Dialect(StrEnum):
    """An SDK whose order differs from the contract's."""

    GO = "Go"
    TYPESCRIPT = "TypeScript"
    PYTHON_ON_WINDOWS = "Python on Windows"


class Matched(StrEnum):
    """How a package's hash compares with the registry's."""

    MATCH = "match"
    OTHER_ORDER = "other order"
    DIFFERS = "differs"


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of comparing a package with one hash. `str()` is a sentence for the operator."""

    matched: Matched
    dialects: tuple[Dialect, ...] = ()
    """The SDKs whose order gives the hash: several if they agree about this tree."""
    uncovered: tuple[str, ...] = ()
    """Files that the hash doesn't cover, because that SDK leaves them out."""
    undecided: bool = False
    """A TypeScript hash with another locale can't be ruled out (names beyond English, or names that tie)."""

    def __str__(self) -> str:
        if self.matched is Matched.MATCH:
            return "The hashes match."
        if self.matched is Matched.DIFFERS:
            locale = " A TypeScript SDK under another locale cannot be ruled out." if self.undecided else ""
            return f"The hashes differ: the content is not what was attested.{locale}"
        if self.uncovered:
            several = f"{len(self.uncovered)} file{'s' if len(self.uncovered) > 1 else ''}"
            return (
                f"Hashed in {self.whose} order, which leaves out {several}: look at them, then attest the hash above."
            )
        return f"Same content, hashed in {self.whose} order: neither drift nor a match. Attest the hash above."

    @property
    def whose(self) -> str:
        """Whose order gives the hash, for use in a sentence: `Go's or TypeScript's`."""
        return " or ".join(f"{dialect}'s" for dialect in self.dialects)


def match_dialect(package: PackageHash, registry_hash: str) -> Match:
    """Compare a package with the registry's hash, which may have a `sha256:` prefix and be in upper case."""
    wanted = plain_sha256(registry_hash)
    if wanted == package.sha256:
        return Match(matched=Matched.MATCH)
    found = {dialect: files for dialect, files in _orders(package).items() if canonical_sha256(files) == wanted}
    if not found:
        undecided = package.kind is PackageKind.FOLDER and not decides([file.path for file in package.files])
        return Match(matched=Matched.DIFFERS, undecided=undecided)
    covered = {file.path for files in found.values() for file in files}
    uncovered = tuple(file.path for file in package.files if file.path not in covered)
    return Match(matched=Matched.OTHER_ORDER, dialects=tuple(found), uncovered=uncovered)


def _orders(package: PackageHash) -> dict[Dialect, Sequence[HashedFile]]:
    if package.kind is PackageKind.FILE:
        return {}
    files = package.files
    orders: dict[Dialect, Sequence[HashedFile]] = {}
    if not any(left.reason is Why.LINKED_FOLDER for left in package.left_out):
        orders[Dialect.GO] = sorted(files, key=lambda file: file.path)
    seen = [file for file in files if not file.link and ".pyc/" not in file.path]
    orders[Dialect.TYPESCRIPT] = sorted(seen, key=lambda file: english_key(file.path))
    orders[Dialect.PYTHON_ON_WINDOWS] = sorted(files, key=lambda file: file.path.lower().split("/"))
    return orders
