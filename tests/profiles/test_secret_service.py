"""A real Secret Service on a session bus of its own: unlocked, locked with nobody to unlock it, and one that hangs."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

missing = [tool for tool in ("dbus-run-session", "gnome-keyring-daemon") if shutil.which(tool) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")

PROLOGUE = """
import asyncio, json, sys
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.keys import KeyStore
from pyhall_tui.profiles.profile import Profile
ACME = Profile(name="acme «prod»", namespace="org.acme", registry_url="https://api.pyhall.dev")
def tell(answer):
    print(json.dumps([answer.key and answer.key.reveal(), answer.source.name, answer.state.name]), flush=True)
"""
SAVE = """
async def main():
    tell(await KeyStore().load(ACME))
    tell(await KeyStore().save(ACME, ApiKey("phk_live_stored")))
    tell(await KeyStore().load(ACME))
asyncio.run(main())
"""
LOCKED = """
async def main():
    keys = KeyStore()
    tell(await keys.load(ACME))
    tell(await keys.save(ACME, ApiKey("phk_live_typed")))
    tell(await keys.load(ACME))
asyncio.run(main())
"""
QUIETLY = """
async def main():
    keys = KeyStore()
    tell(await keys.load_quietly(ACME, by_variable=True))
asyncio.run(main())
"""
LOAD_AND_FORGET = """
async def main():
    tell(await KeyStore().load(ACME))
    tell(await KeyStore().forget(ACME))
    tell(await KeyStore().load(ACME))
asyncio.run(main())
"""
HANGS = """
async def main():
    tell(await KeyStore(timeout=0.3).load(ACME))
asyncio.run(main())
"""
STUB = """
import os, subprocess, sys
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection
bus = open_dbus_connection()
address = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
bus.send_and_get_reply(new_method_call(address, "RequestName", "su", ("org.freedesktop.secrets", 4)))
sys.exit(subprocess.call([sys.executable, *sys.argv[1:]]))
"""
UNLOCK = "printf 'password' | gnome-keyring-daemon --unlock --components=secrets >/dev/null"
START_LOCKED = "gnome-keyring-daemon --start --components=secrets >/dev/null"


class Session:
    """A user's folders, and programs run in them on their own session bus."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "runtime").mkdir(mode=0o700)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        self.environ = kept | {
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(home / "runtime"),
            "XDG_DATA_HOME": str(home / "data"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring",
        }

    def run(self, script: str, *, before: str = "true", stub: bool = False) -> list[list[str | None]]:
        program = self.home / "program.py"
        program.write_text(PROLOGUE + textwrap.dedent(script))
        (self.home / "stub.py").write_text(STUB)
        first = f"{self.home}/stub.py {program}" if stub else str(program)
        shell = f"{before}; exec {sys.executable} {first}"
        done = subprocess.run(
            ["dbus-run-session", "--", "sh", "-c", shell],
            env=self.environ,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path)


@pytest.mark.thorough
def test_a_key_survives_the_program_and_a_locked_keyring_is_neither_read_nor_overwritten(session: Session) -> None:
    """F03: nobody is there to answer the prompt, which is what a dismissed one looks like."""
    assert session.run(SAVE, before=UNLOCK) == [
        [None, "NONE", "ABSENT"],
        ["phk_live_stored", "KEYRING", "FOUND"],
        ["phk_live_stored", "KEYRING", "FOUND"],
    ]
    assert session.run(LOCKED, before=START_LOCKED) == [
        [None, "NONE", "LOCKED"],
        ["phk_live_typed", "THIS_RUN", "LOCKED"],
        ["phk_live_typed", "THIS_RUN", "LOCKED"],
    ]
    assert session.run(QUIETLY, before=START_LOCKED) == [[None, "NONE", "LOCKED"]]
    assert session.run(QUIETLY, before=UNLOCK) == [["phk_live_stored", "KEYRING", "FOUND"]]
    for path in session.home.rglob("*"):
        if path.is_file() and path.name != "program.py":
            assert b"phk_live" not in path.read_bytes(), path
    assert session.run(LOAD_AND_FORGET, before=UNLOCK) == [
        ["phk_live_stored", "KEYRING", "FOUND"],
        [None, "NONE", "ABSENT"],
        [None, "NONE", "ABSENT"],
    ]


@pytest.mark.parametrize("before", [START_LOCKED, "true"], ids=["started", "not started"])
def test_a_secret_service_that_was_never_set_up_is_missing_rather_than_locked(session: Session, before: str) -> None:
    """F69: it has no collection, and nobody is there to choose a password for the first."""
    assert session.run(LOCKED, before=before) == [
        [None, "NONE", "UNAVAILABLE"],
        ["phk_live_typed", "THIS_RUN", "UNAVAILABLE"],
        ["phk_live_typed", "THIS_RUN", "UNAVAILABLE"],
    ]


def test_a_secret_service_that_was_never_set_up_has_no_key_if_it_is_read_quietly(session: Session) -> None:
    """To read it otherwise makes its first collection, for which it asks for a password."""
    assert session.run(QUIETLY, before=START_LOCKED) == [[None, "NONE", "ABSENT"]]


def test_a_secret_service_that_never_replies_is_given_up_and_the_program_ends(session: Session) -> None:
    """F02, F30: a thread that still waits does not keep the process."""
    assert session.run(HANGS, stub=True) == [[None, "NONE", "TIMED_OUT"]]  # otherwise it never ends
