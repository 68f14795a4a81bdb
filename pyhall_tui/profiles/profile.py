"""One profile: a namespace of one registry, and how it is asked."""

import re
from typing import Annotated, Self

import msgspec

NAMESPACE = re.compile(r"(?:org|x)\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
"""A namespace as in the contract: `org.<slug>` or `x.<slug>`, where the slug consists of `a-z0-9-`."""

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One profile in `profiles.toml`. The API key is not in it."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    namespace: str
    registry_url: str
    """Base URL, with a path if the registry is below one; without a trailing slash."""
    poll_interval: Seconds = 60.0
    """Seconds within which the sweep verifies each worker once."""
    ban_list_interval: Seconds = 5.0
    """Seconds between two requests for the ban list."""
    timeout: Seconds = 10.0
    """Seconds that one whole request may take."""
    requests_per_second: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 10.0
    requests_in_flight: Annotated[int, msgspec.Meta(ge=1, le=256)] = 8
    allow_insecure: bool = False
    """Plain `http://` to another machine is refused unless this is set; then a warning stays on screen."""
    production: bool = False
    """Every screen says so in words."""
    read_only: bool = False
    """Sends nothing that changes the registry or that it records as a decision."""
    bell: bool = False
    """A ban rings the terminal's bell."""
    desktop_notifications: bool = False
    """A ban makes a desktop notification, with the terminal's own escape sequence if it has one."""
    overview: bool = False
    """It is watched while another profile is open, and has a row of its own beside it."""
    correlation_prefix: str = "req-"
    """The prefix of generated correlation ids."""
    operator: str = ""
    """Who acknowledges and silences alarms here; empty for the user of the operating system."""
    capabilities: tuple[str, ...] = ()
    """Known capabilities, for completion."""

    def named(self, name: str) -> Self:
        """Return the profile under another name."""
        return msgspec.structs.replace(self, name=name)
