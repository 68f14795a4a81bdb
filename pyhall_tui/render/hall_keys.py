"""How a hall's API keys are shown: what each may do, and when it was last used."""

from pyhall_tui.registry.hall_keys import HallKey, HallKeys
from pyhall_tui.render.text import Cell, Style, clean, time_of_day, wall_of

_MOST = 100


def key_lines(shown: HallKeys | None, now_wall: float) -> list[list[Cell]]:
    """Return a heading and a line for each key; nothing if the hall doesn't show its keys."""
    if shown is None or not shown.keys:
        return []
    lines = [_line(key, now_wall) for key in sorted(shown.keys, key=lambda key: not key.yours)[:_MOST]]
    if left := len(shown.keys) - len(lines):
        lines.append([Cell(f"… and {left:,} more: hall keys list shows them all", Style.DIM)])
    return [[Cell("")], [Cell("KEYS", Style.DIM)], *lines]


def _line(key: HallKey, now_wall: float) -> list[Cell]:
    used = wall_of(key.last_used)
    last = f"last used {time_of_day(used, now_wall)}" if used else "no use noted"
    name = clean(key.label or key.key_id, 60)
    scopes = ", ".join(clean(scope, 60) for scope in key.scopes[:20]) or "all scopes"
    yours = "  this profile's key" if key.yours else ""
    return [Cell(f"{name}  "), Cell(f"{scopes} · {last}", Style.DIM), Cell(yours, Style.STRONG)]
