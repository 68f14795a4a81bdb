"""`pyhall-tui completion SHELL`: what each shell completes, and that nothing goes wrong on the prompt."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from pyhall_tui.alarms.alarm import Change, alarm_id
from pyhall_tui.clock import SystemClock
from pyhall_tui.commands.completion import FILES, text_of
from pyhall_tui.fleet.events import Event
from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.store import SqliteStore
from pyhall_tui.journal.alarms import Alarms
from pyhall_tui.journal.journal import Journal
from pyhall_tui.profiles.watch_list import WatchList
from tests.journal.makers import event, verdict

PROFILES = """
[profiles.acme-prod]
namespace = "org.acme"
registry_url = "https://api.example"

[profiles.acme-test]
namespace = "org.acme"
registry_url = "https://api.example"

[profiles."two words"]
namespace = "org.acme"
registry_url = "https://api.example"
"""
HOSTILE = ("wkr_$(touch pwned)", "wkr_`id`", "wkr_a;b", "-rf", "wkr_*")


class _Nobody:
    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


def _records(data: Path) -> None:
    """Record what the app does: an alarm, a silence, and a verdict that names capabilities."""
    clock = SystemClock()
    now = clock.now().wall
    with Journal.open(data / "journal.db", clock) as journal:
        found = verdict("wkr_alpha", at=now)
        capable = structs.replace(found.verdict, capabilities=("doc.read", "llm.text.generate"))
        journal.save_verdict("acme-prod", structs.replace(found, verdict=capable))
        journal.record_event("acme-prod", event(worker_id="wkr_alpha", at=now, source="verify", detail="bad"))
        alarms = Alarms(journal, "acme-prod", _Nobody(), clock, operator="me")
        alarms.restore()
        alarms.silence(until=now + 3_600, reason="", worker="wkr_beta", namespace="", condition="")
        assert journal.flush(30)


def _hall(folder: Path) -> None:
    store = SqliteStore(folder / "hall.db")
    store.put_worker(Worker(worker_id="wkr_hall", namespace="org.acme", capabilities=("tool.run",)))
    store.add_key("org.acme")
    store.close()


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Return an environment with three profiles, workers of the first, and a baseline."""
    config, data = tmp_path / "config", tmp_path / "data"
    (config / "baselines").mkdir(parents=True)
    data.mkdir()
    (config / "profiles.toml").write_text(PROFILES)
    (config / "baselines" / "release.toml").write_text("")
    (tmp_path / "package.tar").write_text("")
    _records(data)
    _hall(tmp_path)
    WatchList(data, "acme-prod").add(["wkr_alpha", "wkr_beta", "wkr_ünder", *HOSTILE])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYHALL_")}
    return {
        **kept,
        "HOME": str(tmp_path),
        "PYHALL_TUI_CONFIG_DIR": str(config),
        "PYHALL_TUI_DATA_DIR": str(data),
        "PYHALL_TUI_STATE_DIR": str(tmp_path / "state"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def completed(environment: dict[str, str], line: str) -> list[str]:
    """Return what is offered for the last word of a line."""
    words = line.split(" ")
    asked = {"_PYHALL_TUI_COMPLETE": "bash_complete", "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "pyhall_tui"],
        env={**environment, **asked},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stderr == ""
    return [offered.partition(",")[2] for offered in done.stdout.splitlines() if offered]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("pyhall-tui wat", ["watch", "watch-list"]),
        ("pyhall-tui watch-list ", ["add", "list", "remove"]),
        ("pyhall-tui --profile acme-prod watch-list remove wkr_a", ["wkr_alpha"]),
        ("pyhall-tui alarms silence --kind regi", ["registry_lost"]),
        ("pyhall-tui alarms silence --namespace org", ["org.acme"]),
        ("pyhall-tui policy save x --risk me", ["medium"]),
        ("pyhall-tui policy save x --risk low,", ["low,medium", "low,high", "low,critical", "low,none"]),
        ("pyhall-tui --profile acme-prod policy save x --capability doc", ["doc.read"]),
        ("pyhall-tui --profile acme-prod policy save x --capability a,doc", ["a,doc.read"]),
        ("pyhall-tui --profile acme-prod policy save x --worker wkr_alpha,wkr_", ["wkr_alpha,wkr_beta"]),
        ("pyhall-tui --profile acme-prod dispatch --capability ", ["doc.read", "llm.text.generate"]),
        ("pyhall-tui hall ban --db {home}/hall.db wkr_", ["wkr_hall"]),
        ("pyhall-tui --profile acme-prod hall ban wkr_a", ["wkr_alpha"]),
        ("pyhall-tui --profile acme-prod hall ban --db postgresql://h/d wkr_a", ["wkr_alpha"]),
        ("pyhall-tui --profile acme-prod hall ban --db {home}/hall.db --reason x wkr_h", ["wkr_hall"]),
        ("pyhall-tui hall policy explain --db {home}/hall.db --capability to", ["tool.run"]),
        ("pyhall-tui hall keys list --db {home}/hall.db --namespace ", ["org.acme"]),
        ("pyhall-tui hall ke", ["keys"]),
        ("pyhall-tui hall keys a", ["add"]),
        ("pyhall-tui --pro", ["--profile"]),
        ("pyhall-tui --profile acme", ["acme-prod", "acme-test"]),
        ("pyhall-tui watch --profile acme-t", ["acme-test"]),
        ("pyhall-tui verify wkr_", ["wkr_alpha", "wkr_beta"]),
        ("pyhall-tui verify wkr_alpha wkr_", ["wkr_beta"]),
        ("pyhall-tui --profile acme-test verify wkr_", []),
        ("pyhall-tui --profile acme-prod dispatch --worker wkr_b", ["wkr_beta"]),
        ("pyhall-tui dispatch --risk-tier hi", ["high"]),
        ("pyhall-tui policy check ", ["release"]),
        ("pyhall-tui help te", ["team-hall"]),
        ("pyhall-tui completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_commands_options_and_names_complete(home: dict[str, str], line: str, offered: list[str]) -> None:
    assert completed(home, line.format(home=home["HOME"])) == offered


def test_ids_of_alarms_silences_and_keys_complete(home: dict[str, str]) -> None:
    (alarm,) = completed(home, "pyhall-tui --profile acme-prod alarms ack ")
    assert alarm == alarm_id("acme-prod", "banned", "wkr_alpha")
    (silence,) = completed(home, "pyhall-tui --profile acme-prod alarms unsilence ")
    assert len(silence) >= 8
    assert completed(home, "pyhall-tui --profile acme-test alarms ack ") == []
    db = str(Path(home["HOME"]) / "hall.db")
    for command in ("revoke", "scope"):
        (key,) = completed(home, f"pyhall-tui hall keys {command} --db {db} ")
        assert key
        assert completed(home, f"pyhall-tui hall keys {command} ") == []


def test_a_path_completes_if_something_else_may_be_given_too(home: dict[str, str]) -> None:
    line = {"COMP_WORDS": "pyhall-tui\nbans\ncheck\npack", "COMP_CWORD": "3", "_PYHALL_TUI_COMPLETE": "bash_complete"}
    done = subprocess.run([sys.executable, "-m", "pyhall_tui"], env={**home, **line}, capture_output=True, check=True)
    assert done.stdout.split() == [b"file,pack"]


@pytest.mark.parametrize("content", [b"", b"not a database", None], ids=["empty", "another file", "a folder"])
def test_a_database_that_cannot_be_read_gives_nothing_and_stays(home: dict[str, str], content: bytes | None) -> None:
    file = Path(home["PYHALL_TUI_DATA_DIR"]) / "journal.db"
    for each in file.parent.glob("journal.db*"):
        each.unlink()
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    assert completed(home, "pyhall-tui --profile acme-prod alarms ack ") == []
    assert completed(home, "pyhall-tui --profile acme-prod dispatch --capability ") == []
    assert content is None or file.read_bytes() == content


def test_completing_makes_no_database(home: dict[str, str]) -> None:
    data = Path(home["PYHALL_TUI_DATA_DIR"])
    for each in data.glob("journal.db*"):
        each.unlink()
    before = sorted(data.iterdir())
    assert completed(home, "pyhall-tui --profile acme-prod alarms ack ") == []
    assert completed(home, "pyhall-tui hall keys revoke ") == []
    assert sorted(data.iterdir()) == before


@pytest.mark.parametrize("content", [b"[profiles", b"\xff\xfe\x00", b"profiles = 3", b"[profiles]\nacme = 1\n"])
def test_a_broken_profiles_file_gives_nothing(home: dict[str, str], content: bytes) -> None:
    (Path(home["PYHALL_TUI_CONFIG_DIR"]) / "profiles.toml").write_bytes(content)
    assert completed(home, "pyhall-tui --profile x") == []
    assert completed(home, "pyhall-tui verify w") == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_in_place_of_the_file_does_not_hang_the_prompt(home: dict[str, str]) -> None:
    file = Path(home["PYHALL_TUI_CONFIG_DIR"]) / "profiles.toml"
    file.unlink()
    os.mkfifo(file)
    assert completed(home, "pyhall-tui --profile a") == []


def test_a_machine_without_a_home_gives_nothing(home: dict[str, str]) -> None:
    bare = {name: home[name] for name in ("PATH",)}
    assert completed(bare, "pyhall-tui policy check x") == []


def test_the_first_words_import_no_command_and_nothing_heavy(home: dict[str, str]) -> None:
    script = "import sys\nfrom pyhall_tui.cli import main\nsys.argv = ['pyhall-tui']\n"
    script += "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    for words, number in (("pyhall-tui\n", "1"), ("pyhall-tui\n--profile\na", "2"), ("pyhall-tui\nhelp\n", "2")):
        asked = {"_PYHALL_TUI_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": number}
        done = subprocess.run(
            [sys.executable, "-c", script], env={**home, **asked}, capture_output=True, text=True, check=True
        )
        loaded = set(done.stderr.split())
        assert done.stdout.startswith("plain,")
        assert not loaded & {"textual", "rich", "httpx", "sqlite3", "msgspec", "pyhall_tui.registry", "markdown_it"}
        commands = {
            name.removeprefix("pyhall_tui.commands.") for name in loaded if name.startswith("pyhall_tui.commands.")
        }
        assert commands <= {"completed", "help", "output"}


def test_each_shell_has_a_file(home: dict[str, str]) -> None:
    for shell in FILES:
        done = subprocess.run(
            [sys.executable, "-m", "pyhall_tui", "completion", shell], env=home, capture_output=True, check=True
        )
        assert done.stdout.decode() == text_of(shell)


KEYS_OFF = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}
SET_UP = {
    "bash": 'eval "$(pyhall-tui completion bash)"',
    "zsh": 'autoload -Uz compinit && compinit -u && eval "$(pyhall-tui completion zsh)"',
    "fish": "pyhall-tui completion fish | source",
}


@pytest.mark.thorough
@pytest.mark.parametrize("shell", FILES)
def test_a_real_shell_completes(home: dict[str, str], shell: str) -> None:
    pexpect = pytest.importorskip("pexpect")
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    folder = Path(home["HOME"])
    quiet = {**home, "TERM": "dumb", "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    ran = pexpect.spawn(
        shell, KEYS_OFF[shell], env=quiet, cwd=folder, encoding="utf-8", timeout=30, dimensions=(24, 200)
    )
    ran.sendline(SET_UP[shell] + "; echo re''ady")
    ran.expect("ready\r?\n")
    for typed, line in (
        ("pyhall-tui --profile acme-t\t", "--profile acme-test"),
        ("pyhall-tui --profile acme-prod verify wkr_al\t", "verify wkr_alpha"),
        ("pyhall-tui --profile acme-prod hall ke\t", "hall keys"),
        ("pyhall-tui policy check re\t", "check release"),
        ("pyhall-tui help brow\t", "help browser"),
        ("pyhall-tui --profile acme-prod watch-list remove wkr_al\t", "remove wkr_alpha"),
        ("pyhall-tui alarms silence --kind registry_l\t", "--kind registry_lost"),
        ("pyhall-tui policy save x --risk low,med\t", "--risk low,medium"),
        ("pyhall-tui --profile acme-prod policy save x --capability doc\t", "--capability doc.read"),
        ("pyhall-tui hall ban --db hall.db wkr_h\t", "hall.db wkr_hall"),
        ("pyhall-tui bans check pack\t", "check package.tar"),
        ("pyhall-tui hash pack\t", "hash package.tar"),
    ):
        ran.send(typed)
        ran.expect_exact(line)
        ran.send("\x03")
    ran.close(force=True)
    assert not (folder / "pwned").exists()
