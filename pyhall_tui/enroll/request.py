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
"""What the journal calls the enrollments of the app's form, each under its correlation id."""


def request_of(draft: Draft, namespace: str) -> EnrollRequest:
    """Return the contract's request; a hash that is none yet stands in it as typed, to be seen in the preview."""
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
    """Return the headers as they are sent, the key masked."""
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
