"""Silences: until some time, alarms of certain workers or kinds are not counted. They never hide a worker."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from fnmatch import translate
from functools import lru_cache

import msgspec

LONGEST = 366 * 86_400.0
"""Seconds that a silence may last."""
_SET_BACK = 60.0
"""If a clock is set back by more seconds, silences end: otherwise one for an hour could last a year."""
_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?\s*[dhms]\s*)+")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")

NOT_A_TIME = "Give a time: 30m, 2h, 1d, 18:00, or 2026-11-27 18:00."


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """What is silenced, until when, why, and by whom. An alarm must match every part. Times: seconds since 1970."""

    id: str
    worker: str = ""
    """A worker's id, `*` for any characters; empty for every worker and the registry."""
    namespace: str = ""
    condition: str = ""
    """A kind of alarm, as in `Condition`; empty for every kind."""
    began_at: float
    until: float
    reason: str = ""
    by: str = ""
    ended_at: float | None = None
    ended_by: str = ""
    """Who removed it; `time` if it ended by itself."""

    def is_active(self, now: float) -> bool:
        """Whether it is active at that wall time. A clock set back to before its start ends it."""
        return self.ended_at is None and self.began_at - _SET_BACK <= now < self.until

    def covers(self, condition: str, subject: str, namespace: str) -> bool:
        """Whether it silences an alarm of that kind, worker and namespace."""
        if self.condition and self.condition != condition:
            return False
        if self.namespace and self.namespace != namespace:
            return False
        return not self.worker or (bool(subject) and _matches(self.worker)(subject))

    @property
    def what(self) -> str:
        """What it silences, in words: `banned of wkr_*`, `all of org.acme`, `everything`."""
        who = [part for part in (self.worker, self.namespace) if part]
        if not who:
            return self.condition or "everything"
        return f"{self.condition or 'all'} of {' in '.join(who)}"


@lru_cache(256)
def _matches(glob: str) -> Callable[[str], bool]:
    # Only the star is special: ids may contain brackets and question marks.
    pattern = re.compile(translate(re.sub(r"([\[?])", r"[\1]", glob)))
    return lambda subject: pattern.match(subject) is not None


def until(text: str, now: float) -> float:
    """Return the wall time that a text means: `2h`, `1h 30m`, `until 18:00` (the next one), `2026-11-27 18:00`.

    Raises:
        ValueError: it is not a time, or is in the past or over a year away; the message is a sentence.
    """
    words = text.strip().lower().removeprefix("until").removeprefix("for").strip()
    if _SPAN.fullmatch(words):
        at = now + sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)\s*([dhms])", words))
    elif found := _TIME.fullmatch(words):
        here = datetime.fromtimestamp(now)  # naive on purpose: local, and right across a change to summer time
        then = here.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
        at = (then if then > here else then + timedelta(days=1)).timestamp()
    else:
        try:
            at = datetime.fromisoformat(words.upper()).timestamp()
        except (ValueError, OverflowError, OSError):
            raise ValueError(NOT_A_TIME) from None
    if at <= now:
        raise ValueError("That time is past: give one to come.")
    if at - now > LONGEST:
        raise ValueError("A silence lasts at most a year.")
    return at
