"""Which certificates we trust: the system's, and those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name."""

import asyncio
import contextlib
import os
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import truststore

from pyhall_tui.registry.meter import metered

_PROBE_SECONDS: Final = 5.0
_AT_ANY_TIME: Final = ssl.VerifyFlags(0x200000)
"""OpenSSL's `X509_V_FLAG_NO_CHECK_TIME`: expired certificates are decoded too."""


def trust_context(scheme: str = "https") -> tuple[ssl.SSLContext, tuple[str, ...]]:
    """Return a client's TLS context, and warnings about what could not be loaded, as sentences.

    For plain `http` it is empty, because reading the system's certificates takes about 40 ms.
    """
    if scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ()
    context = _system_context()
    warnings = []
    for variable, argument in (("SSL_CERT_FILE", "cafile"), ("SSL_CERT_DIR", "capath")):
        if not (path := os.environ.get(variable)):
            continue
        try:
            context.load_verify_locations(**{argument: path})
        except (OSError, ValueError) as error:  # ssl's own errors are among them
            reason = error.reason if isinstance(error, ssl.SSLError) else getattr(error, "strerror", "")
            said = (reason or "no certificates in it").replace("_", " ").lower()
            warnings.append(f"{variable} names {path!r}, which cannot be read: {said}.")
    if (folders := os.environ.get("SSL_CERT_DIR")) and not any(map(_holds_certificates, folders.split(os.pathsep))):
        warnings.append(
            f"SSL_CERT_DIR names {folders!r}, where no certificate has the name that OpenSSL looks for: run"
            " `openssl rehash` on it, or set SSL_CERT_FILE."
        )
    return context, tuple(warnings)


def _system_context() -> ssl.SSLContext:
    """Return a context that trusts what the system trusts.

    If OpenSSL itself finds the system's certificates, they are loaded once. `truststore` asks macOS and Windows, and
    elsewhere finds what OpenSSL does not, but it reads the whole bundle again for each handshake (28 ms).
    """
    found = ssl.get_default_verify_paths()
    if sys.platform in ("darwin", "win32") or not (found.cafile or _holds_certificates(found.capath)):
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_default_verify_paths()
    return context


def _holds_certificates(folder: str | None) -> bool:
    return folder is not None and any(Path(folder).glob("*.[0-9]"))


def sentence_for(error: ssl.SSLError, authority: str) -> str:
    """Return a sentence that says what is wrong with the TLS of the registry at `authority`."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        reason = (error.reason or str(error)).replace("_", " ").lower()
        if reason in ("wrong version number", "http request", "record layer failure", "packet length too long"):
            return f"{authority} does not use TLS: the address may need http:// or another port."
        return f"Could not connect securely to {authority}: {reason}."
    reason = (error.verify_message or str(error)).rstrip(".")
    if "expired" in reason:
        return f"The certificate of {authority} has expired."
    if "not yet valid" in reason:
        return f"The certificate of {authority} is not valid yet: is this machine's clock right?"
    if "not valid for" in reason or "mismatch" in reason:
        return f"The certificate of {authority} is for another host: {reason}."
    return f"The certificate of {authority} is not trusted: {reason}."


async def issuer_of(base_url: str, proxy: str | None) -> str | None:
    """Return who issued the certificate that the registry shows, or None if that can't be found out.

    Makes two handshakes and hangs up after each: nothing is sent, neither the key nor a request. The first accepts any
    certificate; the second trusts only that one, because only then does the ssl module decode it.
    """
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_PROBE_SECONDS):
            blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            blind.check_hostname = False
            blind.verify_mode = ssl.CERT_NONE
            shown = (await _handshake(base_url, proxy, blind)).getpeercert(binary_form=True)
            pinned = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            pinned.check_hostname = False
            pinned.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _AT_ANY_TIME
            pinned.load_verify_locations(cadata=shown)
            decoded: Mapping[str, Any] = (await _handshake(base_url, proxy, pinned)).getpeercert() or {}
            names = {key: value for part in decoded.get("issuer", ()) for key, value in part}
            return names.get("commonName") or names.get("organizationName")
    return None


class _ShookHands(Exception):
    """Ends a probe's request before anything is sent."""


async def _handshake(base_url: str, proxy: str | None, context: ssl.SSLContext) -> ssl.SSLObject:
    found: list[ssl.SSLObject] = []

    async def hang_up(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("start_tls.complete"):
            found.append(info["return_value"].get_extra_info("ssl_object"))
        if event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
            raise _ShookHands

    async with metered(httpx.AsyncHTTPTransport(verify=context, trust_env=False, proxy=proxy)) as transport:
        with contextlib.suppress(_ShookHands):
            await transport.handle_async_request(httpx.Request("GET", base_url, extensions={"trace": hang_up}))
    return found[-1]
