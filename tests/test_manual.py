"""The manual page is what the commands and the topics make, readable for both man and mandoc, and in the wheel."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from pyhall_tui.manual import page
from pyhall_tui.topics.topics import TOPICS

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "pyhall_tui" / "share" / "pyhall-tui.1"
MAKE_IT = "make it again: python -m pyhall_tui.manual pyhall_tui/share/pyhall-tui.1"


def test_the_kept_page_is_up_to_date() -> None:
    assert KEPT.read_text("utf-8") == page(), MAKE_IT


def test_it_has_each_topic_and_each_command() -> None:
    made = page()
    assert [name for name in TOPICS if f"This is the topic {name.replace('-', chr(92) + '-')}." not in made] == []
    assert ".SS pyhall\\-tui hall audit verify\n" in made and "\n\\fB\\-\\-public\\-key\\fR \\fIKEY\\fR\n" in made


def test_it_says_nothing_of_the_machine_that_made_it() -> None:
    assert str(Path.home()) not in page() and str(ROOT) not in page()


@pytest.mark.parametrize(
    "reader", [("groff", "-man", "-Tutf8", "-ww"), ("mandoc", "-T", "lint")], ids=lambda reader: reader[0]
)
def test_readers_have_nothing_to_complain_about(reader: tuple[str, ...]) -> None:
    if shutil.which(reader[0]) is None:
        pytest.skip(f"there is no {reader[0]} here")
    done = subprocess.run([*reader, str(KEPT)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert reader[0] != "mandoc" or done.stdout == ""


def test_the_wheel_puts_the_page_and_the_completions_where_they_are_looked_for() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    shared = build["targets"]["wheel"]["shared-data"]
    assert [source for source in shared if not (ROOT / source).is_file()] == []
    assert set(shared.values()) == {
        "share/man/man1/pyhall-tui.1",
        "share/bash-completion/completions/pyhall-tui",
        "share/zsh/site-functions/_pyhall-tui",
        "share/fish/vendor_completions.d/pyhall-tui.fish",
    }
