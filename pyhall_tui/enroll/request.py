"""The enrollment request as it goes over the wire: the same for the preview, the journal and the send."""

from typing import Final
from urllib.parse import urlsplit

import msgspec

from pyhall_tui import __version__
from pyhall_tui.enroll.draft import Draft
from pyhall_tui.profiles.api_key import MASK
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry import correlation
from pyhall_tui.registry.models import EnrollRequest, plain_sha256

METHOD: Final = "POST"
PATH: Final = "/api/v1/hall/enroll"
FORM: Final = "form"
"""The batch name in the journal for enrollments from the form, each with its correlation id as the row."""


def request_of(draft: Draft, namespace: str) -> EnrollRequest:
    """Return the contract's request; an unfinished hash is in it as typed, so that the preview shows it."""
    typed = draft.sha256.strip()
    return EnrollRequest(
        namespace=namespace,
        display_name=draft.display_name.strip(),
        capabilities=tuple(draft.capabilities),
        sha256=plain_sha256(typed) or typed,
    )


def body_of(request: EnrollRequest) -> bytes:
    """Return the body, byte for byte."""
    return msgspec.json.encode(msgspec.structs.asdict(request))


def url_of(profile: Profile) -> str:
    """Return the address that the request goes to."""
    return profile.registry_url.rstrip("/") + PATH


def headers_of(profile: Profile, correlation_id: str, body: bytes) -> tuple[tuple[str, str], ...]:
    """Return the headers as they are sent, but with the key masked."""
    return (
        ("Host", urlsplit(profile.registry_url).netloc.rpartition("@")[2]),
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip"),
        ("Connection", "keep-alive"),
        ("User-Agent", f"pyhall-tui/{__version__}"),
        ("Authorization", f"Bearer {MASK}"),
        (correlation.HEADER, correlation.header_value(correlation_id)),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    )
