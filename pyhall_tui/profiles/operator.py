"""Who is using the program: the name for acknowledgements and silences."""

import getpass

from pyhall_tui.profiles.profile import Profile

_MOST = 64


def operator_of(profile: Profile) -> str:
    """Return the profile's `operator`, or else the operating system's user, or else `unknown`."""
    if profile.operator.strip():
        return profile.operator.strip()
    try:
        return "".join(filter(str.isprintable, getpass.getuser()))[:_MOST] or "unknown"
    except (OSError, KeyError, ImportError):  # a container's user without a name
        return "unknown"
