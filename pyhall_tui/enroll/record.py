"""Fills the form from a record, and makes a record from the form."""

from pathlib import Path
from typing import Any

from pyhall_tui.attest.controls import Level, check_controls
from pyhall_tui.attest.records import FILE_NAMES, RecordUnreadable, WorkerRecord, as_registry_record, find_records
from pyhall_tui.attest.records import read_record as read_one
from pyhall_tui.enroll.draft import Draft
from pyhall_tui.registry.models import plain_sha256


def read_record_at(path: Path) -> tuple[WorkerRecord, Path]:
    """Read a record by its own path or by its package's folder; return it and its file.

    Raises:
        RecordUnreadable: there is no record, or it is not one.
    """
    if not path.is_dir():
        return read_one(path), path
    found = find_records(path)
    if not found:
        raise RecordUnreadable(f"{path} contains no record: none of {', '.join(FILE_NAMES)} is there.")
    return read_one(found[0]), found[0]


def fill_from_record(draft: Draft, record: WorkerRecord, source: str) -> None:
    """Copy what a record says to the form; everything else stays as it is.

    A hash that was computed here stays too: the record's claim is compared with it.
    """
    draft.record, draft.record_source = record.fields, source
    name = record.display_name or record.worker_id or record.worker_species_id
    draft.display_name = name or draft.display_name
    draft.capabilities = list(dict.fromkeys(record.capabilities)) or draft.capabilities
    if record.package_sha256 and draft.package is None:
        draft.sha256 = record.package_sha256


def record_of(draft: Draft, record: WorkerRecord | None, worker_id: str | None) -> dict[str, Any]:
    """Return the record to write: the one that was read, including unknown fields, updated from the form."""
    fields = as_registry_record(record) if record is not None else {}
    told: dict[str, Any] = {"worker_id": worker_id or fields.get("worker_id")}
    told |= {"display_name": draft.display_name.strip(), "capabilities": list(draft.capabilities)}
    sha256 = plain_sha256(draft.sha256)
    if sha256 is not None:
        before = fields.get("attestation")
        attestation = dict(before) if isinstance(before, dict) else {}
        told["attestation"] = attestation | {"code_hash": sha256, "hash_method": "sha256"}
    return fields | {name: value for name, value in told.items() if value}


def lacks_for_next_level(fields: dict[str, Any]) -> str:
    """Return what a record lacks for the next level; empty at the top.

    `artifact_hash` is added when the record is written, so it counts as present.
    """
    compliance = check_controls(fields | {"artifact_hash": "sha256:"})
    if not compliance.missing_for_next:
        return ""
    return f"For {Level(compliance.achieved + 1).title} it lacks: {', '.join(compliance.missing_for_next)}."
