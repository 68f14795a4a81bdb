"""What testing a form asks, and which connections were tested."""

from typing import NamedTuple

from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.environment import KEY, EnvironmentMistake, instead, overridden, value_of
from pyhall_tui.profiles.keys import KeyAnswer, KeyStore
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import origin


class Trial(NamedTuple):
    """One test: what to ask with which key."""

    profile: Profile
    """With the environment's overrides, because that is what will be used once the profile is open."""
    key: ApiKey | None
    answer: KeyAnswer | None
    """The result of asking for the stored key; None for a typed one."""
    note: str
    """How variables change what is tested compared with the form, or the key."""
    proves: bool
    """Whether it tests exactly what the form says."""

    @property
    def why_none(self) -> str:
        """Why there is no key, as a sentence."""
        return self.answer.sentence if self.answer and self.key is None else ""


class Trials:
    """Remembers which connection of each profile was tested, and the result."""

    def __init__(self, keys: KeyStore) -> None:
        """Start without any tests."""
        self._keys = keys
        self._well: dict[str, tuple[object, ...]] = {}
        """What each profile's last successful test used."""
        self._failed: set[str] = set()

    async def prepare(self, profile: Profile, asked: Profile, base: Profile | None, typed_key: str) -> Trial:
        """Return what a test of a form asks. A typed key goes only to the form's own address.

        Args:
            profile: the form's content.
            asked: the same with the environment's overrides.
            base: the stored profile that the form is about.
        """
        by_variable = f"{KEY} is set: its key is sent." if value_of(KEY) else ""
        note, proves = f"{instead(profile, asked)} {by_variable}".strip(), not hindrance(profile, typed_key)
        if typed_key and not by_variable and origin(asked.registry_url) == origin(profile.registry_url):
            return Trial(asked, ApiKey(typed_key), None, note, proves)
        answer = await self._keys.load(asked.named(base.name) if base else asked)
        return Trial(asked, answer.key, answer, note, proves)

    def note(self, name: str, made_with: tuple[object, ...], *, well: bool) -> None:
        """Remember the result of a test of exactly what the form says."""
        self._well.pop(name, None)
        self._failed.discard(name)
        if well:
            self._well[name] = made_with
        else:
            self._failed.add(name)

    def went_well(self, name: str, made_with: tuple[object, ...]) -> bool:
        """Whether exactly this connection was tested successfully."""
        return self._well.get(name) == made_with

    def failed(self, name: str) -> bool:
        """Whether the last test of that profile failed."""
        return name in self._failed


def hindrance(profile: Profile, typed_key: str) -> str:
    """Return why a test can't show now whether a form works, in sentences; empty if it can."""
    try:
        said = instead(profile, overridden(profile))
    except EnvironmentMistake as mistake:
        said = str(mistake)
    unused = f"{KEY} is set: its key is sent, not the typed one." if typed_key and value_of(KEY) else ""
    return f"{said} {unused}".strip()
