import asyncio
import re
from pathlib import Path

import pytest

from clothing_retrieval.cli import main
from serving.settings import ServerSettings
from tests.certificates import Authority
from tests.deployment import SERVICES, is_setting, stages
from tests.servers import AT_ONCE, REPOSITORY, serving
from tests.unit.serving.scripted import ScriptedWorker

STAGES = stages()
IMAGES = (*SERVICES, "segment-mmseg")
OURS = ("PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "HOME")


def lineage(name: str) -> list[str]:
    """The stages that an image is made of, the last first."""
    return [name, *lineage(STAGES[name].base)] if name in STAGES else [name]


def test_what_comes_from_elsewhere_is_pinned_by_version_and_digest() -> None:
    elsewhere = {stage.base for stage in STAGES.values()} - {*STAGES, "scratch"}
    assert elsewhere
    assert all(re.fullmatch(r"[a-z/]+:\d+\.\d+\.\d+[a-z-]*@sha256:[0-9a-f]{64}", image) for image in elsewhere)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_as_nobody_in_particular_and_asks_for_its_health(image: str) -> None:
    assert STAGES[image].user == "10001"
    assert STAGES[image].command == ("clothing-retrieval", "serve", image.partition("-")[0])
    assert STAGES[image].healthcheck == ("clothing-retrieval", "probe", "127.0.0.1:50050")


async def test_its_health_is_asked_for_by_mutual_tls_where_the_environment_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("segment", host="segment")
    by_tls = {"tls_certificate": certificate, "tls_key": key, "tls_client_ca": authority.file}
    _, *check, _ = STAGES["segment"].healthcheck

    async def exit_code(address: str) -> object:
        with pytest.raises(SystemExit) as left:
            await asyncio.to_thread(main, [*check, address])
        return left.value.code

    async with serving(ScriptedWorker(), ServerSettings(**AT_ONCE | by_tls)) as address:
        assert await exit_code(address) == 1
        monkeypatch.setenv("CLOTHING_RETRIEVAL_TLS_CA", str(authority.file))
        monkeypatch.setenv("CLOTHING_RETRIEVAL_TLS_CERTIFICATE", str(certificate))
        monkeypatch.setenv("CLOTHING_RETRIEVAL_TLS_KEY", str(key))
        assert await exit_code(address) == 1
        monkeypatch.setenv("CLOTHING_RETRIEVAL_SERVER_NAME", "segment")
        assert await exit_code(address) == 0


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_no_compiler_and_only_its_own_torch(image: str) -> None:
    own = [arguments for stage in lineage(image) if stage in STAGES for _, arguments in STAGES[stage].instructions]
    assert not [arguments for arguments in own if "g++" in arguments]
    assert ("--from=packages-mmseg /venv /venv" in own) == (image == "segment-mmseg")


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_sets_only_variables_that_its_service_reads(image: str) -> None:
    variables = [name for name in STAGES[image].environment if name not in OURS]
    assert variables
    assert [name for name in variables if not is_setting(name)] == []
    assert {name.partition("_")[0].lower() for name in variables} == {image.partition("-")[0]}


def test_every_package_of_the_services_is_in_the_image_and_may_be_sent_to_the_engine() -> None:
    packages = {
        "clothing_retrieval",
        "serving",
        "gateway",
        *(f"{name}_service" for name in ("segment", "embed", "search")),
    }
    copied = {arguments.split()[0] for _, arguments in STAGES["sources"].instructions}
    assert copied == packages
    allowed = {line.removeprefix("!") for line in (REPOSITORY / ".dockerignore").read_text().splitlines()}
    assert packages | {"models", "pyproject.toml", "README.md", "LICENSE"} <= allowed
