"""What you have typed into the enrollment form and not sent yet, in a form that survives a restart."""

from pathlib import Path
from typing import Any, Self

import msgspec

from pyhall_tui.packages.package_hash import PackageHash, PackageKind
from pyhall_tui.registry.models import plain_sha256

FORM = "enroll"
"""The form's name among the drafts."""


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """What a hash was computed from; the list of its files does not survive a restart."""

    path: str
    sha256: str
    kind: PackageKind
    files: int
    bytes_total: int
    left_out: int
    warnings: int

    @classmethod
    def of(cls, path: str, package: PackageHash) -> Self:
        """Summarize a package that was just hashed."""
        return cls(
            path=path,
            sha256=package.sha256,
            kind=package.kind,
            files=len(package.files),
            bytes_total=package.bytes_total,
            left_out=len(package.left_out),
            warnings=len(package.warnings),
        )


class Unsettled(msgspec.Struct, frozen=True, kw_only=True):
    """An enrollment that was sent and whose answer is unknown: the registry may have acted on it."""

    display_name: str
    sha256: str
    at: float
    """Wall time of the send."""
    correlation_id: str


class Draft(msgspec.Struct, kw_only=True):
    """The form's current content. Texts are as typed: nothing is corrected here."""

    display_name: str = ""
    capabilities: list[str] = []
    typed_capability: str = ""
    """What is in the capability's input and not on the list yet."""
    sha256: str = ""
    package: Package | None = None
    """What the hash was computed from; None if it was typed."""
    record: dict[str, Any] | None = None
    """The fields of the record or manifest that the form was filled from."""
    record_source: str = ""
    """Where that record was read from."""
    focus: str = ""
    """The id of the widget that has, or last had, the focus."""
    cursor: int = 0
    """The cursor's position in that widget, if it is an input."""
    unsettled: list[Unsettled] = []
    """Sends whose answer is unknown, the newest last. Before a similar send, you are asked."""

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        """Return the saved draft; an empty one if another version saved something else."""
        try:
            return msgspec.convert(values, cls)
        except msgspec.ValidationError:
            return cls()

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for saving."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        return values

    @property
    def is_empty(self) -> bool:
        """Whether nothing is typed."""
        typed = self.display_name or self.capabilities or self.typed_capability or self.sha256
        return not typed and self.record is None

    @property
    def package_is_of_record(self) -> bool:
        """Whether the hash was computed from the same folder that contains the record."""
        return self.package is not None and Path(self.package.path) == Path(self.record_source).parent

    def like_unsettled(self) -> Unsettled | None:
        """Return a send with an unknown answer that was about the same package or name."""
        sha256 = plain_sha256(self.sha256)
        for sent in reversed(self.unsettled):
            if sent.sha256 == sha256 or sent.display_name == self.display_name.strip():
                return sent
        return None
