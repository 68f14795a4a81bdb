"""Reads a worker's record, in any known dialect, or its signed manifest into one model, and writes records.

The formats are in the contract's "Records and manifests". Unknown fields are kept in `fields`.
"""

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from pyhall_tui.attest.json_text import NotJson, canonical, read_object
from pyhall_tui.files.regular_file import read_bounded
from pyhall_tui.files.safe_file import write_atomically
from pyhall_tui.registry.models import plain_sha256

LIMIT = 1 << 20
"""A file with more bytes than this is not a record."""
FILE_NAMES = ("registry_record.json", "registry-record.json", "manifest.json")
"""Where a package has its record, the most informative first."""


class Form(StrEnum):
    """Which tool's format a record has."""

    RECORD = "registry record"
    GO = "Go example's record"
    SCAFFOLD = "CLI scaffold's record"
    MONITOR = "Hall Monitor's record"
    MANIFEST = "signed manifest"


_MANIFEST_ONLY = {
    *("schema_version", "package_hash", "built_at_utc", "attested_at_utc"),
    *("build_source", "trust_statement", "signature_hmac_sha256"),
}
_OTHER_NAMES = {
    *("species_id", "serves_capabilities", "handles_capabilities", "environment", "endpoint", "data_labels"),
    *("tenant_risk", "blast_score", "guarantee", "attestation", "artifact_hash", "catalog_version_min"),
}
_TELLING = {"worker_id", "worker_species_id", "species_id"} | {
    *("capabilities", "serves_capabilities", "handles_capabilities"),
}


class RecordUnreadable(Exception):
    """Not a record. `str()` is a sentence that says why."""


class WorkerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record in any dialect. A field of the wrong type is None or empty here, and mentioned in `doubts`."""

    form: Form
    fields: dict[str, Any]
    """The JSON object as read, including unknown fields."""
    worker_id: str | None = None
    worker_species_id: str | None = None
    worker_version: str | None = None
    display_name: str | None = None
    capabilities: tuple[str, ...] = ()
    risk_tier: str | None = None
    owner: str | None = None
    contact: str | None = None
    notes: str | None = None
    required_controls: tuple[str, ...] = ()
    currently_implements: tuple[str, ...] = ()
    allowed_environments: tuple[str, ...] = ()
    idempotency: str | None = None
    determinism: str | None = None
    privilege_envelope: dict[str, Any] | None = None
    blast_radius: dict[str, Any] | None = None
    package_claim: str | None = None
    """What it says about the package's hash, unchanged: a manifest's `package_hash`, an attestation's `code_hash`."""
    doubts: tuple[str, ...] = ()
    """Sentences for the operator."""

    @property
    def package_sha256(self) -> str | None:
        """The claimed package hash, bare; None for a placeholder. Never the record's own `artifact_hash`."""
        return plain_sha256(self.package_claim)

    @property
    def unknown(self) -> dict[str, Any]:
        """The fields that no known dialect has."""
        known = {*self.__struct_fields__, *_OTHER_NAMES, *_MANIFEST_ONLY}
        return {name: value for name, value in self.fields.items() if name not in known}


def read_record(source: Path | str | bytes) -> WorkerRecord:
    """Read a record from a file (`Path`) or from JSON text. Raises `RecordUnreadable`."""
    try:
        data = read_bounded(source, LIMIT) if isinstance(source, Path) else source
        fields = read_object(data)
    except OSError as error:
        raise RecordUnreadable(f"{source!s} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except NotJson as error:
        where = f"{source} is" if isinstance(source, Path) else "This is"
        raise RecordUnreadable(f"{where} not a record: {error}.") from None
    if not _TELLING & fields.keys():
        raise RecordUnreadable("This is not a worker's record: it names no worker, no species and no capabilities.")
    doubts = [f"{name} appears twice; the last one counts here, others may take the first." for name in fields.twice]
    return _understand(dict(fields), doubts)


def find_records(package: Path) -> tuple[Path, ...]:
    """Return the records in the top level of a package's folder, best first."""
    return tuple(path for name in FILE_NAMES if (path := package / name).is_file())


def _understand(fields: dict[str, Any], doubts: list[str]) -> WorkerRecord:
    form = _form(fields)

    def text(*names: str) -> str | None:
        name, value = _first(fields, names)
        if value is None or isinstance(value, str):
            return value or None
        doubts.append(f"{name} is not a string.")
        return None

    def texts(*names: str) -> tuple[str, ...]:
        name, value = _first(fields, names)
        values = [value] if isinstance(value, str) else value or []
        if isinstance(values, list) and all(isinstance(one, str) for one in values):
            return tuple(values)
        doubts.append(f"{name} is not a list of texts.")
        return ()

    def table(name: str) -> dict[str, Any] | None:
        value = fields.get(name)
        if value is None or isinstance(value, dict):
            return value
        doubts.append(f"{name} is not an object.")
        return None

    attestation = table("attestation") or {}
    claim = fields.get("package_hash", attestation.get("code_hash"))
    if claim is not None and plain_sha256(claim) is None:
        doubts.append("Its package hash is a placeholder, not a hash: it attests nothing.")
    record = WorkerRecord(
        form=form,
        fields=fields,
        worker_id=text("worker_id"),
        worker_species_id=text("worker_species_id", "species_id"),
        worker_version=text("worker_version"),
        display_name=text("display_name"),
        capabilities=texts("capabilities", "serves_capabilities", "handles_capabilities"),
        risk_tier=text("risk_tier"),
        owner=text("owner"),
        contact=text("contact"),
        notes=text("notes"),
        required_controls=texts("required_controls"),
        currently_implements=texts("currently_implements"),
        allowed_environments=texts("allowed_environments", "environment"),
        idempotency=text("idempotency"),
        determinism=text("determinism"),
        privilege_envelope=table("privilege_envelope"),
        blast_radius=table("blast_radius"),
        package_claim=claim if isinstance(claim, str) else None,
    )
    if artifact_hash_holds(fields) is False:
        doubts.append("Its artifact_hash does not match this record, which was changed after it was written.")
    return msgspec.structs.replace(record, doubts=tuple(doubts))


def _form(fields: Mapping[str, Any]) -> Form:
    if "signature_hmac_sha256" in fields or "package_hash" in fields:
        return Form.MANIFEST
    if fields.keys() & {"species_id", "blast_score", "guarantee"}:
        return Form.MONITOR
    if "serves_capabilities" in fields:
        return Form.GO
    return Form.SCAFFOLD if "handles_capabilities" in fields else Form.RECORD


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, Any]:
    """Return the first of these fields that is not empty, with its name."""
    for name in names:
        if fields.get(name) not in (None, "", []):
            return name, fields[name]
    return names[0], fields.get(names[0])


def artifact_hash(fields: Mapping[str, Any]) -> str:
    """Return a record's own hash, `sha256:<hex>`, over everything but `artifact_hash`. It is not the package's hash."""
    rest = {name: value for name, value in fields.items() if name != "artifact_hash"}
    return f"sha256:{hashlib.sha256(canonical(rest)).hexdigest()}"


def artifact_hash_holds(fields: Mapping[str, Any]) -> bool | None:
    """Whether a record's `artifact_hash` is right; None if it has none."""
    claim = fields.get("artifact_hash")
    if claim in (None, ""):
        return None
    return plain_sha256(claim) == plain_sha256(artifact_hash(fields))


def as_registry_record(record: WorkerRecord) -> dict[str, Any]:
    """Return the record's fields with the schema's names, including unknown ones, but without `artifact_hash`."""
    told: dict[str, Any] = {
        "worker_id": record.worker_id,
        "worker_species_id": record.worker_species_id,
        "capabilities": list(record.capabilities),
        "allowed_environments": list(record.allowed_environments),
    }
    renamed = {"serves_capabilities", "handles_capabilities", "environment", "species_id", "artifact_hash"}
    rest = {
        name: value
        for name, value in record.fields.items()
        if name not in renamed | told.keys() | (_MANIFEST_ONLY if record.form is Form.MANIFEST else set())
    }
    return {name: value for name, value in told.items() if value} | rest


def write_record(path: Path, fields: Mapping[str, Any], *, overwrite: bool = False) -> None:
    """Write a record with its `artifact_hash`, whole or not at all. Raises `FileExistsError`, `OSError`."""
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} already exists.")
    whole = {name: value for name, value in fields.items() if name != "artifact_hash"}
    whole["artifact_hash"] = artifact_hash(whole)
    write_atomically(path, f"{json.dumps(whole, indent=2, ensure_ascii=False)}\n".encode(), mode=0o644)


def namespace_of(worker_id: str) -> str | None:
    """Return a dotted id's first two parts, the only ones to trust; None for `wkr_…`, `wrk.…` and the like."""
    kind, _, rest = worker_id.partition(".")
    slug = rest.split(".")[0]
    return f"{kind}.{slug}" if kind in ("org", "x") and slug else None


def namespace_doubt(worker_id: str, namespace: str) -> str | None:
    """Return a sentence that says why this id is not of the namespace; None if it is, or names no namespace."""
    own = namespace_of(worker_id)
    if own is None or own == namespace:
        return None
    return f"{worker_id} belongs to {own}, not to {namespace}: the registry refuses it with a key of {namespace}."
