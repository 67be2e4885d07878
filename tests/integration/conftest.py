from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engines import write_embedder, write_parser
from tests.search_calls import BACKENDS, Service, started
from tests.stack import Stack, running


@pytest.fixture(scope="session")
def known_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder whose answers are known: a parser by colour, an embedder of mean colours."""
    folder = tmp_path_factory.mktemp("models")
    write_parser(folder)
    write_embedder(folder)
    return folder


@pytest.fixture
async def stack(known_models: Path, tmp_path: Path) -> AsyncIterator[Stack]:
    async with running(known_models, tmp_path / "data") as started:
        yield started


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def service(tmp_path: Path, backend: str) -> AsyncIterator[Service]:
    async with started(tmp_path, backend=backend) as service:
        yield service
