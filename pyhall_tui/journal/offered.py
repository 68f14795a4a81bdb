"""What a shell offers from the journal: read beside a running app, and never written."""

from pathlib import Path

from pyhall_tui.files.names_in_database import names_in_database


def capabilities(file: Path, profile: str) -> list[str]:
    """Return the capabilities of the profile's workers, by their last verdicts, in order. Raises as it does."""
    statement = (
        "SELECT DISTINCT value FROM (SELECT CAST(verdict AS TEXT) AS said FROM verdicts WHERE profile = ?), "
        "json_each(CASE WHEN json_valid(said) THEN said ELSE '{}' END, '$.capabilities') ORDER BY value"
    )
    return names_in_database(file, statement, profile)


def firing_alarms(file: Path, profile: str) -> list[str]:
    """Return the ids of the profile's firing alarms that nobody has acknowledged, the newest first."""
    statement = (
        "SELECT id FROM alarms WHERE profile = ? AND resolved_at IS NULL AND acknowledged_at IS NULL "
        "ORDER BY fired_at DESC"
    )
    return names_in_database(file, statement, profile)


def silences(file: Path, profile: str) -> list[str]:
    """Return the ids of the profile's silences that nobody has ended, the newest first."""
    statement = "SELECT id FROM silences WHERE profile = ? AND ended_at IS NULL ORDER BY began_at DESC"
    return names_in_database(file, statement, profile)
