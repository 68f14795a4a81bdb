"""What the overview shows: each profile, and the workers of all those that run."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.ids import worker_and_fleet
from pyhall_tui.fleet.order import NamedFleet, Roster
from pyhall_tui.fleet.times import FleetTimes
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.render.overview import ProfileSummary, is_live
from pyhall_tui.workspace import Workspace


class KeptProfile(Protocol):
    """A profile of the overview, or the open one."""

    @property
    def profile(self) -> Profile: ...
    @property
    def workspace(self) -> Workspace | None: ...
    @property
    def sentence(self) -> str: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def is_chosen(self) -> bool:
        """Whether the file puts it into the overview."""


class KeepsProfiles(Protocol):
    """What the overview needs of all fleets."""

    @property
    def kept(self) -> Sequence[KeptProfile]:
        """The profiles in the order in which they are shown."""

    @property
    def news(self) -> int:
        """Increases when something changed that the overview shows, ages aside."""

    def look_at_file(self) -> None:
        """Take over now which profiles the file puts into the overview."""


class HasFleets(Protocol):
    """What is needed from the app."""

    @property
    def fleets(self) -> KeepsProfiles: ...


class FoundWorker(NamedTuple):
    """A worker in the list of all, and whose it is."""

    worker_id: str
    kept: KeptProfile
    workspace: Workspace
    entry: Entry


class Watched:
    """Follows all fleets, and holds the roster of their workers. `take` and `roster.refresh` bring it up to date."""

    def __init__(self, fleets: KeepsProfiles) -> None:
        """Read nothing yet."""
        self.roster = Roster(())
        """The workers of all that run. Another one once a fleet has come or gone."""
        self._fleets = fleets
        self._kept: dict[str, KeptProfile] = {}
        self._running: dict[str, Workspace] = {}
        self._named: list[NamedFleet] = []
        self._times: dict[str, FleetTimes] = {}

    @property
    def keys(self) -> list[str]:
        """The profiles' keys, in the order in which they are shown: the names, unless two have the same."""
        return list(self._kept)

    @property
    def running(self) -> int:
        """How many of the profiles are running."""
        return len(self._running)

    @property
    def news(self) -> int:
        """Increases when something changed that is shown here, ages aside."""
        return self._fleets.news

    def kept(self, key: str) -> KeptProfile | None:
        """Return a profile."""
        return self._kept.get(key)

    def take(self) -> bool:
        """Take over which profiles there are, and which run; return whether the roster is another one now."""
        self._kept = dict(_with_keys(self._fleets.kept))
        self._running = {key: each.workspace for key, each in self._kept.items() if each.workspace is not None}
        named = [
            NamedFleet(key, workspace.fleet, f"{profile.name} {profile.namespace}", profile.namespace)
            for key, workspace in self._running.items()
            for profile in (workspace.profile,)
        ]
        if _identity(named) == _identity(self._named):
            return False
        before = {id(each.fleet): self._times[each.name] for each in self._named}
        self._named = named
        self._times = {each.name: before.get(id(each.fleet)) or FleetTimes(each.fleet) for each in named}
        self.roster = Roster(named)
        return True

    def summary(self, key: str) -> ProfileSummary | None:
        """Return what is known of a profile, with the counts of the last `roster.refresh`."""
        kept, workspace = self._kept.get(key), self._running.get(key)
        if kept is None:
            return None
        if workspace is None:
            return ProfileSummary(kept.profile, kept.is_open, kept.sentence, None)
        times = self._times[key]
        times.refresh()
        return ProfileSummary(
            profile=workspace.profile,
            is_open=kept.is_open,
            sentence=kept.sentence,
            connection=workspace.connection.state,
            by_state=self.roster.counts_of(list(self._running).index(key)),
            oldest=times.oldest,
            last_changed=times.last_changed,
            firing=workspace.alarms.firing,
            silenced=workspace.alarms.silenced,
            watcher=workspace.connection.watcher,
        )

    def count_live(self, now: Moment) -> int:
        """Return how many profiles are watched without any trouble at that moment."""
        found = map(self.summary, self._kept)
        return sum(each is not None and is_live(each, now) for each in found)

    def worker(self, key: str | None) -> FoundWorker | None:
        """Return the worker of a row of the roster; None if it is not watched any more."""
        if key is None:
            return None
        worker_id, name = worker_and_fleet(key)
        kept, workspace = self._kept.get(name), self._running.get(name)
        entry = workspace.fleet.get(worker_id) if workspace is not None else None
        if kept is None or workspace is None or entry is None:
            return None
        return FoundWorker(worker_id, kept, workspace, entry)


def _with_keys(kept: Sequence[KeptProfile]) -> Iterator[tuple[str, KeptProfile]]:
    """Yield each profile with a key of its own: the demo may have the name of another one."""
    taken: set[str] = set()
    for each in kept:
        key = each.profile.name
        while key in taken:
            key += "'"
        taken.add(key)
        yield key, each


def _identity(named: list[NamedFleet]) -> list[tuple[str, int, str]]:
    return [(each.name, id(each.fleet), each.words) for each in named]
