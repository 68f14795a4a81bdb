"""Compares a record or manifest with the form: what matches, what is unproven, what stops the enrollment."""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from pyhall_tui.attest.controls import Level, check_controls
from pyhall_tui.attest.manifests import SECRET_VARIABLE, Code, check_manifest
from pyhall_tui.attest.records import Form, WorkerRecord, artifact_hash_holds, namespace_doubt, namespace_of
from pyhall_tui.packages.dialects import Matched, match_dialect
from pyhall_tui.packages.package_hash import PackageHash
from pyhall_tui.registry.models import plain_sha256

_NAMED = 5
"""How many unknown fields are named; the others are counted."""


class RecordStanding(StrEnum):
    """The result of one check."""

    HOLDS = "holds"
    UNPROVEN = "unproven"
    """Nothing contradicts it, and nothing proves it."""
    WRONG = "wrong"
    STOPS = "stops"
    """Wrong, and so serious that the enrollment stops until the operator explicitly overrides it."""


class RecordCheck(msgspec.Struct, frozen=True):
    """One line of the results of checking a record."""

    standing: RecordStanding
    text: str


def check_record(
    record: WorkerRecord,
    *,
    namespace: str,
    sha256: str,
    package: str,
    listing: PackageHash | None,
    secret: str | None,
) -> list[RecordCheck]:
    """Check a record against what is about to be enrolled.

    Args:
        sha256: the hash on the form.
        package: the path that the hash was computed from; empty if it was typed or taken from the record.
        listing: the package's files, if known, to distinguish another SDK's order from different content.
        secret: what signs manifests, if it is set.
    """
    bare = plain_sha256(sha256)
    return [
        *_of_worker(record, namespace),
        *_of_package(record, bare, package, listing),
        *(_of_signature(record, secret) if record.form is Form.MANIFEST else ()),
        *_of_artifact_hash(record, bare),
        *(RecordCheck(RecordStanding.UNPROVEN, doubt) for doubt in record.doubts),
        *_of_unknown_fields(record),
        *_of_controls(record),
    ]


def _of_worker(record: WorkerRecord, namespace: str) -> Iterator[RecordCheck]:
    if record.worker_id is None:
        return
    if doubt := namespace_doubt(record.worker_id, namespace):
        yield RecordCheck(RecordStanding.WRONG, doubt)
    elif own := namespace_of(record.worker_id):
        yield RecordCheck(RecordStanding.HOLDS, f"{record.worker_id} belongs to {own}.")
    else:
        yield RecordCheck(RecordStanding.UNPROVEN, f"{record.worker_id} names no namespace.")


def _of_package(
    record: WorkerRecord, bare: str | None, package: str, listing: PackageHash | None
) -> Iterator[RecordCheck]:
    claim = record.package_sha256
    if claim is None:
        return
    what = "package_hash" if record.form is Form.MANIFEST else "code_hash"
    if not package:
        yield RecordCheck(
            RecordStanding.UNPROVEN,
            f"Its {what} was not compared with a folder: compute the package's hash to check it.",
        )
    elif claim == bare:
        yield RecordCheck(RecordStanding.HOLDS, f"Its {what} is that of {package}.")
    else:
        yield _differing(what, claim, package, listing)


def _differing(what: str, claim: str, package: str, listing: PackageHash | None) -> RecordCheck:
    match = match_dialect(listing, claim) if listing is not None else None
    if match is not None and match.matched is Matched.OTHER_ORDER:
        left = f", which leaves out {len(match.uncovered):,} of its files" if match.uncovered else ""
        return RecordCheck(
            RecordStanding.WRONG,
            f"Its {what} is of the same content, hashed in {match.whose} order{left}: neither a match nor a mismatch."
            " The hash on this form is what is sent.",
        )
    code = f" ({Code.HASH_MISMATCH})" if what == "package_hash" else ""
    return RecordCheck(RecordStanding.STOPS, f"Its {what} is {claim[:12]}…, not that of {package}{code}.")


def _of_signature(record: WorkerRecord, secret: str | None) -> Iterator[RecordCheck]:
    # Against its own claim, because the folder's hash has its own line.
    checked = check_manifest(record.fields, package_sha256=str(record.fields.get("package_hash")), secret=secret)
    if checked.code is None:
        yield RecordCheck(RecordStanding.HOLDS, "Its signature is valid.")
    elif checked.code is Code.SIGNATURE_INVALID:
        yield RecordCheck(RecordStanding.STOPS, f"{checked.sentence} ({checked.code})")
    else:
        reason = "it has none" if not record.fields.get("signature_hmac_sha256") else f"{SECRET_VARIABLE} is not set"
        yield RecordCheck(RecordStanding.UNPROVEN, f"Its signature was not checked: {reason}.")
    if checked.unproven:
        yield RecordCheck(RecordStanding.UNPROVEN, f"Nothing proves its {', '.join(checked.unproven)}.")


def _of_artifact_hash(record: WorkerRecord, bare: str | None) -> Iterator[RecordCheck]:
    if bare is not None and plain_sha256(record.fields.get("artifact_hash")) == bare:
        yield RecordCheck(
            RecordStanding.STOPS, "The hash on the form is the record's own artifact_hash, not the package's."
        )
    if artifact_hash_holds(record.fields):
        yield RecordCheck(RecordStanding.HOLDS, "Its artifact_hash is its own (the record's, never the package's).")


def _of_unknown_fields(record: WorkerRecord) -> Iterator[RecordCheck]:
    if record.unknown:
        names = ", ".join(list(record.unknown)[:_NAMED])
        more = f" and {len(record.unknown) - _NAMED:,} more" if len(record.unknown) > _NAMED else ""
        yield RecordCheck(RecordStanding.HOLDS, f"Fields that no dialect knows are kept: {names}{more}.")


def _of_controls(record: WorkerRecord) -> Iterator[RecordCheck]:
    compliance = check_controls(record.fields)
    achieved = compliance.achieved
    if achieved is not Level.NONE:
        yield RecordCheck(RecordStanding.HOLDS, f"It meets {achieved.title}.")
    if compliance.missing_for_next:
        other_names = {"capabilities": record.capabilities, "worker_species_id": record.worker_species_id}
        missing = ", ".join(
            f"{one} (under that name)" if other_names.get(one) else one for one in compliance.missing_for_next
        )
        yield RecordCheck(RecordStanding.UNPROVEN, f"For {Level(achieved + 1).title} it lacks: {missing}.")
