"""Asks a server the same simple question over and over: `python -m bench.asker URL TOKEN TIMES`.

Plain sockets and no parsing beyond the length: what it costs itself must not be what is measured. Prints the
seconds it took.
"""

from __future__ import annotations

import socket
import sys
import time
from urllib.parse import urlsplit


def ask(url: str, token: str, times: int) -> float:
    """The seconds that so many requests over one connection took; fails on any answer but 200."""
    asked = urlsplit(url)
    path = f"{asked.path or '/'}?{asked.query}" if asked.query else asked.path or "/"
    question = (
        f"GET {path} HTTP/1.1\r\nHost: {asked.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    with socket.create_connection((asked.hostname or "", asked.port or 0)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        exchange(connection, question)
        started = time.perf_counter()
        for _ in range(times):
            exchange(connection, question)
        return time.perf_counter() - started


def exchange(connection: socket.socket, question: bytes) -> None:
    """Sends a request and reads the answer to its end; fails on any but 200."""
    connection.sendall(question)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _more(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(head.partition(b"\r\n")[0].decode())
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += _more(connection)


def _more(connection: socket.socket) -> bytes:
    if received := connection.recv(65536):
        return received
    raise SystemExit("the server closed the connection before its answer was whole")


if __name__ == "__main__":
    sys.stdout.write(f"{ask(sys.argv[1], sys.argv[2], int(sys.argv[3]))}\n")
