"""A signed package's `manifest.json`: what it proves, and what remains unproven.

The order of the checks and the codes are those of the Python SDK's verifier; the signed fields are in the contract's
"Records and manifests".
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from pyhall_tui.attest.json_text import canonical

SECRET_VARIABLE = "WCP_ATTEST_HMAC_KEY"
"""The environment variable that holds the signing secret."""
SIGNED = (
    "schema_version",
    "worker_id",
    "worker_species_id",
    "worker_version",
    "package_hash",
    "built_at_utc",
    "build_source",
)
_SIGNATURE = "signature_hmac_sha256"


class Code(StrEnum):
    """Why a package is refused, with the ecosystem's codes."""

    HASH_MISMATCH = "ATTEST_HASH_MISMATCH"
    SIGNATURE_MISSING = "ATTEST_SIGNATURE_MISSING"
    SIGNATURE_INVALID = "ATTEST_SIG_INVALID"


_TOLD = {
    Code.HASH_MISMATCH: "The manifest's package_hash is not this package's.",
    Code.SIGNATURE_MISSING: f"The signature cannot be checked: there is none, or {SECRET_VARIABLE} is not set.",
    Code.SIGNATURE_INVALID: "The signature does not match: another secret signed it, or a signed field was changed.",
}


class ManifestCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of checking one manifest. `code` is None if it is accepted."""

    code: Code | None
    fields: dict[str, Any] = {}
    unproven: tuple[str, ...] = ()
    """Fields whose value nothing proves: all of them, unless the signature holds."""

    @property
    def sentence(self) -> str:
        """The result, as a sentence for the operator."""
        return "The manifest is this package's, and its signature is valid." if self.code is None else _TOLD[self.code]


def secret_of_environment() -> str | None:
    """Return the signing secret, or None if it is not set. Never show or log it."""
    return os.environ.get(SECRET_VARIABLE) or None


def check_manifest(
    fields: Mapping[str, Any],
    *,
    package_sha256: str,
    secret: str | None = None,
) -> ManifestCheck:
    """Check a manifest against a package's hash, and its signature if the secret is known.

    `package_hash` must be the bare hash itself: the SDKs accept neither a prefix nor a placeholder.
    """
    proven = SIGNED if _signature_holds(fields, secret) else ()
    return ManifestCheck(
        code=_code(fields, package_sha256, secret),
        fields=dict(fields),
        unproven=tuple(name for name in fields if name not in proven and name != _SIGNATURE),
    )


def _code(
    fields: Mapping[str, Any],
    package_sha256: str,
    secret: str | None,
) -> Code | None:
    if fields.get("package_hash") != package_sha256:
        return Code.HASH_MISMATCH
    if not fields.get(_SIGNATURE) or not secret:
        return Code.SIGNATURE_MISSING
    return None if _signature_holds(fields, secret) else Code.SIGNATURE_INVALID


def _signature_holds(fields: Mapping[str, Any], secret: str | None) -> bool:
    signature = fields.get(_SIGNATURE)
    if not secret or not isinstance(signature, str):
        return False
    return hmac.compare_digest(signature.encode(errors="replace"), signature_of(fields, secret).encode())


def signature_of(fields: Mapping[str, Any], secret: str) -> str:
    """Return the HMAC-SHA256, in hex, over the signed fields; a missing field counts as null."""
    payload = canonical({name: fields.get(name) for name in SIGNED})
    return hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()
