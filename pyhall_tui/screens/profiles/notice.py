"""What is shown above the profiles: what is wrong, and what you can do without a profile."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from pyhall_tui.profiles.edited_profiles import EditedProfiles
from pyhall_tui.profiles.environment import EnvironmentMistake, overridden
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.render.profile import override_line
from pyhall_tui.render.text import clean
from pyhall_tui.screens.messages import OpenDemo, OpenProfile
from pyhall_tui.widgets.cells import as_content
from pyhall_tui.widgets.key_bar import key_name

_WELCOME = (
    "Welcome. A profile says which registry and namespace to watch, and with which API key. Fill in the form, "
    "test it ({test}) and save it ({save}): it opens at once."
)


class Notice(Vertical):
    """A sentence, the demo, reading the file again, the environment; and which variables override the profiles."""

    DEFAULT_CSS = """
    Notice {
        height: auto;
        #problem { width: 1fr; height: auto; padding: 0 1; margin: 1 0 0 0; }
        #problem.-mistake { color: $text-error; }
        #ways { height: auto; margin: 1 0; padding: 0 1; }
        #ways > Button { margin-right: 2; }
        #ways.-many { layout: vertical; }  /* side by side, they are wider than 80 columns */
        #overrides { width: 1fr; height: auto; padding: 0 1; }
    }
    .-short Notice #problem, .-short Notice #ways { margin: 0; }
    """

    class ReadAgain(Message):
        """Read the file again, because somebody corrected it."""

    class Begin(Message):
        """The file is empty or gone: start a new one."""

    def compose(self) -> ComposeResult:
        yield Static(id="problem", markup=False)
        with Horizontal(id="ways"):
            yield Button("Try the demo (no account needed)", id="demo", variant="primary")
            yield Button("Read the file again", id="reread")
            yield Button("Start an empty list", id="begin")
            yield Button("Open from the environment", id="environment")
        yield Static(id="overrides", markup=False)

    def _welcome(self) -> str:
        test, save = key_name(self, "profiles.test", "^g"), key_name(self, "profiles.save", "^s")
        return _WELCOME.format(test=test, save=save)

    def show(self, edited: EditedProfiles, problem: str | None, *, has_workspace: bool) -> None:
        """Show what there is to say and to do.

        Args:
            edited: what the file holds, or why it cannot be used.
            problem: why no profile is open.
            has_workspace: a profile, or the demo, is open.
        """
        problem = edited.mistake or problem
        said = problem or (self._welcome() if not edited.profiles.profiles and not has_workspace else "")
        sentence = self.query_one("#problem", Static)
        sentence.display = bool(said)
        sentence.set_class(bool(problem), "-mistake")
        sentence.update(Content(clean(said)))
        overrides = override_line()
        self.query_one("#demo").display = not has_workspace
        self.query_one("#reread").display = edited.mistake is not None
        self.query_one("#begin").display = edited.is_lost
        self.query_one("#environment").display = not has_workspace and environment_alone() is not None
        self.query_one("#ways").display = edited.mistake is not None or not has_workspace
        many = sum(button.display for button in self.query(Button)) > 2
        self.query_one("#ways").set_class(many, "-many")
        for button in self.query(Button):
            button.compact = many
        self.query_one("#overrides").display = overrides is not None
        if overrides is not None:
            self.query_one("#overrides", Static).update(as_content([overrides]))

    @on(Button.Pressed)
    def _go(self, message: Button.Pressed) -> None:
        message.stop()
        name = environment_alone()
        if message.button.id == "demo":
            self.post_message(OpenDemo())
        elif message.button.id == "reread":
            self.post_message(self.ReadAgain())
        elif message.button.id == "begin":
            self.post_message(self.Begin())
        elif name is not None:
            self.post_message(OpenProfile(name.name))


def environment_alone() -> Profile | None:
    """Return the profile that only the environment makes, or None."""
    try:
        return overridden(None)
    except EnvironmentMistake:
        return None
