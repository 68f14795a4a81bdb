"""`pyhall-tui hall …`: run the embedded hall alone, and change what it knows."""

from pyhall_tui.commands.hall import change, keep, keys, policy, serve
from pyhall_tui.commands.hall.group import hall_group

__all__ = ["change", "hall_group", "keep", "keys", "policy", "serve"]
