"""Drift: the package on disk compared with what the registry attests. Pure: the package is hashed elsewhere."""

from collections.abc import Sequence

import msgspec

from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.packages.dialects import Dialect, Matched, match_dialect
from pyhall_tui.packages.package_hash import HashedFile, PackageHash, PackageUnreadable
from pyhall_tui.registry.models import plain_sha256


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Paths that differ from the last match, each tuple in the hash's order."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many paths differ."""
        return len(self.added) + len(self.removed) + len(self.changed)


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison of a package with the registry."""

    state: DriftState
    sha256: str | None
    """The package's hash; None if it is unreadable."""
    attested: str | None
    """The registry's, bare and lowercase; None if it has none."""
    dialects: tuple[Dialect, ...] = ()
    uncovered: tuple[str, ...] = ()
    """Files that the attested hash doesn't cover, because the SDK with that order leaves them out."""
    changes: Changes | None = None
    """Since the last match; None if none is known, or there is nothing to compare."""
    detail: str = ""
    """A sentence for the operator."""

    @property
    def summary(self) -> str:
        """The sentence, and the first files that changed since the last match."""
        if self.changes is None:
            return self.detail
        if not self.changes.count:
            return f"{self.detail} No file has changed since they last matched: a different hash is attested now."
        paths = [*self.changes.changed, *self.changes.added, *self.changes.removed]
        more = f" and {len(paths) - 3:,} more" if len(paths) > 3 else ""
        return f"{self.detail} Since they last matched: {', '.join(paths[:3])}{more}."


def compare(
    package: PackageHash | PackageUnreadable,
    attested: str | None,
    last_match: Sequence[HashedFile] | None = None,
) -> Drift:
    """Compare a package with the attested hash (unchanged; a placeholder counts as none).

    `last_match` has the files from the last match, to find what changed since.
    """
    wanted = plain_sha256(attested)
    if isinstance(package, PackageUnreadable):
        return Drift(state=DriftState.UNREADABLE, sha256=None, attested=wanted, detail=str(package))
    if wanted is None:
        detail = "The registry attests no hash for this worker."
        return Drift(state=DriftState.NOT_ATTESTED, sha256=package.sha256, attested=None, detail=detail)
    match = match_dialect(package, wanted)
    state = DriftState.DRIFTED if match.matched is Matched.DIFFERS else DriftState(match.matched.value)
    drifted = state is DriftState.DRIFTED
    return Drift(
        state=state,
        sha256=package.sha256,
        attested=wanted,
        dialects=match.dialects,
        uncovered=match.uncovered,
        changes=changes_between(last_match, package.files) if drifted and last_match is not None else None,
        detail=str(match),
    )


def changes_between(before: Sequence[HashedFile], after: Sequence[HashedFile]) -> Changes:
    """Compare two lists of hashed files, by path and content."""
    then = {file.path: file.sha256 for file in before}
    now = {file.path: file.sha256 for file in after}
    return Changes(
        added=tuple(path for path in now if path not in then),
        removed=tuple(path for path in then if path not in now),
        changed=tuple(path for path, digest in now.items() if then.get(path, digest) != digest),
    )
