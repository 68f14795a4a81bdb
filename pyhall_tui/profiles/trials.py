"""What a test of a form asks, and which connections were tested."""

from typing import NamedTuple

from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.environment import KEY, EnvironmentMistake, instead, overridden, value_of
from pyhall_tui.profiles.keys import KeyAnswer, KeyStore
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import origin


class Trial(NamedTuple):
    """One test: what is asked with which key."""

    profile: Profile
    """As the environment has it: it is what will be asked once the profile is open."""
    key: ApiKey | None
    answer: KeyAnswer | None
    """What asking for the stored key came to; None for a typed one."""
    note: str
    """What the variables have it ask instead of what the form says, or with another key."""
    proves: bool
    """Whether it asks just what the form says."""

    @property
    def why_none(self) -> str:
        """Why there is no key, as a sentence."""
        return self.answer.sentence if self.answer and self.key is None else ""


class Trials:
    """Remembers which connection of each profile was tested, and how it came out."""

    def __init__(self, keys: KeyStore) -> None:
        """Nothing was tested yet."""
        self._keys = keys
        self._well: dict[str, tuple[object, ...]] = {}
        """What each profile's last test that went well was made with."""
        self._failed: set[str] = set()

    async def prepare(self, profile: Profile, asked: Profile, base: Profile | None, typed_key: str) -> Trial:
        """Say what a test of a form asks. A typed key goes to the form's own address only.

        Args:
            profile: what stands in the form.
            asked: the same as the environment has it.
            base: the stored profile that the form is about.
        """
        by_variable = f"{KEY} is set: its key is sent." if value_of(KEY) else ""
        note, proves = f"{instead(profile, asked)} {by_variable}".strip(), not hindrance(profile, typed_key)
        if typed_key and not by_variable and origin(asked.registry_url) == origin(profile.registry_url):
            return Trial(asked, ApiKey(typed_key), None, note, proves)
        answer = await self._keys.load(asked.named(base.name) if base else asked)
        return Trial(asked, answer.key, answer, note, proves)

    def note(self, name: str, made_with: tuple[object, ...], *, well: bool) -> None:
        """Remember how a test came out that asked just what the form says."""
        self._well.pop(name, None)
        self._failed.discard(name)
        if well:
            self._well[name] = made_with
        else:
            self._failed.add(name)

    def went_well(self, name: str, made_with: tuple[object, ...]) -> bool:
        """Whether just this connection was tested, and went well."""
        return self._well.get(name) == made_with

    def failed(self, name: str) -> bool:
        """Whether the last test of that profile failed."""
        return name in self._failed


def hindrance(profile: Profile, typed_key: str) -> str:
    """Return why a test cannot tell now whether a form works, in sentences; empty if it can."""
    try:
        said = instead(profile, overridden(profile))
    except EnvironmentMistake as mistake:
        said = str(mistake)
    unused = f"{KEY} is set: its key is sent, not the typed one." if typed_key and value_of(KEY) else ""
    return f"{said} {unused}".strip()
