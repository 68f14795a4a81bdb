"""When a rule is open: its hours and days of the week, in local time of its time zone."""

import zoneinfo
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal, get_args

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)


def zone(name: str) -> tzinfo:
    """Return a time zone; UTC doesn't need the time zone database.

    Raises:
        ValueError: no time zone has this name.
    """
    try:
        return UTC if name == "UTC" else zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name or '(empty)'}: write one such as Europe/Berlin") from None


def check(hours: str) -> None:
    """Raise `ValueError` if a window such as `08:00-18:00` is empty."""
    start, end = hours.split("-")
    if start == end:
        raise ValueError(f"the window {hours} is empty: leave it out for the whole day")


def is_open(hours: str | None, days: tuple[Day, ...], timezone: str, wall: float) -> bool:
    """Whether a moment (seconds since the epoch) is within the hours on one of the days (none: on any day).

    Hours that run past midnight belong to the day on which they began.
    """
    if not (hours or days):
        return True
    now = datetime.fromtimestamp(wall, zone(timezone))
    day = now.date()
    if hours:
        start, end = hours.split("-")
        clock = now.strftime("%H:%M")
        if start < end:
            within = start <= clock < end
        else:
            within = clock >= start or clock < end
            day -= timedelta(days=clock < end)
        if not within:
            return False
    return not days or DAYS[day.weekday()] in days


def in_words(hours: str | None, days: tuple[Day, ...], timezone: str) -> str:
    """Return when a rule is open, such as `22:00 to 06:00 of the next day, beginning on fri (UTC)`; or nothing."""
    if not (hours or days):
        return ""
    named = ", ".join(days)
    if hours and _over_midnight(hours):
        start, end = hours.split("-")
        return f"{start} to {end} of the next day{f', beginning on {named}' if days else ''} ({timezone})"
    return " ".join(part for part in (hours, f"on {named}" if days else "", f"({timezone})") if part)


def _over_midnight(hours: str) -> bool:
    start, end = hours.split("-")
    return end < start and end != "00:00"
