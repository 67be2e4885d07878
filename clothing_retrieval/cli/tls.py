"""What a call by TLS needs, from files."""

import ssl
from pathlib import Path

import grpc

from clothing_retrieval.cli.stop import Stop


def credentials(ca: Path | None, certificate: Path | None, key: Path | None) -> grpc.ChannelCredentials:
    """Without ``ca``, the authorities that are well known. Raises Stop: a file cannot be used."""
    if (certificate is None) != (key is None):
        raise Stop("--tls-certificate and --tls-key belong together: give both")
    context = ssl.create_default_context()  # says what is wrong with a file; grpc would only say that it can't connect
    try:
        if ca:
            context.load_verify_locations(ca)
        if certificate:
            context.load_cert_chain(certificate, key)
        authorities, chain, private = (path.read_bytes() if path else None for path in (ca, certificate, key))
    except OSError as error:
        files = ", ".join(str(path) for path in (ca, certificate, key) if path)
        raise Stop(f"cannot use {files} for TLS: {error}") from error
    return grpc.ssl_channel_credentials(authorities, private, chain)
