"""What is learned about a profile's workers and registry, as alarms: loaded after the first frame if none fires yet."""

import math
from collections.abc import Callable, Iterator
from typing import Final

from pyhall_tui.alarms import corrections
from pyhall_tui.alarms.alarm import Condition
from pyhall_tui.alarms.profile_rules import ProfileRules
from pyhall_tui.clock import Clock, Moment
from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.events import Event
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.journal.alarms import AlarmListener, Alarms
from pyhall_tui.journal.journal import Journal
from pyhall_tui.monitor.connection_state import BanListState, ConnectionState, Reachability
from pyhall_tui.monitor.registry_events import LIST_PATIENCE, is_list_failing, list_failing_event, registry_events
from pyhall_tui.profiles.operator import operator_of
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.render.alarm import sentence

_NEVER: Final = -math.inf
_STAND: Final = (Condition.HALL_BANNED, Condition.ACCOUNT_SUSPENDED)
_OF_LOG: Final = (Condition.LOG_REWRITTEN, Condition.LOG_REPLACED)


class ProfileAlarms:
    """Makes alarms of what changes, and corrects those that no longer fit. Belongs to one thread."""

    def __init__(
        self,
        profile: Profile,
        fleet: Fleet,
        journal: Journal,
        listener: AlarmListener,
        clock: Clock,
        *,
        rules_in: ProfileStore | None,
        renamed: Callable[[str], None],
    ) -> None:
        """Load what earlier runs and other programs left.

        Args:
            rules_in: has the profile's rules; without it, the defaults hold.
            renamed: is called with the profile's new name if another program gives it one.
        """
        self._profile, self._fleet, self._clock = profile, fleet, clock
        self._rules = ProfileRules(rules_in) if rules_in else None
        self.alarms = Alarms(
            journal,
            profile.name,
            listener,
            clock,
            rules=self._rules.of(profile) if self._rules else None,
            operator=operator_of(profile),
            namespace_of=self._namespace_of,
            renamed=renamed,
        )
        self._state = ConnectionState()
        """The connection's state as of the last change."""
        self._listed_at = _NEVER
        """Wall time of the ban list's last answer."""
        self._list_fails_since: float | None = None
        """Since when on the monotonic clock the ban list fails while the registry is there."""
        self.log_trouble: Callable[[], str | None] = lambda: None
        """Says why nobody would notice now that the hall's decision log was rewritten."""
        self.alarms.restore()

    @property
    def rule_mistakes(self) -> tuple[str, ...]:
        """What is wrong with the profile's rules, in sentences; the other rules hold."""
        return self._rules.mistakes if self._rules else ()

    @property
    def of_hall(self) -> tuple[str, ...]:
        """What is wrong with the account and the hall, in sentences: with its log, until that is acknowledged."""
        firing = self.alarms.book.firing("")
        stand = [firing[each] for each in _STAND if each in firing]
        logs = [firing[each] for each in _OF_LOG if each in firing and not firing[each].is_acknowledged]
        unseen = self.log_trouble()
        return (*(f"{sentence(alarm)}." for alarm in (*stand, *logs)), *([f"{unseen}."] if unseen else []))

    def adopt(self, profile: Profile) -> None:
        """Use the profile's changed settings, and its rules as they are now."""
        self._profile = profile
        self.alarms.operator = operator_of(profile)
        if self._rules is not None:
            self.alarms.rules = self._rules.of(profile)

    def verified(self, entry: Entry, asked: Moment, state: ConnectionState) -> None:
        """Take a worker's verdict, which its entry holds."""
        listed_at = self._listed_at if state.ban_list is not BanListState.MISSING else math.inf
        firing = self.alarms.book.firing(entry.worker_id)
        self.alarms.record(list(corrections.by_verdict(entry, firing, asked, self._clock.now(), listed_at)))

    def compared(self, entry: Entry) -> None:
        """Take how a worker's package compares, which its entry holds."""
        firing = self.alarms.book.firing(entry.worker_id)
        self.alarms.record(list(corrections.by_drift(entry, firing, self._clock.now())))

    def listed(self, asked: Moment) -> None:
        """Take the ban list, which the fleet holds."""
        self._listed_at = asked.wall
        self.alarms.record(list(self._listed_without_alarm(self._clock.now())))

    def connection_is(self, state: ConnectionState, *, is_ours: bool = True) -> None:
        """Take the connection's state; if it is not ours, the program that watches records what follows from it."""
        before, self._state = self._state, state
        if not is_ours:
            self._list_fails_since = None
            return
        now, since = self._clock.now(), self._list_fails_since
        self._list_fails_since = (since or now.mono) if is_list_failing(state) else None
        self.alarms.record(list(registry_events(before, state, self.alarms.book.firing(""), now.wall)))
        self.alarms.most_vanish(most=state.reach is Reachability.VERIFY_FAILING and state.fault == "404")

    def tick(self) -> None:
        """Handle what time brings, and see what other programs did."""
        since, now = self._list_fails_since, self._clock.now()
        has_failed = since is not None and now.mono - since >= LIST_PATIENCE
        if has_failed and Condition.BAN_LIST_FAILING not in self.alarms.book.firing(""):
            self.alarms.record([list_failing_event(self._state, now.wall)])
        self.alarms.tick()

    def _listed_without_alarm(self, now: Moment) -> Iterator[Event]:
        for entry in self._fleet:
            if entry.listed is not None:
                yield from corrections.by_ban_list(entry, self.alarms.book.firing(entry.worker_id), now)

    def _namespace_of(self, worker_id: str) -> str:
        entry = self._fleet.get(worker_id)
        return (entry.verdict.namespace if entry and entry.verdict else None) or self._profile.namespace
