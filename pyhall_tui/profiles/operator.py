"""Who sits here: the name that acknowledgements and silences bear."""

import getpass

from pyhall_tui.profiles.profile import Profile


def operator_of(profile: Profile) -> str:
    """Return the profile's `operator`, else the user of the operating system, else `unknown`."""
    if profile.operator.strip():
        return profile.operator.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        return "unknown"
