"""compose.yaml: its parts are checked by the programs that they are for, and its commands are run for real."""

import asyncio
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from pyhall_tui.commands.hall import hall_group
from pyhall_tui.commands.health import health_command
from pyhall_tui.share.printed import HALL, WATCH, text_of
from tests.postgres_cluster import Cluster
from tests.waiting import until
from tests.watch.debian import asked, free_port, program, running

OURS = ("hall-1", "hall-2", "watcher")
SECRETS = "/run/secrets"


@pytest.fixture
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(text_of(HALL["compose"]))
    return loaded


def config(compose: Mapping[str, Any], name: str, **other: str) -> str:
    """Return a configuration file, with other addresses."""
    text: str = compose["configs"][name]["content"]
    for old, new in other.items():
        assert old in text
        text = text.replace(old, new)
    return text


def test_each_name_it_uses_is_defined(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        assert {*service.get("secrets", [])} <= {*compose["secrets"]}
        assert {each["source"] for each in service.get("configs", [])} <= {*compose["configs"]}
        assert {*service.get("depends_on", {})} <= {*services}
        volumes = {each.partition(":")[0] for each in service["volumes"]}
        assert {name for name in volumes if not name.startswith("./")} <= {*compose["volumes"]}
    used = {name for service in services.values() for name in service.get("secrets", [])}
    assert used == {*compose["secrets"]}


def test_each_service_is_hardened_and_checked_and_waits_for_what_is_healthy(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        for waits in service.get("depends_on", {}).values():
            assert waits == {"condition": "service_healthy"}
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        if name != "db":  # PostgreSQL's own image sets its folders up as root
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
            assert service["security_opt"] == ["no-new-privileges:true"]
        for value in service.get("environment", {}).values():
            assert "password" not in value or value.startswith(SECRETS)


def test_no_secret_is_in_it_but_the_paths_of_files(compose: dict[str, Any]) -> None:
    assert all([*secret] == ["file"] for secret in compose["secrets"].values())
    assert not re.search(r"phk_|BEGIN|POSTGRES_PASSWORD:|PGPASSWORD", text_of(HALL["compose"]))


def test_prometheus_and_its_alertmanager_accept_their_files(compose: dict[str, Any], tmp_path: Path) -> None:
    rules, alerts, metrics = tmp_path / "rules.yml", tmp_path / "alertmanager.yml", tmp_path / "prometheus.yml"
    rules.write_text(text_of(WATCH["rules"]))
    alerts.write_text(config(compose, "alertmanager"))
    metrics.write_text(config(compose, "prometheus").replace("/etc/prometheus/rules.yml", str(rules)))
    tools = ("promtool", "prometheus"), ("amtool", "prometheus-alertmanager")
    promtool, amtool = (program(*each) for each in tools)
    for command in ([promtool, "check", "config", metrics], [amtool, "check-config", alerts]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "SUCCESS" in done.stdout


def test_the_files_that_it_needs_can_be_printed() -> None:
    for line in re.findall(r"^#   pyhall-tui (.+) > (\S+)", text_of(HALL["compose"]), re.MULTILINE):
        words, file = shlex.split(line[0]), line[1]
        assert words[-1] in (HALL if words[0] == "hall" else WATCH)
        assert file in ("compose.yaml", "Containerfile", "rules.yml")
    printed = CliRunner().invoke(hall_group, ["serve", "--print", "compose"])
    assert (printed.exit_code, printed.output) == (0, text_of(HALL["compose"]))


def make_secrets(folder: Path) -> None:
    """Run the lines that the file itself tells you to run."""
    said = text_of(HALL["compose"]).split("\n\n")[0].replace("\n#   ", "\n").replace("\\\n  ", "")
    lines = [line for line in said.splitlines() if line.startswith(("install ", "printf ", "openssl ", "chmod "))]
    assert len(lines) == 4
    script = "\n".join(["set -e", *lines])
    subprocess.run(["sh", "-c", script], cwd=folder, check=True, capture_output=True, timeout=60)
    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700


class Ran:
    """The services' commands, each on free ports of this machine and with files of a test's folder."""

    def __init__(self, compose: Mapping[str, Any], folder: Path, cluster: Cluster, database: str) -> None:
        self._services, self._folder = compose["services"], folder
        (folder / "key").mkdir()
        service = f"[hall]\nhost=127.0.0.1\nport={cluster.port}\ndbname={database}\nuser=hall\n"
        (folder / "secrets" / "pg-service").write_text(service)
        self.ports = {name: free_port() for name in OURS}
        self.metrics = {name: free_port() for name in ("hall-1", "hall-2")} | {"watcher": self.ports["watcher"]}

    def _here(self, text: str) -> str:
        for there, here in ((SECRETS, "secrets"), ("/var/lib/pyhall-key", "key")):
            text = text.replace(there, str(self._folder / here))
        return text

    @contextmanager
    def service(self, name: str, alertmanager: str = "") -> Iterator[None]:
        """Run a service until the end of the block; it is healthy on return, by its own health check."""
        service = self._services[name]
        words = shlex.split(self._here(service["command"]))
        if name == "watcher":
            words[words.index("http://alertmanager:9093")] = alertmanager
        else:
            words += ["--port", str(self.ports[name])]
            words[words.index("0.0.0.0")] = "127.0.0.1"
        words[words.index("--metrics") + 1] = f"127.0.0.1:{self.metrics[name]}"
        environ = {variable: self._here(value) for variable, value in service["environment"].items()}
        config = self._folder / "config"
        environ |= {"PYHALL_TUI_CONFIG_DIR": str(config), "PYHALL_TUI_DATA_DIR": str(self._folder / f"{name}-data")}
        environ |= {"PYHALL_TUI_STATE_DIR": str(self._folder / f"{name}-state"), "NO_PROXY": "*"}
        environ |= {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        check = re.sub(r":\d+(?=/|$)", f":{self.ports[name]}", service["healthcheck"]["test"][-1])
        command = ["env", *(f"{key}={value}" for key, value in environ.items())]
        with running([*command, sys.executable, "-m", "pyhall_tui", *words], lambda: up(check), self.log(name)):
            yield

    def log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


def up(url: str) -> bool:
    return CliRunner().invoke(health_command, [url]).exit_code == 0


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
def test_all_of_it_runs(compose: dict[str, Any], postgres: Cluster, tmp_path: Path) -> None:
    """Two halls on one database, a watcher that sees them with the first key, a Prometheus that scrapes all three."""
    for tool in ("openssl", "install"):
        program(tool, tool)
    binaries = program("prometheus", "prometheus"), program("prometheus-alertmanager", "prometheus-alertmanager")
    postgres.database("composed")
    make_secrets(tmp_path)
    ran = Ran(compose, tmp_path, postgres, "composed")
    (tmp_path / "config").mkdir()
    hall = f"https://localhost:{ran.ports['hall-1']}"
    profiles = config(compose, "profiles", **{"https://hall-1:8765": hall})
    (tmp_path / "config" / "profiles.toml").write_text(profiles)
    (tmp_path / "rules.yml").write_text(text_of(WATCH["rules"]))
    (tmp_path / "alertmanager.yml").write_text(config(compose, "alertmanager"))
    alerts, metrics = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    targets = {f"{name}:{port}": f"127.0.0.1:{ran.metrics[name]}" for name, port in _metrics_ports().items()}
    others = {"alertmanager:9093": alerts, "/etc/prometheus": str(tmp_path), "15s": "200ms"}
    (tmp_path / "prometheus.yml").write_text(config(compose, "prometheus", **targets, **others))
    scraper = [
        binaries[0],
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/tsdb",
        f"--web.listen-address={metrics}",
    ]
    receiver = [
        binaries[1],
        f"--config.file={tmp_path}/alertmanager.yml",
        f"--storage.path={tmp_path}/alerts",
        f"--web.listen-address={alerts}",
        "--cluster.listen-address=",
    ]

    def value(query: str) -> list[str]:
        answer = asked(f"http://{metrics}/api/v1/query?query={query}") or {"data": {"result": []}}
        return [each["value"][1] for each in answer["data"]["result"]]

    with ExitStack() as stack:
        stack.enter_context(running(receiver, lambda: asked(f"http://{alerts}/api/v2/status"), tmp_path / "am.log"))
        stack.enter_context(ran.service("hall-1"))
        stack.enter_context(ran.service("hall-2"))
        stack.enter_context(ran.service("watcher", f"http://{alerts}"))
        ready = f"http://{metrics}/api/v1/status/buildinfo"
        stack.enter_context(running(scraper, lambda: asked(ready), tmp_path / "prometheus.log"))
        key = (tmp_path / "key" / "api-key").read_text().strip()
        assert key.startswith("phk_live_")
        assert key not in ran.log("hall-1").read_text() + ran.log("hall-2").read_text() + ran.log("watcher").read_text()
        asyncio.run(until(lambda: value("up") == ["1", "1", "1"], 90))
        asyncio.run(until(lambda: value("pyhall_registry_up") == ["1"], 90))
        found = asked(f"http://{metrics}/api/v1/alertmanagers") or {"data": {"activeAlertmanagers": []}}
        assert [each["url"] for each in found["data"]["activeAlertmanagers"]] == [f"http://{alerts}/api/v2/alerts"]


def _metrics_ports() -> dict[str, int]:
    return {"hall-1": 9465, "hall-2": 9465, "watcher": 9464}
