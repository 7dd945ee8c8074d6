"""HTTPS for the sandboxes: a certificate for this machine alone, and a listener that decrypts.

Some clients know no other address than `https://…` (simple-salesforce is one). With `Certificate.make()` they
run as they are, once they trust `Certificate.authority`: `REQUESTS_CA_BUNDLE` or `SSL_CERT_FILE` for Python,
`NODE_EXTRA_CA_CERTS` for Node.js, `--cacert` for curl.
"""

from __future__ import annotations

import contextlib
import ipaddress
import selectors
import socket
import ssl
import tempfile
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LASTS = timedelta(days=30)
# Python checks certificates strictly since 3.13 (RFC 5280): one that signs has to say so.
_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
_CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate for localhost and 127.0.0.1: `authority` is the file (PEM) to trust, `context` serves."""

    authority: Path
    context: ssl.SSLContext

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Makes a new one that lasts a month, and writes what to trust into the folder."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = _signed(key)
        folder.mkdir(parents=True, exist_ok=True)
        authority = folder / "closedloop-sandbox.pem"
        authority.write_bytes(public)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        # The key stays in this file only for as long as it takes to read it.
        with tempfile.NamedTemporaryFile() as both:
            both.write(private + public)
            both.flush()
            context.load_cert_chain(both.name)
        return cls(authority=authority, context=context)

    def decrypting(self, listener: socket.socket, *, to_port: int) -> Decrypting:
        """What takes encrypted connections on a socket for the server at a port of this machine."""
        return Decrypting(self.context, listener, to_port=to_port)


def _signed(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A certificate that signs itself: it can vouch for nobody else."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Closed Loop sandbox")])
    now = datetime.now(UTC)
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LASTS)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


class Decrypting:
    """Takes encrypted connections and hands what they say to the port of a server on this machine."""

    def __init__(self, context: ssl.SSLContext, listener: socket.socket, *, to_port: int) -> None:
        self._context = context
        self._listener = listener
        self._to_port = to_port
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="tls", daemon=True)

    def start(self) -> None:
        """Begins to take connections."""
        self._listener.listen()
        self._thread.start()

    def stop(self) -> None:
        """Takes no more, and closes those that are open."""
        # Only shutting it down wakes the thread that waits for the next connection.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        if self._thread.ident is not None:
            self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], name="tls-one", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            with (
                self._context.wrap_socket(connection, server_side=True) as outside,
                socket.create_connection(("127.0.0.1", self._to_port)) as inside,
            ):
                outside.settimeout(None)
                self._remember(outside, inside)
                try:
                    _relay(outside, inside)
                finally:
                    self._forget(outside, inside)

    def _remember(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._open.update(sockets)

    def _forget(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._open.difference_update(sockets)


def _relay(outside: ssl.SSLSocket, inside: socket.socket) -> None:
    """Carries bytes both ways until either side ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(outside, selectors.EVENT_READ)
        selector.register(inside, selectors.EVENT_READ)
        while True:
            # What was decrypted already does not make the socket readable.
            ready = [outside] if outside.pending() else [key.fileobj for key, _ in selector.select()]
            for side in ready:
                other = inside if side is outside else outside
                said = side.recv(_CHUNK)  # type: ignore[union-attr]
                if not said:
                    return
                other.sendall(said)
