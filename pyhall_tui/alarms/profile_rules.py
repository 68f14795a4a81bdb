"""The rules in a profile's table `[profiles.NAME.alarms]`, and what is wrong with them, with the line."""

from pyhall_tui.alarms.rules import Rules, rules_from
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfilesFileError, ProfileStore

_TABLE = "alarms"


class ProfileRules:
    """Reads a profile's rules at each request, so that a changed file applies from the next opening on."""

    def __init__(self, store: ProfileStore) -> None:
        self._store = store
        self.mistakes: tuple[str, ...] = ()
        """What was wrong with the last rules, in sentences."""

    def of(self, profile: Profile) -> Rules:
        """Return a profile's rules; a mistake affects only its own rule."""
        try:
            table = self._store.table_in(profile.name, _TABLE)
        except ProfilesFileError as mistake:
            self.mistakes = (str(mistake),)
            return rules_from({}, bell=profile.bell, desktop=profile.desktop_notifications)[0]
        rules, mistakes = rules_from(table.value, bell=profile.bell, desktop=profile.desktop_notifications)
        self.mistakes = tuple(f"{table.where(mistake.path)}: {mistake.sentence}" for mistake in mistakes)
        return rules
