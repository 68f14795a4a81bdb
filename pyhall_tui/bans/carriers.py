"""Which watched workers carry a package hash: attested in the registry, or in their folder on this machine."""

from collections import Counter
from collections.abc import Callable

from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.fleet import Fleet

LocalHash = Callable[[str], str | None]
"""Returns the hash of a worker's folder, if it has one and it was hashed."""


class Carriers:
    """The fleet by package hash; brought up to date when it is asked and the fleet has changed."""

    def __init__(self, fleet: Fleet, local_hash: LocalHash) -> None:
        """Count nothing yet."""
        self._fleet, self._local_hash = fleet, local_hash
        self._seen = -1
        self._counts: Counter[str] = Counter()
        self._last: tuple[str, list[Entry]] = ("", [])

    @property
    def counts(self) -> Counter[str]:
        """How many workers carry each hash."""
        if self._seen != self._fleet.news:
            self._seen = self._fleet.news
            self._last = ("", [])
            self._counts = Counter(sha256 for entry in self._fleet for sha256 in self._hashes(entry))
        return self._counts

    def of(self, sha256: str) -> list[Entry]:
        """Return the workers that carry a hash, by id."""
        if not self.counts[sha256]:
            return []
        if self._last[0] != sha256:
            found = [entry for entry in self._fleet if sha256 in self._hashes(entry)]
            self._last = (sha256, sorted(found, key=lambda entry: entry.worker_id.casefold()))
        return self._last[1]

    def _hashes(self, entry: Entry) -> set[str]:
        return {sha256 for sha256 in (entry.last_sha256, self._local_hash(entry.worker_id)) if sha256}
