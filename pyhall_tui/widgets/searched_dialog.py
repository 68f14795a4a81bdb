"""A dialog that is read, with a line above the text that searches it while you type."""

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input

from pyhall_tui.widgets.dialog import Dialog, DialogScreen
from pyhall_tui.widgets.field import OneLineInput


class SearchedDialog(DialogScreen[None]):
    """Escape clears the search first. The dialog that is made composes `search_line` first, and shows what is found."""

    KEEPS_TYPED = False
    DEFAULT_CSS = "SearchedDialog #searched { dock: top; }"

    def search_line(self, placeholder: str) -> ComposeResult:
        """Make the line; `placeholder` says what it searches, and by which key."""
        yield OneLineInput(placeholder=placeholder, id="searched", compact=True)

    def show_found(self, typed: str) -> str:
        """Show what has all of the words that are typed; return what the frame says about it."""
        raise NotImplementedError

    @property
    def typed(self) -> str:
        """What is searched for; empty if nothing is."""
        return self.query_one("#searched", Input).value.strip()

    def on_mount(self) -> None:
        self.query_one(Dialog).focus()

    @on(Input.Changed, "#searched")
    def _searched(self, message: Input.Changed) -> None:
        message.stop()
        self.search_again()
        self.query_one(Dialog).scroll_home(animate=False)

    def search_again(self) -> None:
        """Show the text again, as far as it is searched for."""
        self.query_one(Dialog).border_subtitle = Content(self.show_found(self.typed))

    @on(Input.Submitted, "#searched")
    def _read_on(self) -> None:
        self.query_one(Dialog).focus()

    def action_search(self) -> None:
        self.set_focus(self.query_one("#searched", Input))

    def action_leave(self) -> None:
        """Clear the search, or close the dialog."""
        field = self.query_one("#searched", Input)
        if field.value or self.focused is field:
            field.value = ""
            self.set_focus(self.query_one(Dialog))  # at once: the next key may be on its way
        else:
            self.action_close()

    def action_close(self) -> None:
        self.dismiss(None)
