import os
import ssl
import urllib.request
from pathlib import Path

import grpc
import pytest

from serving import telemetry
from serving.settings import ServerSettings
from serving.tls import TlsError, TlsFiles
from tests.certificates import Authority, exchange
from tests.servers import AT_ONCE, free_port, health, serving
from tests.unit.serving.scripted import ScriptedWorker, embed


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


def secure(address: str, credentials: grpc.ChannelCredentials) -> grpc.aio.Channel:
    return grpc.aio.secure_channel(address, credentials)


async def refused(channel: grpc.aio.Channel) -> str:
    """Why a call did not get through at all."""
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await embed(channel, timeout=20)
    assert seen.value.code() is grpc.StatusCode.UNAVAILABLE
    return str(seen.value.details())


async def test_a_server_with_a_certificate_answers_by_tls(authority: Authority) -> None:
    settings = ServerSettings(**AT_ONCE | authority.server("server", mutual=False))
    async with (
        serving(ScriptedWorker(), settings) as address,
        secure(address, authority.client()) as channel,
    ):
        await embed(channel)
        assert await health(channel) == "SERVING"


async def test_plaintext_to_a_tls_port_is_refused(authority: Authority) -> None:
    settings = ServerSettings(**AT_ONCE | authority.server("server", mutual=False))
    async with (
        serving(ScriptedWorker(), settings) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await refused(channel)


async def test_an_expired_certificate_is_refused_by_its_caller(authority: Authority) -> None:
    settings = ServerSettings(**AT_ONCE | authority.server("server", expired=True, mutual=False))
    async with (
        serving(ScriptedWorker(), settings) as address,
        secure(address, authority.client()) as channel,
    ):
        assert "CERTIFICATE_VERIFY_FAILED" in await refused(channel)


async def test_mutual_tls_refuses_who_has_no_certificate_or_anothers_or_an_expired_one(
    authority: Authority, tmp_path: Path
) -> None:
    settings = ServerSettings(**AT_ONCE | authority.server("server"))
    strange = Authority(tmp_path / "theirs").client("stranger", trusting=authority.file)
    async with serving(ScriptedWorker(), settings) as address:
        async with secure(address, authority.client("caller")) as channel:
            await embed(channel)
        for credentials in (authority.client(), strange, authority.client("late", expired=True)):
            async with secure(address, credentials) as channel:
                await refused(channel)


async def test_a_certificate_is_exchanged_without_a_restart(authority: Authority, tmp_path: Path) -> None:
    settings = ServerSettings(**AT_ONCE | authority.server("server", expired=True, mutual=False))
    async with serving(ScriptedWorker(), settings) as address:
        async with secure(address, authority.client()) as channel:
            await refused(channel)
        authority.issue("server")
        async with secure(address, authority.client()) as channel:
            await embed(channel)


async def test_half_an_exchange_leaves_the_certificate_from_before(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ServerSettings(**AT_ONCE | authority.server("server", mutual=False))
    other_key = authority.issue("other")[1]
    async with serving(ScriptedWorker(), settings) as address:
        assert settings.tls_key is not None
        other_key.replace(settings.tls_key)
        async with secure(address, authority.client()) as channel:
            await embed(channel)
    assert "still using the certificates from before" in caplog.text


@pytest.mark.parametrize("missing", ["tls_certificate", "tls_key"])
async def test_a_certificate_without_its_key_does_not_start(authority: Authority, missing: str) -> None:
    settings = ServerSettings(**AT_ONCE | authority.server("server") | {missing: None})
    with pytest.raises(TlsError, match="name both files"):
        async with serving(ScriptedWorker(), settings):
            pass


def test_files_that_cannot_be_used_are_named(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("server")
    other_key = authority.issue("other")[1]
    for chain, its_key, ca, named in (
        (tmp_path / "none.pem", key, None, "none.pem"),
        (certificate, other_key, None, "other.key"),
        (certificate, key, key, f"{key}"),
    ):
        with pytest.raises(TlsError, match=named):
            TlsFiles(chain, its_key, ca)


def test_what_the_files_hold_is_the_same_until_they_change(authority: Authority) -> None:
    certificate, key = authority.issue("server")
    files = TlsFiles(certificate, key, None)
    first = files.current()
    assert files.current() is first
    os.utime(key)
    assert files.current() is not first


def test_metrics_are_served_by_tls_too_with_a_certificate_that_is_exchanged(authority: Authority) -> None:
    port = free_port()
    settings = ServerSettings(
        metrics_listen=f"127.0.0.1:{port}", **authority.server("server", expired=True, mutual=False)
    )
    telemetry.serve_metrics(settings)
    trusting = ssl.create_default_context(cafile=authority.file)
    with pytest.raises(OSError, match="expired"):
        urllib.request.urlopen(f"https://127.0.0.1:{port}/metrics", context=trusting, timeout=20)
    authority.issue("server")
    with urllib.request.urlopen(f"https://127.0.0.1:{port}/metrics", context=trusting, timeout=20) as response:
        assert b"clothing_rpc_calls" in response.read()


def test_metrics_are_told_to_whom_the_authorities_of_the_moment_vouch_for(authority: Authority, tmp_path: Path) -> None:
    port = free_port()
    telemetry.serve_metrics(ServerSettings(metrics_listen=f"127.0.0.1:{port}", **authority.server("server")))
    theirs, trusted = Authority(tmp_path / "theirs"), authority.file.read_text()

    def answered(issuer: Authority) -> bool:
        context = ssl.create_default_context(cadata=trusted)
        context.load_cert_chain(*issuer.issue("prometheus"))
        try:
            urllib.request.urlopen(f"https://127.0.0.1:{port}/metrics", context=context, timeout=20).close()
        except OSError:
            return False
        return True

    assert (answered(authority), answered(theirs)) == (True, False)
    exchange(authority.file, theirs.file.read_bytes())
    assert (answered(authority), answered(theirs)) == (False, True)
