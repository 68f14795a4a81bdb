"""Faults on demand, as a client meets them."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pyhall_tui.hall.errors import FileMistake
from pyhall_tui.hall.faults import read_faults
from tests.hall.tampering import rows
from tests.live_hall import CAPABILITY, NAMESPACE, WORKER, LiveHall

VERIFY = f"/api/v1/verify/{WORKER}"


@pytest.fixture
def http(hall: LiveHall) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hall.url, headers=hall.headers, trust_env=False, verify=False, timeout=30) as http:
        yield http


def test_a_fault_happens_where_it_matches_and_as_often_as_it_says(hall: LiveHall, http: httpx.Client) -> None:
    hall.faults.add(path="/api/v1/verify/*", method="GET", status=503, count=2)
    codes = [http.get(VERIFY).status_code for _ in range(3)]
    assert codes == [503, 503, 200]
    assert http.get("/health").status_code == 200


def test_a_fault_may_be_a_matter_of_chance(hall: LiveHall, http: httpx.Client) -> None:
    hall.faults.add(status=500, probability=0.5)
    assert {http.get("/health").status_code for _ in range(40)} == {200, 500}
    hall.faults.clear()
    assert {http.get("/health").status_code for _ in range(10)} == {200}


@pytest.mark.parametrize("after", [3, "Wed, 25 Nov 2026 00:00:00 GMT"])
def test_429_carries_retry_after_as_it_is_given(hall: LiveHall, http: httpx.Client, after: int | str) -> None:
    hall.faults.add(status=429, retry_after=after)
    assert http.get("/health").headers["retry-after"] == str(after)


def test_latency(hall: LiveHall, http: httpx.Client) -> None:
    hall.faults.add(latency=0.2)
    began = time.monotonic()
    assert http.get("/health").status_code == 200
    assert time.monotonic() - began >= 0.2


def test_a_dropped_request_is_unheard(hall: LiveHall, http: httpx.Client) -> None:
    hall.faults.add(drop="unheard", count=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        dispatch(http)
    assert decisions(hall) == 0


def test_a_dropped_answer_was_decided_anyway(hall: LiveHall, http: httpx.Client) -> None:
    hall.faults.add(drop="answered", count=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        dispatch(http)
    assert decisions(hall) == 1


def dispatch(http: httpx.Client) -> None:
    http.post("/api/v1/dispatch", json={"namespace": NAMESPACE, "capability": CAPABILITY, "worker_id": WORKER})


def decisions(hall: LiveHall) -> int:
    count: int = rows(hall.store, "SELECT count(*) FROM decisions")[0][0]
    return count


def test_a_cut_body_ends_the_connection(hall: LiveHall, http: httpx.Client) -> None:
    hall.faults.add(cut=10, count=1)
    with pytest.raises(httpx.RemoteProtocolError, match="10 bytes"):
        http.get(VERIFY)
    assert http.get(VERIFY).status_code == 200


def test_a_slow_body_comes_whole(hall: LiveHall, http: httpx.Client) -> None:
    hall.faults.add(slow=2000)
    began = time.monotonic()
    assert http.get(VERIFY).json()["worker_id"] == WORKER
    assert time.monotonic() - began >= 0.1


def test_another_body_in_place_of_the_answer(hall: LiveHall, http: httpx.Client) -> None:
    hall.faults.add(body="<html>proxy</html>", count=1)
    assert http.get("/health").headers["content-type"].startswith("text/html")
    hall.faults.add(body="[1", status=502, count=1)
    wrong = http.get("/health")
    assert (wrong.status_code, wrong.text) == (502, "[1")


@pytest.mark.parametrize("text", ["", "\n# soon\n", "[[fault]]\nstatus = 5"])
def test_a_file_that_is_empty_or_torn_is_a_mistake(tmp_path: Path, text: str) -> None:
    """F82"""
    (tmp_path / "faults.toml").write_text(text)
    with pytest.raises(FileMistake, match=r"faults\.toml:\d+:\d+: "):
        read_faults(tmp_path / "faults.toml")
    (tmp_path / "faults.toml").write_text("fault = []\n")
    assert read_faults(tmp_path / "faults.toml") == []
