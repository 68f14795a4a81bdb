"""Digests for the names of files."""

try:  # as the standard library's `random` does: hashlib loads OpenSSL, which takes long for the first frame
    from _sha2 import sha256  # type: ignore[import-not-found]
except ImportError:
    try:
        from _sha256 import sha256  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import sha256


def name_digest(text: str, digits: int) -> str:
    """Return the first hex digits of a text's SHA-256."""
    digest: str = sha256(text.encode(errors="surrogatepass")).hexdigest()
    return digest[:digits]
