"""The manual's texts are true: each command, option, key, topic and example in them exists and works."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from markdown_it import MarkdownIt

from pyhall_tui.alarms.alarm import CONDITIONS
from pyhall_tui.alarms.rules import rules_from
from pyhall_tui.command_line import pyhall_tui as cli
from pyhall_tui.config.config import read as read_config
from pyhall_tui.config.key_names import character_of
from pyhall_tui.hall.policy import parse
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.shell.known import known
from pyhall_tui.topics.blocks import Kind, Look, NotATopic, Span, read
from pyhall_tui.topics.topics import TOPICS, text_of

FOLDER = Path(__file__).parents[2] / "pyhall_tui" / "topics"
WIDEST_CODE = 76
"""Characters of a line of code: with its indent, it fits into 80 columns."""


def spans() -> Iterator[tuple[str, Span]]:
    for name in TOPICS:
        for block in read(text_of(name)):
            yield from ((name, span) for span in block.spans)


def code() -> Iterator[tuple[str, str]]:
    """Yield each piece of code with its topic, commands over several lines as one."""
    for name, span in spans():
        if span.look is Look.CODE:
            for line in re.sub(r"(\\|\|)\n\s*", r"\1 " if "|" in span.text else " ", span.text).split("\n"):
                yield name, line


def commands() -> list[tuple[str, str]]:
    return [(name, line) for name, line in code() if line.startswith("pyhall-tui ")]


def fences(language: str) -> list[tuple[str, str]]:
    """Return the code blocks in a language, each with its topic."""
    return [
        (name, token.content)
        for name in TOPICS
        for token in MarkdownIt("commonmark").parse(text_of(name))
        if token.type == "fence" and token.info == language
    ]


def followed(line: str) -> tuple[click.Command, list[str]]:
    """Return the command that a line runs, and its other words."""
    words = shlex.split(line.partition("|")[0].replace("\\ ", " "), comments=True)[1:]
    found: click.Command = cli
    context = click.Context(cli)
    while isinstance(found, click.Group):
        while words and words[0] in ("--profile", "--no-mouse", "--help"):
            words = words[2:] if words[0] == "--profile" else words[1:]
        if not words or words[0].isupper():
            break
        name = words.pop(0)
        inner = found.get_command(context, name)
        assert inner is not None, f"there is no command {name}: {line}"
        found = inner
    return found, words


def test_there_is_a_file_for_each_topic_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(TOPICS)


@pytest.mark.parametrize("name", TOPICS)
def test_a_topic_begins_with_its_title_and_has_one(name: str) -> None:
    blocks = read(text_of(name))
    assert [block.kind is Kind.TITLE for block in blocks] == [True, *[False] * (len(blocks) - 1)]


def test_something_that_topics_do_not_use_is_refused() -> None:
    with pytest.raises(NotATopic):
        read("*emphasis*")


@pytest.mark.parametrize(("name", "line"), commands())
def test_each_command_and_its_options_exist(name: str, line: str) -> None:
    command, words = followed(line)
    options = {opt for param in command.params for opt in param.opts} | {"--help"}
    assert [word for word in words if word.startswith("--") and word not in options] == []
    if command.name == "help" and words and not words[0].isupper():
        assert words[0] in TOPICS


def test_each_option_named_by_itself_is_one_of_a_command() -> None:
    def all_options(command: click.Command) -> set[str]:
        inner = command.list_commands(click.Context(command)) if isinstance(command, click.Group) else []
        own = {opt for param in command.params for opt in param.opts}
        return own.union(*(all_options(command.get_command(click.Context(command), each)) for each in inner))

    known_options = all_options(cli) | {"--help"}
    named = {text.split()[0] for _, text in code() if text.startswith("--") and "=" not in text.split()[0]}
    assert len(named) > 10
    assert {option for option in named if option not in known_options} == set()


def test_each_key_is_the_default_of_its_action() -> None:
    keys = known().keys
    named = [(name, span) for name, span in spans() if span.action and not span.action.startswith("http")]
    assert len(named) > 20
    for name, span in named:
        assert span.action in keys, f"{name}: there is no action {span.action}"
        default = [(character_of(key) or key).replace(" ", "space") for key in keys[span.action].keys]
        assert span.text in default, f"{name}: {span.action} has {default}"


def test_code_fits_into_eighty_columns() -> None:
    blocks = [block for name in TOPICS for block in read(text_of(name)) if block.kind is Kind.CODE]
    lines = [line for block in blocks for line in block.spans[0].text.split("\n")]
    assert lines and [line for line in lines if len(line) > WIDEST_CODE] == []


def test_the_examples_of_config_toml_have_no_mistakes() -> None:
    examples = fences("toml config.toml")
    assert examples
    for name, text in examples:
        assert read_config(text, known())[1] == [], name


def test_the_examples_of_profiles_toml_can_be_read(tmp_path: Path) -> None:
    examples = fences("toml profiles.toml")
    assert len(examples) > 1
    for name, text in examples:
        file = tmp_path / f"{name}.toml"
        file.write_text(text)
        store = ProfileStore(file)
        profiles = store.load()
        assert profiles.profiles
        rules = store.table_in(profiles.profiles[0].name, "alarms").value
        assert not rules_from(rules or {})[1], name


def test_every_kind_of_alarm_is_listed() -> None:
    text = text_of("alarms")
    assert [kind for kind in CONDITIONS if f"`{kind}`" not in text] == []


def test_the_examples_of_a_policy_can_be_read() -> None:
    examples = fences("toml policy.toml")
    assert examples
    for name, text in examples:
        assert parse(text, name).rule


def test_the_examples_in_python_compile() -> None:
    for name, text in fences("python"):
        compile(text, name, "exec")
