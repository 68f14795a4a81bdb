"""What a command runs on which rows: values in the environment and as whole arguments, and what is refused."""

import pytest
from msgspec.structs import replace

from pyhall_tui.programs.command import NotRun
from pyhall_tui.programs.plan import MOST_RUNS, Run, runs_of
from tests.programs.rig import ACME, command, row

ESC = "\x1b"


def refusal(*args: object, **fields: object) -> str:
    with pytest.raises(NotRun) as refused:
        runs_of(*args, **fields)  # type: ignore[arg-type]
    return str(refused.value)


def test_a_run_for_each_row_has_its_values_as_arguments_and_in_the_environment() -> None:
    rows = [row("wkr_a", HASH="ab" * 32), row("wkr_b", HASH="cd" * 32)]
    one, two = runs_of(command("journalctl", "-t", "$WORKER", "--hash=$HASH"), rows)
    assert one.argv == ("journalctl", "-t", "wkr_a", f"--hash={'ab' * 32}")
    assert two.argv == ("journalctl", "-t", "wkr_b", f"--hash={'cd' * 32}")
    assert (one.lines, one.about) == (None, "wkr_a")
    assert one.values == {
        "WORKER": "wkr_a",
        "HASH": "ab" * 32,
        "PROFILE": "acme",
        "NAMESPACE": "org.acme",
        "REGISTRY": "https://registry.example",
        "COUNT": "1",
    }


def test_a_value_is_never_put_into_a_longer_argument_such_as_a_script_for_a_shell() -> None:
    (run,) = runs_of(command("sh", "-c", "echo $WORKER", "a$WORKER"), [row("x; rm -rf ~")])
    assert run.argv == ("sh", "-c", "echo $WORKER", "a$WORKER")
    assert run.values["WORKER"] == "x; rm -rf ~"


def test_one_run_for_all_rows_has_their_ids_as_lines() -> None:
    (run,) = runs_of(command("xargs", "$NAMESPACE", each=False), [row("wkr_a", HASH="ab"), row("wkr_b")])
    assert (run.lines, run.about) == (("wkr_a", "wkr_b"), "2 rows")
    assert run.argv == ("xargs", "org.acme")
    assert (run.values["COUNT"], "WORKER" in run.values, "HASH" in run.values) == ("2", False, False)


def test_one_run_for_all_rows_has_each_id_once() -> None:
    (run,) = runs_of(command(each=False), [row("wkr_a"), row("wkr_b"), row("wkr_a")])
    assert (run.lines, run.values["COUNT"]) == (("wkr_a", "wkr_b"), "2")


def test_one_run_for_all_rows_is_one_for_each_profile() -> None:
    beta = replace(ACME, name="beta", namespace="org.beta")
    runs = runs_of(command(each=False), [row("wkr_a"), row("wkr_b", beta), row("wkr_c")])
    assert [(run.values["PROFILE"], run.lines) for run in runs] == [
        ("acme", ("wkr_a", "wkr_c")),
        ("beta", ("wkr_b",)),
    ]


def test_a_hundred_thousand_marks_are_one_run_with_as_many_lines() -> None:
    (run,) = runs_of(command(each=False), [row(f"wkr_{number}") for number in range(100_000)])
    assert run.lines is not None and len(run.lines) == 100_000


def test_a_run_for_each_of_a_hundred_thousand_marks_is_refused_with_what_to_do() -> None:
    said = refusal(command(), [row(str(number)) for number in range(MOST_RUNS + 1)])
    assert said == (
        "Logs is not run: it would run 1,001 times, and 1,000 is the limit. "
        "With each = false it runs once, and reads the ids from its standard input."
    )
    assert len(runs_of(command(), [row(str(number)) for number in range(MOST_RUNS)])) == MOST_RUNS


def test_a_value_that_could_be_an_option_is_refused_unless_it_belongs_to_one() -> None:
    hostile = [row("wkr_a"), row("--exec=reboot")]
    assert refusal(command("find", "$WORKER"), hostile) == (
        "Logs is not run on --exec=reboot: its $WORKER begins with -, so the program could take it for an option. "
        "If the program has an option for it, write --option=$WORKER in config.toml."
    )
    runs = runs_of(command("find", "--name=$WORKER"), hostile)
    assert [run.argv[1] for run in runs] == ["--name=wkr_a", "--name=--exec=reboot"]


@pytest.mark.parametrize("letter", ["\n", "\r", "\0", ESC, "\x7f", "\x85", "\x9b", "\u2028"])
@pytest.mark.parametrize("each", [True, False])
def test_an_id_with_a_control_character_is_refused_for_all_rows(letter: str, each: bool) -> None:
    said = refusal(command("echo", each=each), [row("wkr_a"), row(f"wkr{letter}b")])
    assert said.startswith("Logs is not run on wkr") and said.endswith("has a control character in it.")


@pytest.mark.parametrize("name", ["NAME", "CAPABILITIES", "CORRELATION"])
def test_a_control_character_in_any_value_is_refused_even_if_no_argument_has_it(name: str) -> None:
    assert f"its ${name} has a control character" in refusal(command(), [row("wkr_a", ACME, **{name: "a\nb"})])


def test_half_a_character_is_refused() -> None:
    assert refusal(command(), [row(NAME="\ud800")]) == "Logs is not run on wkr_a: its $NAME has half a character in it."


def test_a_value_that_is_missing_is_no_empty_argument_and_no_empty_variable() -> None:
    assert refusal(command("grep", "$HASH"), [row(HASH="")]) == "Logs is not run on wkr_a: it has no $HASH."
    (run,) = runs_of(command("env"), [row(HASH="")])
    assert "HASH" not in run.values


def test_a_read_only_profile_runs_only_what_is_marked_safe() -> None:
    calm = replace(ACME, name="calm", read_only=True)
    rows = [row("wkr_a"), row("wkr_b", calm)]
    assert refusal(command(), rows) == (
        "Logs is not run: the profile calm is read-only. "
        "If the command changes nothing, mark it with safe = true in config.toml."
    )
    assert len(runs_of(command(safe=True), rows)) == 2


def test_a_batch_file_of_windows_is_refused_because_a_shell_would_run_it() -> None:
    said = "Logs is not run: Windows would start C:\\x.BAT through a shell."
    assert refusal(command("C:\\x.BAT", "$WORKER"), [row()], "win32") == said


def test_a_long_id_is_shortened_in_the_sentence() -> None:
    assert "x" * 60 + "…:" in refusal(command("echo", "$HASH"), [row("x" * 5_000)])


def test_no_rows_are_no_runs() -> None:
    assert runs_of(command(), []) == []
    assert runs_of(command(each=False), []) == list[Run]()
