"""What a profile's fields must be: one sentence per field, the same for the form and for the file."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from pyhall_tui.profiles.profile import NAMESPACE, Profile
from pyhall_tui.profiles.urls import is_insecure, normalise_url

SENTENCES: Final = {
    "name": "The name must be 1 to 64 characters, without control characters or spaces at its ends.",
    "namespace": "The namespace must be like org.yourco or x.you: org. or x., then a-z, 0-9 and hyphens.",
    "registry_url": "The registry's URL must be text such as https://api.pyhall.dev.",
    "poll_interval": "The poll interval must be a number of seconds above 0, at most 86400 (a day).",
    "ban_list_interval": "The ban list's interval must be a number of seconds above 0, at most 86400 (a day).",
    "timeout": "The timeout must be a number of seconds above 0, at most 86400 (a day).",
    "requests_per_second": "Requests per second must be a number above 0, at most 10000.",
    "requests_in_flight": "Requests in flight must be a whole number from 1 to 256.",
    "allow_insecure": "Allow insecure must be true or false.",
    "production": "Production must be true or false.",
    "read_only": "Read only must be true or false.",
    "bell": "Bell must be true or false.",
    "desktop_notifications": "Desktop notifications must be true or false.",
    "overview": "Overview must be true or false.",
    "correlation_prefix": "The correlation prefix must be at most 64 characters that a header can carry, no spaces.",
    "operator": "The operator must be at most 64 printable characters.",
    "capabilities": "Capabilities must be a list of strings.",
}
"""What to say about a field with the wrong type or out of range."""

INSECURE: Final = (
    "Plain http:// would send the key in clear text to another machine: "
    "use https://, or allow insecure connections for this profile."
)

NO_ROOM: Final = (
    "Asking for the ban list that often takes all requests per second, so no worker is ever verified: "
    "raise the ban list's interval, or the requests per second."
)

_FIELDS: Final = {field.name: field for field in msgspec.structs.fields(Profile)}
_FITS: Final[dict[str, Callable[[str], bool]]] = {
    "name": lambda text: text.isprintable() and text == text.strip(),
    "namespace": lambda text: NAMESPACE.fullmatch(text) is not None,
    "operator": lambda text: len(text) <= 64 and text.isprintable(),
    "correlation_prefix": lambda text: len(text) <= 64 and all("!" <= letter <= "~" for letter in text),
}
"""Rules that the types don't express."""

_MISSING: Final = {
    "name": "The profile needs a name.",
    "namespace": "The namespace is missing, for example org.yourco.",
    "registry_url": "The registry's URL is missing, for example https://api.pyhall.dev.",
}


def validate_profile(fields: Mapping[str, object]) -> dict[str, str]:
    """Return a sentence for each wrong field of a form; empty if nothing is wrong.

    `fields` uses `Profile`'s field names; numbers may be texts as typed. Missing fields have their defaults.
    """
    wrong = {name: sentence for name in _FIELDS if (sentence := _mistake(name, fields, strict=False))}
    if "registry_url" not in wrong and not _allows_insecure(fields) and is_insecure(str(fields["registry_url"])):
        wrong["registry_url"] = INSECURE
    if not wrong and leaves_no_room(_build(fields, strict=False)):
        wrong["ban_list_interval"] = NO_ROOM
    return wrong


def leaves_no_room(profile: Profile) -> bool:
    """Whether the ban list takes the whole budget: then the sweep gets nothing. Such a profile can be opened."""
    return profile.ban_list_interval * profile.requests_per_second <= 1


def profile_from(fields: Mapping[str, object]) -> Profile:
    """Return the profile of a form in which `validate_profile` found nothing wrong.

    Raises:
        ValueError: something is wrong with it, in one sentence.
    """
    for sentence in validate_profile(fields).values():
        raise ValueError(sentence)
    return _build(fields, strict=False)


def mistakes_in_table(name: str, table: Mapping[str, Any]) -> dict[str, str]:
    """Return a sentence for each wrong key of `[profiles.<name>]`.

    Plain http is not one of these: you can open such a profile to fix it, and the client refuses to send. Neither is a
    budget that leaves no room to verify.
    """
    fields = {**table, "name": name}
    return {key: sentence for key in _FIELDS if (sentence := _mistake(key, fields, strict=True))}


def profile_of_table(name: str, table: Mapping[str, Any]) -> Profile:
    """Return the profile of a table without mistakes (see `mistakes_in_table`)."""
    return _build({**table, "name": name}, strict=True)


def _build(fields: Mapping[str, object], *, strict: bool) -> Profile:
    known = {name: value for name, value in fields.items() if name in _FIELDS}
    known["registry_url"] = normalise_url(str(known["registry_url"]))
    return msgspec.convert(known, Profile, strict=strict)


def _mistake(name: str, fields: Mapping[str, object], *, strict: bool) -> str | None:
    value = fields.get(name)
    if value is None or value == "":
        if name in _MISSING:
            return _MISSING[name]
        if name not in fields:
            return None
    try:
        typed = msgspec.convert(value, _FIELDS[name].type, strict=strict)
    except msgspec.ValidationError:
        return SENTENCES[name]
    return _mistake_in_text(name, typed)


def _mistake_in_text(name: str, value: object) -> str | None:
    if name == "registry_url":
        try:
            normalise_url(str(value))
        except ValueError as wrong:
            return str(wrong)
    fits = _FITS.get(name)
    return None if fits is None or fits(str(value)) else SENTENCES[name]


def _allows_insecure(fields: Mapping[str, object]) -> bool:
    return fields.get("allow_insecure") in (True, "true")
