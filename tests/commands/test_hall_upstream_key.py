"""Where `hall serve` gets its upstream's key: a private file or the OS keyring, and it is never shown."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.hall.process import run, served
from tests.live_hall import LiveHall
from tests.waiting import until

KEYRING = [tool for tool in ("dbus-run-session", "gnome-keyring-daemon") if shutil.which(tool) is None]


def private(file: Path, text: str, mode: int = 0o600) -> Path:
    file.write_text(text)
    file.chmod(mode)
    return file


def said(result: object) -> str:
    return f"{getattr(result, 'stdout', '')}{getattr(result, 'stderr', '')}"


@pytest.mark.thorough
@pytest.mark.parametrize("form", ["{}", "{}\n", "\ufeff {}\r\n"])
async def test_a_key_in_a_private_file_opens_the_session(hall: LiveHall, tmp_path: Path, form: str) -> None:
    file = private(tmp_path / "key", form.format(hall.key), 0o640)
    options = ("--upstream", hall.url, "--upstream-key-file", str(file), "--upstream-namespace", "org.yourco")
    with served(tmp_path / "hall.db", *options, PYHALL_API_KEY="phk_live_another") as below, below.http() as http:
        await until(lambda: http.get("/status").json()["upstream"]["session"]["state"] == "held")
        below.end()
        assert below.process.stderr is not None and hall.key not in below.process.stderr.read()


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o602])
def test_a_file_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    file = private(tmp_path / "key", "phk_live_sesame", mode)
    done = run("serve", "--db", tmp_path / "hall.db", "--upstream", "https://up.example", "--upstream-key-file", file)
    assert done.exit_code == 2 and "chmod 600" in said(done) and "sesame" not in said(done)
    assert not (tmp_path / "hall.db").exists()


@pytest.mark.parametrize("text", ["", "\n", "phk_live_a\nsesame", "'sesame'", "ses ame", "\x00sesame", "x" * 20_000])
def test_a_file_without_a_usable_key_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    file = private(tmp_path / "key", text)
    done = run("serve", "--db", tmp_path / "hall.db", "--upstream", "https://up.example", "--upstream-key-file", file)
    assert done.exit_code == 2 and str(file) in said(done) and "sesame" not in said(done)
    assert not (tmp_path / "hall.db").exists()


@pytest.mark.parametrize("given", ["phk_live_sesame", "/nowhere/phk_live_sesame", "phk_live_sesame\x01"])
def test_a_key_in_the_place_of_its_file_is_not_repeated(tmp_path: Path, given: str) -> None:
    done = run("serve", "--db", tmp_path / "hall.db", "--upstream", "https://up.example", "--upstream-key-file", given)
    assert done.exit_code == 2 and "never the key itself" in said(done) and "sesame" not in said(done)


def test_a_folder_is_not_a_keys_file(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    done = run("serve", "--db", tmp_path / "h.db", "--upstream", "https://up.example", "--upstream-key-file", tmp_path)
    assert done.exit_code == 2 and str(tmp_path) in said(done) and "Traceback" not in said(done)


PROFILES = """
[profiles.above]
namespace = "org.yourco"
registry_url = "{url}"
"""


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--upstream-profile", "other"], "there is no profile other; there are: above"),
        (["--upstream-profile", "above", "--upstream", "https://elsewhere.example"], "its key is not sent to"),
        (["--upstream-profile", "above", "--upstream-key-file", "f"], "not both"),
        (["--upstream-key-file", "f"], "needs --upstream"),
    ],
)
def test_a_profile_of_another_registry_or_no_profile_is_refused(tmp_path: Path, options: list[str], why: str) -> None:
    (tmp_path / "profiles.toml").write_text(PROFILES.format(url="https://api.example"))
    done = run("serve", "--db", tmp_path / "hall.db", *options, PYHALL_TUI_CONFIG_DIR=str(tmp_path))
    assert done.exit_code == 2 and why in said(done)
    assert not (tmp_path / "hall.db").exists()


def test_a_profile_without_a_key_is_refused_whatever_the_variable_has(tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text(PROFILES.format(url="https://api.example"))
    done = run(
        *("serve", "--db", tmp_path / "hall.db", "--upstream-profile", "above"),
        PYHALL_TUI_CONFIG_DIR=str(tmp_path),
        PYHALL_API_KEY="phk_live_sesame",
    )
    assert done.exit_code == 2 and "--upstream-profile above" in said(done) and "--upstream-key-file" in said(done)
    assert "sesame" not in said(done) and not (tmp_path / "hall.db").exists()


WITH_KEYRING = """
import asyncio, json, sys
from pathlib import Path
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.keys import KeyStore
from pyhall_tui.profiles.profile import Profile
from tests.hall.process import served
from tests.waiting import until

url, key, folder = sys.argv[1:]
above = Profile(name="above", namespace="org.yourco", registry_url=url)

async def main():
    await KeyStore(environ={}).save(above, ApiKey(key))
    options = ("--upstream-profile", "above", "--upstream-namespace", "org.yourco")
    with served(Path(folder) / "hall.db", *options) as below, below.http() as http:
        await until(lambda: http.get("/status").json()["upstream"]["session"]["state"] == "held")
        print(json.dumps(http.get("/status").json()["upstream"]))

asyncio.run(main())
"""


@pytest.mark.thorough
@pytest.mark.skipif(bool(KEYRING), reason=f"not installed: {', '.join(KEYRING)}")
def test_a_profiles_key_in_a_real_keyring_opens_the_session(hall: LiveHall, tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text(PROFILES.format(url=hall.url))
    (tmp_path / "runtime").mkdir(mode=0o700)
    (tmp_path / "program.py").write_text(textwrap.dedent(WITH_KEYRING))
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environ = kept | {
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path / "runtime"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring",
        "PYHALL_TUI_CONFIG_DIR": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    unlock = "printf 'password' | gnome-keyring-daemon --unlock --components=secrets >/dev/null"
    shell = f"{unlock}; exec {sys.executable} {tmp_path}/program.py {hall.url} {hall.key} {tmp_path}"
    command = ["dbus-run-session", "--", "sh", "-c", shell]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    upstream = json.loads(done.stdout)
    assert upstream["url"] == hall.url and hall.key not in done.stdout + done.stderr
