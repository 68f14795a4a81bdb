"""`pyhall-tui config`: where the file is, what is wrong in it, and what can be in it."""

from functools import partial
from pathlib import Path

import pytest

from pyhall_tui.config.config import Config, read, reference
from pyhall_tui.shell.known import known
from pyhall_tui.shell.theme import DARK
from tests.commands import asking

run_here = partial(asking.run_here, url="", key="")
run_program = partial(asking.run_program, url="", key="")


def write(folder: Path, text: str) -> Path:
    (folder / "config").mkdir(exist_ok=True)
    file = folder / "config" / "config.toml"
    file.write_text(text)
    return file


def test_path_prints_the_path_whether_the_file_exists_or_not(tmp_path: Path) -> None:
    done = run_here(tmp_path, "config", "path")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'config' / 'config.toml'}\n")


def test_check_prints_each_mistake_with_its_place(tmp_path: Path) -> None:
    file = write(tmp_path, '[keys]\nworkers.sort = "f99"\n\n[theme]\nname = "nrod"\n')
    done = run_here(tmp_path, "config", "check")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{file}:2:16: There is no key named f99. Did you mean f9?",
        f"{file}:5:8: There is no theme named nrod. Did you mean nord?",
    ]


def test_check_finds_nothing_in_a_right_file_and_without_one(tmp_path: Path) -> None:
    assert run_here(tmp_path, "config", "check").returncode == 0
    write(tmp_path, '[keys]\nworkers.sort = "f6"\n')
    done = run_here(tmp_path, "config", "check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_check_takes_another_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[keys")
    done = run_here(tmp_path, "config", "check", str(tmp_path / "mine.toml"))
    assert done.returncode == 1 and f"{tmp_path / 'mine.toml'}:1:6: This is not TOML:" in done.stdout


def test_check_is_two_if_the_file_can_not_be_read(tmp_path: Path) -> None:
    write(tmp_path, "").unlink()
    (tmp_path / "config" / "config.toml").mkdir()
    done = run_here(tmp_path, "config", "check")
    assert done.returncode == 2 and "folder" in done.stderr and done.stdout == ""
    assert run_here(tmp_path, "config", "check", str(tmp_path / "nowhere.toml")).returncode == 2


@pytest.mark.thorough
def test_show_prints_what_the_program_takes_as_its_defaults(tmp_path: Path) -> None:
    done = run_program(tmp_path, "config", "show")
    write(tmp_path, done.stdout)
    assert done.returncode == 0 and run_here(tmp_path, "config", "check").returncode == 0


def test_the_reference_names_every_action_and_is_the_defaults() -> None:
    everything = known()
    config, mistakes = read(reference(everything), everything)
    assert mistakes == []
    assert config._replace(keys={}) == Config()
    assert config.keys == {id_: action.keys for id_, action in everything.keys.items()}
    assert all(action.help for action in everything.keys.values())


def test_the_example_theme_of_the_reference_is_ours() -> None:
    everything = known()
    lines = [
        line.removeprefix("# ")
        for line in reference(everything).split("# [theme.mine]")[1].split("\n\n")[0].splitlines()
    ]
    text = "[theme]\nname = 'mine'\n[theme.mine]\n" + "\n".join(line for line in lines if " = " in line)
    config, mistakes = read(text, everything)
    assert mistakes == []
    colors = dict(config.theme.own["mine"].colors)
    assert colors.pop("frame") == DARK.variables["frame"]
    assert colors == {name: getattr(DARK, name) for name in colors} and len(colors) == 10


def test_every_screens_binding_has_an_id() -> None:
    """Without one, no key can be given to it."""
    from textual.binding import Binding
    from textual.dom import DOMNode

    def below(base: type) -> list[type]:
        return [each for kind in base.__subclasses__() for each in (kind, *below(kind))]

    known()
    ours = [each for each in below(DOMNode) if each.__module__.startswith("pyhall_tui.")]
    for each in ours:
        for binding in vars(each).get("BINDINGS", ()):
            assert isinstance(binding, Binding) and binding.id and binding.tooltip, (each, binding)


def test_effective_prints_what_counts_and_names_mistakes_on_stderr(tmp_path: Path) -> None:
    file = write(tmp_path, '[keys]\nworkers.sort = "f6"\n\n[theme]\nname = "nrod"\n')
    done = run_here(tmp_path, "config", "show", "--effective")
    assert done.returncode == 1
    assert done.stderr == f"{file}:5:8: There is no theme named nrod. Did you mean nord?\n"
    config, mistakes = read(done.stdout, known())
    assert (config.keys["workers.sort"], config.theme.name, mistakes) == (("f6",), DARK.name, [])


def test_effective_is_zero_without_mistakes_or_file(tmp_path: Path) -> None:
    without = run_here(tmp_path, "config", "show", "--effective")
    assert (without.returncode, without.stderr) == (0, "")
    write(tmp_path, "[terminal]\nmouse = false\n")
    done = run_here(tmp_path, "config", "show", "--effective")
    assert (done.returncode, done.stderr) == (0, "")
    assert "mouse = false" in done.stdout and "mouse = true" in without.stdout


def test_effective_prints_the_defaults_of_a_file_that_can_not_be_used(tmp_path: Path) -> None:
    defaults = run_here(tmp_path, "config", "show", "--effective").stdout
    write(tmp_path, "[keys")
    done = run_here(tmp_path, "config", "show", "--effective")
    assert (done.returncode, done.stdout) == (1, defaults) and "This is not TOML" in done.stderr
    (tmp_path / "config" / "config.toml").unlink()
    (tmp_path / "config" / "config.toml").mkdir()
    done = run_here(tmp_path, "config", "show", "--effective")
    assert (done.returncode, done.stdout) == (2, defaults) and "folder" in done.stderr
