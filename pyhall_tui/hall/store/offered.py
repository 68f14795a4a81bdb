"""What a shell offers from a hall's store in a file: read beside a hall that serves it, and never written."""

from pathlib import Path

from pyhall_tui.files.names_in_database import names_in_database


def worker_ids(file: Path) -> list[str]:
    """Return the ids of all workers, in order. Raises what `names_in_database` raises."""
    return names_in_database(file, "SELECT worker_id FROM workers ORDER BY worker_id")


def key_ids(file: Path) -> list[str]:
    """Return the ids of the keys that are not revoked, the newest first."""
    return names_in_database(file, "SELECT key_id FROM keys WHERE revoked_at IS NULL ORDER BY created_at DESC")


def capabilities(file: Path) -> list[str]:
    """Return the capabilities of all workers, in order."""
    return names_in_database(file, "SELECT DISTINCT value FROM workers, json_each(capabilities) ORDER BY value")


def namespaces(file: Path) -> list[str]:
    """Return the namespaces of keys and workers, in order."""
    return names_in_database(file, "SELECT namespace FROM keys UNION SELECT namespace FROM workers ORDER BY 1")
