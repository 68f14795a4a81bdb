"""The Containerfile, built and run: a hall and a watcher as a user without rights, on a root that can't be written."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyhall_tui.share.printed import HALL, text_of
from tests.share.container import Builder, Image, require_parts, started
from tests.waiting import until

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(600)]
STATE, KEY = "/var/lib/pyhall-tui", "/var/lib/pyhall-key"
PROFILE = '[profiles.team]\nnamespace = "org.yourco"\nregistry_url = "http://127.0.0.1:1"\n'


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    require_parts()
    context, work = tmp_path_factory.mktemp("context"), tmp_path_factory.mktemp("stages")
    mirrors = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    project = Path(__file__).parents[2]
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(context), str(project)]
    subprocess.run(wheel, check=True, timeout=300)
    (context / "secret").write_text("this may not enter the image")
    return Builder(context, work, mirrors).build(text_of(HALL["containerfile"]))


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    folder = tmp_path / "volume"
    folder.mkdir(mode=0o700)
    os.chown(folder, 10001, 10001)
    return folder


def test_nothing_but_the_program_enters_the_image(image: Image) -> None:
    files = {str(path.relative_to(image.layer)) for path in image.layer.rglob("*") if path.is_file()}
    assert "opt/pyhall-tui/bin/pyhall-tui" in files
    outside = {file for file in files if not file.startswith("opt/pyhall-tui/")}
    assert {file for file in outside if not re.match(r"(etc|var/(lib|cache|log))/|tmp/hsperf", file)} == set()
    assert not [file for file in files if file.endswith("secret") or "bin/pip" in file]


def test_the_image_runs_as_a_user_who_owns_only_its_volume_and_the_key(image: Image) -> None:
    assert image.user == "10001:10001"
    assert image.volumes == [STATE]
    own = [path for path in image.layer.rglob("*") if path.lstat().st_uid == 10001]
    assert {f"/{path.relative_to(image.layer)}" for path in own} == {STATE, KEY}


def test_a_hall_runs_on_a_root_that_cannot_be_written(image: Image, volume: Path, tmp_path: Path) -> None:
    hall = ("hall", "serve", "--first-key", f"{STATE}/first-key")
    with started(image, tmp_path, *hall, mounts={volume: STATE}) as container:
        container.wait_until_healthy()
        status = Path(f"/proc/{container.process.pid}/status").read_text()
        assert re.search(r"^Uid:\s+10001\s+10001\s+10001\s+10001$", status, re.MULTILINE)
        assert re.search(r"^Cap(Eff|Bnd):\s+0+$", status, re.MULTILINE)
        for place in ("/etc/x", "/opt/pyhall-tui/x", KEY + "/x", "/x"):
            assert container.run("touch", place).returncode != 0, place
        assert sorted(path.name for path in volume.iterdir())[:2] == ["first-key", "hall.db"]
        assert (volume / "first-key").read_text() not in container.output
        container.process.send_signal(signal.SIGSTOP)  # it hangs
        hung = container.run("pyhall-tui", "health", "--timeout", "1")
        assert hung.returncode == 1
        assert "does not answer within 1 s" in hung.stderr
        container.process.send_signal(signal.SIGCONT)
        container.wait_until_healthy()
        container.process.send_signal(signal.SIGTERM)
        assert container.process.wait(60) == 0


def test_the_health_check_fails_where_nothing_is_served(image: Image, volume: Path, tmp_path: Path) -> None:
    with started(image, tmp_path, "hall", "serve", "--port", "1234", mounts={volume: STATE}) as container:
        asyncio.run(until(lambda: "Press ctrl+c" in container.output, 60))
        checked = container.run(*image.health)
        assert checked.returncode == 1
        assert "Traceback" not in checked.stderr


def test_a_watcher_runs_on_a_root_that_cannot_be_written(image: Image, volume: Path, tmp_path: Path) -> None:
    profiles = tmp_path / "config"
    profiles.mkdir()
    (profiles / "profiles.toml").write_text(PROFILE)
    mounts = {volume: STATE, profiles: "/etc/pyhall-tui"}
    with started(image, tmp_path, "watch", "--metrics", "127.0.0.1:9464", mounts=mounts) as container:
        container.wait_until_healthy()
        assert container.run("touch", "/etc/pyhall-tui/x").returncode != 0
        assert (volume / "state").is_dir()
        added = container.run("pyhall-tui", "watch-list", "add", "wkr_a")
        assert (added.returncode, added.stdout) == (0, "added: wkr_a\n"), added.stderr
        assert container.run("pyhall-tui", "watch-list").stdout == "wkr_a\n"
        asyncio.run(until(lambda: '"waiting":1' in container.output.replace(" ", ""), 90))
        container.process.send_signal(signal.SIGTERM)
        assert container.process.wait(60) == 143
