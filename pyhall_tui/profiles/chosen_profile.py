"""Which profile to use: the named one, otherwise the default, the first, or the one from the environment."""

from typing import Final, NamedTuple

from pyhall_tui.profiles.environment import PROFILE_NAME, EnvironmentMistake, overridden
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import Profiles, ProfilesFileError, ProfileStore

NO_PROFILE: Final = "There is no profile yet."
HOW_TO_MAKE_ONE: Final = "Run pyhall-tui to make one, or set PYHALL_REGISTRY_URL and PYHALL_API_KEY."


class Chosen(NamedTuple):
    """The profile to use, or the reason that there is none."""

    profile: Profile | None
    """With the environment's overrides."""
    stored: Profile | None = None
    """As in the file; None if only the environment makes it."""
    problem: str = ""
    """A sentence; empty if nothing is wrong, even if there is no profile yet."""


def choose_profile(store: ProfileStore | None, name: str | None) -> Chosen:
    """Choose the profile called `name`; without a name, the default, the first, or the environment's.

    Args:
        store: None if this machine has no folder for one.
    """
    try:
        if name == PROFILE_NAME and (by_environment := overridden(None)) is not None:
            return Chosen(by_environment)  # it needs no file: a mistake there is no hindrance
        profiles = store.load() if store else Profiles((), None)
        if name is not None:
            return _named(profiles, name)
        stored = profiles.named(profiles.default) if profiles.default else next(iter(profiles.profiles), None)
        return Chosen(overridden(stored), stored)
    except (ProfilesFileError, EnvironmentMistake) as mistake:
        return Chosen(None, problem=str(mistake))


def _named(profiles: Profiles, name: str) -> Chosen:
    stored = profiles.named(name)
    if stored is not None:
        return Chosen(overridden(stored), stored)
    names = ", ".join(profile.name for profile in profiles.profiles)
    yours = f"Your profiles: {names}." if names else "You have no profiles yet."
    said = f"There is no profile named {name}." if name.strip() else "The name of the profile to use is empty."
    return Chosen(None, problem=f"{said} {yours}")
