"""`[commands]`: what a command may say, and that one with a mistake is not kept."""

import pytest

from pyhall_tui.config import commands
from pyhall_tui.config.config import Config, read
from pyhall_tui.config.known import Known, KnownKey
from pyhall_tui.programs.command import SCREENS, VALUES, Command

KNOWN = Known(
    keys={
        "workers.sort": KnownKey(("s",), "Sort by the next column", frozenset({"WorkersScreen"})),
        "table.open": KnownKey(
            ("enter",), "Open the row", frozenset({"LineTable"}), frozenset({"WorkersScreen", "OverviewScreen"})
        ),
        "app.quit": KnownKey(("q",), "Quit at once", frozenset({"app"})),
    },
    screens={
        "workers": KnownKey((), "workers", frozenset({"WorkersScreen"}), frozenset({"app"})),
        "overview": KnownKey((), "overview", frozenset({"OverviewScreen"}), frozenset({"app"})),
    },
)
LOGS = '[commands.logs]\nkey = "ctrl+l"\nrun = ["journalctl", "-t", "$WORKER"]\n'


def one(text: str) -> Command:
    config, mistakes = read(text, KNOWN)
    assert mistakes == []
    (command,) = config.commands
    return command


def mistake(text: str) -> str:
    """Return the only mistake, and make sure that the command is not kept."""
    config, (found,) = read(text, KNOWN)
    assert config.commands == ()
    return str(found)


def test_a_command_needs_a_key_and_a_program_and_has_defaults() -> None:
    assert one(LOGS) == Command("logs", "ctrl+l", ("journalctl", "-t", "$WORKER"), "logs")


def test_all_settings_of_a_command() -> None:
    more = (
        'title = "Show logs"\nscreen = ["worker", "overview"]\neach = true\ndangerous = true\nsafe = true\n'
        "background = true\nwait = false\nseconds = 2.5\n"
    )
    assert one(LOGS + more) == Command(
        name="logs",
        key="ctrl+l",
        run=("journalctl", "-t", "$WORKER"),
        title="Show logs",
        screens=("worker", "overview"),
        each=True,
        dangerous=True,
        safe=True,
        background=True,
        wait=False,
        seconds=2.5,
    )


def test_commands_keep_the_files_order() -> None:
    two = LOGS + LOGS.replace("logs", "more").replace("ctrl+l", "ctrl+k")
    assert [command.name for command in read(two, KNOWN)[0].commands] == ["logs", "more"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "dangerus = true",
            "line 4, column 1: There is no setting of a command named dangerus. Did you mean dangerous?",
        ),
        ('dangerous = "yes"', "line 4, column 13: dangerous must be true or false."),
        ("each = 1", "line 4, column 8: each must be true or false."),
        ("title = 1", "line 4, column 9: title must be a text in quotes."),
        (
            'screen = "worker s"',
            "line 4, column 10: There is no screen with rows named worker s. Did you mean workers? "
            "There are: workers, worker, overview, activity, history, decisions.",
        ),
        ("seconds = 0", "line 4, column 11: seconds must be a number above 0, 86,400 at most."),
        ("seconds = nan", "line 4, column 11: seconds must be a number above 0, 86,400 at most."),
        (
            "each = false",
            "line 3, column 7: $WORKER differs from row to row: with each = false, the ids are on the program's "
            "standard input.",
        ),
    ],
)
def test_a_command_with_a_mistake_is_not_kept_because_it_might_do_what_nobody_wants(more: str, said: str) -> None:
    assert mistake(f"{LOGS}{more}\n") == said


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("[]", 'run must be a list of texts, a program and its arguments: ["/path/to/program"].'),
        ('"echo $WORKER"', 'run must be a list of texts, a program and its arguments: ["/path/to/program"].'),
        ('["a\\u0000b"]', 'run must be a list of texts, a program and its arguments: ["/path/to/program"].'),
        ('["$WORKER"]', "The first of run is the program: it can't come from a row."),
        ('[""]', "The first of run is the program: it can't come from a row."),
        ('["echo", "$WORKR"]', "There is no value named $WORKR. Did you mean $WORKER?"),
        (
            '["echo", "id=$WORKER"]',
            "id=$WORKER is passed on as it is: write $WORKER as an argument of its own, or --word=$WORKER.",
        ),
    ],
)
def test_what_is_run_is_a_program_and_whole_arguments(run: str, said: str) -> None:
    assert mistake(f'[commands.a]\nkey = "f6"\nrun = {run}\n') == f"line 3, column 7: {said}"


@pytest.mark.parametrize("word", ["echo $WORKER", "--id=$WORKER", "$5", "a$b", "$WORKER", "'$WORKER'"])
def test_a_script_of_a_shell_may_name_a_value_which_it_finds_in_its_environment(word: str) -> None:
    assert one(f'[commands.a]\nkey = "f6"\nrun = ["sh", "-c", "{word}"]\n').run[-1] == word


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[commands.a]\nrun = ["true"]\n', "line 1, column 1: The command has no key."),
        ('[commands.a]\nkey = "f6"\n', "line 1, column 1: The command has no run."),
        ('[commands.a]\nkey = "ctrl+foo"\nrun = ["true"]\n', "line 2, column 7: There is no key named ctrl+foo."),
        (
            '[commands.a]\nkey = "ctrl+c"\nrun = ["true"]\n',
            "line 2, column 7: ctrl+c leads out of everything, so no command can have it.",
        ),
        ('[commands."a b"]\n', "line 1, column 1: A command's name consists of up to 40 of A-Z a-z 0-9 - _."),
        ("[commands]\nlogs = 1\n", "line 2, column 8: logs must be a table."),
    ],
)
def test_what_is_missing_or_no_key_is_named(text: str, said: str) -> None:
    assert mistake(text) == said


def test_a_key_of_the_screen_is_named_as_a_mistake_and_on_another_screen_it_is_free() -> None:
    text = '[commands.a]\nkey = "s"\nrun = ["true"]\n'
    assert mistake(text) == (
        "line 2, column 7: s is also the key of workers.sort (Sort by the next column): choose another."
    )
    assert one(f'{text}screen = "overview"\n').key == "s"
    assert "the key of app.quit" in mistake(text.replace('"s"', '"q"'))
    assert "the key of table.open" in mistake('[commands.a]\nkey = "enter"\nrun = ["true"]\nscreen = "overview"\n')


def test_two_commands_on_one_key_of_a_screen_are_named_and_the_first_is_kept() -> None:
    second = LOGS.replace("[commands.logs]", "[commands.again]")
    config, (found,) = read(LOGS + second, KNOWN)
    assert str(found) == "line 5, column 7: ctrl+l is also the key of the command logs: choose another."
    assert [command.name for command in config.commands] == ["logs"]
    assert len(read(f'{LOGS}{second}screen = "overview"\n', KNOWN)[0].commands) == 2


def test_a_title_is_clean_and_short() -> None:
    title = one(f'{LOGS}title = "\\u001b[31m{"x" * 100}"\n').title
    assert title.startswith("␛[31mxxx") and len(title) == 41


def test_the_reference_names_every_setting_value_and_screen_and_changes_nothing() -> None:
    assert read("\n".join(commands.reference(KNOWN)), KNOWN) == (Config(), [])
    text = "\n".join(commands.reference(KNOWN))
    example = "\n".join(line.removeprefix("# ") for line in text.partition("# [commands.logs]")[2].splitlines())
    assert one(f"[commands.logs]{example}") == one(LOGS)
    assert all(f"${name} " in text for name in VALUES)
    assert all(screen in text for screen in SCREENS)
