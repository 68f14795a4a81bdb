"""`pyhall-tui hall …`: run only the embedded hall, and change its store."""

from pyhall_tui.commands.hall import audit, change, export_import, keys, policy, serve, status
from pyhall_tui.commands.hall.group import hall_group

__all__ = ["audit", "change", "export_import", "hall_group", "keys", "policy", "serve", "status"]
