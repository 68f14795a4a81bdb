"""The keys of the current screen, from its bindings."""

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from pyhall_tui.widgets.dialog import Dialog, DialogScreen


class KeysScreen(DialogScreen[None]):
    """Lists keys, grouped by where they work; those that work everywhere come last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,q,enter", "leave", "Close", id="keys.close", tooltip="Close this list"),
    ]
    DEFAULT_CSS = "KeysScreen Dialog { width: 64; }"

    def __init__(self, bindings: Mapping[str, ActiveBinding]) -> None:
        super().__init__()
        self._active = bindings

    def compose(self) -> ComposeResult:
        with Dialog("Keys", "esc closes", read=True):
            yield Static(self._listing())

    def _listing(self) -> Content:
        groups: dict[str, dict[str, list[str]]] = {}
        for active in sorted(self._active.values(), key=lambda active: active.node is self.app):
            binding = active.binding
            if not binding.tooltip or binding.system:
                continue
            title = active.node.BINDING_GROUP_TITLE or "Here"
            keys = groups.setdefault(title, {}).setdefault(binding.tooltip, [])
            keys.append(self.app.get_key_display(binding))
        lines = []
        everywhere = self.app.BINDING_GROUP_TITLE
        for title, entries in sorted(groups.items(), key=lambda group: group[0] == everywhere):  # of this screen first
            lines.append(Content.styled(title.upper(), "$secondary bold"))
            for tooltip, keys in entries.items():
                lines.append(Content.assemble((" ".join(keys).ljust(16), "$text-accent"), tooltip))
            lines.append(Content(""))
        return Content("\n").join(lines[:-1])
