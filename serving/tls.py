"""TLS by files, which are read again when they change: certificates live shorter than processes."""

import logging
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

import grpc

from serving.files import Stamp, stamp

log = logging.getLogger(__name__)


class TlsError(RuntimeError):
    """The files cannot be used. The message says which, and why."""


@dataclass(frozen=True)
class Pem:
    """What the files hold; empty where there is none."""

    certificate: bytes
    key: bytes
    authorities: bytes


class TlsFiles:
    """A certificate chain with its key, and the authorities that the other side's certificate must come from.

    All are PEM. Safe to use from several threads.
    """

    def __init__(self, certificate: Path | None, key: Path | None, authorities: Path | None) -> None:
        """Raises TlsError: a certificate without its key, or a file that cannot be used."""
        if (certificate is None) != (key is None):
            raise TlsError("a certificate needs its key, and a key its certificate: name both files")
        self.certificate = certificate
        self.key = key
        self.authorities = authorities
        self._lock = threading.Lock()
        self._stamps = self._look()
        self._pem = self._read()

    def current(self) -> Pem:
        """What the files hold: the same object until they change.

        Where they do not fit together, as while they are being exchanged, what they held before stays in use.
        """
        with self._lock:
            stamps = self._look()
            if stamps != self._stamps:
                self._stamps = stamps
                try:
                    self._pem = self._read()
                    log.info("using new certificates from %s", self.certificate or self.authorities)
                except TlsError as problem:
                    log.warning("still using the certificates from before: %s", problem)
            return self._pem

    def server_context(self) -> ssl.SSLContext:
        """For a server of Python's own. Who connects meets what the files hold by then, the authorities included."""
        used, newest = self.current(), self._context()

        def refresh(connection: ssl.SSLObject, _: object, __: object) -> None:
            nonlocal used, newest
            if (pem := self.current()) is not used:
                used, newest = pem, self._context()
            connection.context = newest

        newest.sni_callback = refresh
        return newest

    def _read(self) -> Pem:
        self._context()
        try:
            certificate, key, authorities = (
                path.read_bytes() if path else b"" for path in (self.certificate, self.key, self.authorities)
            )
        except OSError as error:
            raise TlsError(f"cannot read {error.filename}: {error.strerror}") from error
        return Pem(certificate, key, authorities)

    def _context(self) -> ssl.SSLContext:
        """Python's own reader tells what is wrong with files; grpc's does not."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key)
        except OSError as error:  # an SSLError is one
            raise TlsError(f"cannot use {self.certificate} with {self.key}: {error}") from error
        try:
            if self.authorities:
                context.load_verify_locations(self.authorities)
                context.verify_mode = ssl.CERT_REQUIRED
        except OSError as error:
            raise TlsError(f"cannot use {self.authorities}: {error}") from error
        return context

    def _look(self) -> list[Stamp | None]:
        return [stamp(path) for path in (self.certificate, self.key, self.authorities) if path]


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """For a server, which looks at the files whenever somebody connects.

    With authorities, callers must show a certificate that comes from them.
    """
    used = files.current()

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        nonlocal used
        if (pem := files.current()) is used:
            return None
        used = pem
        return _configuration(pem)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(used),
        fetch,  # type: ignore[arg-type]  # None, for no change, is missing in the stubs
        bool(files.authorities),
    )


def channel_credentials(pem: Pem) -> grpc.ChannelCredentials:
    """For a channel. Without authorities, those that grpc brings."""
    return grpc.ssl_channel_credentials(pem.authorities or None, pem.key or None, pem.certificate or None)


def _configuration(pem: Pem) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pem.key, pem.certificate)], pem.authorities or None)
