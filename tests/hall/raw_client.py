"""Speaks to a hall byte for byte, as a stranger may."""

import socket
from urllib.parse import urlsplit


def connect(url: str, timeout: float = 30.0) -> socket.socket:
    """Open a connection to a hall."""
    where = urlsplit(url)
    assert where.hostname is not None
    return socket.create_connection((where.hostname, where.port or 80), timeout=timeout)


def all_of(connection: socket.socket) -> bytes:
    """Read until the other end closes, politely or not."""
    read = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return read
        if not piece:
            return read
        read += piece


def tell(url: str, sent: bytes) -> bytes:
    """Send these bytes on their own connection; return everything until the hall closes it."""
    with connect(url) as connection:
        connection.sendall(sent)
        return all_of(connection)


def status_of(url: str, head: str) -> int:
    """Send one request, given by its head without the closing line; return the status of its answer."""
    answer = tell(url, head.encode("latin-1") + b"\r\nConnection: close\r\n\r\n")
    return int(answer.split(b" ", 2)[1])
