"""Certificates of an authority made for a test, in files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import trustme


class Authority:
    """Issues certificates into a folder, for 127.0.0.1 unless said otherwise."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._ca = trustme.CA()
        self.file = folder / f"{name}.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def issue(self, name: str, *, expired: bool = False, host: str = "127.0.0.1") -> tuple[Path, Path]:
        """The files of a certificate and its key: new ones in the place of those of this name."""
        until = datetime.now(UTC) - timedelta(days=1) if expired else None
        since = datetime.now(UTC) - timedelta(days=2) if expired else None
        issued = self._ca.issue_cert(host, not_before=since, not_after=until)
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        exchange(certificate, b"".join(each.bytes() for each in issued.cert_chain_pems))
        exchange(key, issued.private_key_pem.bytes())
        return certificate, key

    def server(self, name: str, *, expired: bool = False, mutual: bool = True) -> dict[str, Any]:
        """Settings of a server."""
        certificate, key = self.issue(name, expired=expired)
        return {"tls_certificate": certificate, "tls_key": key} | ({"tls_client_ca": self.file} if mutual else {})

    def client(self, name: str = "", *, trusting: Path | None = None, expired: bool = False) -> grpc.ChannelCredentials:
        """What a caller shows, if it has a name, and whom it trusts."""
        shown = [path.read_bytes() for path in self.issue(name, expired=expired)] if name else [None, None]
        certificate, key = shown
        return grpc.ssl_channel_credentials((trusting or self.file).read_bytes(), key, certificate)


def exchange(path: Path, content: bytes) -> None:
    """Puts a file in the place of another at once."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)
