"""Where a service listens. Beyond this machine it needs TLS, or to be told that the network is trusted."""

import ipaddress
import socket

import grpc

from serving.settings import ServerSettings
from serving.tls import TlsError, TlsFiles, server_credentials


def open_port(server: grpc.aio.Server, settings: ServerSettings) -> str:
    """Binds a server to the address that its settings name. Returns it, with the port that was found.

    Raises:
        RuntimeError: the address cannot, or must not, be listened on.
    """
    listen = settings.listen
    tls = tls_of(settings)
    check_exposure(settings, "listen")
    try:
        if _answers(listen):  # grpc would take the path from a server that lives
            raise RuntimeError(listen)
        port = server.add_secure_port(listen, server_credentials(tls)) if tls else server.add_insecure_port(listen)
    except RuntimeError as error:
        raise RuntimeError(f"cannot listen on {listen}: is another process there already?") from error
    return listen if listen.startswith("unix:") else f"{listen.rpartition(':')[0]}:{port}"


def tls_of(settings: ServerSettings) -> TlsFiles | None:
    """Raises TlsError: the files cannot be used, or one is missing."""
    if settings.tls_certificate is None and settings.tls_key is None:
        if settings.tls_client_ca is None:
            return None
        raise TlsError(f"{_variable(settings, 'tls_client_ca')} needs {_variable(settings, 'tls_certificate')}, too")
    return TlsFiles(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)


def check_exposure(settings: ServerSettings, field: str) -> None:
    """Raises RuntimeError where the field's address is reached from other machines, without TLS, unasked."""
    listen = getattr(settings, field)
    if settings.tls_certificate or settings.plaintext or not is_exposed(listen):
        return
    raise RuntimeError(
        f"{_variable(settings, field)}={listen} is reached from other machines, and there is no TLS: set "
        f"{_variable(settings, 'tls_certificate')} and {_variable(settings, 'tls_key')}, or "
        f"{_variable(settings, 'plaintext')}=true where the network is trusted"
    )


def is_exposed(listen: str) -> bool:
    """Whether other machines reach it. A name counts as theirs, unless it is localhost."""
    if listen.startswith(("unix:", "unix-abstract:")):
        return False
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def _variable(settings: ServerSettings, field: str) -> str:
    return f"{settings.model_config.get('env_prefix', '')}{field}".upper()


def _answers(listen: str) -> bool:
    """Whether a process listens on a unix socket, of which a dead process leaves the file behind."""
    if not listen.startswith("unix:"):
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(listen.removeprefix("unix:"))
        except OSError:
            return False
        return True
