"""A profile's test: each step over a real socket, using only reads."""

from pathlib import Path

import pytest
import trustme

from pyhall_tui.clock import SystemClock
from pyhall_tui.probe import CheckResult, ProbeLine, ProbeStep, probe, probe_apart
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from tests.live_hall import LiveHall, live_hall
from tests.registry.raw_server import RawRequest, answer, json, raw_server

KEY = "phk_live_5ecret0fTheHouse"


async def lines_of(url: str, key: str | None = KEY, **fields: object) -> dict[ProbeStep, ProbeLine]:
    profile = Profile(name="acme", namespace="org.yourco", registry_url=url, timeout=5.0, **fields)  # type: ignore[arg-type]
    return {line.step: line async for line in probe(profile, ApiKey(key) if key else None, SystemClock())}


def marks(lines: dict[ProbeStep, ProbeLine]) -> list[CheckResult]:
    return [lines[step].mark for step in ProbeStep]


async def test_a_good_key_is_proven_by_being_refused_without_it(hall: LiveHall) -> None:
    lines = await lines_of(hall.url, hall.key)
    assert marks(lines) == [CheckResult.YES, CheckResult.YES, CheckResult.YES, CheckResult.UNPROVEN, CheckResult.YES]
    assert {seen.method for seen in hall.requests} == {"GET"}


async def test_a_bad_key_fails_and_says_what_to_do(hall: LiveHall) -> None:
    lines = await lines_of(hall.url, KEY)
    assert marks(lines) == [
        CheckResult.YES,
        CheckResult.YES,
        CheckResult.NO,
        CheckResult.NOT_TRIED,
        CheckResult.NOT_TRIED,
    ]
    assert "401" in lines[ProbeStep.KEY].sentence and lines[ProbeStep.KEY].advice
    assert KEY not in str(lines)


async def test_a_missing_key_fails_if_one_is_needed(hall: LiveHall) -> None:
    assert (await lines_of(hall.url, None))[ProbeStep.KEY].mark is CheckResult.NO


async def test_public_reads_prove_no_key(hall: LiveHall) -> None:
    hall.hall.public_reads = True
    lines = await lines_of(hall.url, hall.key)
    assert lines[ProbeStep.KEY].mark is CheckResult.UNPROVEN and "without a key" in lines[ProbeStep.KEY].sentence


async def test_a_key_of_another_namespace_is_reported_and_the_right_one_proven_if_reads_require_it() -> None:
    for namespace, expected in (("org.yourco", CheckResult.YES), ("org.other", CheckResult.NO)):
        async with raw_server() as server:

            async def scoped(request: RawRequest, writer: object, mine: str = namespace) -> None:
                if request.target.startswith(("/health", "/api/v1/ban-list")):
                    said = json([]) if "ban" in request.target else json({"ok": True})
                elif "authorization" not in request.headers:
                    said = json({"error": "no key"}, "401 Unauthorized")
                elif f"/{mine}." in request.target:
                    said = json({"error": "no such worker"}, "404 Not Found")
                else:
                    said = json({"error": "another namespace"}, "403 Forbidden")
                writer.write(said)  # type: ignore[attr-defined]

            server.answer(scoped)
            lines = await lines_of(server.url)
            assert lines[ProbeStep.KEY].mark is CheckResult.YES
            assert lines[ProbeStep.NAMESPACE].mark is expected


async def test_a_missing_ban_list_is_reported_and_is_not_a_failure(hall: LiveHall) -> None:
    hall.hall.ban_list = False
    line = (await lines_of(hall.url, hall.key))[ProbeStep.BAN_LIST]
    assert line.mark is CheckResult.UNPROVEN and "no ban list" in line.sentence


async def test_the_count_of_a_truncated_list_is_not_a_total(hall: LiveHall) -> None:
    """F22."""
    for number in range(500):
        hall.store.ban_hash(f"{number:064x}", "malware")
    line = (await lines_of(hall.url, hall.key))[ProbeStep.BAN_LIST]
    assert line.mark is CheckResult.UNPROVEN
    assert line.sentence.startswith("At least 500 package hashes are banned. The list may be truncated")


async def test_a_portal_is_not_a_registry() -> None:
    """F17."""
    async with raw_server() as server:
        server.answer(answer(b"<html>Welcome to the hotel</html>", "200 OK", "Content-Type: text/html"))
        lines = await lines_of(server.url)
        assert lines[ProbeStep.REACH].mark is CheckResult.NO and lines[ProbeStep.BAN_LIST].mark is CheckResult.NOT_TRIED


async def test_a_redirect_is_reported_with_its_address_and_the_key_stays_here() -> None:
    """F14"""
    async with raw_server() as server:
        server.answer(answer(b"", "308 Permanent Redirect", "Location: https://new.example/health"))
        assert (await lines_of(server.url))[ProbeStep.REACH].new_url == "https://new.example"
        server.answer(answer(b"", "302 Found", "Location: https://sso.example/login"))
        assert (await lines_of(server.url))[ProbeStep.REACH].new_url is None


async def test_an_authority_that_is_not_trusted_is_named_and_one_in_ssl_cert_file_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """F12"""
    authority = trustme.CA(organization_name="Acme Company CA")
    certificate, key = tmp_path / "hall.pem", tmp_path / "hall.key"
    leaf = authority.issue_cert("127.0.0.1")
    leaf.private_key_pem.write_to_path(key)
    leaf.cert_chain_pems[0].write_to_path(certificate)
    with live_hall(certfile=certificate, keyfile=key) as hall:
        line = (await lines_of(hall.url, hall.key))[ProbeStep.TLS]
        assert line.mark is CheckResult.NO and "not trusted" in line.sentence and "Acme Company CA" in line.sentence
        authority.cert_pem.write_to_path(tmp_path / "company.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "company.pem"))
        assert marks(await lines_of(hall.url, hall.key))[:3] == [CheckResult.YES, CheckResult.YES, CheckResult.YES]


async def test_a_base_path_is_kept() -> None:
    """F13"""
    async with raw_server() as server:
        server.answer(json({"error": "nothing"}, "404 Not Found"))
        await lines_of(f"{server.url}/pyhall/")
        assert all(request.target.startswith("/pyhall/") for request in server.requests) and server.requests


async def test_plain_http_to_another_machine_is_refused_before_anything_is_sent() -> None:
    lines = await lines_of("http://registry.invalid")
    assert lines[ProbeStep.REACH].mark is CheckResult.NO and "unprotected" in lines[ProbeStep.REACH].sentence


async def test_on_its_own_thread_the_lines_come_too_and_it_can_be_left(hall: LiveHall) -> None:
    profile = Profile(name="acme", namespace="org.yourco", registry_url=hall.url)
    lines = [line.step async for line in probe_apart(profile, ApiKey(hall.key), SystemClock())]
    assert lines == list(ProbeStep)
    leaving = probe_apart(profile, ApiKey(hall.key), SystemClock())
    assert (await anext(leaving)).step is ProbeStep.REACH
    await leaving.aclose()
