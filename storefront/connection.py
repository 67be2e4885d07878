"""The gateway, as the settings name it."""

from clothing_retrieval import AsyncClient
from clothing_retrieval.calls import Deadlines
from clothing_retrieval.cli.tls import credentials
from storefront.settings import Settings


def open_client(settings: Settings) -> AsyncClient:
    """Raises clothing_retrieval.cli.stop.Stop: a TLS file cannot be used."""
    files = settings.gateway_tls_ca, settings.gateway_tls_certificate, settings.gateway_tls_key
    return AsyncClient(
        settings.gateway,
        api_key=settings.api_key.get_secret_value() or None,
        credentials=credentials(*files) if settings.gateway_tls or any(files) else None,
        deadlines=Deadlines(search_s=settings.gateway_timeout_s),
    )
