"""`pyhall-tui hall …`: run only the embedded hall, and change its store."""

from pyhall_tui.commands.hall import change, keep, keys, policy, serve
from pyhall_tui.commands.hall.group import hall_group

__all__ = ["change", "hall_group", "keep", "keys", "policy", "serve"]
