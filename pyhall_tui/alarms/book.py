"""All alarms and silences of one profile, and their counts. Pure: it is given the time."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from pyhall_tui.alarms.alarm import Alarm, Change, Condition, Standing, What, alarm_id
from pyhall_tui.alarms.fold import Effect, effects, fold
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.fleet.events import FIRST_SIGHT, Event, Severity

_MOST_RESOLVED = 20_000
"""How many ended alarms are kept; firing ones are all kept."""

_Key = tuple[Condition, str]


class AlarmBook:
    """Takes events, acknowledgements and silences; knows the state of each alarm."""

    def __init__(self, profile: str, look_up: Callable[[Condition, str], Alarm | None] = lambda *_: None) -> None:
        """Start empty. `look_up` finds an ended alarm that is not kept here, so that it continues its count."""
        self._profile = profile
        self._look_up = look_up
        self._alarms: OrderedDict[_Key, Alarm] = OrderedDict()
        self._firing: dict[str, dict[Condition, Alarm]] = {}
        """By subject."""
        self._silences: dict[str, Silence] = {}
        self._active: tuple[Silence, ...] = ()
        self._standings: dict[_Key, Standing] = {}
        self._severities: dict[_Key, Severity] = {}
        self._counts: Counter[tuple[Standing, Severity]] = Counter()
        self.revision = 0
        """Increases whenever the state of an alarm may have changed."""

    # -- asking --

    def count(self, standing: Standing, severity: Severity = Severity.ALARM) -> int:
        """Return how many alarms of that severity have that state."""
        return self._counts[(standing, severity)]

    def count_all(self, standing: Standing) -> int:
        """Return how many alarms, warnings and notes have that state."""
        return sum(self._counts[(standing, severity)] for severity in Severity)

    def alarms(self) -> Iterator[Alarm]:
        """Yield all that are kept."""
        return iter(self._alarms.values())

    def get(self, condition: Condition, subject: str) -> Alarm | None:
        """Return an alarm, even one that has ended."""
        held = self.held(condition, subject)
        return held if held is not None else self._look_up(condition, subject)

    def held(self, condition: Condition, subject: str) -> Alarm | None:
        """Return an alarm as it is held here, if it is."""
        return self._alarms.get((condition, subject))

    def firing(self, subject: str) -> Mapping[Condition, Alarm]:
        """Return a worker's firing alarms, including acknowledged ones; ``""`` is the registry."""
        return self._firing.get(subject, {})

    def with_condition(self, condition: Condition) -> list[Alarm]:
        """Return the firing alarms of one kind."""
        return [alarms[condition] for alarms in self._firing.values() if condition in alarms]

    def standing(self, alarm: Alarm) -> Standing:
        """Return an alarm's state."""
        return self._standings.get((alarm.condition, alarm.subject)) or self._stand(alarm)

    def counted(self) -> list[Alarm]:
        """Return the alarms that the header counts."""
        return [
            self._alarms[key]
            for key, standing in self._standings.items()
            if standing is Standing.FIRING and self._alarms[key].severity is Severity.ALARM
        ]

    def silenced_by(self, alarm: Alarm) -> Silence | None:
        """Return the silence that covers an alarm: the one that ends last."""
        covering = [one for one in self._active if one.covers(alarm.condition, alarm.subject, alarm.namespace)]
        return max(covering, key=lambda one: one.until, default=None)

    def covered_by(self, alarm: Alarm) -> Alarm | None:
        """Return the flapping of its worker that an alarm comes and goes with, if it does.

        Not one that fires for the first time in a while: a ban must not get lost among other changes.
        """
        if alarm.condition is Condition.FLAPPING or alarm.streak <= 1:
            return None
        flapping = self.firing(alarm.subject).get(Condition.FLAPPING)
        return flapping if flapping is not None and self.silenced_by(flapping) is None else None

    def all_firing(self) -> Iterator[Alarm]:
        """Yield all firing alarms, including acknowledged and silenced ones."""
        for alarms in self._firing.values():
            yield from alarms.values()

    @property
    def silences(self) -> tuple[Silence, ...]:
        """The active silences, sorted by their end."""
        return self._active

    # -- taking --

    def take(self, event: Event, namespace: str) -> list[Change]:
        """Apply an event; return what happened to alarms."""
        folded = [self._fold(event, effect, namespace) for effect in effects(event)]
        return [change for change in folded if change is not None]

    def _fold(self, event: Event, effect: Effect, namespace: str) -> Change | None:
        subject = event.worker_id or ""
        held = self.held(effect.condition, subject)
        before = self.get(effect.condition, subject) if effect.opens else held
        folded = fold(before, event, effect, self._profile, namespace)
        if folded is None:
            if before is not None and held is None:
                self.put(before)  # another program was faster
            return None
        self.put(folded.alarm)
        if folded.what is None:
            return None
        return change_by(event, folded.alarm, folded.what)

    def put(self, alarm: Alarm) -> None:
        """Store an alarm's current state."""
        self.revision += 1
        key = (alarm.condition, alarm.subject)
        self._alarms[key] = alarm
        self._alarms.move_to_end(key)
        firing = self._firing.setdefault(alarm.subject, {})
        if alarm.is_firing:
            firing[alarm.condition] = alarm
        else:
            firing.pop(alarm.condition, None)
        if not firing:
            del self._firing[alarm.subject]
        if alarm.condition is Condition.FLAPPING:  # it covers the worker's others, or no longer does
            for other in firing.values():
                self._count(other)
        self._count(alarm)
        self._let_go()

    def rename(self, profile: str) -> None:
        """Follow the profile to its new name, on which the alarms' ids depend."""
        self._profile = profile
        for alarm in list(self._alarms.values()):
            self.put(msgspec.structs.replace(alarm, id=alarm_id(profile, alarm.condition, alarm.subject)))

    def acknowledge(self, alarms: Iterable[Alarm], at: float, by: str, note: str, act: int) -> list[Change]:
        """Mark firing alarms as seen; acknowledged or ended ones stay as they are."""
        changes = []
        for alarm in alarms:
            now = self._alarms.get((alarm.condition, alarm.subject))
            if now is None or not now.is_firing or now.is_acknowledged or now.times != alarm.times:
                continue
            seen = msgspec.structs.replace(now, acknowledged_at=at, acknowledged_by=by, note=note, act=act)
            self.put(seen)
            changes.append(Change(what=What.ACKNOWLEDGED, at=at, by=by, alarm=seen))
        return changes

    def unacknowledge(self, act: int, at: float, by: str) -> list[Change]:
        """Undo one acknowledgement, except for alarms that fired again since or were acknowledged by others."""
        changes = []
        for alarm in [alarm for alarm in self._alarms.values() if alarm.act == act and alarm.is_acknowledged]:
            open_again = unacknowledged(alarm)
            self.put(open_again)
            changes.append(Change(what=What.UNACKNOWLEDGED, at=at, by=by, alarm=open_again))
        return changes

    def put_silence(self, silence: Silence, now: float) -> None:
        """Store a silence's current state; drop it if it has ended."""
        if silence.ended_at is None:
            self._silences[silence.id] = silence
        else:
            self._silences.pop(silence.id, None)
        self._activate(now)

    def ended(self, now: float) -> list[Silence]:
        """Return the silences whose time is over; they silence nothing any more."""
        over = [silence for silence in self._silences.values() if not silence.is_active(now)]
        for silence in over:
            del self._silences[silence.id]
        if over:
            self._activate(now)
        return over

    def _activate(self, now: float) -> None:
        self.revision += 1
        active = [silence for silence in self._silences.values() if silence.is_active(now)]
        self._active = tuple(sorted(active, key=lambda silence: (silence.until, silence.id)))
        for alarms in self._firing.values():
            for alarm in alarms.values():
                self._count(alarm)

    def _count(self, alarm: Alarm) -> None:
        key = (alarm.condition, alarm.subject)
        before, standing = self._standings.pop(key, None), self._stand(alarm)
        if before is not None:
            self._counts[(before, self._severities.pop(key))] -= 1
        self._standings[key] = standing
        self._severities[key] = alarm.severity
        self._counts[(standing, alarm.severity)] += 1

    def _stand(self, alarm: Alarm) -> Standing:
        if not alarm.is_firing:
            return Standing.RESOLVED
        if alarm.is_acknowledged:
            return Standing.ACKNOWLEDGED
        if self.silenced_by(alarm) is not None:
            return Standing.SILENCED
        return Standing.FIRING if self.covered_by(alarm) is None else Standing.COVERED

    def _let_go(self) -> None:
        resolved = sum(count for (standing, _), count in self._counts.items() if standing is Standing.RESOLVED)
        if resolved <= _MOST_RESOLVED:
            return
        for key in [key for key, alarm in self._alarms.items() if not alarm.is_firing][: _MOST_RESOLVED // 2]:
            del self._alarms[key]
            self._counts[(self._standings.pop(key), self._severities.pop(key))] -= 1


def unacknowledged(alarm: Alarm) -> Alarm:
    """Return an alarm without its acknowledgement."""
    return msgspec.structs.replace(alarm, acknowledged_at=None, acknowledged_by="", note="", act=0)


def change_by(event: Event, alarm: Alarm, what: What) -> Change:
    """Return what an event did to an alarm. What was already true at first sight notifies nobody."""
    quiet = what is What.FIRED and event.before == FIRST_SIGHT
    return Change(what=what, at=event.at, by=event.source, alarm=alarm, quiet=quiet)
