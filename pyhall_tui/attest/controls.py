"""Which of WCP's levels (Basic, Standard, Full) a worker's record meets, and what is missing for the next.

The criteria are those of the ecosystem's own check (`pyhall-wcp`, `check_worker_compliance`), applied to the field
names that it reads. Another dialect's name for a field does not count there, so it does not count here.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

import msgspec


class Level(IntEnum):
    """A level includes those below it."""

    NONE = 0
    BASIC = 1
    STANDARD = 2
    FULL = 3

    @property
    def title(self) -> str:
        """The level's name in the field."""
        return "none" if self is Level.NONE else f"WCP-{self.name.capitalize()}"


class Criterion(msgspec.Struct, frozen=True):
    """One criterion of a level, and whether the record meets it."""

    level: Level
    label: str
    met: bool


class Compliance(msgspec.Struct, frozen=True, kw_only=True):
    """Which criteria a record meets."""

    achieved: Level
    criteria: tuple[Criterion, ...]

    @property
    def missing_for_next(self) -> tuple[str, ...]:
        """What the record lacks for the level above its own; empty at the top."""
        return tuple(one.label for one in self.criteria if one.level == self.achieved + 1 and not one.met)


_BLAST = ("data", "network", "financial", "time", "reversibility")


def check_controls(fields: Mapping[str, Any]) -> Compliance:
    """Check a record's fields (`WorkerRecord.fields`) against the three levels."""
    declared = [*_texts(fields.get("required_controls")), *_texts(fields.get("currently_implements"))]
    blast, envelope = fields.get("blast_radius"), fields.get("privilege_envelope")
    evidence = bool(fields.get("artifact_hash")) or _names(declared, "artifact_hash", "evidence_receipt")
    criteria = (
        *_present(fields, Level.BASIC, ("worker_id", "worker_species_id", "capabilities", "risk_tier")),
        *_present(fields, Level.STANDARD, ("required_controls", "currently_implements", "allowed_environments")),
        Criterion(Level.STANDARD, "ctrl.obs.audit_log_append_only", _names(declared, "audit_log", "ctrl_audit")),
        Criterion(Level.STANDARD, "ctrl.pol.default_deny", _names(declared, "default_deny", "deny_default")),
        Criterion(
            Level.FULL,
            f"blast_radius with {', '.join(_BLAST)}",
            isinstance(blast, Mapping) and all(name in blast for name in _BLAST),
        ),
        Criterion(Level.FULL, "privilege_envelope", isinstance(envelope, Mapping) and bool(envelope)),
        *_present(fields, Level.FULL, ("idempotency",)),
        Criterion(Level.FULL, "artifact_hash, or a control for evidence receipts", evidence),
    )
    achieved = Level.NONE
    for level in (Level.BASIC, Level.STANDARD, Level.FULL):
        if not all(one.met for one in criteria if one.level == level):
            break
        achieved = level
    return Compliance(achieved=achieved, criteria=criteria)


def _present(fields: Mapping[str, Any], level: Level, names: Iterable[str]) -> Iterable[Criterion]:
    return [Criterion(level, name, bool(fields.get(name))) for name in names]


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _names(controls: Iterable[str], *fragments: str) -> bool:
    """Whether a control contains one of the fragments. Dashes, dots and underscores count as the same."""
    alike = [control.lower().replace("-", "_").replace(".", "_") for control in controls]
    return any(fragment in control for control in alike for fragment in fragments)
