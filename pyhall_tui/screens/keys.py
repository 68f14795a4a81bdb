"""The keys of the screen one is on, written from its bindings."""

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static


class KeysScreen(ModalScreen[None]):
    """Lists keys in the groups of where they work."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "Close", id="keys.close", tooltip="Close this list"),
    ]
    DEFAULT_CSS = """
    KeysScreen {
        align: center middle;
        & > VerticalScroll {
            width: 64; max-width: 96%; height: auto; max-height: 90%; padding: 1 2;
            border: round $primary; background: $surface; border-title-color: $text; border-subtitle-color: $secondary;
        }
        Static { width: 1fr; height: auto; }
    }
    """

    def __init__(self, bindings: Mapping[str, ActiveBinding]) -> None:
        super().__init__()
        self._active = bindings

    def compose(self) -> ComposeResult:
        with VerticalScroll() as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = "esc closes"
            yield Static(self._listing())

    def _listing(self) -> Content:
        groups: dict[str, dict[str, list[str]]] = {}
        for active in self._active.values():
            binding = active.binding
            if not binding.tooltip or binding.system:
                continue
            title = active.node.BINDING_GROUP_TITLE or "Here"
            keys = groups.setdefault(title, {}).setdefault(binding.tooltip, [])
            keys.append(self.app.get_key_display(binding))
        lines = []
        for title, entries in groups.items():
            lines.append(Content.styled(title.upper(), "$secondary bold"))
            for tooltip, keys in entries.items():
                lines.append(Content.assemble((" ".join(keys).ljust(16), "$text-accent"), tooltip))
            lines.append(Content(""))
        return Content("\n").join(lines[:-1])
