"""A signed package's `manifest.json`: what it proves, and what nothing proves.

The order of the checks and the codes are the Python SDK's verifier's; the contract's "Records and manifests" has
the signed fields.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from pyhall_tui.attest.json_text import NotJson, canonical, read_object
from pyhall_tui.attest.records import LIMIT
from pyhall_tui.files.regular_file import read_bounded

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
    """Why a package is refused, in the field's words."""

    MISSING = "ATTEST_MANIFEST_MISSING"
    ID_MISMATCH = "ATTEST_MANIFEST_ID_MISMATCH"
    HASH_MISMATCH = "ATTEST_HASH_MISMATCH"
    SIGNATURE_MISSING = "ATTEST_SIGNATURE_MISSING"
    SIGNATURE_INVALID = "ATTEST_SIG_INVALID"


_TOLD = {
    Code.MISSING: "There is no readable manifest.json.",
    Code.ID_MISMATCH: "The manifest belongs to another worker.",
    Code.HASH_MISMATCH: "The manifest's package_hash is not this package's.",
    Code.SIGNATURE_MISSING: f"The signature cannot be checked: there is none, or {SECRET_VARIABLE} is not set.",
    Code.SIGNATURE_INVALID: "The signature does not match: another secret signed it, or a signed field was changed.",
}


class ManifestCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of checking one manifest. `code` is None where it is accepted."""

    code: Code | None
    fields: dict[str, Any] = {}
    unproven: tuple[str, ...] = ()
    """Fields whose value nothing proves: all of them, unless the signature holds."""

    @property
    def sentence(self) -> str:
        """What came of it, for the operator."""
        return "The manifest is this package's, and its signature is valid." if self.code is None else _TOLD[self.code]


def secret_of_environment() -> str | None:
    """Return the signing secret, or None where it is not set. Never shown, never logged."""
    return os.environ.get(SECRET_VARIABLE) or None


def check_manifest_file(path: Path, *, package_sha256: str, worker_id: str | None, secret: str | None) -> ManifestCheck:
    """Read and check a manifest; one that cannot be read has the code `ATTEST_MANIFEST_MISSING`."""
    try:
        fields = read_object(read_bounded(path, LIMIT))
    except (OSError, NotJson):
        return ManifestCheck(code=Code.MISSING)
    return check_manifest(fields, package_sha256=package_sha256, worker_id=worker_id, secret=secret)


def check_manifest(
    fields: Mapping[str, Any],
    *,
    package_sha256: str,
    worker_id: str | None = None,
    worker_species_id: str | None = None,
    secret: str | None = None,
) -> ManifestCheck:
    """Check a manifest against a package's hash and, where they are given, the worker's two ids.

    `package_hash` must be the bare hash itself: the SDKs take neither a prefix nor a placeholder.
    """
    proven = SIGNED if _signature_holds(fields, secret) else ()
    return ManifestCheck(
        code=_code(fields, package_sha256, worker_id, worker_species_id, secret),
        fields=dict(fields),
        unproven=tuple(name for name in fields if name not in proven and name != _SIGNATURE),
    )


def _code(
    fields: Mapping[str, Any],
    package_sha256: str,
    worker_id: str | None,
    worker_species_id: str | None,
    secret: str | None,
) -> Code | None:
    asked = {"worker_id": worker_id, "worker_species_id": worker_species_id}
    if any(value is not None and fields.get(name) != value for name, value in asked.items()):
        return Code.ID_MISMATCH
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
    """Return the HMAC-SHA256, in hex, over the signed fields; one that is missing counts as null."""
    payload = canonical({name: fields.get(name) for name in SIGNED})
    return hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()
