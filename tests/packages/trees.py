"""Package folders for tests, and an independent implementation of the contract's text, as an oracle."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pyhall_tui.packages.package_hash import HashedFile, PackageHash

DATA = Path(__file__).parents[1] / "attest" / "data"
NEVER = {".git", "__pycache__", ".DS_Store", "manifest.json", "manifest.sig", "manifest.tmp"}


def sample(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def contract_hash(root: Path) -> str:
    """The contract's paragraph, word for word: sorted pathlib paths, the left-out names, one record per file."""
    whole = hashlib.sha256()
    for path in sorted(root.rglob("*"), key=lambda found: PurePosixPath(found.relative_to(root).as_posix())):
        relative = path.relative_to(root)
        if NEVER & set(relative.parts) or path.is_dir() or path.name.endswith(".pyc"):
            continue
        content = path.read_bytes()
        record = f"{relative.as_posix()}\n{len(content)}\n{hashlib.sha256(content).hexdigest()}\n"
        whole.update(record.encode())
    return whole.hexdigest()


def go_hash(package: PackageHash) -> str:
    """The Go SDK's hash: the contract's records, sorted by the whole path."""
    return _hash_of(sorted(package.files, key=lambda file: file.path))


def typescript_hash(package: PackageHash) -> str:
    """The TypeScript SDK's hash of lowercase names: the same, without links."""
    return _hash_of(sorted((file for file in package.files if not file.link), key=lambda file: file.path))


def windows_hash(package: PackageHash) -> str:
    """The Python SDK's hash on Windows: the parts of each path are sorted without case."""
    return _hash_of(sorted(package.files, key=lambda file: file.path.lower().split("/")))


def _hash_of(files: Sequence[HashedFile]) -> str:
    records = (f"{file.path}\n{file.size}\n{file.sha256}\n" for file in files)
    return hashlib.sha256("".join(records).encode()).hexdigest()
