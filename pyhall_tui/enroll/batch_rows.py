"""Reads a batch: JSON Lines, CSV, or a folder of packages, into rows, each with its mistakes.

A line has `display_name`, `capabilities`, and `sha256` or `package` (a folder or file, relative to the batch's own
folder); `worker_id` and `namespace` are checked if given. The field names of records are accepted too.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from pyhall_tui.attest.json_text import canonical
from pyhall_tui.attest.manifests import Code, check_manifest, secret_of_environment
from pyhall_tui.attest.records import Form, RecordUnreadable, WorkerRecord, find_records, namespace_doubt, read_record
from pyhall_tui.enroll.form_checks import check_all, split_capabilities
from pyhall_tui.files.regular_file import NotText, edited_text, read_bounded
from pyhall_tui.journal.export import as_it_was
from pyhall_tui.packages.dialects import Matched, match_dialect
from pyhall_tui.packages.package_hash import Cancelled, PackageHash, PackageUnreadable, hash_package
from pyhall_tui.paths import expanded
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.urls import spellings
from pyhall_tui.registry.models import EnrollRequest, plain_sha256

LIMIT = 64 << 20
"""Bytes that a batch's file may have."""


class BatchUnreadable(Exception):
    """The path does not contain a batch. `str()` is a sentence."""


class BatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """One worker to enroll, as described by the batch."""

    number: int
    """Its line in the file, from 1; for packages in a folder their place in alphabetical order."""
    key: str
    """The same for the same worker in every run: made of registry, namespace, name, and hash or package."""
    twin: str
    """The key by its hash: the same worker from another folder, or given by its hash. Without a package it's `key`."""
    aliases: tuple[str, ...] = ()
    """Keys that an earlier version may have given it, by the registry's other spellings (`localhost`)."""
    request: EnrollRequest
    worker_id: str | None = None
    """The id that the batch gives it, which allows looking up an unknown outcome."""
    package: str = ""
    warnings: int = 0
    """The number of things in the package that should not be there; they don't stop it."""
    mistakes: tuple[str, ...] = ()
    """Why it can't be sent, in sentences."""


class _Source(msgspec.Struct, frozen=True, kw_only=True):
    """A row before it is checked."""

    number: int
    display_name: str = ""
    capabilities: tuple[str, ...] = ()
    sha256: str = ""
    package: Path | None = None
    worker_id: str | None = None
    namespace: str | None = None
    claim: str | None = None
    """The package hash that a record in the package claims."""
    mistake: str = ""


def read_rows(
    path: Path,
    profile: Profile,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[BatchRow]:
    """Read and check a whole batch, hashing its packages. Blocks, so don't call it on the event loop.

    Args:
        on_progress: called with how many of how many rows are checked.
        cancelled: called now and then.

    Raises:
        BatchUnreadable: there is nothing to read, or its format is unknown.
        Cancelled: it was stopped on request.
    """
    sources = list(_sources(path))
    if not sources:
        raise BatchUnreadable(f"{path} contains no workers.")
    rows: list[BatchRow] = []
    seen: dict[str, int] = {}
    for done, source in enumerate(sources):
        on_progress(done, len(sources))
        row = _checked(source, profile, cancelled)
        if (first := seen.get(row.key) or seen.get(row.twin)) is not None:
            sentence = f"This is the same worker as in row {first}: it would be enrolled twice."
            row = msgspec.structs.replace(row, mistakes=(*row.mistakes, sentence))
        elif not row.mistakes:
            seen[row.key] = seen[row.twin] = row.number
        rows.append(row)
    on_progress(len(sources), len(sources))
    return rows


def _sources(path: Path) -> Iterator[_Source]:
    if path.is_dir():
        return _of_folder(path)
    try:
        text = edited_text(read_bounded(path, LIMIT))
    except NotText as error:
        raise BatchUnreadable(f"{path} cannot be read: {error}.") from None
    except OSError as error:
        raise BatchUnreadable(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    return _of_csv(text, path.parent) if path.suffix.lower() == ".csv" else _of_json_lines(text, path.parent)


def _of_json_lines(text: str, folder: Path) -> Iterator[_Source]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = read_record(line)
        except RecordUnreadable as error:
            yield _Source(number=number, mistake=str(error))
        else:
            yield _of_record(number, record, folder)


def _of_record(number: int, record: WorkerRecord, folder: Path) -> _Source:
    def text(name: str) -> str:
        value = record.fields.get(name)
        return value if isinstance(value, str) else ""

    sha256 = text("sha256") or record.package_claim or ""
    package = text("package")
    return _Source(
        number=number,
        display_name=record.display_name or record.worker_id or record.worker_species_id or "",
        capabilities=record.capabilities,
        sha256="" if package else sha256,
        package=folder / expanded(package) if package else None,
        worker_id=record.worker_id,
        namespace=text("namespace") or None,
        claim=sha256 if package else None,
    )


def _of_csv(text: str, folder: Path) -> Iterator[_Source]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    names = {name.strip().lower() for name in reader.fieldnames or () if name}
    if not {"display_name", "capabilities"} <= names:
        raise BatchUnreadable("The first line of a CSV batch names its columns: display_name, capabilities, sha256 …")
    for fields in reader:
        row: dict[str, Any] = {
            name.strip().lower(): as_it_was(value).strip()
            for name, value in fields.items()
            if name and isinstance(value, str)
        }
        if any(row.values()):
            row["capabilities"] = split_capabilities(row.get("capabilities", ""))
            yield _of_record(reader.line_num, read_record(msgspec.json.encode(row)), folder)


def _of_folder(folder: Path) -> Iterator[_Source]:
    try:
        packages = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise BatchUnreadable(f"{folder} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    for number, package in enumerate(packages, 1):
        yield _of_package(number, package)


def _of_package(number: int, package: Path) -> _Source:
    """Make one package's row from its records: each fills in what the previous ones don't say."""
    try:
        records = [read_record(path) for path in find_records(package)]
    except RecordUnreadable as error:
        return _Source(number=number, display_name=package.name, package=package, mistake=str(error))
    told = [_of_record(number, record, package) for record in records]
    claims = (plain_sha256(record.package_claim) for record in records)
    return _Source(
        number=number,
        display_name=next((one.display_name for one in told if one.display_name), package.name),
        capabilities=next((one.capabilities for one in told if one.capabilities), ()),
        package=package,
        worker_id=next((one.worker_id for one in told if one.worker_id), None),
        claim=next((claim for claim in claims if claim), None),
        mistake=next((mistake for record in records if (mistake := _signature_mistake(record))), ""),
    )


def _signature_mistake(record: WorkerRecord) -> str:
    """Return a sentence if a manifest's signature is wrong; empty if it is valid or can't be checked here."""
    if record.form is not Form.MANIFEST:
        return ""
    claim = str(record.fields.get("package_hash"))  # another check compares it with this package
    checked = check_manifest(record.fields, package_sha256=claim, secret=secret_of_environment())
    return f"{checked.sentence} ({checked.code})" if checked.code is Code.SIGNATURE_INVALID else ""


def _checked(source: _Source, profile: Profile, cancelled: Callable[[], bool]) -> BatchRow:
    sha256, mistakes, warnings = source.sha256.strip(), [source.mistake] if source.mistake else [], 0
    if source.package is not None:
        hashed = _hash(source.package, cancelled)
        if isinstance(hashed, PackageHash):
            sha256, warnings = hashed.sha256, len(hashed.warnings)
            mistakes += _claim_mistake(source.claim, hashed)
        else:
            mistakes.append(hashed)
    if not mistakes:
        mistakes += check_all(source.display_name, source.capabilities, sha256, typed=False).values()
        mistakes += _namespace_mistakes(source, profile.namespace)
    request = EnrollRequest(
        namespace=profile.namespace,
        display_name=source.display_name.strip(),
        capabilities=tuple(dict.fromkeys(source.capabilities)),
        sha256=plain_sha256(sha256) or sha256,
    )
    keys = [
        _key(url, request, source, package)
        for url in spellings(profile.registry_url)
        for package in (source.package, None)
    ]
    return BatchRow(
        number=source.number,
        key=keys[0],
        twin=keys[1],
        aliases=tuple(keys[2:]),
        request=request,
        worker_id=source.worker_id,
        package=str(source.package or ""),
        warnings=warnings,
        mistakes=tuple(mistakes),
    )


def _hash(package: Path, cancelled: Callable[[], bool]) -> PackageHash | str:
    """Hash a package, or return why that is impossible."""
    if cancelled():
        raise Cancelled
    try:
        return hash_package(package, cancelled=cancelled)
    except PackageUnreadable as error:
        return str(error)


def _claim_mistake(claim: str | None, package: PackageHash) -> list[str]:
    told = plain_sha256(claim)
    match = match_dialect(package, told) if told else None
    if told is None or match is None or (match.matched is not Matched.DIFFERS and not match.uncovered):
        return []  # the same content, possibly hashed in another SDK's order
    return [f"Its record says {told[:12]}…, the package is {package.sha256[:12]}… ({Code.HASH_MISMATCH})."]


def _namespace_mistakes(source: _Source, namespace: str) -> list[str]:
    if source.namespace is not None and source.namespace != namespace:
        return [f"It is for {source.namespace}, the profile is for {namespace}."]
    doubt = namespace_doubt(source.worker_id, namespace) if source.worker_id else None
    return [doubt] if doubt else []


def _key(url: str, request: EnrollRequest, source: _Source, package: Path | None) -> str:
    """Return a row's key. A package's path replaces its hash: a package that changes is still the same worker."""
    if source.mistake:
        return f"{source.number}: unreadable"
    of = str(package.resolve()) if package is not None else request.sha256
    told = {"url": url, "namespace": request.namespace, "name": request.display_name, "of": of}
    return hashlib.sha256(canonical(told)).hexdigest()
