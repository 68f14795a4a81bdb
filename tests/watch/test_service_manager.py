"""Messages to the service manager, over a real socket as systemd's."""

import os
import socket
import sys
from pathlib import Path

import pytest

from pyhall_tui.watch.service_manager import ServiceManager

if sys.platform == "win32":
    pytest.skip("there is no service manager with a socket", allow_module_level=True)


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_each_message_is_one_datagram(kind: str, tmp_path: Path) -> None:
    if kind == "abstract" and sys.platform != "linux":
        pytest.skip("only Linux has abstract sockets")
    name = str(tmp_path / "notify") if kind == "path" else f"@pyhall-tui-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if kind == "abstract" else name)
        manager.settimeout(30)
        service = ServiceManager.of_environment({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"})
        service.ready()
        service.alive()
        service.status("2 profiles\nREADY=1 \udc80")
        service.stopping()
        got = [manager.recv(1_000) for _ in range(4)]
    assert got == [b"READY=1", b"WATCHDOG=1", b"STATUS=2 profiles READY=1 \\udc80", b"STOPPING=1"]
    assert service.alive_every == 15.0


@pytest.mark.parametrize(
    ("environ", "every"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "2000000"}, None),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "2000000"}, 1.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}, 1.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}, None),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "0"}, None),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "often"}, None),
        ({"NOTIFY_SOCKET": "vsock:2:3", "WATCHDOG_USEC": "2000000"}, None),
    ],
)
def test_it_is_alive_twice_per_interval_if_anybody_waits(environ: dict[str, str], every: float | None) -> None:
    assert ServiceManager.of_environment(environ).alive_every == every


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "@nobody-listens-here", "/" + "x" * 200, "vsock:2:3"])
def test_without_a_service_manager_nothing_happens(address: str) -> None:
    service = ServiceManager.of_environment({"NOTIFY_SOCKET": address})
    service.ready()
    service.stopping()
