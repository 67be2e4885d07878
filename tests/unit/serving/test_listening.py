import pytest
from pydantic_settings import SettingsConfigDict

from serving import listening
from serving.settings import ServerSettings
from serving.tls import TlsError
from tests.servers import AT_ONCE, serving
from tests.unit.serving.scripted import ScriptedWorker


class Settings(ServerSettings):
    model_config = SettingsConfigDict(env_prefix="TAILOR_")


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:0", "127.8.9.1:50050", "localhost:50050", "[::1]:50050", "unix:/tmp/socket"]
)
def test_what_only_this_machine_reaches_is_not_exposed(listen: str) -> None:
    assert not listening.is_exposed(listen)


@pytest.mark.parametrize("listen", ["0.0.0.0:50050", "[::]:50050", "10.1.2.3:50050", "segment:50050", "[fd00::1]:1"])
def test_what_others_reach_is_exposed(listen: str) -> None:
    assert listening.is_exposed(listen)


async def test_nothing_listens_beyond_this_machine_without_tls_unasked() -> None:
    with pytest.raises(RuntimeError, match=r"TAILOR_LISTEN=0\.0\.0\.0:0 .*other machines.*TAILOR_PLAINTEXT"):
        async with serving(ScriptedWorker(), Settings(**AT_ONCE | {"listen": "0.0.0.0:0"})):
            pass


async def test_it_does_where_the_network_is_trusted() -> None:
    async with serving(ScriptedWorker(), Settings(**AT_ONCE | {"listen": "0.0.0.0:0"}, plaintext=True)) as address:
        assert address.startswith("0.0.0.0:")


def test_metrics_are_held_to_the_same() -> None:
    with pytest.raises(RuntimeError, match="TAILOR_METRICS_LISTEN"):
        listening.check_exposure(Settings(metrics_listen="0.0.0.0:9090"), "metrics_listen")


def test_client_certificates_need_a_servers_own(tmp_path: object) -> None:
    with pytest.raises(TlsError, match="TAILOR_TLS_CLIENT_CA needs TAILOR_TLS_CERTIFICATE"):
        listening.tls_of(Settings(tls_client_ca=f"{tmp_path}/ca.pem"))
