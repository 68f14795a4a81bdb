"""The dialog for picking a package: a folder or a file, from the tree or by a typed path."""

from pathlib import Path
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Button, DirectoryTree, Input, Static
from textual.widgets.directory_tree import DirEntry
from textual.widgets.tree import TreeNode

from pyhall_tui.files.given_path import given_path
from pyhall_tui.paths import expanded
from pyhall_tui.render.text import clean
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.dialog import Buttons, Dialog, DialogScreen
from pyhall_tui.widgets.field import OneLineInput


class PackageTree(DirectoryTree):
    """A tree of files with cleaned names, because a file's name is foreign text too."""

    ICON_NODE_EXPANDED = "▾ "
    ICON_NODE = "▸ "
    ICON_FILE = "  "

    def render_label(self, node: TreeNode[DirEntry], base_style: Style, style: Style) -> Text:
        label = super().render_label(node, base_style, style)
        label.plain = clean(label.plain)
        return label


class FolderSuggester(Suggester):
    """Completes a typed path with existing files."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return await off_loop(lambda: _complete(value), name="complete") if value else None


def _complete(value: str) -> str | None:
    typed = expanded(value)
    folder, begun = (typed, "") if value.endswith("/") else (typed.parent, typed.name)
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.name.startswith(begun))
    except OSError:
        return None
    return value[: len(value) - len(begun)] + names[0] if names and (begun or len(names) == 1) else None


class PickPackageScreen(DialogScreen[Path]):
    """Returns the path that was picked, or None if the dialog was cancelled."""

    GOES_ON_TYPING = True
    BINDING_GROUP_TITLE = "Pick a package"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "take", "Take it", id="pick.take", tooltip="Use the path above"),
    ]
    DEFAULT_CSS = """
    PickPackageScreen {
        Dialog { width: 90; height: 80%; padding: 0 1; }
        #path { margin-bottom: 1; }
        PackageTree { height: 1fr; background: $surface; }
        #found { height: auto; color: $text-muted; }
    }
    """

    def __init__(self, title: str, take: str, start: Path, *, new: bool = False) -> None:
        """Make the dialog. The tree starts at the folder of `start`.

        Args:
            take: the button's label, which says what the path is for.
            new: the path may be a new file in an existing folder.
        """
        super().__init__()
        self._dialog_title, self._take, self._new = title, take, new
        self._start = start

    def compose(self) -> ComposeResult:
        root = self._start if self._start.is_dir() else self._start.parent
        with Dialog(self._dialog_title, "esc closes"):
            yield OneLineInput(str(self._start), suggester=FolderSuggester(), id="path", compact=True)
            yield PackageTree(root)
            yield Static(id="found", markup=False)
            with Buttons():
                yield Button("Up", id="up", compact=True)
                yield Button("Cancel", id="leave", compact=True)
                yield Button(self._take, id="take", variant="primary", compact=True)

    @on(DirectoryTree.NodeHighlighted)
    def _point_at(self, message: DirectoryTree.NodeHighlighted[DirEntry]) -> None:
        if message.node.data is not None and self.query_one(PackageTree).has_focus:
            self._path_input.value = str(message.node.data.path)

    @on(DirectoryTree.FileSelected)
    def _take_file(self, message: DirectoryTree.FileSelected) -> None:
        self._path_input.value = str(message.path)
        self.action_take()

    @on(Button.Pressed, "#up")
    def _go_up(self) -> None:
        tree = self.query_one(PackageTree)
        tree.path = Path(tree.path).resolve().parent
        self._path_input.value = str(tree.path)

    @on(Input.Submitted, "#path")
    @on(Button.Pressed, "#take")
    def action_take(self) -> None:
        path = given_path(self._path_input.value)
        if self._path_input.value.strip() and (path.exists() or (self._new and path.parent.is_dir())):
            self.dismiss(path)
        else:
            self.query_one("#found", Static).update(f"✖ There is no {clean(path) if path.name else 'path'}.")

    @property
    def _path_input(self) -> OneLineInput:
        return self.query_one("#path", OneLineInput)
