from pathlib import Path

import grpc
import pytest

from clothing_retrieval.cli.stop import Stop
from storefront.connection import open_client
from storefront.settings import Settings
from tests.certificates import Authority
from tests.fake_gateway import FakeGateway


async def test_the_gateway_is_called_by_mutual_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("gateway")
    credentials = grpc.ssl_server_credentials(
        [(key.read_bytes(), certificate.read_bytes())], authority.file.read_bytes(), require_client_auth=True
    )
    own_certificate, own_key = authority.issue("storefront")
    with FakeGateway(credentials=credentials) as gateway:
        trusting = {"gateway": gateway.target, "gateway_tls_ca": authority.file}
        known = Settings(**trusting, gateway_tls_certificate=own_certificate, gateway_tls_key=own_key)
        async with open_client(known) as client:
            await client.wait_ready(10)
            assert [collection.name for collection in await client.list_collections()] == ["default"]


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Stop, match=r"none\.pem"):
        open_client(Settings(gateway_tls_ca=tmp_path / "none.pem"))
